//! An embedder's own transaction: the row of the host and the order are both there or both absent.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "../../commerce-core/tests/support/reads.rs"]
mod reads;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use commerce_core::{
    cart::CheckoutInputs,
    checkout::{PlaceOrder, Placed, place},
    id::{CartId, Id, Moment, OrderId, VariantId},
    inputs::{Clock, IdSource},
    inventory::ByPriority,
    payment::Means,
    store::{CommitError, CustomerRef, Decision, OrderRef, ProductRef, VariantRef},
    text::Slug,
};
use commerce_sqlx::{
    SystemClock, SystemIds, commit_in, migrate_in, read_cart_in, read_checkout_inputs_in,
    read_customer_in, read_open_cart_in, read_order_in, read_outcome_in, read_product_in,
    read_sellables_in, read_setup_in, read_variant_in,
};
use common::{
    Schema, address, block_on, number, polled, run,
    shop::{cart, check_books, sell, shop},
    until,
};
use reads::{Answers, Named, changing_all, outside, said};
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

/// What placing an order would commit.
fn decided(inputs: &CheckoutInputs) -> Decision<Placed> {
    let (request, means) = (PlaceOrder::default(), Means::by_hand());
    place(inputs, &request, &means, &ByPriority, &mut moment()).unwrap()
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
    let decision = decided(&inputs);
    let id = decision.output.order.id;
    at()?;
    note(transaction, id).await;
    at()?;
    commit_in(transaction, &decision.commit).await.unwrap();
    at()?;
    Ok(id)
}

/// Numbers below another, always the same for one seed.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state).unwrap() % below
    }
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
    let mut dice = dice(7);
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
        let again = decided(&inputs);
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
        let decision = decided(&inputs);
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
    let mut polls = 0;
    for cart in carts(&schema, 120) {
        let mut hosts = schema.connect();
        let (done, committed) = block_on(async {
            let read = read_checkout_inputs_in(&mut hosts, cart, &[]).await;
            let commit = decided(&read.unwrap().unwrap()).commit;
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
        if done && failed > 0 {
            break;
        }
        // In how many pieces answers come differs: the end is looked for again where it was.
        polls = if done { polls.saturating_sub(4) } else { polls + 1 };
    }
    assert!(orders > 0 && failed > 0, "{orders} {failed}");
    check_books(&mut connection);
}

async fn inside(connection: &mut PgConnection, named: &Named) -> Answers {
    let Named { product, variant, cart, customer, order, outcome } = named;
    [
        said(read_setup_in(connection).await),
        said(read_product_in(connection, product).await),
        said(read_variant_in(connection, &VariantRef::Id(*variant)).await),
        said(read_sellables_in(connection, &[*variant]).await),
        said(read_cart_in(connection, *cart).await),
        said(read_open_cart_in(connection, *customer).await),
        said(read_checkout_inputs_in(connection, *cart, &[]).await),
        said(read_order_in(connection, order).await),
        said(read_customer_in(connection, &CustomerRef::Id(*customer)).await),
        said(read_outcome_in(connection, outcome).await),
    ]
}

#[test]
fn a_transaction_reads_what_it_has_written_and_nobody_else_does() {
    let (schema, mut connection) = host();
    let shop = shop(schema.open());
    let variant = sell(&shop, "SKU", 5);
    block_on(async {
        let (named, commit) = changing_all(&shop, variant).await;
        let mut transaction = connection.begin().await.unwrap();
        let before = outside(&**shop.store(), &named).await;
        assert_eq!(inside(&mut transaction, &named).await, before);
        commit_in(&mut transaction, &commit).await.unwrap();
        let within = inside(&mut transaction, &named).await;
        for (within, before) in within.iter().zip(&before) {
            assert_ne!(within, before);
        }
        assert_eq!(outside(&**shop.store(), &named).await, before);
        transaction.rollback().await.unwrap();
        assert_eq!(inside(&mut connection, &named).await, before);

        let mut transaction = connection.begin().await.unwrap();
        commit_in(&mut transaction, &commit).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(outside(&**shop.store(), &named).await, within);
    });
    check_books(&mut connection);
}

#[test]
fn after_a_read_that_the_database_fails_a_savepoint_of_the_hosts_helps() {
    let (schema, mut connection) = host();
    let cart = carts(&schema, 1)[0];
    let read = |connection: &mut PgConnection| block_on(read_cart_in(connection, cart)).is_ok();
    for saved in [true, false] {
        run(&mut connection, "BEGIN; SAVEPOINT mine; ALTER TABLE commerce_carts RENAME TO away");
        assert!(!read(&mut connection));
        if saved {
            run(&mut connection, "ROLLBACK TO mine");
        }
        assert_eq!(read(&mut connection), saved);
        run(&mut connection, "ROLLBACK");
    }
}

/// Set for a process that this test starts: the server and the host's schema.
const CHILD: &str = "COMMERCE_SQLX_HOST";

/// What the process says before each of the places where it could end.
const STEP: &str = "step";
/// The places of one order.
const STEPS: usize = 3;
/// The orders within which a process is killed, and those with which it goes on until it is.
const CARTS: [usize; 2] = [12, 12];

/// The process that is killed: it checks out one cart after the other, each with a row of its own.
/// Without a schema it has nothing to do.
#[test]
fn child() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let schema = Schema { name };
    let carts = carts(&schema, CARTS.iter().sum());
    let mut connection = schema.connect();
    block_on(async {
        for cart in carts {
            let mut transaction = connection.begin().await.unwrap();
            let step = || {
                std::io::stdout().write_all(format!("{STEP}\n").as_bytes()).unwrap();
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
    let mut dice = dice(11);
    let gone =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'", schema.name);
    let (mut committed, mut lost) = (0, 0);
    for kill in 0..40 {
        let steps = 1 + dice(CARTS[0] * STEPS);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, &schema.name)
            .env("DATABASE_URL", address())
            .env("PGAPPNAME", &schema.name)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = lines.map_while(Result::ok).filter(|line| line.contains(STEP));
        assert_eq!(seen.by_ref().take(steps).count(), steps);
        child.kill().unwrap();
        child.wait().unwrap();
        // Its last words, and what the server still does for it.
        let begun = i64::try_from((steps + seen.count()).div_ceil(STEPS)).unwrap();
        until("it is still there", || number(&mut connection, &gone) == 0);
        both_or_neither(&mut connection);
        let there = number(&mut connection, ORDERS) - committed;
        assert!((begun - 1..=begun).contains(&there), "kill {kill}: {there} of {begun}");
        committed += there;
        lost += begun - there;
    }
    assert!(committed > 0 && lost > 0, "{committed} {lost}");
    check_books(&mut connection);
}
