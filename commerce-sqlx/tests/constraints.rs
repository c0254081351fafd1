//! The second line of defence: what the core would never ask for, the database refuses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

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

/// A number that only the second copy and its like have.
const ID: &str = "md5('copy')::uuid";

/// What a statement is answered, alone and undone; `None` if it was done.
fn answer(connection: &mut PgConnection, sql: &str) -> Option<String> {
    block_on(async {
        let mut transaction = connection.begin().await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await;
        transaction.rollback().await.unwrap();
        match done {
            Ok(_) => None,
            Err(error) => Some(error.as_database_error().unwrap().code().unwrap().into_owned()),
        }
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
            SELECT id, 0, 'stripe', 'pi_1' FROM commerce_payments",
    );
    (connection, schema)
}

#[test]
fn what_must_be_unique_is() {
    let (mut connection, _schema) = connection();
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
    ] {
        let copy = |columns: &[_]| copies(table, 1, columns);
        if table == "commerce_subscriptions" {
            run(&mut connection, "INSERT INTO commerce_subscriptions VALUES ('a', 1, 0)");
        }
        assert_eq!(answer(&mut connection, &copy(columns)), None, "{table}");
        for left_out in 0..columns.len() {
            let mut fewer = columns.to_vec();
            let (column, _) = fewer.remove(left_out);
            let refused = answer(&mut connection, &copy(&fewer));
            assert_eq!(refused.as_deref(), Some(UNIQUE), "{table} without another {column}");
        }
    }
    // Its options are those of another variant of its product.
    let twin = copies("commerce_variants", 1, &[("id", ID), ("sku", "'B'")]);
    assert_eq!(answer(&mut connection, &twin).as_deref(), Some(UNIQUE));

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
        let refused = answer(&mut connection, &customer(id, email, number));
        assert_eq!(refused.as_deref(), Some(UNIQUE), "{id} {email} {number}");
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
    let second = answer(&mut connection, &cart("'version', 1"));
    assert_eq!(second.as_deref(), Some(EXCLUDED), "a customer has a second open cart");
}

#[test]
fn what_cannot_be_is_not_written() {
    let (mut connection, _schema) = connection();
    for (table, values) in [
        ("commerce_stock_levels", &["on_hand = -1", "held = -1", "held = on_hand + 1"][..]),
        ("commerce_stock_levels", &["on_hand = 1000000000001"]),
        ("commerce_cart_lines", &["quantity = 0"]),
        ("commerce_order_lines", &["quantity = 0"]),
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
        ("commerce_shop", &["id = 2", "version = 0"]),
        ("commerce_orders", &["version = 0"]),
        ("commerce_api_tokens", &["digest = '\\x00'"]),
        ("commerce_variants", &["options_key = '\\x00'"]),
        ("commerce_outcomes", &["fingerprint = '\\x00'"]),
    ] {
        for values in values {
            let update = format!("UPDATE {table} SET {values}");
            let refused = answer(&mut connection, &update);
            assert_eq!(refused.as_deref(), Some(CHECK), "{update}");
        }
    }
    // What may be is.
    for update in [
        "UPDATE commerce_stock_levels SET held = on_hand",
        "UPDATE commerce_payments SET authorized = amount, captured = amount, refunded = amount",
    ] {
        assert_eq!(answer(&mut connection, update), None, "{update}");
    }
}
