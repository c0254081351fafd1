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
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use commerce_core::{
    checkout::{PlaceOrder, place},
    id::{CartId, Id, Moment, OrderId, VariantId},
    inputs::{Clock, IdSource},
    inventory::ByPriority,
    store::{CommitError, OrderRef, ProductRef},
    text::Slug,
};
use commerce_sqlite::{
    Durability, SqliteStore, SystemClock, SystemIds, commit_in, migrate_in, read_cart_in,
    read_checkout_inputs_in, read_order_in, read_setup_in,
};
use pollster::block_on;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use common::{cart, check_books, number, sell, shop};

fn host(path: &Path) -> Connection {
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

/// A shop inside the host's file, with carts that can be checked out.
fn stocked(path: &Path, carts: usize) -> Vec<CartId> {
    migrate_in(&host(path)).unwrap();
    let store = SqliteStore::options().durability(Durability::Process).open(path).unwrap();
    let shop = shop(store);
    let slug = ProductRef::Slug(Slug::new("sku").unwrap());
    let variant: VariantId = match block_on(shop.store().product(&slug)).unwrap() {
        Some(inputs) => inputs.variants[0].id,
        None => sell(&shop, "SKU", 1_000_000),
    };
    (0..carts).map(|_| cart(&shop, &[(variant, 1)]).1).collect()
}

fn moment() -> Moment {
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = SystemIds.bytes();
    Moment::new(SystemClock.now(), seed)
}

fn note(transaction: &Transaction<'_>, order: OrderId) {
    let id = order.uuid().into_bytes();
    transaction.execute("INSERT INTO orders VALUES (?1, 'mine')", params![id]).unwrap();
}

/// Places an order in the host's transaction; `abort` is called at each of the places where it
/// could end.
fn check_out(transaction: &Transaction<'_>, cart: CartId, mut abort: impl FnMut()) -> OrderId {
    let inputs = read_checkout_inputs_in(transaction, cart, &[]).unwrap().unwrap();
    let decision = place(&inputs, &PlaceOrder::default(), &ByPriority, &mut moment()).unwrap();
    let id = decision.output.order.id;
    abort();
    note(transaction, id);
    abort();
    commit_in(transaction, &decision.commit).unwrap();
    abort();
    id
}

fn both_or_neither(connection: &Connection) {
    let apart = "SELECT (SELECT count(*) FROM orders WHERE id NOT IN (
            SELECT id FROM commerce_orders))
        + (SELECT count(*) FROM commerce_orders WHERE id NOT IN (SELECT id FROM orders))";
    assert_eq!(number(connection, apart), 0);
}

#[test]
fn both_or_neither_over_a_thousand_aborts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let carts = stocked(&path, 120);
    let mut connection = host(&path);
    let mut state = 7u64;
    let mut dice = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut committed = 0;
    let mut aborted = 0;
    let mut next = carts.iter();
    let mut current = next.next();
    while aborted < 1_000 {
        let Some(cart) = current else { break };
        let ending = dice(10);
        let at = dice(3);
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior).unwrap();
            let mut place = 0;
            let id = check_out(&transaction, *cart, || {
                if ending < 4 && place == at {
                    panic!("the host gives up");
                }
                place += 1;
            });
            match ending {
                9 => {
                    transaction.commit().unwrap();
                    Some(id)
                }
                8 => {
                    transaction.rollback().unwrap();
                    None
                }
                _ => None,
            }
        }));
        match attempt {
            Ok(Some(id)) => {
                assert!(read_order_in(&connection, &OrderRef::Id(id)).unwrap().is_some());
                committed += 1;
                current = next.next();
            }
            Err(panic) if ending >= 4 => resume_unwind(panic),
            _ => {
                let cart = read_cart_in(&connection, *cart).unwrap().unwrap();
                assert!(cart.order_id.is_none());
                aborted += 1;
            }
        }
        if aborted % 100 == 0 {
            both_or_neither(&connection);
        }
    }
    std::panic::set_hook(quiet);
    assert_eq!(aborted, 1_000);
    both_or_neither(&connection);
    assert_eq!(number(&connection, "SELECT count(*) FROM orders"), committed);
    assert!(read_setup_in(&connection).unwrap().is_some());
    drop(connection);
    check_books(&path);
}

#[test]
fn a_refused_commit_leaves_the_hosts_rows_and_nothing_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let carts = stocked(&path, 1);
    let mut connection = host(&path);
    let inputs = read_checkout_inputs_in(&connection, carts[0], &[]).unwrap().unwrap();
    let again = place(&inputs, &PlaceOrder::default(), &ByPriority, &mut moment()).unwrap();
    let transaction = connection.transaction().unwrap();
    check_out(&transaction, carts[0], || {});
    transaction.execute("INSERT INTO orders VALUES (x'00', 'other')", []).unwrap();
    let refused = commit_in(&transaction, &again.commit);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    transaction.commit().unwrap();
    assert_eq!(number(&connection, "SELECT count(*) FROM orders"), 2);
    assert_eq!(number(&connection, "SELECT count(*) FROM commerce_orders"), 1);
    // Without a transaction around it, it is one of its own.
    let refused = commit_in(&connection, &again.commit);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    assert!(connection.is_autocommit());
    drop(connection);
    check_books(&path);
}

/// Set for a process that this test starts: the host's file.
const CHILD: &str = "COMMERCE_SQLITE_HOST";

/// The process that is killed: it checks out one cart after the other, each with a row of its own.
/// Without a file it has nothing to do.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let carts = stocked(&path, 400);
    let mut connection = host(&path);
    for cart in carts {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let step = || std::io::stdout().write_all(b"step\n").unwrap();
        check_out(&transaction, cart, step);
        transaction.commit().unwrap();
    }
}

#[test]
fn both_or_neither_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    stocked(&path, 0);
    for steps in [1, 2, 3, 5, 8, 13, 50, 101] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = lines.map_while(Result::ok).filter(|line| line.contains("step")).take(steps);
        assert_eq!(seen.count(), steps);
        child.kill().unwrap();
        child.wait().unwrap();
        both_or_neither(&host(&path));
        check_books(&path);
    }
}
