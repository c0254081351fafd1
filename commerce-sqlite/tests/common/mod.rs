//! A shop to sell from, and the books that must balance whatever happens to it.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod host;

use std::path::Path;

use commerce_core::{
    Commerce, Done, Error, PlacedView,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::Address,
    id::{CartId, VariantId},
    money::Money,
    shop::Shop,
    text::IdempotencyKey,
};
use commerce_sqlite::{SqliteStore, SystemClock, SystemIds};
use pollster::block_on;
use rusqlite::Connection;

/// A shop over a store, opened.
pub(crate) fn shop(store: SqliteStore) -> Commerce {
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
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    pub(crate) id: CartId,
    pub(crate) token: String,
}

impl Cart {
    pub(crate) fn guest(&self) -> Caller {
        Caller::guest(&self.token.parse().unwrap())
    }

    /// Makes an order of it, under a key that is always the same.
    pub(crate) fn check_out(&self, shop: &Commerce) -> Result<Done<PlacedView>, Error> {
        let guest = self.guest().with_key(IdempotencyKey::new("checkout").unwrap());
        block_on(shop.place_order(&guest, self.id, &PlaceOrder::default()))
    }
}

/// A guest's cart that can be checked out, if there is enough of everything.
pub(crate) fn try_cart(shop: &Commerce, lines: &[(VariantId, i64)]) -> Result<Cart, Error> {
    let request = CreateCart {
        lines: lines.iter().map(|(id, units)| AddLine::new(*id, *units).unwrap()).collect(),
        email: Some("a@example.com".parse().unwrap()),
        shipping_address: Some(Address::new("A", "1", "Berlin", "DE").unwrap()),
        ..CreateCart::default()
    };
    let made = block_on(shop.create_cart(&Caller::anonymous(), &request))?.output;
    Ok(Cart { id: made.cart.id, token: made.token.unwrap() })
}

/// A guest's cart that can be checked out.
pub(crate) fn cart(shop: &Commerce, lines: &[(VariantId, i64)]) -> Cart {
    try_cart(shop, lines).unwrap()
}

/// Numbers that look random and come again from the same seed.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub(crate) fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What must hold in every file at every time.
pub(crate) fn check_books(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let state: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "ok");
    for (what, sql) in [
        (
            "what belongs to a record is there with it",
            "SELECT count(*) FROM pragma_foreign_key_check",
        ),
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
                SELECT 1 FROM commerce_carts AS c
                WHERE c.id = o.cart_id AND c.status = 'completed' AND c.order_id = o.id)",
        ),
        (
            "every completed cart has an order",
            "SELECT count(*) FROM commerce_carts AS c WHERE c.status = 'completed'
                AND NOT EXISTS (SELECT 1 FROM commerce_orders AS o WHERE o.cart_id = c.id)",
        ),
        (
            "every order has lines and a payment",
            "SELECT count(*) FROM commerce_orders AS o
                WHERE NOT EXISTS (SELECT 1 FROM commerce_order_lines WHERE order_id = o.id)
                OR NOT EXISTS (SELECT 1 FROM commerce_payments WHERE order_id = o.id)",
        ),
        (
            "the outbox tells of every order",
            "SELECT (SELECT count(*) FROM commerce_orders) - (
                SELECT count(*) FROM commerce_outbox, json_each(events) AS event
                WHERE event.value ->> 'type' = 'order.placed')",
        ),
    ] {
        assert_eq!(number(&connection, sql), 0, "{what}");
    }
}
