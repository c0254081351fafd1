//! A checkout inside a PostgreSQL transaction of the program that embeds the shop: the order and the
//! program's own row are both there, or neither is.
//!
//! ```text
//! cargo run --example host_transaction_postgres -- postgres://user:password@host/database
//! ```
//!
//! It is `host_transaction_sqlite`, told for PostgreSQL: the program's accounting exports every order, and no
//! more than 100 euros at once.

#![allow(clippy::print_stdout, reason = "a program that people read")]

use commerce_core::{
    Commerce, access::Caller, checkout::PlaceOrder, error::Rejection, id::CartId, order::OrderView,
};
use commerce_examples::mugs::{fill, stock};
use commerce_sqlx::{
    PgStore, SystemClock, SystemIds, commit_in, migrate_in, read_checkout_inputs_in,
};
use sqlx::{Connection, PgConnection};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let address = std::env::args().nth(1).ok_or("an address is needed: postgres://…")?;
    // The program's own schema, in which the shop gets its tables: all are called commerce_….
    let mut connection = PgConnection::connect(&address).await?;
    sqlx::raw_sql(
        "SET client_min_messages = warning;
        CREATE SCHEMA IF NOT EXISTS host_transaction;
        SET search_path = host_transaction;
        CREATE TABLE IF NOT EXISTS accounting_exports (
            order_number text PRIMARY KEY,
            cents bigint NOT NULL CHECK (cents <= 10000)
        )",
    )
    .execute(&mut connection)
    .await?;
    migrate_in(&mut connection).await?;
    // For all that needs no transaction of the program, the shop works on connections of its own.
    let store = PgStore::options().schema("host_transaction").open(&address).await?;
    let shop = Commerce::new(store, SystemClock, SystemIds);
    let mug = stock(&shop).await?;

    let (guest, cart) = fill(&shop, mug, 2).await?;
    let order = check_out(&mut connection, &shop, &guest, cart).await?;
    println!("order {} is placed and will be exported", order.number);

    // The program's own rule refuses this one. The order goes with the row, and its stock is as it was.
    let (guest, cart) = fill(&shop, mug, 9).await?;
    let before = shop.stock_of(&Caller::system(), mug).await?;
    let refused = check_out(&mut connection, &shop, &guest, cart).await;
    println!("the other is neither: {}", refused.err().ok_or("an order without its export")?);
    assert_eq!(shop.stock_of(&Caller::system(), mug).await?, before);

    let apart: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM commerce_orders AS o
            FULL JOIN accounting_exports AS e ON e.order_number = o.number
            WHERE o.number IS NULL OR e.order_number IS NULL",
    )
    .fetch_one(&mut connection)
    .await?;
    assert_eq!(apart, 0, "both or neither");
    Ok(())
}

/// Places an order and queues its export. Whatever fails, the transaction is dropped, and with it all
/// that was written.
async fn check_out(
    connection: &mut PgConnection,
    shop: &Commerce,
    caller: &Caller,
    cart: CartId,
) -> Outcome<OrderView> {
    let mut transaction = connection.begin().await?;
    let inputs = read_checkout_inputs_in(&mut transaction, cart, &[])
        .await?
        .ok_or(Rejection::NotFound { what: "cart" })?;
    let decision = shop.decide_order(caller, &inputs, &PlaceOrder::default())?;
    // What was decided upon may have changed since it was read. Then this is refused, and the program
    // begins its transaction again.
    commit_in(&mut transaction, &decision.commit).await?;
    let order = decision.output.order;
    sqlx::query("INSERT INTO accounting_exports (order_number, cents) VALUES ($1, $2)")
        .bind(order.number.as_str())
        .bind(order.total.minor())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(order)
}
