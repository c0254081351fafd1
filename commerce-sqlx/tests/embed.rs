//! An embedder's own transaction: the row of the host and the order are both there or both absent.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use commerce_core::{
    checkout::{PlaceOrder, place},
    id::{CartId, Id, Moment, OrderId, VariantId},
    inputs::{Clock, IdSource},
    inventory::ByPriority,
    payment::Means,
    store::{CommitError, OrderRef, ProductRef},
    text::Slug,
};
use commerce_sqlx::{
    SystemClock, SystemIds, commit_in, migrate_in, read_cart_in, read_checkout_inputs_in,
    read_order_in, read_setup_in,
};
use common::{
    Schema, address, block_on, number, polled, run,
    shop::{cart, check_books, sell, shop},
};
use sqlx::{Connection, PgConnection};

const ORDERS: &str = "SELECT count(*) FROM commerce_orders";
const ROWS: &str = "SELECT count(*) FROM orders";

/// A schema of the host's, with a table of its own, in which a shop is let in.
fn host() -> (Schema, PgConnection) {
    let schema = Schema::new();
    let mut connection = schema.connect();
    run(
        &mut connection,
        &format!(
            "CREATE SCHEMA {}; CREATE TABLE orders (id uuid PRIMARY KEY, memo text)",
            schema.name
        ),
    );
    block_on(migrate_in(&mut connection)).unwrap();
    (schema, connection)
}

/// Carts that can be checked out.
fn carts(schema: &Schema, count: usize) -> Vec<CartId> {
    let store = schema.open();
    let shop = shop(store.clone());
    let slug = ProductRef::Slug(Slug::new("sku").unwrap());
    let variant: VariantId = match block_on(shop.store().product(&slug)).unwrap() {
        Some(inputs) => inputs.variants[0].id,
        None => sell(&shop, "SKU", 1_000_000),
    };
    let carts = (0..count).map(|_| block_on(cart(&shop, &[(variant, 1)])).1).collect();
    block_on(store.close());
    carts
}

fn moment() -> Moment {
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = SystemIds.bytes();
    Moment::new(SystemClock.now(), seed)
}

async fn note(connection: &mut PgConnection, order: OrderId) {
    let insert = format!("INSERT INTO orders VALUES ('{}', 'mine')", order.uuid());
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(connection).await.unwrap();
}

/// The host gives up.
struct Abort;

/// Places an order in the host's transaction; `at` is called at each of the places where it could
/// end.
async fn check_out(
    transaction: &mut PgConnection,
    cart: CartId,
    mut at: impl FnMut() -> Result<(), Abort>,
) -> Result<OrderId, Abort> {
    let inputs = read_checkout_inputs_in(transaction, cart, &[]).await.unwrap().unwrap();
    let decision =
        place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment())
            .unwrap();
    let id = decision.output.order.id;
    at()?;
    note(transaction, id).await;
    at()?;
    commit_in(transaction, &decision.commit).await.unwrap();
    at()?;
    Ok(id)
}

fn both_or_neither(connection: &mut PgConnection) {
    let apart = "SELECT (SELECT count(*) FROM orders WHERE id NOT IN (
            SELECT id FROM commerce_orders))
        + (SELECT count(*) FROM commerce_orders WHERE id NOT IN (SELECT id FROM orders))";
    assert_eq!(number(connection, apart), 0);
}

#[test]
fn both_or_neither_over_a_thousand_aborts() {
    let (schema, mut connection) = host();
    let carts = carts(&schema, 120);
    let mut state = 7u64;
    let mut dice = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let (mut committed, mut aborted) = (0, 0);
    let mut next = carts.iter().cycle();
    let mut current = *next.next().unwrap();
    while aborted < 1_000 {
        let (ending, last) = (dice(10), dice(3));
        let done = block_on(async {
            let mut transaction = connection.begin().await.unwrap();
            let mut place = 0;
            let placed = check_out(&mut transaction, current, || {
                place += 1;
                if ending < 4 && place == last { Err(Abort) } else { Ok(()) }
            });
            match (placed.await, ending) {
                (Ok(id), 9) => {
                    transaction.commit().await.unwrap();
                    Some(id)
                }
                (_, 8) => {
                    transaction.rollback().await.unwrap();
                    None
                }
                // It is dropped as it is.
                _ => None,
            }
        });
        match done {
            Some(id) => {
                let order = block_on(read_order_in(&mut connection, &OrderRef::Id(id))).unwrap();
                assert!(order.is_some());
                committed += 1;
                if committed == 120 {
                    break;
                }
                current = *next.next().unwrap();
            }
            None => {
                let cart = block_on(read_cart_in(&mut connection, current)).unwrap().unwrap();
                assert!(cart.order_id.is_none());
                aborted += 1;
            }
        }
        if aborted % 100 == 0 {
            both_or_neither(&mut connection);
        }
    }
    assert_eq!(aborted, 1_000);
    both_or_neither(&mut connection);
    assert_eq!(number(&mut connection, ROWS), committed);
    assert!(block_on(read_setup_in(&mut connection)).unwrap().is_some());
    check_books(&mut connection);
}

#[test]
fn a_refused_commit_leaves_the_hosts_rows_and_nothing_of_its_own() {
    let (schema, mut connection) = host();
    let cart = carts(&schema, 1)[0];
    block_on(async {
        let read = read_checkout_inputs_in(&mut connection, cart, &[]).await;
        let inputs = read.unwrap().unwrap();
        let again =
            place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment())
                .unwrap();
        let mut transaction = connection.begin().await.unwrap();
        assert!(check_out(&mut transaction, cart, || Ok(())).await.is_ok());
        note(&mut transaction, OrderId::from_uuid(uuid::Uuid::nil())).await;
        let refused = commit_in(&mut transaction, &again.commit).await;
        assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
        transaction.commit().await.unwrap();
        // Without a transaction around it, it is one of its own.
        let refused = commit_in(&mut connection, &again.commit).await;
        assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
        assert!(!connection.is_in_transaction());
    });
    assert_eq!(number(&mut connection, ROWS), 2);
    assert_eq!(number(&mut connection, ORDERS), 1);
    check_books(&mut connection);
}

#[test]
fn a_commit_that_the_database_refuses_leaves_the_transaction_usable() {
    let (schema, mut connection) = host();
    let cart = carts(&schema, 1)[0];
    // A rule that only this database has.
    run(&mut connection, "ALTER TABLE commerce_orders ADD CHECK (currency <> 'EUR')");
    block_on(async {
        let mut transaction = connection.begin().await.unwrap();
        let read = read_checkout_inputs_in(&mut transaction, cart, &[]).await;
        let inputs = read.unwrap().unwrap();
        let decision =
            place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment())
                .unwrap();
        let refused = commit_in(&mut transaction, &decision.commit).await;
        assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
        note(&mut transaction, OrderId::from_uuid(uuid::Uuid::nil())).await;
        transaction.commit().await.unwrap();
    });
    assert_eq!(number(&mut connection, ROWS), 1);
    assert_eq!(number(&mut connection, ORDERS), 0);
    check_books(&mut connection);
}

#[test]
fn a_commit_that_is_dropped_anywhere_takes_nothing_of_the_host_with_it() {
    let (schema, mut connection) = host();
    let (mut rows, mut orders, mut failed) = (0, 0, 0);
    for (polls, cart) in carts(&schema, 60).into_iter().enumerate() {
        let mut hosts = schema.connect();
        let (done, committed) = block_on(async {
            let read = read_checkout_inputs_in(&mut hosts, cart, &[]).await;
            let decision = place(
                &read.unwrap().unwrap(),
                &PlaceOrder::default(),
                &Means::by_hand(),
                &ByPriority,
                &mut moment(),
            );
            let commit = decision.unwrap().commit;
            let mut transaction = hosts.begin().await.unwrap();
            note(&mut transaction, moment().id()).await;
            let done = polled(commit_in(&mut transaction, &commit), polls).await.is_some();
            note(&mut transaction, moment().id()).await;
            (done, transaction.commit().await.is_ok())
        });
        let [rows_before, orders_before] = [rows, orders];
        rows = number(&mut connection, ROWS);
        orders = number(&mut connection, ORDERS);
        let (rows, orders) = (rows - rows_before, orders - orders_before);
        if committed {
            assert_eq!(rows, 2, "after {polls} polls");
            assert!(orders == 1 || !done, "after {polls} polls");
        } else {
            assert_eq!((rows, orders, done), (0, 0, false), "after {polls} polls");
            failed += 1;
        }
        if done {
            break;
        }
    }
    assert!(orders > 0 && failed > 0, "{orders} {failed}");
    check_books(&mut connection);
}

/// Set for a process that this test starts: the server and the host's schema.
const CHILD: &str = "COMMERCE_SQLX_HOST";

/// The process that is killed: it checks out one cart after the other, each with a row of its own.
/// Without a schema it has nothing to do.
#[test]
fn child() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let schema = Schema { name };
    let carts = carts(&schema, 200);
    let mut connection = schema.connect();
    block_on(async {
        for cart in carts {
            let mut transaction = connection.begin().await.unwrap();
            let step = || {
                std::io::stdout().write_all(b"step\n").unwrap();
                Ok(())
            };
            assert!(check_out(&mut transaction, cart, step).await.is_ok());
            transaction.commit().await.unwrap();
        }
    });
    // The schema is the parent's.
    std::mem::forget(schema);
}

#[test]
fn both_or_neither_when_the_process_is_killed() {
    let (schema, mut connection) = host();
    carts(&schema, 0);
    for steps in [1, 2, 3, 5, 8, 13, 50, 101] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, &schema.name)
            .env("DATABASE_URL", address())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = lines.map_while(Result::ok).filter(|line| line.contains("step")).take(steps);
        assert_eq!(seen.count(), steps);
        child.kill().unwrap();
        child.wait().unwrap();
        both_or_neither(&mut connection);
    }
    check_books(&mut connection);
}
