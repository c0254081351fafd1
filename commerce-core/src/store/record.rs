//! What a store keeps: records, their keys, and the keys that must be unique.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    access::ApiToken,
    cart::{Cart, CartStatus},
    catalog::{Category, Product, Variant},
    customer::Customer,
    id::{
        ApiTokenId, CartId, CategoryId, CustomerId, LocationId, OrderId, PaymentId, ProductId,
        VariantId, WebhookId,
    },
    inventory::Location,
    order::Order,
    payment::Payment,
    secret::Digest,
    shop::Shop,
    text::{GatewayName, Label, OrderNumber, Sku, Slug},
    time::Timestamp,
    webhook::Webhook,
};

/// How far a subscriber of the outbox has come, and whether somebody is handing on to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The subscriber's name.
    pub name: Label,
    /// The place of the last entry that it has seen.
    pub position: u64,
    /// Until when nobody but whoever wrote this hands on to it; see
    /// [`Commerce::claim`](crate::Commerce::claim).
    pub leased_until: Option<Timestamp>,
}

impl Subscription {
    /// One that has seen nothing.
    pub fn new(name: Label) -> Self {
        Self { name, position: 0, leased_until: None }
    }
}

/// Something that is stored as a whole, with a version.
pub trait Stored: Sized {
    /// Which record it is.
    fn key(&self) -> RecordKey;
    /// The keys that no other record may have at the same time.
    fn unique_keys(&self) -> Vec<UniqueKey>;
    /// The record that holds it.
    fn into_record(this: Arc<Self>) -> Record;
    /// Itself, if the record holds one.
    fn from_record(record: &Record) -> Option<&Arc<Self>>;
}

/// A key that at most one record has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UniqueKey {
    /// A product's slug.
    ProductSlug(Slug),
    /// A category's slug.
    CategorySlug(Slug),
    /// A variant's SKU.
    Sku(Sku),
    /// The option values of a variant among those of its product.
    VariantOptions(ProductId, Vec<Label>),
    /// A customer's open cart.
    OpenCart(CustomerId),
    /// An order's number.
    OrderNumber(OrderNumber),
    /// The order that was placed from a cart.
    OrderOfCart(CartId),
    /// A customer's e-mail address, in lower case.
    CustomerEmail(String),
    /// The number under which another system knows a customer.
    CustomerExternalId(Label),
    /// What a gateway's provider calls a payment, or something that belongs to it.
    PaymentReference(GatewayName, Label),
    /// The digest of an API token's secret.
    ApiToken(Digest),
    /// An event that a gateway's provider told.
    WebhookEvent(GatewayName, Label),
}

impl UniqueKey {
    /// What must be unique, and the value in use, for people.
    pub fn describe(&self) -> (&'static str, String) {
        match self {
            Self::ProductSlug(slug) | Self::CategorySlug(slug) => ("slug", slug.to_string()),
            Self::Sku(sku) => ("sku", sku.to_string()),
            Self::VariantOptions(_, options) => {
                let options: Vec<_> = options.iter().map(Label::as_str).collect();
                ("options", options.join(" / "))
            }
            Self::OpenCart(customer) => ("open cart", customer.to_string()),
            Self::OrderNumber(number) => ("order number", number.to_string()),
            Self::OrderOfCart(cart) => ("order of the cart", cart.to_string()),
            Self::CustomerEmail(email) => ("email", email.clone()),
            Self::CustomerExternalId(id) => ("external_id", id.to_string()),
            Self::PaymentReference(gateway, reference) => {
                ("payment reference", format!("{gateway} {reference}"))
            }
            Self::ApiToken(_) => ("token", String::new()),
            Self::WebhookEvent(gateway, event) => ("event", format!("{gateway} {event}")),
        }
    }
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident($key:ty), |$id:ident| $key_of:expr, |$value:ident| $unique:expr;)*) => {
        /// Something that is stored as a whole, with a version.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Record {
            /// The shop's configuration, of which there is one.
            Shop(Arc<Shop>),
            $($(#[$doc])* $name(Arc<$name>),)*
        }

        /// Names a record.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RecordKey {
            /// The shop's configuration.
            Shop,
            $($(#[$doc])* $name($key),)*
        }

        impl Record {
            /// Which record it is.
            pub fn key(&self) -> RecordKey {
                match self {
                    Self::Shop(_) => RecordKey::Shop,
                    $(Self::$name(value) => value.key(),)*
                }
            }

            /// The keys that no other record may have at the same time.
            pub fn unique_keys(&self) -> Vec<UniqueKey> {
                match self {
                    Self::Shop(_) => Vec::new(),
                    $(Self::$name(value) => value.unique_keys(),)*
                }
            }
        }

        impl Stored for Shop {
            fn key(&self) -> RecordKey {
                RecordKey::Shop
            }
            fn unique_keys(&self) -> Vec<UniqueKey> {
                Vec::new()
            }
            fn into_record(this: Arc<Self>) -> Record {
                Record::Shop(this)
            }
            fn from_record(record: &Record) -> Option<&Arc<Self>> {
                match record {
                    Record::Shop(value) => Some(value),
                    _ => None,
                }
            }
        }

        $(impl Stored for $name {
            fn key(&self) -> RecordKey {
                let $id = self;
                RecordKey::$name($key_of)
            }
            fn unique_keys(&self) -> Vec<UniqueKey> {
                let $value = self;
                $unique
            }
            fn into_record(this: Arc<Self>) -> Record {
                Record::$name(this)
            }
            fn from_record(record: &Record) -> Option<&Arc<Self>> {
                match record {
                    Record::$name(value) => Some(value),
                    _ => None,
                }
            }
        })*
    };
}

records! {
    /// A location.
    Location(LocationId), |it| it.id, |_it| Vec::new();
    /// A category.
    Category(CategoryId), |it| it.id, |it| vec![UniqueKey::CategorySlug(it.slug.clone())];
    /// A product.
    Product(ProductId), |it| it.id, |it| vec![UniqueKey::ProductSlug(it.slug.clone())];
    /// A variant.
    Variant(VariantId), |it| it.id, |it| vec![
        UniqueKey::Sku(it.sku.clone()),
        UniqueKey::VariantOptions(it.product_id, it.options.clone()),
    ];
    /// A cart.
    Cart(CartId), |it| it.id, |it| match it.customer_id {
        Some(customer)
            if it.status == CartStatus::Open && it.origin == crate::cart::Origin::Storefront =>
        {
            vec![UniqueKey::OpenCart(customer)]
        }
        _ => Vec::new(),
    };
    /// An order.
    Order(OrderId), |it| it.id, |it| vec![
        UniqueKey::OrderNumber(it.number.clone()),
        UniqueKey::OrderOfCart(it.cart_id),
    ];
    /// A payment.
    Payment(PaymentId), |it| it.id, |it| {
        let of = |reference: &Label| {
            UniqueKey::PaymentReference(it.gateway.clone(), reference.clone())
        };
        it.references.iter().map(of).collect()
    };
    /// A customer.
    Customer(CustomerId), |it| it.id, |it| {
        let email = it.email.as_ref().map(|email| UniqueKey::CustomerEmail(email.normalized()));
        let external = it.external_id.clone().map(UniqueKey::CustomerExternalId);
        email.into_iter().chain(external).collect()
    };
    /// An API token.
    ApiToken(ApiTokenId), |it| it.id, |it| vec![UniqueKey::ApiToken(it.digest)];
    /// What a gateway's provider told.
    Webhook(WebhookId), |it| it.id, |it| {
        vec![UniqueKey::WebhookEvent(it.gateway.clone(), it.event_id.clone())]
    };
    /// How far a subscriber has come.
    Subscription(Label), |it| it.name.clone(), |_it| Vec::new();
}
