//! The second line of defence: what the core would never ask for, the database refuses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use commerce_core::{
    access::{Caller, Scope},
    catalog::CreateCategory,
    checkout::PlaceOrder,
    customer::CreateCustomer,
    text::{IdempotencyKey, Label},
};
use common::{
    block_on,
    many::copies,
    run,
    shop::{cart, sell, shop},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const UNIQUE: &str = "23505";
const EXCLUDED: &str = "23P01";
const CHECK: &str = "23514";
const FOREIGN: &str = "23503";

/// A number that only the second copy and its like have.
const ID: &str = "md5('copy')::uuid";

/// The constraints of some kind that nobody has broken yet. Each must be.
struct Unbroken(BTreeSet<String>);

impl Unbroken {
    /// All that the tables have, as a query tells.
    fn all(connection: &mut PgConnection, sql: &str) -> Self {
        let names = block_on(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection));
        Self(BTreeSet::from_iter(names.unwrap()))
    }

    /// Expects that a statement is refused for such a reason.
    fn refuses(&mut self, connection: &mut PgConnection, code: &str, sql: &str) {
        match answer(connection, sql) {
            Some((found, constraint)) if found == code => {
                self.0.remove(&constraint);
            }
            other => panic!("{other:?} is answered to {sql}"),
        }
    }
}

impl Drop for Unbroken {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "not broken: {:?}", self.0);
    }
}

/// What a statement is answered, alone and undone: the code and the constraint that it breaks; `None` if
/// it was done.
fn answer(connection: &mut PgConnection, sql: &str) -> Option<(String, String)> {
    block_on(async {
        let mut transaction = connection.begin().await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await;
        transaction.rollback().await.unwrap();
        let error = done.err()?;
        let error = error.as_database_error().unwrap();
        let constraint = error.constraint().unwrap_or_else(|| panic!("{sql}: {error}"));
        Some((error.code().unwrap().into_owned(), constraint.to_owned()))
    })
}

/// One of everything, as the shop itself writes it.
fn connection() -> (PgConnection, common::Schema) {
    let (store, schema) = common::store();
    let shop = shop(store);
    let office = Caller::system();
    let variant = sell(&shop, "A", 10);
    block_on(async {
        let (guest, cart) = cart(&shop, &[(variant, 2)]).await;
        let guest = guest.with_key(IdempotencyKey::new("key").unwrap());
        shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
        shop.create_category(&office, &CreateCategory::new("Cups").unwrap()).await.unwrap();
        let label = Label::new("till").unwrap();
        shop.create_token(&office, &label, Scope::Admin).await.unwrap();
        let customer = CreateCustomer {
            email: Some("ada@example.com".parse().unwrap()),
            external_id: Some("C-1".parse().unwrap()),
            ..CreateCustomer::default()
        };
        let customer = shop.create_customer(&office, &customer).await.unwrap();
        let caller = Caller::customer(customer.id);
        shop.create_cart(&caller, &Default::default()).await.unwrap();
    });
    let mut connection = schema.connect();
    run(
        &mut connection,
        "INSERT INTO commerce_payment_references
            SELECT id, 0, 'stripe', 'pi_1' FROM commerce_payments;
        INSERT INTO commerce_payment_operations
            SELECT id, 0, id, 'create', 1, 1, NULL, 'key', 'done', NULL, NULL, now(), now()
            FROM commerce_payments;
        INSERT INTO commerce_refunds
            SELECT id, 0, id, 1, 'failed', NULL, NULL, NULL, NULL, now(), '[]'
            FROM commerce_payments;
        INSERT INTO commerce_disputes
            SELECT id, 0, 'dp_1', 1, 'won', NULL, now() FROM commerce_payments;
        INSERT INTO commerce_fulfillments
            SELECT id, 0, id, NULL, NULL, NULL, now(), NULL, '[]' FROM commerce_orders;
        INSERT INTO commerce_webhooks
            SELECT id, 1, 'stripe', 'evt_1', 'charge.refunded', NULL, true, NULL, '', 'parked', 1,
                NULL, NULL, now(), now(), 1 FROM commerce_payments;
        INSERT INTO commerce_product_tags SELECT id, 0, 'Tag', 'tag' FROM commerce_products;
        INSERT INTO commerce_product_categories
            SELECT p.id, 0, c.id FROM commerce_products AS p, commerce_categories AS c;
        INSERT INTO commerce_product_images
            SELECT id, 0, id, 'https://example.com/1', NULL FROM commerce_products;
        INSERT INTO commerce_customer_addresses
            SELECT id, 0, id, 'Ada', NULL, '1', NULL, 'Berlin', NULL, NULL, 'DE', NULL, false, false
            FROM commerce_customers;
        INSERT INTO commerce_subscriptions VALUES ('a', 1, 0)",
    );
    (connection, schema)
}

#[test]
fn what_must_be_unique_is() {
    let (mut connection, _schema) = connection();
    let mut unbroken = Unbroken::all(
        &mut connection,
        "SELECT c.relname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE (i.indisunique OR i.indisexclusion) AND c.relnamespace = current_schema()::regnamespace",
    );
    // Of each: what a copy must change to be let in, each of which it is not without.
    let product = &[("id", ID), ("slug", "'b'")][..];
    let variant = &[("id", ID), ("sku", "'B'"), ("product_id", ID)];
    let order = &[("id", ID), ("number", "'N-2'"), ("cart_id", ID)];
    for (table, columns) in [
        ("commerce_products", product),
        ("commerce_categories", product),
        ("commerce_variants", variant),
        ("commerce_orders", order),
        ("commerce_api_tokens", &[("id", ID), ("digest", "sha256('b')")]),
        ("commerce_payments", &[("id", ID)]),
        ("commerce_stock_levels", &[("variant_id", ID)]),
        ("commerce_holds", &[("order_id", ID)]),
        ("commerce_order_lines", &[("order_id", ID)]),
        ("commerce_cart_lines", &[("cart_id", ID)]),
        ("commerce_outcomes", &[("scope", "'b'")]),
        ("commerce_outcomes", &[("key", "'b'")]),
        ("commerce_outbox", &[("position", "999")]),
        ("commerce_subscriptions", &[("name", "'b'")]),
        ("commerce_payment_references", &[("position", "1"), ("reference", "'pi_2'")]),
        ("commerce_payment_references", &[("position", "1"), ("gateway", "'other'")]),
        ("commerce_payment_operations", &[("position", "1"), ("key", "'b'")]),
        ("commerce_refunds", &[("position", "1")]),
        ("commerce_disputes", &[("position", "1"), ("reference", "'dp_2'")]),
        ("commerce_fulfillments", &[("position", "1")]),
        ("commerce_webhooks", &[("id", ID), ("event_id", "'evt_2'")]),
        ("commerce_webhooks", &[("id", ID), ("gateway", "'other'")]),
        ("commerce_carts", &[("id", ID)]),
        ("commerce_locations", &[("id", ID)]),
        ("commerce_product_tags", &[("position", "1")]),
        ("commerce_product_categories", &[("position", "1")]),
        ("commerce_product_images", &[("position", "1")]),
        ("commerce_product_prices", &[("currency", "'USD'")]),
        ("commerce_variant_prices", &[("position", "1")]),
        ("commerce_customer_addresses", &[("position", "1")]),
        ("commerce_counters", &[("name", "'b'")]),
        ("commerce_migrations", &[("number", "999")]),
    ] {
        let copy = |columns: &[_]| copies(table, 1, columns);
        assert_eq!(answer(&mut connection, &copy(columns)), None, "{table}");
        for left_out in 0..columns.len() {
            let mut fewer = columns.to_vec();
            fewer.remove(left_out);
            unbroken.refuses(&mut connection, UNIQUE, &copy(&fewer));
        }
    }
    // Its options are those of another variant of its product.
    let twin = copies("commerce_variants", 1, &[("id", ID), ("sku", "'B'")]);
    unbroken.refuses(&mut connection, UNIQUE, &twin);
    // There is one shop.
    unbroken.refuses(&mut connection, UNIQUE, &copies("commerce_shop", 1, &[("version", "2")]));

    let customer = |id: &str, email: &str, number: &str| {
        format!(
            "INSERT INTO commerce_customers (id, version, email, email_key, email_verified,
                external_id, provider_references, created_at, updated_at, own_words)
            SELECT {id}, 1, email, {email}, false, {number}, '{{}}', now(), now(), ''
            FROM commerce_customers"
        )
    };
    let [email, number] = ["'b@example.com'", "'C-2'"];
    assert_eq!(answer(&mut connection, &customer(ID, email, number)), None);
    for (id, email, number) in
        [("id", email, number), (ID, "email_key", number), (ID, email, "external_id")]
    {
        unbroken.refuses(&mut connection, UNIQUE, &customer(id, email, number));
    }

    // Carts of one customer: one open one from the storefront.
    let cart = |values: &str| {
        format!(
            "INSERT INTO commerce_carts SELECT r.* FROM commerce_carts AS o,
                jsonb_populate_record(o, jsonb_build_object('id', {ID}, {values})) AS r
            WHERE o.customer_id IS NOT NULL"
        )
    };
    for other in ["'status', 'expired'", "'origin', 'draft'", "'customer_id', NULL"] {
        assert_eq!(answer(&mut connection, &cart(other)), None, "{other}");
    }
    unbroken.refuses(&mut connection, EXCLUDED, &cart("'version', 1"));
}

/// The names of all constraints of a kind, as `pg_constraint` calls it.
fn of_kind(kind: char) -> String {
    format!(
        "SELECT conname::text FROM pg_constraint
        WHERE contype = '{kind}' AND connamespace = current_schema()::regnamespace"
    )
}

#[test]
fn what_cannot_be_is_not_written() {
    let (mut connection, _schema) = connection();
    let mut unbroken = Unbroken::all(&mut connection, &of_kind('c'));
    for (table, values) in [
        ("commerce_stock_levels", &["on_hand = -1", "held = -1", "held = on_hand + 1"][..]),
        ("commerce_stock_levels", &["on_hand = 1000000000001"]),
        ("commerce_cart_lines", &["quantity = 0"]),
        (
            "commerce_order_lines",
            &[
                "quantity = 0",
                "backordered = -1",
                "fulfilled = -1",
                "cancelled = -1",
                "refunded = -1",
                "fulfilled = 1, cancelled = quantity",
            ],
        ),
        ("commerce_holds", &["quantity = 0"]),
        (
            "commerce_payments",
            &[
                "authorized = amount + 1",
                "authorized = amount, captured = amount, released = 1",
                "refunded = captured + 1",
                "being_refunded = captured + 1",
                "captured = -1",
                "released = -1",
                "refunded = -1",
                "being_refunded = -1",
            ],
        ),
        ("commerce_payment_operations", &["attempt = 0"]),
        ("commerce_refunds", &["amount = 0", "amount = -1"]),
        ("commerce_webhooks", &["attempts = -1", "version = 0"]),
        ("commerce_shop", &["id = 2", "version = 0"]),
        ("commerce_locations", &["version = 0"]),
        ("commerce_categories", &["version = 0"]),
        ("commerce_products", &["version = 0"]),
        ("commerce_variants", &["version = 0", "options_key = '\\x00'"]),
        ("commerce_carts", &["version = 0"]),
        ("commerce_orders", &["version = 0"]),
        ("commerce_payments", &["version = 0"]),
        ("commerce_customers", &["version = 0"]),
        ("commerce_api_tokens", &["version = 0", "digest = '\\x00'"]),
        ("commerce_subscriptions", &["version = 0"]),
        ("commerce_outcomes", &["fingerprint = '\\x00'"]),
    ] {
        for values in values {
            let update = format!("UPDATE {table} SET {values}");
            unbroken.refuses(&mut connection, CHECK, &update);
        }
    }
    // What may be is.
    for update in [
        "UPDATE commerce_stock_levels SET held = on_hand",
        "UPDATE commerce_order_lines SET fulfilled = 1, cancelled = quantity - 1",
        "UPDATE commerce_payments SET authorized = amount, captured = amount, refunded = amount",
    ] {
        assert_eq!(answer(&mut connection, update), None, "{update}");
    }
}

#[test]
fn what_belongs_to_something_is_not_without_it() {
    let (mut connection, _schema) = connection();
    let mut unbroken = Unbroken::all(&mut connection, &of_kind('f'));
    for (table, column) in [
        ("commerce_product_tags", "product_id"),
        ("commerce_product_categories", "product_id"),
        ("commerce_product_images", "product_id"),
        ("commerce_variant_prices", "variant_id"),
        ("commerce_fulfillments", "order_id"),
        ("commerce_payment_references", "payment_id"),
        ("commerce_payment_operations", "payment_id"),
        ("commerce_refunds", "payment_id"),
        ("commerce_disputes", "payment_id"),
        ("commerce_customer_addresses", "customer_id"),
    ] {
        let update = format!("UPDATE {table} SET {column} = {ID}");
        unbroken.refuses(&mut connection, FOREIGN, &update);
    }
}
