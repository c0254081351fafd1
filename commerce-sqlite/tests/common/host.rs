//! A program with a database of its own, which embeds a shop in it.

use std::path::Path;

use commerce_core::{
    checkout::{PlaceOrder, place},
    id::{CartId, Id, Moment, OrderId, VariantId},
    inputs::{Clock, IdSource},
    inventory::ByPriority,
    payment::Means,
    store::ProductRef,
    text::Slug,
};
use commerce_sqlite::{
    Durability, SqliteStore, SystemClock, SystemIds, commit_in, migrate_in, read_checkout_inputs_in,
};
use pollster::block_on;
use rusqlite::{Connection, Transaction, params};

use super::{cart, number, sell, shop};

pub(crate) fn host(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.set_prepared_statement_cache_capacity(256);
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    // What is tested is the end of the process, not the loss of power.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS orders (id BLOB PRIMARY KEY, memo TEXT)")
        .unwrap();
    connection
}

/// A shop inside the host's file, with so many more carts that can be checked out.
pub(crate) fn stocked(path: &Path, carts: usize) -> Vec<CartId> {
    migrate_in(&host(path)).unwrap();
    let store = SqliteStore::options().durability(Durability::Process).open(path).unwrap();
    let shop = shop(store);
    let slug = ProductRef::Slug(Slug::new("sku").unwrap());
    let variant: VariantId = match block_on(shop.store().product(&slug)).unwrap() {
        Some(inputs) => inputs.variants[0].id,
        None => sell(&shop, "SKU", 1_000_000),
    };
    (0..carts).map(|_| cart(&shop, &[(variant, 1)]).id).collect()
}

pub(crate) fn moment() -> Moment {
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = SystemIds.bytes();
    Moment::new(SystemClock.now(), seed)
}

/// Places an order in the host's transaction, with a row of the host's; `step` is called at each of
/// the places where that could end.
pub(crate) fn check_out(
    transaction: &Transaction<'_>,
    cart: CartId,
    mut step: impl FnMut(),
) -> OrderId {
    let inputs = read_checkout_inputs_in(transaction, cart, &[]).unwrap().unwrap();
    let decision =
        place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment())
            .unwrap();
    let id = decision.output.order.id;
    step();
    let row = params![id.uuid().into_bytes()];
    transaction.execute("INSERT INTO orders VALUES (?1, 'mine')", row).unwrap();
    step();
    commit_in(transaction, &decision.commit).unwrap();
    step();
    id
}

pub(crate) fn both_or_neither(connection: &Connection) {
    let apart = "SELECT (SELECT count(*) FROM orders WHERE id NOT IN (
            SELECT id FROM commerce_orders))
        + (SELECT count(*) FROM commerce_orders WHERE id NOT IN (SELECT id FROM orders))";
    assert_eq!(number(connection, apart), 0);
}
