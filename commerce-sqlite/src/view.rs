//! What commits are judged by: the database, and the levels that the batch has moved already.

use std::{cell::OnceCell, collections::HashSet};

use commerce_core::{
    id::Id,
    inventory::{LevelKey, StockLevel},
    store::{Commit, Outcome, OutcomeKey, RecordKey, UniqueKey, View, Write},
    version::Version,
};
use rusqlite::{Connection, Params, params};

use crate::{
    codec,
    error::{Error, Result},
    table::{journal, payment, stock::Levels},
};

/// The state that a commit is judged by, read as it asks.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) levels: &'a mut Levels,
    /// The commit, if what it inserts is taken to be new.
    pub(crate) trusted: Option<&'a Commit>,
    /// The unique keys that the records have which the commit replaces or removes.
    pub(crate) given_up: OnceCell<HashSet<UniqueKey>>,
}

impl Database<'_> {
    /// Whether nobody can have a unique key without the table refusing to give it to another.
    fn is_guarded(&self, key: &UniqueKey) -> bool {
        let Some(commit) = self.trusted else { return false };
        // The table would not refuse a key that the same commit gives up before it is taken.
        !self.given_up.get_or_init(|| given_up(commit)).contains(key)
    }

    fn holder_id<T: Id>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        codec::first(self.connection, sql, params, |row| row.id())
    }
}

fn inserts(commit: &Commit, key: &RecordKey) -> bool {
    commit.writes().iter().any(|write| matches!(write, Write::Insert(it) if it.key() == *key))
}

fn given_up(commit: &Commit) -> HashSet<UniqueKey> {
    let replaced = commit.writes().iter().filter_map(|write| match write {
        Write::Replace { old, .. } | Write::Remove { old, .. } => Some(old.unique_keys()),
        Write::Insert(_) | Write::Require { .. } | Write::Touch { .. } => None,
    });
    replaced.flatten().collect()
}

impl View for Database<'_> {
    type Error = Error;

    fn version(&mut self, key: &RecordKey) -> Result<Option<Version>> {
        if self.trusted.is_some_and(|commit| inserts(commit, key)) {
            return Ok(None);
        }
        let by_id =
            |sql, id: [u8; 16]| codec::first(self.connection, sql, [id], |row| row.version());
        macro_rules! version_of {
            ($table:literal, $id:expr) => {
                by_id(concat!("SELECT version FROM ", $table, " WHERE id = ?1"), codec::key(*$id))
            };
        }
        match key {
            RecordKey::Shop => {
                codec::first(self.connection, "SELECT version FROM commerce_shop", [], |row| {
                    row.version()
                })
            }
            RecordKey::Location(id) => version_of!("commerce_locations", id),
            RecordKey::Category(id) => version_of!("commerce_categories", id),
            RecordKey::Product(id) => version_of!("commerce_products", id),
            RecordKey::Variant(id) => version_of!("commerce_variants", id),
            RecordKey::Cart(id) => version_of!("commerce_carts", id),
            RecordKey::Order(id) => version_of!("commerce_orders", id),
            RecordKey::Payment(id) => version_of!("commerce_payments", id),
            RecordKey::Customer(id) => version_of!("commerce_customers", id),
            RecordKey::ApiToken(id) => version_of!("commerce_api_tokens", id),
            RecordKey::Webhook(id) => version_of!("commerce_webhooks", id),
            RecordKey::Subscription(name) => codec::first(
                self.connection,
                "SELECT version FROM commerce_subscriptions WHERE name = ?1",
                [name.as_str()],
                |row| row.version(),
            ),
        }
    }

    fn holder(&mut self, key: &UniqueKey) -> Result<Option<RecordKey>> {
        if self.is_guarded(key) {
            return Ok(None);
        }
        macro_rules! holder {
            ($record:ident, $table:literal, $clause:literal, $params:expr) => {
                self.holder_id(concat!("SELECT id FROM ", $table, " WHERE ", $clause), $params)?
                    .map(RecordKey::$record)
            };
        }
        Ok(match key {
            UniqueKey::ProductSlug(slug) => {
                holder!(Product, "commerce_products", "slug = ?1", [&**slug])
            }
            UniqueKey::CategorySlug(slug) => {
                holder!(Category, "commerce_categories", "slug = ?1", [&**slug])
            }
            UniqueKey::Sku(sku) => holder!(Variant, "commerce_variants", "sku = ?1", [&**sku]),
            UniqueKey::VariantOptions(product, options) => holder!(
                Variant,
                "commerce_variants",
                "product_id = ?1 AND options = ?2",
                params![codec::key(*product), codec::json(options)?]
            ),
            UniqueKey::OpenCart(customer) => holder!(
                Cart,
                "commerce_carts",
                "customer_id = ?1 AND status = 'open' AND origin = 'storefront'",
                [codec::key(*customer)]
            ),
            UniqueKey::OrderNumber(number) => {
                holder!(Order, "commerce_orders", "number = ?1", [&**number])
            }
            UniqueKey::OrderOfCart(cart) => {
                holder!(Order, "commerce_orders", "cart_id = ?1", [codec::key(*cart)])
            }
            UniqueKey::CustomerEmail(email) => {
                holder!(Customer, "commerce_customers", "email_key = ?1", [email])
            }
            UniqueKey::CustomerExternalId(id) => {
                holder!(Customer, "commerce_customers", "external_id = ?1", [&**id])
            }
            UniqueKey::PaymentReference(gateway, reference) => {
                payment::referred_to(self.connection, gateway, reference)?.map(RecordKey::Payment)
            }
            UniqueKey::ApiToken(digest) => {
                holder!(ApiToken, "commerce_api_tokens", "digest = ?1", [&digest.as_bytes()[..]])
            }
            UniqueKey::WebhookEvent(gateway, event) => holder!(
                Webhook,
                "commerce_webhooks",
                "gateway = ?1 AND event_id = ?2",
                [&**gateway, &**event]
            ),
        })
    }

    fn level(&mut self, key: LevelKey) -> Result<StockLevel> {
        self.levels.get(self.connection, key)
    }

    fn outcome(&mut self, key: &OutcomeKey) -> Result<Option<Outcome>> {
        journal::outcome(self.connection, key)
    }
}
