//! What holds under load: nothing is oversold, nothing acknowledged is lost when the process is
//! killed, a full disk loses nothing, and two may write one file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::HashSet,
    future::Future,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use commerce_core::{
    access::Caller,
    catalog::CreateProduct,
    checkout::PlaceOrder,
    error::Rejection,
    id::{CartId, OrderId},
    store::{OrderRef, ProductRef, Store},
    text::{IdempotencyKey, Slug},
};
use commerce_sqlite::{Durability, SqliteStore};
use pollster::block_on;
use rusqlite::Connection;

use common::{cart, check_books, sell, shop};

#[test]
fn thirty_two_callers_never_oversell_one_sku() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = shop(SqliteStore::open(&path).unwrap());
    let variant = sell(&shop, "HOT", 100);
    // A cart only takes what is there, so all are filled before the first is checked out.
    let carts: Vec<_> = (0..160).map(|_| cart(&shop, &[(variant, 1)])).collect();
    let (sold, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for carts in carts.chunks(5) {
            let (shop, sold, refused) = (&shop, &sold, &refused);
            scope.spawn(move || {
                for (caller, cart) in carts {
                    match block_on(shop.place_order(caller, *cart, &PlaceOrder::default())) {
                        Ok(_) => sold.fetch_add(1, Ordering::SeqCst),
                        Err(error) => {
                            let short = error.rejection();
                            assert!(
                                matches!(short, Some(Rejection::InsufficientStock { .. })),
                                "{error:?}"
                            );
                            refused.fetch_add(1, Ordering::SeqCst)
                        }
                    };
                }
            });
        }
    });
    assert_eq!((sold.into_inner(), refused.into_inner()), (100, 60));
    drop(shop);
    check_books(&path);
}

#[test]
fn equal_requests_at_once_make_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = shop(SqliteStore::open(&path).unwrap());
    let variant = sell(&shop, "ONE", 100);
    for round in 0..10 {
        let (caller, cart) = cart(&shop, &[(variant, 1)]);
        let caller = caller.with_key(IdempotencyKey::new(format!("key-{round}")).unwrap());
        let orders: HashSet<OrderId> = std::thread::scope(|scope| {
            let ask = || {
                let placed = block_on(shop.place_order(&caller, cart, &PlaceOrder::default()));
                placed.unwrap().order.id
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(orders.len(), 1);
    }
    drop(shop);
    check_books(&path);
}

/// A future that is dropped after its first poll.
fn begin_and_drop(future: impl Future) {
    let mut future = Box::pin(future);
    let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn a_caller_who_leaves_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = shop(SqliteStore::open(&path).unwrap());
    let variant = sell(&shop, "GONE", 100);
    for _ in 0..20 {
        let (caller, cart) = cart(&shop, &[(variant, 1)]);
        begin_and_drop(shop.place_order(&caller, cart, &PlaceOrder::default()));
    }
    drop(shop);
    check_books(&path);
}

/// Set for a process that this test starts: the file to sell from.
const CHILD: &str = "COMMERCE_SQLITE_CHILD";

/// The process that is killed: it places orders on four threads and says which are acknowledged.
/// Without a file it has nothing to do.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let shop = shop(SqliteStore::open(path).unwrap());
    let skus: Vec<Slug> = ["a", "b", "c"].map(|sku| Slug::new(sku).unwrap()).to_vec();
    let variants: Vec<_> = skus
        .into_iter()
        .map(|slug| {
            let product = block_on(shop.store().product(&ProductRef::Slug(slug))).unwrap();
            product.unwrap().variants[0].id
        })
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (shop, variants) = (&shop, &variants);
            scope.spawn(move || {
                for round in 0.. {
                    let lines = [(variants[thread % 3], 1), (variants[(thread + round) % 3], 2)];
                    let (caller, cart) = cart(shop, &lines);
                    let placed = block_on(shop.place_order(&caller, cart, &PlaceOrder::default()));
                    let line = format!("acknowledged {}\n", placed.unwrap().order.id);
                    // One write for one line, past the test's own capture of output.
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Starts this test's own program on a file, kills it once it has acknowledged so many orders, and
/// gives those, with what it still said before it died.
fn kill_after(path: &Path, orders: usize) -> Vec<OrderId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        let id: Option<OrderId> =
            line.split_once("acknowledged ").and_then(|(_, id)| id.parse().ok());
        acknowledged.extend(id);
        if acknowledged.len() == orders {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

#[test]
fn every_acknowledged_order_survives_the_death_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let first = shop(SqliteStore::open(&path).unwrap());
    for sku in ["a", "b", "c"] {
        sell(&first, sku, 1_000_000);
    }
    drop(first);
    for orders in [1, 7, 23, 60] {
        let acknowledged = kill_after(&path, orders);
        assert!(acknowledged.len() >= orders);
        let store = SqliteStore::open(&path).unwrap();
        for id in acknowledged {
            assert!(block_on(store.order(&OrderRef::Id(id))).unwrap().is_some(), "{id} is lost");
        }
        drop(store);
        check_books(&path);
    }
}

#[test]
fn a_disk_that_fills_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let store = SqliteStore::options().bytes_max(700_000).open(&path).unwrap();
    let shop = shop(store);
    let variant = sell(&shop, "FULL", 1_000_000);
    let mut carts: Vec<(Caller, CartId)> = (0..40).map(|_| cart(&shop, &[(variant, 1)])).collect();
    let mut placed = Vec::new();
    let mut refused = 0;
    let long = "x".repeat(5_000);
    let system = Caller::system();
    while refused < 5 {
        let product = CreateProduct {
            description: long.parse().unwrap(),
            ..CreateProduct::new(format!("P {}", placed.len())).unwrap()
        };
        // It fills the file; once there is no room, it is refused like everything else.
        let _ = block_on(shop.create_product(&system, &product));
        let Some((caller, cart)) = carts.pop() else { break };
        match block_on(shop.place_order(&caller, cart, &PlaceOrder::default())) {
            Ok(order) => placed.push(order.order.id),
            Err(commerce_core::Error::Unavailable(_)) => refused += 1,
            Err(other) => unreachable!("{other:?}"),
        }
    }
    assert!(refused > 0, "it never became full");
    for id in &placed {
        assert!(block_on(shop.store().order(&OrderRef::Id(*id))).unwrap().is_some());
    }
    drop(shop);
    check_books(&path);
    // With room again it goes on.
    let shop = common::shop(SqliteStore::open(&path).unwrap());
    let (caller, cart) = cart(&shop, &[(variant, 1)]);
    block_on(shop.place_order(&caller, cart, &PlaceOrder::default())).unwrap();
}

#[test]
fn two_stores_write_one_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let options = SqliteStore::options()
        .durability(Durability::Process)
        .busy_timeout(Duration::from_secs(60));
    let shops = [shop(options.open(&path).unwrap()), shop(options.open(&path).unwrap())];
    let variant = sell(&shops[0], "SHARED", 60);
    let carts: Vec<_> = (0..80).map(|at| cart(&shops[at % 2], &[(variant, 1)])).collect();
    let sold = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (at, carts) in carts.chunks(10).enumerate() {
            let (shop, sold) = (&shops[at % 2], &sold);
            scope.spawn(move || {
                for (caller, cart) in carts {
                    let placed = block_on(shop.place_order(caller, *cart, &PlaceOrder::default()));
                    sold.fetch_add(usize::from(placed.is_ok()), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(sold.into_inner(), 60);
    // What one writes, the other sees, though it keeps the catalogue decoded.
    let title = serde_json::from_value(serde_json::json!({"title": "Renamed"})).unwrap();
    let slug = ProductRef::Slug(Slug::new("shared").unwrap());
    let product = block_on(shops[1].store().product(&slug)).unwrap().unwrap().product.id;
    let (_, cart) = cart(&shops[0], &[]);
    let titled = || {
        let inputs = block_on(shops[0].store().checkout_inputs(cart, &[variant])).unwrap().unwrap();
        inputs.sellables[0].title.to_string()
    };
    assert_eq!(titled(), "SHARED");
    block_on(shops[1].patch_product(&Caller::system(), product, &title, None)).unwrap();
    assert_eq!(titled(), "Renamed");
    drop(shops);
    check_books(&path);
}

#[test]
fn a_file_that_stays_locked_is_unavailable_within_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let options = SqliteStore::options().busy_timeout(Duration::from_millis(20));
    let shop = shop(options.open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let product = CreateProduct::new("Late").unwrap();
    let refused = block_on(shop.create_product(&Caller::system(), &product));
    assert!(matches!(refused, Err(commerce_core::Error::Unavailable(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    block_on(shop.create_product(&Caller::system(), &product)).unwrap();
}
