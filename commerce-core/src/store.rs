//! The storage port: read in one snapshot, decide in the domain, commit all or nothing.
//!
//! A store keeps [`Record`]s, each with a [`Version`](crate::version::Version); stock levels, which
//! only ever move; the outbox of [`Event`]s; and the [`Outcome`]s of operations that carried an
//! idempotency key. Everything is changed by one method, [`Store::commit`], and what a commit means
//! is written once, in [`apply`]: a store finds out what the commit asks about, calls it, and keeps
//! what it answers.

mod apply;
mod bell;
mod commit;
mod error;
mod memory;
mod query;
mod record;

pub use apply::{Effects, Refusal, Stop, View, apply};
pub use bell::{Bell, Listener};
pub use commit::{Commit, Decision, Outcome, OutcomeKey, Write};
pub use error::{CommitError, StoreError, StoreResult};
pub use memory::MemoryStore;
#[cfg(feature = "mocks")]
pub use query::MockQueries;
pub use query::{
    Cursor, CursorKey, CustomerQuery, MovementFilter, OrderFilter, OrderQuery, Page, PageRequest,
    PaymentItem, PaymentQuery, ProductFilter, ProductQuery, ProductSort, Queries, StockFilter,
    StockItem, WebhookQuery,
};
pub use record::{Record, RecordKey, Stored, Subscription, UniqueKey};

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    access::ApiToken,
    cart::{Cart, CheckoutInputs},
    catalog::{Backorder, Category, Product, Sellable, Variant},
    currency::Currency,
    customer::Customer,
    event::Event,
    id::{
        ApiTokenId, CartId, CategoryId, CustomerId, OrderId, PaymentId, ProductId, VariantId,
        WebhookId,
    },
    inventory::{Location, StockLevel, available},
    order::OrderInputs,
    secret::Digest,
    shop::Setup,
    text::{Email, GatewayName, Label, OrderNumber, Sku, Slug},
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};

/// By what a product is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductRef {
    /// Its id.
    Id(ProductId),
    /// Its slug.
    Slug(Slug),
}

/// By what a variant is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariantRef {
    /// Its id.
    Id(VariantId),
    /// Its SKU, to the letter.
    Sku(Sku),
}

/// By what a category is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryRef {
    /// Its id.
    Id(CategoryId),
    /// Its slug.
    Slug(Slug),
}

/// By what an order is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRef {
    /// Its id.
    Id(OrderId),
    /// Its number.
    Number(OrderNumber),
    /// One of its payments.
    Payment(PaymentId),
    /// What a gateway's provider calls one of its payments, or something that belongs to it.
    Reference(GatewayName, Label),
}

/// By what a customer is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerRef {
    /// Their id.
    Id(CustomerId),
    /// Their e-mail address, without regard to case.
    Email(Email),
    /// The number under which another system knows them.
    ExternalId(Label),
}

/// By what an API token is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTokenRef {
    /// Its id.
    Id(ApiTokenId),
    /// The digest of its secret.
    Digest(Digest),
}

/// By what a webhook is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookRef {
    /// Its id.
    Id(WebhookId),
    /// The event that a gateway's provider told.
    Event(GatewayName, Label),
}

/// A product with its variants and their stock, read in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductInputs {
    /// The product.
    pub product: Versioned<Product>,
    /// Its variants, in the order of their positions, equal ones by id.
    pub variants: Vec<Versioned<Variant>>,
    /// The stock of its variants, in no order.
    pub levels: Vec<StockLevel>,
}

impl ProductInputs {
    /// The lowest price of its active variants in a currency, in minor units.
    pub fn lowest_price(&self, currency: Currency) -> Option<i64> {
        self.prices(currency).min()
    }

    /// The prices of its active variants in a currency, in minor units.
    pub(crate) fn prices(&self, currency: Currency) -> impl Iterator<Item = i64> + '_ {
        self.variants
            .iter()
            .filter(|variant| variant.active)
            .filter_map(move |variant| variant.price(currency))
            .map(|price| price.amount.minor())
    }

    /// Whether some active variant can be bought now: it has units available, is not tracked, or
    /// may be sold without being in stock.
    pub fn in_stock(&self, locations: &[Versioned<Location>]) -> bool {
        let levels = self.levels_by_variant();
        self.variants.iter().filter(|variant| variant.active).any(|variant| {
            !variant.track_inventory
                || variant.backorder == Backorder::Allow
                || available(levels.of(variant.id), locations) > 0
        })
    }

    pub(crate) fn levels_by_variant(&self) -> LevelsByVariant {
        let mut levels = self.levels.clone();
        levels.sort_unstable_by_key(|level| level.variant_id);
        LevelsByVariant(levels)
    }

    /// The stock of one of its variants.
    pub fn levels_of(&self, id: VariantId) -> Vec<StockLevel> {
        self.levels.iter().filter(|level| level.variant_id == id).copied().collect()
    }
}

/// Stock levels, to be found by their variants.
pub(crate) struct LevelsByVariant(Vec<StockLevel>);

impl LevelsByVariant {
    pub(crate) fn of(&self, id: VariantId) -> &[StockLevel] {
        let Self(levels) = self;
        let (_, from) = levels.split_at(levels.partition_point(|level| level.variant_id < id));
        let (of, _) = from.split_at(from.partition_point(|level| level.variant_id == id));
        of
    }
}

/// Something whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// An order that lapses.
    Order(OrderId),
    /// A cart that nobody touched for too long.
    Cart(CartId),
    /// A payment of which nothing was heard for too long.
    Payment(PaymentId),
    /// A webhook that is to be looked into.
    Webhook(WebhookId),
}

/// The events of one commit, as the outbox has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its place: later commits of one record have higher ones. Places may be left out.
    pub position: u64,
    /// The time of the operation.
    pub at: Timestamp,
    /// What happened, at least one event.
    pub events: Vec<Event>,
}

/// What has served its purpose and may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// Outcomes that were committed before this time.
    pub outcomes_before: Timestamp,
    /// Entries of the outbox up to this place, which every subscriber has seen.
    pub outbox_through: u64,
    /// Closed carts that were last changed before this time.
    pub carts_before: Timestamp,
    /// Webhooks of which nothing is left to do and that were last changed before this time.
    pub webhooks_before: Timestamp,
}

/// Where a shop's records are kept.
///
/// # Contract
/// - Each read is one consistent snapshot of committed state, and sees every commit that was
///   acknowledged before it began.
/// - A read of something that does not exist is `None` or empty, never an error.
/// - [`commit`](Store::commit) applies all of a commit or none of it, as [`apply`] says, in some
///   serial order with all others, and durably before it answers `Ok`.
/// - Records are kept as they are written. They point to each other by id, and a store does not judge
///   that: what one points to may be gone, and removing a record changes no other.
/// - A future that is dropped leaves nothing half done: the commit happens or does not.
/// - A store that cannot answer says so within a bounded time, as [`StoreError::unavailable`].
///
/// The conformance suite, `commerce_core::conformance` behind the feature `conformance`, has a case
/// for each clause, but for what only the store's own tests can bring about: it says which.
///
/// # Errors
/// A read fails with a [`StoreError`] alone: the store did not answer, or has something that it cannot
/// understand ([`is_corrupt`](StoreError::is_corrupt)). [`purge`](Self::purge) as well; what it forgot by
/// then is forgotten.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// The shop's configuration and locations; `None` in a store that has no shop yet.
    async fn setup(&self) -> StoreResult<Option<Setup>>;
    /// A product with its variants and their stock.
    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>>;
    /// A product as in [`product`](Self::product), and by what it is shown, as in
    /// [`setup`](Self::setup); `None` if either is missing.
    async fn product_with_setup(
        &self,
        by: &ProductRef,
    ) -> StoreResult<Option<(Setup, ProductInputs)>>;
    /// A variant with what selling it needs.
    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>>;
    /// Those of the variants that exist, in no order, each once.
    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>>;
    /// A category.
    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>>;
    /// All categories, in no order.
    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>>;
    /// A cart.
    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>>;
    /// A customer's open cart.
    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>>;
    /// A cart with all that pricing and placing it need, and what `also` names besides.
    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>>;
    /// An order with its payments.
    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>>;
    /// A customer.
    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>>;
    /// An API token, withdrawn or not.
    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>>;
    /// A webhook.
    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>>;
    /// What was answered to an operation under a key.
    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>>;
    /// Orders and open carts whose `expires_at`, payments whose `check_at`, and webhooks whose `due_at`
    /// is not after `now`: the longest due first, at most `limit`.
    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>>;
    /// The outbox after a place, in order, at most `limit` entries. An entry is only there once no
    /// entry with a lower place can still come.
    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>>;
    /// How far a subscriber has come.
    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>>;
    /// Applies all of a commit or none of it, durably before it answers.
    ///
    /// # Errors
    /// [`CommitError`] says which precondition failed, or that the store did not answer.
    async fn commit(&self, commit: &Commit) -> Result<(), CommitError>;
    /// What is rung when the outbox may have grown: before a commit is answered that told something,
    /// and for the commits of other servers as soon as the store hears of them, if it does. Whoever
    /// waits for events must look now and then all the same.
    fn bell(&self) -> Bell;
    /// Whether it is a store that takes commits: what only reads, such as a database that follows
    /// another one, says no. It makes none to find out, so a disk may be full all the same.
    async fn ready(&self) -> StoreResult<()>;
    /// Forgets what has served its purpose; answers how many things it forgot.
    async fn purge(&self, purge: &Purge) -> StoreResult<u64>;
}
