//! A store with a fault that can be chosen.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    cart::{Cart, CartStatus, CheckoutInputs},
    catalog::{Category, Sellable},
    customer::Customer,
    event::Event,
    id::{CartId, CustomerId, VariantId},
    inventory::{Location, Movement},
    money::Money,
    order::OrderInputs,
    payment::Payment,
    search::words,
    shop::Setup,
    store::{
        ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerQuery, CustomerRef, Due,
        MovementFilter, OrderQuery, OrderRef, OutboxEntry, Outcome, OutcomeKey, Page, PageRequest,
        PaymentItem, PaymentQuery, ProductInputs, ProductQuery, ProductRef, Purge, Queries, Record,
        RecordKey, StockFilter, StockItem, Store, StoreError, StoreResult, Subscription,
        VariantRef, WebhookQuery, WebhookRef, Write,
    },
    text::{IdempotencyKey, Label},
    time::Timestamp,
    version::{Version, Versioned},
    webhook::Webhook,
};

use super::Fault;

/// A store with one fault.
#[derive(Debug)]
pub(crate) struct Faulty<S> {
    fault: Fault,
    store: S,
    /// The outcomes by key alone, for [`Fault::IgnoresTheScope`].
    by_key: Mutex<HashMap<IdempotencyKey, Outcome>>,
    /// The carts as they were first read, for [`Fault::ReadsOldState`].
    first_read: Mutex<HashMap<CartId, Versioned<Cart>>>,
    /// Whether it was purged, for [`Fault::ForgetsOpenCarts`].
    purged: AtomicBool,
    /// Whether it was purged, for [`Fault::ForgetsParkedWebhooks`].
    forgot_all_webhooks: AtomicBool,
    /// How many have looked at a version before they write, for [`Fault::ChecksThenWrites`].
    looked: AtomicUsize,
}

impl<S: Store + Queries> Faulty<S> {
    pub(crate) fn new(fault: Fault, store: S) -> Self {
        Self {
            fault,
            store,
            by_key: Mutex::default(),
            first_read: Mutex::default(),
            purged: AtomicBool::new(false),
            forgot_all_webhooks: AtomicBool::new(false),
            looked: AtomicUsize::new(0),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Looks whether a version is the expected one, and then writes, whatever it is by then.
    async fn check_then_write(
        &self,
        expected: Version,
        new: &Subscription,
    ) -> Result<(), CommitError> {
        let version = |found: &Option<Versioned<_>>| found.as_ref().map(|it| it.version);
        let mut found = self.store.subscription(&new.name).await.unwrap();
        if version(&found) != Some(expected) {
            return Err(CommitError::Conflict(RecordKey::Subscription(new.name.clone())));
        }
        // The fault shows once two have looked before either writes, so the first one waits for a
        // second; where there is none, as in most cases, not for long.
        self.looked.fetch_add(1, Ordering::SeqCst);
        let patience = Instant::now() + Duration::from_millis(500);
        while self.looked.load(Ordering::SeqCst) < 2 && Instant::now() < patience {
            std::thread::yield_now();
        }
        while let Some(old) = &found {
            let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
            commit.replace(old, new.clone());
            if self.store.commit(&commit).await.is_ok() {
                return Ok(());
            }
            found = self.store.subscription(&new.name).await.unwrap();
        }
        Ok(())
    }

    fn aged(&self, cart: Versioned<Cart>) -> Versioned<Cart> {
        if self.is(Fault::RoundsTimes) {
            let seconds = cart.updated_at.as_millis().div_euclid(1_000);
            let updated_at = Timestamp::from_millis(seconds * 1_000).unwrap();
            return Versioned::new(cart.version, Cart { updated_at, ..(*cart.value).clone() });
        }
        if self.is(Fault::ForgetsVersions) {
            return Versioned::new(Version::FIRST, cart.value);
        }
        if self.is(Fault::ReadsOldState) {
            let mut first_read = self.first_read.lock().unwrap_or_else(PoisonError::into_inner);
            return first_read.entry(cart.id).or_insert(cart).clone();
        }
        cart
    }
}

/// The payments that a commit writes.
fn payments(commit: &Commit) -> impl Iterator<Item = &Payment> {
    commit.writes().iter().filter_map(|write| match write {
        Write::Insert(Record::Payment(it)) | Write::Replace { new: Record::Payment(it), .. } => {
            Some(&**it)
        }
        _ => None,
    })
}

/// Whether the bound that a payment breaks is the one that is not looked at.
fn passes(fault: Fault, payment: &Payment) -> bool {
    let [amount, authorized, released, captured, refunded] =
        [payment.amount, payment.authorized, payment.released, payment.captured, payment.refunded]
            .map(Money::minor);
    match fault {
        Fault::TakesLessThanNothing => {
            [authorized, released, captured, refunded].iter().any(|it| *it < 0)
        }
        Fault::GivesTooMuchBack => refunded + payment.being_refunded().minor() > captured,
        Fault::TakesTooMuch => captured + released > authorized,
        Fault::SetsTooMuchAside => authorized > amount,
        _ => false,
    }
}

#[async_trait]
impl<S: Store + Queries> Store for Faulty<S> {
    async fn setup(&self) -> StoreResult<Option<Setup>> {
        self.store.setup().await
    }

    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>> {
        self.store.product(by).await
    }

    async fn product_with_setup(
        &self,
        by: &ProductRef,
    ) -> StoreResult<Option<(Setup, ProductInputs)>> {
        self.store.product_with_setup(by).await
    }

    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>> {
        let found = self.store.variant(by).await?;
        match by {
            VariantRef::Sku(sku) if found.is_none() && self.is(Fault::FoldsCase) => {
                let folded = VariantRef::Sku(sku.to_lowercase().as_str().try_into().unwrap());
                self.store.variant(&folded).await
            }
            _ => Ok(found),
        }
    }

    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>> {
        self.store.sellables(variants).await
    }

    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>> {
        self.store.category(by).await
    }

    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>> {
        self.store.categories().await
    }

    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
        let forgotten = self.purged.load(Ordering::SeqCst);
        let found = self.store.cart(id).await?.map(|cart| self.aged(cart));
        Ok(found.filter(|cart| !(forgotten && cart.status == CartStatus::Open)))
    }

    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>> {
        Ok(self.store.open_cart(customer).await?.map(|cart| self.aged(cart)))
    }

    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>> {
        let also = if self.is(Fault::LeavesOutVariants) { &[] } else { also };
        self.store.checkout_inputs(cart, also).await
    }

    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
        let mut found = self.store.order(by).await?;
        if let Some(inputs) = &mut found
            && self.is(Fault::DropsAPayment)
        {
            inputs.payments.truncate(1);
        }
        Ok(found)
    }

    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>> {
        self.store.customer(by).await
    }

    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>> {
        self.store.api_token(by).await
    }

    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>> {
        let forgotten = self.forgot_all_webhooks.load(Ordering::SeqCst);
        let found = self.store.webhook(by).await?;
        Ok(found.filter(|webhook| !(forgotten && webhook.due_at.is_some())))
    }

    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
        let mut found = self.store.outcome(key).await?;
        if self.is(Fault::LosesOutcomes) {
            found = None;
        }
        if let Some(outcome) = &mut found
            && self.is(Fault::RewritesOutcomes)
        {
            let value: serde_json::Value = serde_json::from_slice(&outcome.body).unwrap();
            outcome.body = serde_json::to_vec(&value).unwrap();
        }
        Ok(found)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>> {
        let early = Duration::from_millis(u64::from(self.is(Fault::IsEarly)));
        let limit = if self.is(Fault::IgnoresLimits) { usize::MAX } else { limit };
        self.store.due(now.saturating_add(early), limit).await
    }

    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>> {
        let mut entries = self.store.outbox(after, limit).await?;
        for entry in &mut entries {
            if self.is(Fault::LosesAnEvent) {
                entry.events.pop();
            }
            if self.is(Fault::LosesLowStock) {
                entry.events.retain(|event| !matches!(event, Event::StockLow { .. }));
            }
        }
        Ok(entries)
    }

    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>> {
        self.store.subscription(name).await
    }

    fn bell(&self) -> Bell {
        if self.is(Fault::NeverRings) { Bell::default() } else { self.store.bell() }
    }

    async fn commit(&self, commit: &Commit) -> Result<(), CommitError> {
        if let Some(outcome) = commit.outcome()
            && self.is(Fault::IgnoresTheScope)
        {
            let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = by_key.get(&outcome.key.key) {
                return Err(CommitError::AlreadyDone(found.clone().into()));
            }
            by_key.insert(outcome.key.key.clone(), outcome.clone());
        }
        if let [Write::Replace { expected, new: Record::Subscription(new), .. }] = commit.writes()
            && self.is(Fault::ChecksThenWrites)
        {
            return self.check_then_write(*expected, new).await;
        }
        match (self.store.commit(commit).await, self.fault) {
            (Err(CommitError::Malformed(_)), fault)
                if payments(commit).any(|it| passes(fault, it)) =>
            {
                Ok(())
            }
            (Err(CommitError::Short(_)), Fault::IgnoresFloors)
            | (Err(CommitError::Conflict(_)), Fault::IgnoresConflicts)
            | (Err(CommitError::Taken(_)), Fault::IgnoresUniqueKeys) => Ok(()),
            (Err(error), Fault::AppliesHalf) => {
                let mut half = Commit::at(commit.time());
                for change in commit.moves() {
                    half.stock(change.clone());
                }
                let _ = self.store.commit(&half).await;
                Err(error)
            }
            (answer, _) => answer,
        }
    }

    async fn ready(&self) -> StoreResult<()> {
        self.store.ready().await?;
        if self.is(Fault::IsNeverReady) { Err(StoreError::unavailable("never")) } else { Ok(()) }
    }

    async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        self.purged.store(self.is(Fault::ForgetsOpenCarts), Ordering::SeqCst);
        self.forgot_all_webhooks.store(self.is(Fault::ForgetsParkedWebhooks), Ordering::SeqCst);
        self.store.purge(purge).await
    }
}

#[async_trait]
impl<S: Store + Queries> Queries for Faulty<S> {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        let mut query = query.clone();
        if self.is(Fault::IgnoresCursors) {
            query.page.after = None;
        }
        if self.is(Fault::IgnoresZero) {
            query.filter.max_price = query.filter.max_price.filter(|price| *price != 0);
        }
        let wanted = match self.fault {
            Fault::CountsInactiveLocations => query.filter.in_stock.take(),
            _ => None,
        };
        let mut page = self.store.products(&query).await?;
        if let (Some(wanted), Some(setup)) = (wanted, self.store.setup().await?) {
            let opened = |place: &Versioned<Location>| {
                let location = Location { active: true, ..(*place.value).clone() };
                Versioned::new(place.version, location)
            };
            let all: Vec<_> = setup.locations.iter().map(opened).collect();
            page.items.retain(|inputs| inputs.in_stock(&all) == wanted);
        }
        Ok(page)
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        let mut page = self.store.orders(query).await?;
        if self.is(Fault::SkipsAtPages) && query.page.after.is_some() && page.items.len() > 1 {
            page.items.remove(0);
        }
        Ok(page)
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        let mut query = query.clone();
        if self.is(Fault::ListsAllPayments) {
            query.created_before = Timestamp::MAX;
        }
        self.store.payments(&query).await
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        let mut query = query.clone();
        if self.is(Fault::ListsAllWebhooks) {
            query.status = None;
        }
        self.store.webhooks(&query).await
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        let mut query = query.clone();
        if self.is(Fault::LooksForOneWord) {
            query.text = query.text.map(|text| words(&text).take(1).collect());
        }
        self.store.customers(&query).await
    }

    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        let mut page = self.store.api_tokens(page).await?;
        if self.is(Fault::HidesWithdrawnTokens) {
            page.items.retain(|token| token.revoked_at.is_none());
        }
        Ok(page)
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        self.store.stock(filter, page).await
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        let mut page = self.store.movements(filter, page).await?;
        if self.is(Fault::ForgetsMovements) {
            page.items.retain(|row| row.delta > 0);
        }
        Ok(page)
    }
}
