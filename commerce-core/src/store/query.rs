//! Lists and searches: a read-only path of their own beside [`Store`](super::Store).
//!
//! A list is read page by page. A page ends with a [`Cursor`], which says where the next one begins
//! by the sort key of the last item and its id, so that a deep page costs no more than the first.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrderInputs, ProductInputs, StoreResult};
use crate::{
    access::ApiToken,
    catalog::{ProductStatus, Variant},
    currency::Currency,
    customer::Customer,
    error::Rejection,
    id::{CategoryId, CustomerId, LocationId, OrderId, PaymentId, VariantId},
    inventory::{Movement, StockLevel},
    order::OrderStatus,
    text::{Email, GatewayName, Label, Sku},
    time::Timestamp,
    version::Versioned,
    webhook::{Webhook, WebhookStatus},
};

/// Where a page begins: after the item with this key and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last item's sort key.
    pub key: CursorKey,
    /// The last item's id.
    pub id: Uuid,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CursorKey {
    /// A number, a price in minor units, or a time in milliseconds.
    Number(i64),
    /// A text.
    Text(String),
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items, from 1 to [`PageRequest::LIMIT_MAX`].
    pub limit: usize,
    /// Where it begins; at the beginning if absent.
    pub after: Option<Cursor>,
    /// Whether to count all items, which costs more the more there are.
    pub total: bool,
}

impl PageRequest {
    /// The most items of a page.
    pub const LIMIT_MAX: usize = 100;

    /// The first items of a list.
    pub fn first(limit: usize) -> Self {
        Self { limit: limit.clamp(1, Self::LIMIT_MAX), after: None, total: false }
    }

    /// Checks the limit.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        if (1..=Self::LIMIT_MAX).contains(&self.limit) {
            return Ok(());
        }
        let detail = format!("must be from 1 to {}", Self::LIMIT_MAX);
        Err(Rejection::invalid("/limit", detail))
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// How many items the list has in all, if that was asked.
    pub total: Option<u64>,
}

/// By what products are sorted. Equal ones are sorted by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ProductSort {
    /// The time they were made.
    #[default]
    CreatedAt,
    /// The lowest price of an active variant in the currency asked for. Products without one count
    /// as dearest.
    Price,
    /// Title, compared byte by byte in lower case.
    Title,
}

/// Which products are wanted. What is absent does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductFilter {
    /// Its status.
    pub status: Option<ProductStatus>,
    /// It is in one of these categories.
    pub categories: Option<Vec<CategoryId>>,
    /// It has this tag, without regard to case.
    pub tag: Option<Label>,
    /// Who makes it, without regard to case.
    pub vendor: Option<Label>,
    /// What kind of thing it is, without regard to case.
    pub product_type: Option<Label>,
    /// It has all of these words, or words that begin so; see [`search`](crate::search).
    pub text: Option<String>,
    /// Where nothing has these words and the list is sorted by how well they match, products whose
    /// names are like them will do: somebody may have mistyped. What is like them is for the store to
    /// say, and one that cannot tell finds nothing. The most like them come first.
    pub similar: bool,
    /// Its lowest price is at least this many minor units.
    pub min_price: Option<i64>,
    /// Its lowest price is at most this many minor units.
    pub max_price: Option<i64>,
    /// Whether some active variant of it can be bought now.
    pub in_stock: Option<bool>,
    /// Whether the shop shows it off.
    pub featured: Option<bool>,
}

/// Asks for products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductQuery {
    /// Which ones.
    pub filter: ProductFilter,
    /// The currency in which prices are compared.
    pub currency: Currency,
    /// In which order. `None` sorts by how well the text matches, equal ones by id, the newest
    /// first, of the [`CANDIDATES_MAX`](crate::search::CANDIDATES_MAX) that match and were made last
    /// and as many that match by name.
    pub sort: Option<ProductSort>,
    /// Whether the order is turned round. That of how well the text matches never is.
    pub descending: bool,
    /// Which part.
    pub page: PageRequest,
}

/// Which orders are wanted. What is absent does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Its status.
    pub status: Option<OrderStatus>,
    /// Who placed it.
    pub customer_id: Option<CustomerId>,
    /// Where the customer can be reached, without regard to case.
    pub email: Option<Email>,
    /// It was placed at this time or later.
    pub placed_from: Option<Timestamp>,
    /// It was placed before this time.
    pub placed_before: Option<Timestamp>,
    /// Whether a payment of it is in review.
    pub needs_review: Option<bool>,
}

/// Asks for orders, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderQuery {
    /// Which ones.
    pub filter: OrderFilter,
    /// Which part.
    pub page: PageRequest,
}

/// Asks for the payments of a gateway that may have moved money in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentQuery {
    /// The gateway.
    pub gateway: GatewayName,
    /// It changed at this time or later.
    pub updated_from: Timestamp,
    /// It was made before this time.
    pub created_before: Timestamp,
    /// Which part.
    pub page: PageRequest,
}

/// A payment, and the order that it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentItem {
    /// The payment.
    pub id: PaymentId,
    /// The order.
    pub order_id: OrderId,
}

/// Asks for webhooks: those that are parked first, of all the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookQuery {
    /// How far they have come; no matter how far if absent.
    pub status: Option<WebhookStatus>,
    /// Which part.
    pub page: PageRequest,
}

/// Asks for customers, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerQuery {
    /// They have all of these words, or words that begin so, in their name, e-mail address,
    /// telephone number or external number; see [`search`](crate::search).
    pub text: Option<String>,
    /// Which part.
    pub page: PageRequest,
}

/// Which stock is wanted. What is absent does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockFilter {
    /// At this place; a variant that never was there is left out.
    pub location_id: Option<LocationId>,
    /// With this SKU, to the letter.
    pub sku: Option<Sku>,
    /// Only variants of which fewer units than their threshold are available in active locations.
    pub low: bool,
}

/// A variant with its stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockItem {
    /// The variant.
    pub variant: Versioned<Variant>,
    /// Its stock, by location.
    pub levels: Vec<StockLevel>,
}

/// Which rows of the ledger are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementFilter {
    /// The variant.
    pub variant_id: VariantId,
    /// At this place.
    pub location_id: Option<LocationId>,
}

/// Lists and searches.
///
/// # Contract
/// Each page is one consistent snapshot. Reading page after page gives each item that exists all
/// the while and does not change its sort key exactly once.
///
/// # Errors
/// As the reads of a [`Store`](super::Store#errors): a [`StoreError`](super::StoreError) alone.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Queries: Debug + Send + Sync + 'static {
    /// Products.
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>>;
    /// Orders, the newest first.
    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>>;
    /// Payments, by the time of their last change, the longest ago first.
    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>>;
    /// Webhooks by their [place](crate::webhook::Webhook::place), the highest first.
    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>>;
    /// Customers, the newest first.
    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>>;
    /// API tokens, withdrawn ones too, the newest first.
    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>>;
    /// Tracked variants with their stock, by SKU.
    async fn stock(&self, filter: &StockFilter, page: &PageRequest)
    -> StoreResult<Page<StockItem>>;
    /// Rows of the ledger, the newest first.
    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>>;
}
