//! A checkout inside a transaction of the program that embeds the shop: the order and the program's
//! own row are both there, or neither is.
//!
//! ```text
//! cargo run --example host_transaction_sqlite -- [FILE]
//! ```
//!
//! The program has a database of its own, with a table of what its accounting has to fetch. An order
//! that accounting never hears of would be a bug, and so would be the export of an order that is not
//! there. So both are written in one transaction of the program, on its own connection.

#![allow(clippy::print_stdout, reason = "a program that people read")]

use commerce_core::{
    Commerce, access::Caller, checkout::PlaceOrder, error::Rejection, id::CartId, order::OrderView,
};
use commerce_examples::mugs::{fill, stock};
use commerce_sqlite::{
    commit_in, migrate_in, read_checkout_inputs_in,
    rusqlite::{Connection, TransactionBehavior::Immediate},
};
use pollster::block_on;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "host.db".to_owned());
    // The program's own database, in which the shop gets its tables: all are called commerce_….
    let mut connection = Connection::open(&file)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS accounting_exports (
            order_number TEXT NOT NULL PRIMARY KEY,
            cents INTEGER NOT NULL CHECK (cents <= 10000)
        ) STRICT",
    )?;
    migrate_in(&connection)?;
    // For all that needs no transaction of the program, the shop works on connections of its own.
    let shop = commerce_sqlite::open(&file)?;
    let mug = block_on(stock(&shop))?;

    let (guest, cart) = block_on(fill(&shop, mug, 2))?;
    let order = check_out(&mut connection, &shop, &guest, cart)?;
    println!("order {} is placed and will be exported", order.number);

    // The program's own rule refuses this one: it exports no more than 100 euros at once. The order
    // goes with the row, and its stock is as it was.
    let (guest, cart) = block_on(fill(&shop, mug, 9))?;
    let before = block_on(shop.stock_of(&Caller::system(), mug))?;
    let refused = check_out(&mut connection, &shop, &guest, cart);
    println!("the other is neither: {}", refused.err().ok_or("an order without its export")?);
    assert_eq!(block_on(shop.stock_of(&Caller::system(), mug))?, before);

    let apart: i64 = connection.query_row(
        "SELECT count(*) FROM commerce_orders AS o
            FULL JOIN accounting_exports AS e ON e.order_number = o.number
            WHERE o.number IS NULL OR e.order_number IS NULL",
        [],
        |row| row.get(0),
    )?;
    assert_eq!(apart, 0, "both or neither");
    Ok(())
}

/// Places an order and queues its export. Whatever fails, the transaction is dropped, and with it all
/// that was written.
fn check_out(
    connection: &mut Connection,
    shop: &Commerce,
    caller: &Caller,
    cart: CartId,
) -> Outcome<OrderView> {
    // `IMMEDIATE`, so that nobody changes between the reading and the commit what is decided upon.
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let inputs = read_checkout_inputs_in(&transaction, cart, &[])?
        .ok_or(Rejection::NotFound { what: "cart" })?;
    let decision = shop.decide_order(caller, &inputs, &PlaceOrder::default())?;
    commit_in(&transaction, &decision.commit)?;
    let order = decision.output.order;
    transaction.execute(
        "INSERT INTO accounting_exports (order_number, cents) VALUES (?1, ?2)",
        (order.number.as_str(), order.total.minor()),
    )?;
    transaction.commit()?;
    Ok(order)
}
