//! The store: reads from a pool, writes by one task.

use std::sync::Arc;

use crate::{
    error::OpenError,
    gather::Checkouts,
    listen::Listening,
    open::OpenOptions,
    query::similar::Trigrams,
    readers::{Readers, read},
    table::{cart, category, customer, journal, order, product, shop, token, variant, webhook},
    writer::Writer,
};
use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    cart::{Cart, CheckoutInputs},
    catalog::{Category, Sellable},
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    order::OrderInputs,
    shop::Setup,
    store::{
        ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerRef, Due, OrderRef,
        OutboxEntry, Outcome, OutcomeKey, ProductInputs, ProductRef, Purge, Store, StoreResult,
        Subscription, VariantRef, WebhookRef,
    },
    text::Label,
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};

/// A shop in a PostgreSQL database, which any number of servers may have open at once.
///
/// It is cheap to clone, and clones are the same store. It works on the Tokio runtime on which it was
/// opened, whoever waits for it: that may be another executor. When the last clone goes, what was asked of it is still written; [`close`](Self::close)
/// waits for that.
#[derive(Debug, Clone)]
pub struct PgStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// For what is looked for by key: each statement is planned once.
    records: Arc<Readers>,
    /// Those who read carts that are to be checked out, on the connections for records.
    checkouts: Checkouts,
    /// For lists: each statement is planned for its values.
    lists: Arc<Readers>,
    /// What tells similar names, if the database has it.
    trigrams: Option<Trigrams>,
    writer: Writer,
    listening: Listening,
}

impl PgStore {
    /// Opens a shop's database, or makes it, in the schema `commerce`; see [`OpenOptions`] for all
    /// that can be said.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the database.
    pub async fn open(address: &str) -> std::result::Result<Self, OpenError> {
        OpenOptions::default().open(address).await
    }

    /// How a shop's database can be opened otherwise.
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }

    pub(crate) fn start(
        records: Arc<Readers>,
        lists: Arc<Readers>,
        trigrams: Option<Trigrams>,
        writer: Writer,
        listening: Listening,
    ) -> Self {
        let checkouts = Checkouts::start(&records);
        Self { inner: Arc::new(Inner { records, checkouts, lists, trigrams, writer, listening }) }
    }

    /// Waits until what was asked of it is written, and closes its connections. Whatever is asked of
    /// any of its clones from then on is refused.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.inner.listening.stop();
        self.inner.records.close();
        self.inner.lists.close();
    }

    fn records(&self) -> &Arc<Readers> {
        &self.inner.records
    }

    pub(crate) fn lists(&self) -> &Arc<Readers> {
        &self.inner.lists
    }

    pub(crate) fn trigrams(&self) -> Option<Trigrams> {
        self.inner.trigrams.clone()
    }
}

#[async_trait]
impl Store for PgStore {
    async fn setup(&self) -> StoreResult<Option<Setup>> {
        read!(self.records(), |connection| shop::setup(connection))
    }

    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>> {
        let by = by.clone();
        read!(self.records(), |connection| product::product(connection, &by))
    }

    async fn product_with_setup(
        &self,
        by: &ProductRef,
    ) -> StoreResult<Option<(Setup, ProductInputs)>> {
        let by = by.clone();
        read!(self.records(), |connection| product::with_setup(connection, &by))
    }

    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>> {
        let by = by.clone();
        read!(self.records(), |connection| variant::sellable(connection, &by))
    }

    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>> {
        let variants = variants.to_vec();
        read!(self.records(), |connection| variant::sellables(connection, &variants))
    }

    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>> {
        let by = by.clone();
        read!(self.records(), |connection| category::category(connection, &by))
    }

    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>> {
        read!(self.records(), |connection| category::categories(connection))
    }

    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
        read!(self.records(), |connection| cart::cart(connection, id))
    }

    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>> {
        read!(self.records(), |connection| cart::open_cart(connection, customer))
    }

    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>> {
        self.inner.checkouts.inputs(cart, also.to_vec()).await
    }

    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
        let by = by.clone();
        read!(self.records(), |connection| order::order(connection, &by))
    }

    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>> {
        let by = by.clone();
        read!(self.records(), |connection| customer::customer(connection, &by))
    }

    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>> {
        let by = *by;
        read!(self.records(), |connection| token::api_token(connection, &by))
    }

    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>> {
        let by = by.clone();
        read!(self.records(), |connection| webhook::webhook(connection, &by))
    }

    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
        let key = key.clone();
        read!(self.records(), |connection| journal::outcome(connection, &key))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>> {
        read!(self.lists(), |connection| journal::due(connection, now, limit))
    }

    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>> {
        read!(self.lists(), |connection| journal::outbox(connection, after, limit))
    }

    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>> {
        let name = name.clone();
        read!(self.records(), |connection| token::subscription(connection, &name))
    }

    async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        let answer = self.inner.writer.commit(commit).await;
        if commit.tells() && matches!(answer, Ok(()) | Err(CommitError::OutcomeUnknown(_))) {
            self.inner.listening.ring();
        }
        answer
    }

    fn bell(&self) -> Bell {
        self.inner.listening.bell()
    }

    async fn ready(&self) -> StoreResult<()> {
        read!(self.records(), |connection| shop::writable(connection))
    }

    async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        // Each of its statements stands alone; and a step that was done is not counted twice, because
        // it finds nothing left.
        let purge = *purge;
        let mut forgotten = 0;
        loop {
            let step = read!(self.lists(), |connection| journal::purge(connection, &purge))?;
            forgotten += step;
            if step == 0 {
                break Ok(forgotten);
            }
        }
    }
}
