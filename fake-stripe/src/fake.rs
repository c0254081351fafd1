//! The fake, as a test or a demo holds it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    clock::Clock,
    error::ApiError,
    fault::{Fault, WebhookFault},
    objects::Visit,
    operation::Operation,
    params::Params,
    table::{Object, Table},
    webhook::{PendingWebhook, Sender},
    wire::Door,
    world::{Call, Due, World},
};

/// A Stripe that misbehaves, listening on a port of this machine. Clones are the same one; it stops
/// when the last of them is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use fake_stripe::{FakeStripe, Fault, Operation};
///
/// let stripe = FakeStripe::start().await?;
/// // Point a client of Stripe at it, …
/// let (_url, _key) = (stripe.url(), stripe.secret_key());
/// // … and let its next capture time out, although the money was taken.
/// stripe.fail(Operation::CapturePaymentIntent, Fault::HangAfter, 1);
/// assert!(stripe.calls().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FakeStripe(Arc<Running>);

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    sender: Sender,
    url: String,
    secret_key: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// How a [`FakeStripe`] is started.
#[derive(Debug, Clone)]
pub struct Builder {
    address: SocketAddr,
    clock: Clock,
    seed: Option<u64>,
    secret_key: String,
}

/// An endpoint that listens for webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct Listening {
    /// Its id: `we_…`.
    pub id: String,
    /// What its webhooks are signed with: `whsec_…`.
    pub secret: String,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why the fake did not let a customer, or their bank, do something.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The status that the API would have answered with: 402 for a card that was refused.
    pub status: u16,
    /// The error as the API would have told it, with `code`, `decline_code` and `message`.
    pub error: Value,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.error.get("message").and_then(Value::as_str).unwrap_or("refused"))
    }
}

impl std::error::Error for Refused {}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { status: error.status(), error: error.object() }
    }
}

/// What requests, webhooks and the handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    wake: Notify,
    idle: Notify,
    /// How often held requests were let go on.
    released: watch::Sender<u64>,
    sending: AtomicBool,
}

impl Shared {
    // A request that panicked left at worst one object half changed, and its test fails anyway.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Changes when requests that are held by now may go on.
    pub(crate) fn released(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }

    pub(crate) fn set_sending(&self, sending: bool) {
        self.sending.store(sending, Ordering::SeqCst);
    }

    pub(crate) fn tell_idle(&self) {
        self.idle.notify_waiters();
    }

    pub(crate) fn release(&self) {
        self.released.send_modify(|times| *times += 1);
    }

    fn is_idle(&self) -> bool {
        let world = self.world();
        !world.is_delivery_due() && !self.sending.load(Ordering::SeqCst)
    }
}

impl Builder {
    /// Listens here instead of on a free port of this machine.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Draws ids from this seed, so that they are the same every time; else they differ every time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Lets the clock stand at this time, in seconds since 1970, until it is put forward by
    /// [`FakeStripe::advance`]; else it runs. Webhooks are signed with the time of a clock that
    /// stands.
    pub fn clock_at(mut self, seconds: i64) -> Self {
        self.clock = Clock::standing(seconds);
        self
    }

    /// Answers to this key, which begins with `sk_`.
    pub fn secret_key(mut self, key: impl Into<String>) -> Self {
        self.secret_key = key.into();
        self
    }

    /// Starts it on the tokio runtime of the caller.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(self) -> io::Result<FakeStripe> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(io::Error::other)?,
        };
        let listener = TcpListener::bind(self.address).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut world = World::new(self.clock, seed, self.secret_key.clone());
        world.url.clone_from(&url);
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            wake: Notify::new(),
            idle: Notify::new(),
            released: watch::Sender::new(0),
            sending: AtomicBool::new(false),
        });
        let router = crate::routes::router(Arc::clone(&shared));
        let sender = Sender::new();
        let server = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<crate::wire::Cut>();
            // It serves until it is aborted.
            let _ = axum::serve(Door(listener), service).await;
        });
        let webhooks = tokio::spawn(sender.clone().run(Arc::clone(&shared)));
        let tasks = vec![server, webhooks];
        let secret_key = self.secret_key;
        Ok(FakeStripe(Arc::new(Running { shared, sender, url, secret_key, tasks })))
    }
}

impl FakeStripe {
    /// Starts one on a free port of this machine, on the tokio runtime of the caller. Its clock runs.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Says how one is started.
    pub fn builder() -> Builder {
        Builder {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::running(),
            seed: None,
            secret_key: "sk_test_fake".to_owned(),
        }
    }

    /// Where it listens: `http://127.0.0.1:…`, without a slash at the end. The API is under `/v1`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The key that it answers to.
    pub fn secret_key(&self) -> &str {
        &self.0.secret_key
    }

    /// The key with which a customer's browser may confirm an intent whose client secret it has.
    pub fn publishable_key(&self) -> String {
        self.0.secret_key.replacen("sk_", "pk_", 1)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.shared.world()
    }

    /// Does something to the world, and lets what follows from it happen.
    fn act<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let done = {
            let mut world = self.world();
            world.catch_up();
            act(&mut world)
        };
        self.0.shared.wake();
        done
    }

    // What goes wrong.

    /// Lets an operation meet a fault so many times. Faults are met in the order in which they were
    /// added.
    pub fn fail(&self, operation: Operation, fault: Fault, times: usize) {
        self.world().faults.add(Some(operation), fault, times);
    }

    /// Lets whatever is asked next meet a fault so many times.
    pub fn fail_any(&self, fault: Fault, times: usize) {
        self.world().faults.add(None, fault, times);
    }

    /// Lets the webhooks of the next events of a type, or of any type for `*`, meet a fault.
    pub fn fail_webhook(&self, kind: &str, fault: WebhookFault, times: usize) {
        self.world().faults.add_webhook(kind, fault, times);
    }

    /// Forgets the faults that were not met.
    pub fn heal(&self) {
        self.world().faults.clear();
    }

    /// Lets every request that is held go on.
    pub fn release(&self) {
        self.0.shared.release();
    }

    // Time.

    /// The time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.world().now()
    }

    /// Puts the clock forward, and does what was due by then: pages and holds lapse, debits settle,
    /// refunds come back, webhooks are tried again, keys are forgotten.
    pub fn advance(&self, by: Duration) {
        self.act(|world| {
            world.clock.advance(by);
            world.catch_up();
        });
    }

    // What customers and banks do.

    /// A customer confirms a payment intent or a setup intent with a card: `pm_card_visa`.
    ///
    /// # Errors
    /// When the card is refused, or the state of the intent does not allow it.
    pub fn confirm(&self, intent: &str, card: &str) -> Result<Value, Refused> {
        let mut params = Params::of([("payment_method", card.to_owned())]);
        self.act(|world| {
            if intent.starts_with("seti_") {
                return Ok(world.confirm_setup(intent, &mut params)?);
            }
            Ok(world.confirm(intent, &mut params)?)
        })
    }

    /// A customer answers their bank about an intent that requires action, rightly or wrongly.
    ///
    /// # Errors
    /// When the card is refused afterwards, or nothing was asked.
    pub fn authenticate(&self, intent: &str, succeeds: bool) -> Result<(), Refused> {
        self.act(|world| {
            if intent.starts_with("seti_") {
                return Ok(world.authenticate_setup(intent, succeeds)?);
            }
            Ok(world.authenticate(intent, succeeds)?)
        })
    }

    /// A customer pays on a hosted page with a card, by its number or its name: `pm_card_visa`.
    /// Answers where their browser is sent next: to the shop, or to their bank's page.
    ///
    /// # Errors
    /// When the card is refused, or the page is done.
    pub fn pay_session(&self, session: &str, card: &str) -> Result<String, Refused> {
        let visit = self.act(|world| world.pay_session(session, card, None, None))?;
        match visit {
            Visit::Done { url } | Visit::Asked { url } => Ok(url),
        }
    }

    /// Lets a bank debit or a pending refund come to its end at once; says whether it was still to.
    pub fn settle(&self, id: &str) -> bool {
        let id = id.to_owned();
        self.act(|world| {
            [Due::Settle(id.clone()), Due::SucceedRefund(id.clone()), Due::FailRefund(id)]
                .iter()
                .any(|due| world.hasten(due))
        })
    }

    /// A customer disputes a charge as fraudulent. Answers the dispute's id.
    ///
    /// # Errors
    /// When the charge was not captured, or is disputed already.
    pub fn dispute(&self, charge: &str) -> Result<String, Refused> {
        self.act(|world| Ok(world.dispute(charge, "fraudulent", false)?))
    }

    /// The bank decides about a dispute.
    ///
    /// # Errors
    /// When it is decided already.
    pub fn decide_dispute(&self, dispute: &str, won: bool) -> Result<(), Refused> {
        self.act(|world| world.decide_dispute(dispute, won).map(drop).map_err(Refused::from))
    }

    /// A refund that succeeded comes back.
    pub fn fail_refund(&self, refund: &str) {
        self.act(|world| world.fail_refund(refund));
    }

    // Webhooks.

    /// Sends events of these types, or of all for `*`, to an address from now on.
    pub fn listen(&self, url: &str, events: &[&str]) -> Listening {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let (id, secret) = self.act(|world| world.add_endpoint(url, events, None));
        Listening { id, secret }
    }

    /// As [`listen`](Self::listen), with a secret that the shop knows before it has an address. Answers
    /// the endpoint's id.
    pub fn listen_with(&self, url: &str, events: &[&str], secret: &str) -> String {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        self.act(|world| world.add_endpoint(url, events, Some(secret.to_owned()))).0
    }

    /// Gives an endpoint a new secret. For a day its webhooks are signed with the old one, too.
    ///
    /// # Errors
    /// When there is no such endpoint.
    pub fn roll_secret(&self, endpoint: &str) -> Result<String, Refused> {
        self.act(|world| Ok(world.roll_secret(endpoint)?))
    }

    /// Holds webhooks back, so that a test can [`deliver`](Self::deliver) them in any order, as often
    /// as it likes, or never; or sends those that were held.
    pub fn hold_webhooks(&self, hold: bool) {
        self.act(|world| world.webhooks_held = hold);
    }

    /// The webhooks that wait, in the order in which they would be sent.
    pub fn pending_webhooks(&self) -> Vec<PendingWebhook> {
        self.world().pending_webhooks()
    }

    /// Sends the webhooks of an event now, whether or not they were sent before, and waits for their
    /// answers: the status of each, and `None` where there was no answer.
    pub async fn deliver(&self, event: &str) -> Vec<Option<u16>> {
        let deliveries = self.world().deliveries_of(event);
        let mut statuses = Vec::new();
        for delivery in deliveries {
            statuses.push(self.0.sender.send(&self.0.shared, delivery).await);
        }
        statuses
    }

    /// Waits until no webhook is under way or due.
    pub async fn webhooks_sent(&self) {
        loop {
            let idle = self.0.shared.idle.notified();
            tokio::pin!(idle);
            // Waits for what comes after this line, even if it comes before the next.
            idle.as_mut().enable();
            if self.0.shared.is_idle() {
                return;
            }
            self.0.shared.wake();
            idle.await;
        }
    }

    // What happened.

    /// Every request that was understood, the first one first.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The object with an id, as the API would show it; an event or an endpoint is none.
    pub fn object(&self, id: &str) -> Option<Value> {
        self.act(|world| world.object(id))
    }

    /// Every payment intent, oldest first.
    pub fn payment_intents(&self) -> Vec<Value> {
        self.act(|world| all(&world.intents))
    }

    /// Every charge, oldest first, those that were refused too.
    pub fn charges(&self) -> Vec<Value> {
        self.act(|world| all(&world.charges))
    }

    /// Every refund, oldest first, what was let go of uncaptured too.
    pub fn refunds(&self) -> Vec<Value> {
        self.act(|world| all(&world.refunds))
    }

    /// Every dispute, oldest first.
    pub fn disputes(&self) -> Vec<Value> {
        self.act(|world| all(&world.disputes))
    }

    /// Every hosted page, oldest first.
    pub fn checkout_sessions(&self) -> Vec<Value> {
        self.act(|world| all(&world.sessions))
    }

    /// Every event, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.act(|world| all(&world.events))
    }

    /// What customers paid and did not get back, by currency, in Stripe's minor units: the other
    /// side of a shop's books. Disputes are left out.
    pub fn kept(&self, currency: &str) -> i64 {
        self.act(|world| {
            let taken: i64 = world
                .charges
                .iter()
                .filter(|charge| charge.currency == currency && charge.status == "succeeded")
                .map(|charge| charge.amount_captured)
                .sum();
            let given: i64 = world
                .refunds
                .iter()
                .filter(|refund| refund.currency == currency && refund.status != "failed")
                // What was let go of was never taken.
                .filter(|refund| refund.balance_transaction.is_some())
                .map(|refund| refund.amount)
                .sum();
            taken - given
        })
    }
}

fn all<T: Object>(table: &Table<T>) -> Vec<Value> {
    table.iter().map(Object::json).collect()
}
