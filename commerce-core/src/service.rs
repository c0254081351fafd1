//! The facade: every operation of a shop, from the request to the answer.
//!
//! Each one goes the same way: read what it needs in one snapshot, let the domain decide, commit.
//! If somebody else was faster, it reads and decides again; if it was done before under the same
//! key, the first answer is given.

mod asking;
mod cart;
mod catalog;
mod checkout;
mod customer;
mod import;
mod inventory;
mod lease;
mod method;
mod operation;
mod order;
mod payment;
mod reconcile;
mod relay;
mod shop;
mod sweep;
mod token;
mod webhook;

pub use cart::CreatedCart;
pub use checkout::PlacedView;
pub use inventory::{StockLevelView, StockView};
pub use lease::Lease;
pub use relay::{Relayed, Subscriber};
pub use sweep::Swept;
pub use token::{CreatedToken, TokenView};
pub use webhook::WebhookReceipt;

use std::{collections::BTreeMap, fmt::Debug, ops::Deref, pin::Pin, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    access::{Actor, Caller},
    error::{Error, Rejection},
    gateway::{ManualGateway, PaymentGateway},
    id::Moment,
    inputs::{Clock, IdSource},
    inventory::{Allocate, ByPriority},
    json,
    secret::{Digest, Secret},
    shop::Setup,
    store::{CommitError, Decision, Outcome, OutcomeKey, Queries, Store, UniqueKey},
    text::{GatewayName, IdempotencyKey},
    time::Timestamp,
};

/// A shop: the domain over a store, a clock, a source of ids and payment gateways.
///
/// It is cheap to clone, and clones are the same shop.
#[derive(Debug, Clone)]
pub struct Commerce {
    store: Arc<dyn Store>,
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    gateways: Arc<BTreeMap<GatewayName, Arc<dyn PaymentGateway>>>,
    strategy: Arc<dyn Allocate>,
    asking: asking::Asking,
}

/// The answer of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// The answer.
    pub output: T,
    /// Whether it is the answer of an earlier request with the same key, and nothing was done now.
    pub replayed: bool,
}

impl<T> Deref for Done<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.output
    }
}

/// One try of an operation: what it reads and decides.
type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<Decision<T>, Error>> + Send + 'a>>;

impl Commerce {
    /// How often an operation is decided again when others keep changing the same records.
    pub const ATTEMPTS_MAX: usize = 64;
    /// The fewest characters of an idempotency key of somebody without a secret. Nobody else's
    /// request may be answered with what such a key remembers, so it must not be guessed.
    pub const ANONYMOUS_KEY_MIN: usize = 16;

    /// A shop over a store, with the `manual` gateway and stock taken by priority of location.
    pub fn new<S: Store + Queries>(store: S, clock: impl Clock, ids: impl IdSource) -> Self {
        let store = Arc::new(store);
        Self::over(store.clone(), store, clock, ids)
    }

    /// As [`new`](Self::new), over a store whose lists are kept apart from it, as by a search engine, or
    /// mocked.
    pub fn over(
        store: Arc<dyn Store>,
        queries: Arc<dyn Queries>,
        clock: impl Clock,
        ids: impl IdSource,
    ) -> Self {
        Self {
            store,
            queries,
            clock: Arc::new(clock),
            ids: Arc::new(ids),
            gateways: Arc::default(),
            strategy: Arc::new(ByPriority),
            asking: asking::Asking::default(),
        }
        .with_gateway(ManualGateway)
    }

    /// The shop with another payment gateway, or one in the place of that of the same name.
    #[must_use]
    pub fn with_gateway(mut self, gateway: impl PaymentGateway) -> Self {
        Arc::make_mut(&mut self.gateways).insert(gateway.name(), Arc::new(gateway));
        self
    }

    /// Whether there is a payment gateway of this name.
    pub fn has_gateway(&self, name: &GatewayName) -> bool {
        self.gateways.contains_key(name)
    }

    /// The names of the payment gateways that there are, whether or not the shop offers them.
    pub fn gateways(&self) -> impl Iterator<Item = &GatewayName> {
        self.gateways.keys()
    }

    /// The shop with another way to choose the locations that a line is taken from.
    #[must_use]
    pub fn with_strategy(mut self, strategy: impl Allocate) -> Self {
        self.strategy = Arc::new(strategy);
        self
    }

    /// The shop as it is at another clock. The shop that it was made from keeps its own; both have
    /// the same store.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The store below, for what the facade does not offer.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The lists below, for what the facade does not offer.
    pub fn queries(&self) -> &Arc<dyn Queries> {
        &self.queries
    }

    /// A fresh moment: the time now and ids that never came before. For embedders who call the
    /// domain's functions themselves.
    pub fn moment(&self) -> Moment {
        let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.ids.bytes();
        Moment::new(self.clock.now(), seed)
    }

    fn secret(&self) -> Secret {
        Secret::new(self.ids.bytes())
    }

    async fn setup(&self) -> Result<Setup, Error> {
        self.store.setup().await?.ok_or(Error::Rejected(Rejection::NotFound { what: "shop" }))
    }

    /// Runs an operation: tries it until its commit holds, or it is refused, or others were faster
    /// too often.
    ///
    /// `request` is what a repetition under the same key must have in common with the first.
    async fn run<'a, T>(
        &self,
        caller: &Caller,
        request: &(dyn Debug + Sync),
        attempt: impl Fn(Moment) -> Attempt<'a, T> + Sync,
    ) -> Result<Done<T>, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        let key = caller.key.as_ref().map(|key| remembered(caller, key, request)).transpose()?;
        let mut moment = self.moment();
        for _ in 0..Self::ATTEMPTS_MAX {
            let mut decision = match attempt(moment.clone()).await {
                Ok(decision) => decision,
                // Perhaps it is refused only because it was done before.
                Err(error @ Error::Rejected(_)) => {
                    return match &key {
                        Some(key) => self.replay(key).await?.ok_or(error),
                        None => Err(error),
                    };
                }
                Err(error) => return Err(error),
            };
            decision.commit.check_size()?;
            match &key {
                Some(key) => remember(&mut decision, key, moment.now())?,
                None if decision.commit.is_empty() => {
                    return Ok(Done { output: decision.output, replayed: false });
                }
                None => {}
            }
            match self.store.commit(&decision.commit).await {
                Ok(()) => return Ok(Done { output: decision.output, replayed: false }),
                Err(CommitError::AlreadyDone(outcome)) => {
                    let fingerprint = key.as_ref().map(|(_, fingerprint)| fingerprint);
                    return replayed(&outcome, fingerprint);
                }
                Err(CommitError::Conflict(_) | CommitError::Short(_)) => {}
                Err(CommitError::Taken(UniqueKey::OrderNumber(_))) => moment = self.moment(),
                // Somebody else was faster; what they wrote is seen at the next try.
                Err(CommitError::Taken(
                    UniqueKey::OpenCart(_)
                    | UniqueKey::OrderOfCart(_)
                    | UniqueKey::WebhookEvent(..),
                )) => {}
                Err(CommitError::Taken(unique)) => {
                    let (what, value) = unique.describe();
                    let taken = Error::Rejected(Rejection::Taken { what, value });
                    return match &key {
                        Some(key) => self.replay(key).await?.ok_or(taken),
                        None => Err(taken),
                    };
                }
                Err(CommitError::Malformed(why)) => return Err(internal(why)),
                Err(CommitError::Unavailable(error)) => return Err(error.into()),
                Err(CommitError::OutcomeUnknown(error)) => {
                    let unknown = Error::OutcomeUnknown(error.into());
                    let Some(key) = &key else { return Err(unknown) };
                    return match self.replay(key).await {
                        Ok(Some(done)) => Ok(done),
                        Err(reused @ Error::Rejected(_)) => Err(reused),
                        Ok(None) | Err(_) => Err(unknown),
                    };
                }
            }
        }
        Err(Error::Contention)
    }

    /// As `run`, for what a shop does by itself: nobody asks for it again, and nothing is remembered.
    async fn run_alone<'a, T>(
        &self,
        attempt: impl Fn(Moment) -> Attempt<'a, T> + Sync,
    ) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        Ok(self.run(&Caller::system(), &(), attempt).await?.output)
    }

    /// What was answered to the same request before.
    async fn replayed_to<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        request: &(dyn Debug + Sync),
    ) -> Result<Option<Done<T>>, Error> {
        match &caller.key {
            Some(key) => self.replay(&remembered(caller, key, request)?).await,
            None => Ok(None),
        }
    }

    async fn replay<T: DeserializeOwned>(
        &self,
        (key, fingerprint): &(OutcomeKey, Digest),
    ) -> Result<Option<Done<T>>, Error> {
        match self.store.outcome(key).await? {
            Some(outcome) => replayed(&outcome, Some(fingerprint)).map(Some),
            None => Ok(None),
        }
    }
}

/// Where the outcome of a request is remembered, and the digest that tells it from another.
fn remembered(
    caller: &Caller,
    key: &IdempotencyKey,
    request: &(dyn Debug + Sync),
) -> Result<(OutcomeKey, Digest), Rejection> {
    if caller.actor == Actor::Anonymous && key.len() < Commerce::ANONYMOUS_KEY_MIN {
        let min = Commerce::ANONYMOUS_KEY_MIN;
        let detail = format!("must have at least {min} characters where nobody is signed in");
        return Err(Rejection::invalid("/headers/Idempotency-Key", detail));
    }
    Ok((OutcomeKey { scope: caller.scope(), key: key.clone() }, fingerprint(request)))
}

/// The digest that tells a request from another.
fn fingerprint(request: &dyn Debug) -> Digest {
    // `Debug` tells a field that is absent from one that is null, which JSON does not.
    Digest::of(format!("{request:?}").as_bytes())
}

/// Puts the answer of a decision among what its commit writes.
fn remember<T: Serialize>(
    decision: &mut Decision<T>,
    (key, fingerprint): &(OutcomeKey, Digest),
    at: Timestamp,
) -> Result<(), Error> {
    let body = json::encode(&decision.output).map_err(internal)?;
    let outcome = Outcome { key: key.clone(), fingerprint: *fingerprint, body, at };
    decision.commit.remember(outcome);
    Ok(())
}

fn replayed<T: DeserializeOwned>(
    outcome: &Outcome,
    fingerprint: Option<&Digest>,
) -> Result<Done<T>, Error> {
    if fingerprint != Some(&outcome.fingerprint) {
        return Err(Rejection::KeyReused.into());
    }
    let output = json::decode(&outcome.body).map_err(internal)?;
    Ok(Done { output, replayed: true })
}

fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Internal(error.into())
}
