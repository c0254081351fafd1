//! A store in memory, for tests and for shops that need not survive their process.

mod query;
mod state;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;

use self::state::State;
use super::{
    ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerRef, Due, OrderRef, OutboxEntry,
    Outcome, OutcomeKey, ProductInputs, ProductRef, Purge, RecordKey, Stop, Store, StoreResult,
    Subscription, UniqueKey, VariantRef, WebhookRef, apply,
};
use crate::{
    access::ApiToken,
    cart::{Cart, CheckoutInputs},
    catalog::{Category, Sellable},
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    order::OrderInputs,
    shop::Setup,
    text::Label,
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};

/// A store in memory: [`apply`] over maps, behind one lock.
///
/// It keeps every promise of a [`Store`] but durability: what it holds ends with it. Lists and
/// searches look at every record.
///
/// ```
/// use commerce_core::store::{MemoryStore, Store};
/// # pollster(async {
/// let store = MemoryStore::new();
/// assert!(store.setup().await.unwrap().is_none());
/// # });
/// # fn pollster(future: impl Future<Output = ()>) {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     assert!(future.as_mut().poll(&mut context).is_ready());
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
    bell: Bell,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic while the lock is held cannot leave a commit half done: all that can fail happens
    // before the first change. So a poisoned lock is as good as any.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn setup(&self) -> StoreResult<Option<Setup>> {
        Ok(self.read().setup())
    }

    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>> {
        Ok(self.read().product_by(by))
    }

    async fn product_with_setup(
        &self,
        by: &ProductRef,
    ) -> StoreResult<Option<(Setup, ProductInputs)>> {
        let state = self.read();
        Ok(state.setup().zip(state.product_by(by)))
    }

    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>> {
        let state = self.read();
        Ok(match by {
            VariantRef::Id(id) => state.sellable(*id),
            VariantRef::Sku(sku) => match state.holder(&UniqueKey::Sku(sku.clone())) {
                Some(RecordKey::Variant(id)) => state.sellable(*id),
                _ => None,
            },
        })
    }

    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>> {
        Ok(self.read().sellables(variants.iter().copied()))
    }

    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>> {
        let state = self.read();
        Ok(match by {
            CategoryRef::Id(id) => state.get(&RecordKey::Category(*id)),
            CategoryRef::Slug(slug) => state.get_by(&UniqueKey::CategorySlug(slug.clone())),
        })
    }

    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>> {
        Ok(self.read().all(RecordKey::Category).collect())
    }

    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
        Ok(self.read().get(&RecordKey::Cart(id)))
    }

    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>> {
        Ok(self.read().get_by(&UniqueKey::OpenCart(customer)))
    }

    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>> {
        let state = self.read();
        let (Some(setup), Some(cart)) = (state.setup(), state.get::<Cart>(&RecordKey::Cart(cart)))
        else {
            return Ok(None);
        };
        let wanted = cart.lines.iter().map(|line| line.variant_id).chain(also.iter().copied());
        let sellables = state.sellables(wanted);
        Ok(Some(CheckoutInputs { setup, cart, sellables }))
    }

    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
        let state = self.read();
        Ok(match by {
            OrderRef::Id(id) => state.order(*id),
            OrderRef::Number(number) => {
                match state.holder(&UniqueKey::OrderNumber(number.clone())) {
                    Some(RecordKey::Order(id)) => state.order(*id),
                    _ => None,
                }
            }
            OrderRef::Payment(id) => state.order_of(*id),
            OrderRef::Reference(gateway, reference) => {
                let key = UniqueKey::PaymentReference(gateway.clone(), reference.clone());
                match state.holder(&key) {
                    Some(RecordKey::Payment(id)) => state.order_of(*id),
                    _ => None,
                }
            }
        })
    }

    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>> {
        let state = self.read();
        Ok(match by {
            CustomerRef::Id(id) => state.get(&RecordKey::Customer(*id)),
            CustomerRef::Email(email) => {
                state.get_by(&UniqueKey::CustomerEmail(email.normalized()))
            }
            CustomerRef::ExternalId(id) => state.get_by(&UniqueKey::CustomerExternalId(id.clone())),
        })
    }

    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>> {
        let state = self.read();
        Ok(match by {
            ApiTokenRef::Id(id) => state.get(&RecordKey::ApiToken(*id)),
            ApiTokenRef::Digest(digest) => state.get_by(&UniqueKey::ApiToken(*digest)),
        })
    }

    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>> {
        let state = self.read();
        Ok(match by {
            WebhookRef::Id(id) => state.get(&RecordKey::Webhook(*id)),
            WebhookRef::Event(gateway, event) => {
                state.get_by(&UniqueKey::WebhookEvent(gateway.clone(), event.clone()))
            }
        })
    }

    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
        Ok(self.read().outcomes.get(key).cloned())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>> {
        let state = self.read();
        let due = state.due.iter().take_while(|(at, _)| *at <= now).take(limit);
        Ok(due.map(|(_, due)| *due).collect())
    }

    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>> {
        let state = self.read();
        let entries = state.outbox.range(after.saturating_add(1)..).take(limit);
        Ok(entries.map(|(_, entry)| entry.clone()).collect())
    }

    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>> {
        Ok(self.read().get(&RecordKey::Subscription(name.clone())))
    }

    async fn commit(&self, commit: &Commit) -> Result<(), CommitError> {
        {
            let mut state = self.write();
            match apply(&mut *state, commit) {
                Ok(effects) => state.keep(commit, effects),
                Err(Stop::Refused(refusal)) => return Err(refusal.into()),
                Err(Stop::Failed(never)) => match never {},
            }
        }
        if commit.tells() {
            self.bell.ring();
        }
        Ok(())
    }

    fn bell(&self) -> Bell {
        self.bell.clone()
    }

    async fn ready(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        Ok(self.write().purge(purge))
    }
}
