//! A shop to sell from, and the books that must balance whatever happens to it.

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    currency::Currency,
    id::{CartId, VariantId},
    money::Money,
    secret::Secret,
    shop::Shop,
};
use commerce_sqlx::{PgStore, SystemClock, SystemIds};
use serde_json::json;
use sqlx::PgConnection;

use super::{block_on, number};

/// A shop over a store, opened.
pub(crate) fn shop(store: PgStore) -> Commerce {
    let shop = Commerce::new(store, SystemClock, SystemIds);
    block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    shop
}

/// Something to sell, of which there are some units.
pub(crate) fn sell(shop: &Commerce, sku: &str, units: i64) -> VariantId {
    let system = Caller::system();
    let product = CreateProduct {
        status: ProductStatus::Active,
        variants: vec![CreateVariant::new(sku, Money::new(1999, Currency::EUR)).unwrap()],
        ..CreateProduct::new(sku).unwrap()
    };
    let id = block_on(shop.create_product(&system, &product)).unwrap().variants[0].id;
    block_on(shop.receive_stock(&system, None, &[(id, units)], None)).unwrap();
    id
}

/// A guest's cart that can be checked out.
pub(crate) async fn cart(shop: &Commerce, lines: &[(VariantId, i64)]) -> (Caller, CartId) {
    let request: CreateCart = serde_json::from_value(json!({
        "email": "a@example.com",
        "shipping_address": {"name": "A", "line1": "1", "city": "Berlin", "country": "DE"},
    }))
    .unwrap();
    let lines = lines.iter().map(|(id, units)| AddLine::new(*id, *units).unwrap()).collect();
    let request = CreateCart { lines, ..request };
    let made = shop.create_cart(&Caller::anonymous(), &request).await.unwrap();
    let secret: Secret = made.token.as_ref().unwrap().parse().unwrap();
    (Caller::guest(&secret), made.cart.id)
}

/// What must hold in every shop at every time.
pub(crate) fn check_books(connection: &mut PgConnection) {
    check_balances(connection);
    let untold = "SELECT (SELECT count(*) FROM commerce_orders) - (
        SELECT count(*) FROM commerce_outbox, json_array_elements(events) AS event
        WHERE event ->> 'type' = 'order.placed')";
    assert_eq!(number(connection, untold), 0, "the outbox tells of every order");
}

/// As [`check_books`], of a shop whose servers forget what they have told.
pub(crate) fn check_balances(connection: &mut PgConnection) {
    for (what, sql) in [
        (
            "a level holds what orders hold",
            "SELECT count(*) FROM commerce_stock_levels AS s WHERE s.held <> (
                SELECT coalesce(sum(h.quantity), 0) FROM commerce_holds AS h
                WHERE h.variant_id = s.variant_id AND h.location_id = s.location_id)",
        ),
        (
            "a level has what the ledger sums to",
            "SELECT count(*) FROM commerce_stock_levels AS s WHERE s.on_hand <> (
                SELECT coalesce(sum(m.delta), 0) FROM commerce_stock_movements AS m
                WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)",
        ),
        (
            "every order has a completed cart",
            "SELECT count(*) FROM commerce_orders AS o WHERE NOT EXISTS (
                SELECT FROM commerce_carts AS c
                WHERE c.id = o.cart_id AND c.status = 'completed' AND c.order_id = o.id)",
        ),
        (
            "every completed cart has an order",
            "SELECT count(*) FROM commerce_carts AS c WHERE c.status = 'completed'
                AND NOT EXISTS (SELECT FROM commerce_orders AS o WHERE o.cart_id = c.id)",
        ),
        (
            "every order has lines and a payment",
            "SELECT count(*) FROM commerce_orders AS o
                WHERE NOT EXISTS (SELECT FROM commerce_order_lines WHERE order_id = o.id)
                OR NOT EXISTS (SELECT FROM commerce_payments WHERE order_id = o.id)",
        ),
        (
            "an order comes to what its parts do",
            "SELECT count(*) FROM commerce_orders AS o
                WHERE o.total <> o.subtotal - o.discount_total + o.shipping_total + o.rounding
                    + CASE WHEN o.tax_included THEN 0 ELSE o.tax_total END
                OR o.subtotal <> (SELECT sum(l.subtotal) FROM commerce_order_lines AS l
                    WHERE l.order_id = o.id)",
        ),
        (
            "payments are of what orders come to",
            "SELECT count(*) FROM commerce_orders AS o WHERE o.total <> (
                SELECT sum(p.amount) FROM commerce_payments AS p WHERE p.order_id = o.id)",
        ),
        (
            "a variant that is low is marked so",
            "SELECT count(*) FROM commerce_variants AS v WHERE NOT v.low AND v.track_inventory
                AND v.low_stock_threshold > coalesce((SELECT sum(s.on_hand - s.held)
                    FROM commerce_stock_levels AS s
                    JOIN commerce_locations AS l ON l.id = s.location_id AND l.active
                    WHERE s.variant_id = v.id), 0)",
        ),
    ] {
        assert_eq!(number(connection, sql), 0, "{what}");
    }
}
