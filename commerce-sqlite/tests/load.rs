//! What holds under load: nothing is oversold, a full disk loses nothing, and two may write one file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::HashSet,
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{CreateCategory, CreateProduct},
    checkout::PlaceOrder,
    error::Rejection,
    id::OrderId,
    store::{OrderRef, ProductRef},
    text::Slug,
};
use commerce_sqlite::{Durability, SqliteStore, SystemClock, SystemIds};
use pollster::block_on;
use rusqlite::Connection;
use serde_json::json;

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
                for cart in carts {
                    match cart.check_out(shop) {
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
    for _ in 0..10 {
        let cart = cart(&shop, &[(variant, 1)]);
        let orders: HashSet<OrderId> = std::thread::scope(|scope| {
            let ask = || cart.check_out(&shop).unwrap().order.id;
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
        let cart = cart(&shop, &[(variant, 1)]);
        begin_and_drop(shop.place_order(&cart.guest(), cart.id, &PlaceOrder::default()));
    }
    drop(shop);
    check_books(&path);
}

#[test]
fn a_disk_that_fills_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let store = SqliteStore::options().bytes_max(700_000).open(&path).unwrap();
    let shop = shop(store);
    let variant = sell(&shop, "FULL", 1_000_000);
    let mut carts: Vec<_> = (0..40).map(|_| cart(&shop, &[(variant, 1)])).collect();
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
        let Some(cart) = carts.pop() else { break };
        match cart.check_out(&shop) {
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
    cart(&shop, &[(variant, 1)]).check_out(&shop).unwrap();
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
                for cart in carts {
                    let placed = cart.check_out(shop);
                    sold.fetch_add(usize::from(placed.is_ok()), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(sold.into_inner(), 60);
    // What one writes, the other sees, though it keeps the catalogue decoded.
    let title = serde_json::from_value(json!({"title": "Renamed"})).unwrap();
    let slug = ProductRef::Slug(Slug::new("shared").unwrap());
    let product = block_on(shops[1].store().product(&slug)).unwrap().unwrap().product.id;
    let cart = cart(&shops[0], &[]).id;
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
fn whatever_another_store_does_to_the_categories_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let [shop, other] = [(); 2].map(|()| shop(SqliteStore::open(&path).unwrap()));
    let system = &Caller::system();
    let category = |body| {
        let request: CreateCategory = serde_json::from_value(body).unwrap();
        block_on(other.create_category(system, &request)).unwrap().id
    };
    let seen = |shop: &Commerce| {
        let mut found = block_on(shop.store().categories()).unwrap();
        found.sort_by_key(|category| category.id);
        found
    };
    let mut before = seen(&shop);
    let mut changed = |what: &str| {
        let now = seen(&shop);
        assert_ne!(now, before, "{what}");
        let unread = Commerce::new(SqliteStore::open(&path).unwrap(), SystemClock, SystemIds);
        assert_eq!(now, seen(&unread), "{what}");
        before = now;
    };
    let tops = category(json!({ "title": "Tops" }));
    let shirts = category(json!({ "title": "Shirts" }));
    changed("made");
    let named = serde_json::from_value(json!({ "title": "Upper wear" })).unwrap();
    block_on(other.patch_category(system, tops, &named, None)).unwrap();
    changed("renamed");
    let below = serde_json::from_value(json!({ "parent_id": tops })).unwrap();
    block_on(other.patch_category(system, shirts, &below, None)).unwrap();
    changed("moved");
    let product =
        CreateProduct { categories: vec![shirts], ..CreateProduct::new("Shirt").unwrap() };
    block_on(other.create_product(system, &product)).unwrap();
    changed("leant on by a product");
    block_on(other.remove_category(system, shirts, None)).unwrap();
    changed("removed");
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

#[test]
fn whoever_waits_too_long_for_a_turn_is_told_that_nothing_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(shop(SqliteStore::open(&path).unwrap()));
    let hurried = SqliteStore::options().queue_timeout(Duration::ZERO).open(&path).unwrap();
    let hurried = Commerce::new(hurried, SystemClock, SystemIds);
    let product = CreateProduct::new("Late").unwrap();
    let late = block_on(hurried.create_product(&Caller::system(), &product));
    assert!(matches!(late, Err(commerce_core::Error::Unavailable(_))), "{late:?}");
    drop(hurried);
    let patient = shop(SqliteStore::open(&path).unwrap());
    block_on(patient.create_product(&Caller::system(), &product)).unwrap();
}

#[test]
fn more_callers_than_the_queue_holds_all_get_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let patience = Duration::from_secs(600);
    let options = SqliteStore::options().busy_timeout(patience).queue_timeout(patience);
    let shop = shop(options.open(&path).unwrap());
    let variant = sell(&shop, "MANY", 1);
    let (office, one) = (Caller::system(), [(variant, 1)]);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut callers: Vec<_> =
        (0..1_500).map(|_| Box::pin(shop.receive_stock(&office, None, &one, None))).collect();
    for caller in &mut callers {
        assert!(caller.as_mut().poll(&mut context).is_pending());
    }
    other.execute_batch("ROLLBACK").unwrap();
    for caller in callers {
        block_on(caller).unwrap();
    }
    assert_eq!(block_on(shop.stock_of(&office, variant)).unwrap().on_hand, 1_501);
    drop(shop);
    check_books(&path);
}
