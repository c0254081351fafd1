//! Two servers on one database, and an embedder beside them, wait for each other but never in a circle:
//! neither over keys that must be unique, nor over variants, levels and their marks, nor over what is
//! referred to. Whoever comes second is told what it would have been told later.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    collections::BTreeSet,
    future::poll_fn,
    iter,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    cart::CreateCart,
    catalog::{
        CreateCategory, CreateProduct, CreateVariant, PatchProduct, PatchVariant, ProductStatus,
    },
    checkout::PlaceOrder,
    currency::Currency,
    customer::CreateCustomer,
    error::Rejection,
    event::Event,
    id::{Id, OrderId, PaymentId, ProductId, VariantId},
    inventory::{AdjustStock, Reason},
    money::Money,
    order::{CancelOrder, CancelReason},
    payment::Payment,
    secret::Digest,
    shop::Shop,
    store::{Commit, CommitError, OrderRef, Outcome, OutcomeKey, Store, UniqueKey, VariantRef},
    time::Timestamp,
};
use commerce_sqlx::{PgStore, SystemClock, SystemIds, commit_in};
use common::{
    Server, block_on, number, run,
    shop::{cart, check_books, sell},
};
use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// Two servers on a database of their own, which counts deadlocks for nobody else and finds each soon.
struct Pair {
    stores: [PgStore; 2],
    shops: [Arc<Commerce>; 2],
    database: Server,
}

impl Pair {
    fn start() -> Self {
        let database = Server::start("-c deadlock_timeout=20ms");
        let stores = [(); 2].map(|()| {
            let options = PgStore::options().allow_data_loss();
            block_on(options.open(&database.address)).unwrap()
        });
        let shops = stores.clone().map(|store| {
            let shop = Commerce::new(store, SystemClock, SystemIds);
            block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
            Arc::new(shop)
        });
        Self { stores, shops, database }
    }

    /// A connection of somebody else.
    fn connect(&self) -> PgConnection {
        let options: PgConnectOptions = self.database.address.parse().unwrap();
        let options = options.options([("search_path", "commerce"), ("lock_timeout", "10s")]);
        block_on(PgConnection::connect_with(&options)).unwrap()
    }

    /// Ends the servers: nobody may have been in a circle, and the books must balance.
    fn end(self) {
        const STORES: &str =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'commerce'";
        const DEADLOCKS: &str =
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        block_on(join_all(self.stores.iter().map(PgStore::close)));
        let mut watch = self.connect();
        // What a connection has counted it hands over when it ends.
        let asked = Instant::now();
        while number(&mut watch, STORES) > 0 {
            assert!(asked.elapsed() < Duration::from_secs(10));
        }
        assert_eq!(number(&mut watch, DEADLOCKS), 0);
        check_books(&mut watch);
    }
}

/// What a server was answered for each of many, in the order of their numbers.
type Answers<T> = Vec<Result<T, Error>>;

/// Asks both servers for the same at once, the second in opposite order.
fn both<T: Send + 'static, F: Future<Output = Result<T, Error>> + Send + 'static>(
    pair: &Pair,
    count: usize,
    ask: impl Fn(Arc<Commerce>, usize) -> F,
) -> [Answers<T>; 2] {
    block_on(async {
        let [first, second] = &pair.shops;
        let forward: Vec<_> = (0..count).map(|n| tokio::spawn(ask(Arc::clone(first), n))).collect();
        let backward: Vec<_> =
            (0..count).rev().map(|n| tokio::spawn(ask(Arc::clone(second), n))).collect();
        let said = join_all([join_all(forward), join_all(backward)]).await;
        let said: Vec<Answers<T>> =
            said.into_iter().map(|all| all.into_iter().map(Result::unwrap).collect()).collect();
        let [forward, mut backward] = <[_; 2]>::try_from(said).ok().unwrap();
        backward.reverse();
        [forward, backward]
    })
}

/// Of each, one server made it and the other was told that it is there.
fn each_once<T: std::fmt::Debug>([first, second]: [Answers<T>; 2]) {
    for pair in first.into_iter().zip(second) {
        match pair {
            (Ok(_), Err(Error::Rejected(Rejection::Taken { .. })))
            | (Err(Error::Rejected(Rejection::Taken { .. })), Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn product(name: &str, sku: &str) -> CreateProduct {
    CreateProduct {
        slug: Some(name.parse().unwrap()),
        status: ProductStatus::Active,
        variants: vec![CreateVariant::new(sku, Money::new(1999, Currency::EUR)).unwrap()],
        ..CreateProduct::new(name).unwrap()
    }
}

#[test]
fn names_that_two_servers_give_at_once_are_given_once() {
    let pair = Pair::start();
    for round in 0..6 {
        // One at a time, a few, and more than keys are locked one by one.
        let count = [1, 1, 10, 40, 200, 200][round];
        each_once(both(&pair, count, |shop, n| async move {
            let request = product(&format!("s-{round}-{n}"), &format!("S-{round}-{n}"));
            shop.create_product(&Caller::system(), &request).await
        }));
        // The names of two products cross: whoever has the slug has not the SKU.
        let crossed = both(&pair, count, |shop, n| async move {
            let request = product(&format!("x-{round}-{n}"), &format!("X-{round}-{}", n / 2));
            shop.create_product(&Caller::system(), &request).await
        });
        let made = crossed.iter().flatten().filter(|answer| answer.is_ok()).count();
        assert_eq!(made, count.div_ceil(2));
        for answer in crossed.iter().flatten() {
            assert!(
                matches!(answer, Ok(_) | Err(Error::Rejected(Rejection::Taken { .. }))),
                "{answer:?}"
            );
        }
    }
    let mut watch = pair.connect();
    for column in ["products WHERE slug", "variants WHERE sku"] {
        let count = format!("SELECT count(*) FROM commerce_{column} ~* '^s-'");
        assert_eq!(number(&mut watch, &count), 452);
    }
    pair.end();
}

#[test]
fn customers_and_their_carts_that_two_servers_make_at_once_are_made_once() {
    let pair = Pair::start();
    let request = |n: usize| CreateCustomer {
        email: Some(format!("c-{n}@example.com").parse().unwrap()),
        // In opposite order to the addresses.
        external_id: Some(format!("C-{}", 1_000 - n).parse().unwrap()),
        ..CreateCustomer::default()
    };
    let made = both(&pair, 100, |shop, n| async move {
        shop.create_customer(&Caller::system(), &request(n)).await
    });
    let ids: Vec<_> = (0..100)
        .map(|n| made.iter().find_map(|answers| Some(answers[n].as_ref().ok()?.id)).unwrap())
        .collect();
    each_once(made);
    for _ in 0..3 {
        // Each gets the one that is there, whoever has made it.
        let carts = both(&pair, 100, |shop, n| {
            let caller = Caller::customer(ids[n]);
            async move { Ok(shop.create_cart(&caller, &CreateCart::default()).await) }
        });
        for (n, id) in ids.iter().enumerate() {
            let open = block_on(pair.stores[0].open_cart(*id)).unwrap();
            assert!(open.is_some());
            assert!(carts.iter().any(|answers| answers[n].as_ref().unwrap().is_ok()));
        }
        // Away with them, so that they can be made again.
        let close = "UPDATE commerce_carts SET status = 'abandoned', version = version + 1";
        run(&mut pair.connect(), close);
    }
    pair.end();
}

#[test]
fn carts_that_two_servers_are_asked_to_check_out_become_one_order() {
    let pair = Pair::start();
    let variants: Vec<_> =
        (0..10).map(|n| sell(&pair.shops[0], &format!("V-{n}"), 1_000)).collect();
    let carts: Vec<_> = block_on(join_all((0..100).map(|n| {
        let lines = [(variants[n % 10], 1), (variants[(n + 3) % 10], 1)];
        let shop = &pair.shops[0];
        async move { cart(shop, &lines).await }
    })));
    let placed = both(&pair, carts.len(), |shop, n| {
        // The keys stand in another order than the carts.
        let key = format!("a-key-of-somebody-{:03}", (n * 37) % 100);
        let (caller, cart) = (carts[n].0.clone().with_key(key.parse().unwrap()), carts[n].1);
        async move { shop.place_order(&caller, cart, &PlaceOrder::default()).await }
    });
    let [first, second] = placed;
    let orders: BTreeSet<_> = first
        .into_iter()
        .zip(second)
        .map(|(one, other)| {
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!(one.order.id, other.order.id);
            one.order.id
        })
        .collect();
    assert_eq!(orders.len(), carts.len());
    for id in orders {
        assert!(block_on(pair.stores[1].order(&OrderRef::Id(id))).unwrap().is_some());
    }
    pair.end();
}

#[test]
fn keys_that_two_servers_remember_in_opposite_order_are_remembered_once() {
    let pair = Pair::start();
    let commit = |n: usize| {
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        commit.event(Event::ShopUpdated);
        commit.remember(Outcome {
            key: OutcomeKey {
                scope: "somebody".to_owned(),
                key: format!("{n:03}").parse().unwrap(),
            },
            fingerprint: Digest::of(b"request"),
            body: vec![b'0'; 10_000],
            at: Timestamp::UNIX_EPOCH,
        });
        commit
    };
    let (mut gate, setup) = (pair.connect(), block_on(pair.stores[0].setup()).unwrap().unwrap());
    for round in 0..20 {
        // Both servers are kept waiting, so that what comes meanwhile is one batch of each.
        run(&mut gate, "BEGIN; SELECT FROM commerce_shop FOR UPDATE");
        let mut first = Commit::at(Timestamp::UNIX_EPOCH);
        first.require(&setup.shop);
        let forward: Vec<_> = (0..100).map(|n| commit(round * 100 + n)).collect();
        let asked = pair.stores.iter().enumerate().map(|(at, store)| {
            let mut commits: Vec<_> = iter::once(&first).chain(&forward).collect();
            if at == 1 {
                commits[1..].reverse();
            }
            join_all(commits.into_iter().map(|commit| store.commit(commit)))
        });
        let mut asked = Box::pin(join_all(asked.collect::<Vec<_>>()));
        let once = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context)));
        assert!(block_on(once).is_pending());
        run(&mut gate, "COMMIT");
        let [one, mut other] = <[Vec<_>; 2]>::try_from(block_on(asked)).unwrap();
        other[1..].reverse();
        for answer in [&one[0], &other[0]] {
            assert!(answer.is_ok(), "{answer:?}");
        }
        let (one, other) = (one.into_iter().skip(1), other.into_iter().skip(1));
        for pair in one.zip(other) {
            match pair {
                (Ok(()), Err(CommitError::AlreadyDone(_)))
                | (Err(CommitError::AlreadyDone(_)), Ok(())) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    pair.end();
}

/// Variants of which there are about as many units as make them low, of one product.
fn short(pair: &Pair) -> Vec<VariantId> {
    let variant = |n: usize| CreateVariant {
        options: vec![n.to_string().parse().unwrap()],
        low_stock_threshold: 60,
        ..CreateVariant::new(format!("L-{n}"), Money::new(1999, Currency::EUR)).unwrap()
    };
    let request: CreateProduct = serde_json::from_value(json!({
        "title": "Short", "status": "active", "options": [{"name": "Number"}],
    }))
    .unwrap();
    let request = CreateProduct { variants: (0..4).map(variant).collect(), ..request };
    let (shop, system) = (&pair.shops[0], Caller::system());
    let made = block_on(shop.create_product(&system, &request)).unwrap();
    let variants: Vec<_> = made.variants.iter().map(|variant| variant.id).collect();
    let units: Vec<_> = variants.iter().map(|id| (*id, 90)).collect();
    block_on(shop.receive_stock(&system, None, &units, None)).unwrap();
    variants
}

#[test]
fn variants_that_become_low_while_their_prices_change_are_marked() {
    let pair = Pair::start();
    let variants = short(&pair);
    block_on(async {
        let mut asking = Vec::new();
        for n in 0..12 {
            let (shop, variants) = (Arc::clone(&pair.shops[n % 2]), variants.clone());
            asking.push(tokio::spawn(async move {
                let system = Caller::system();
                for round in 0..60_usize {
                    let id = variants[(n / 3 + round) % variants.len()];
                    let answer = match n % 3 {
                        0 => {
                            let delta = if round.is_multiple_of(2) { -3 } else { 3 };
                            let request = AdjustStock {
                                location: None,
                                delta,
                                reason: Reason::Counted,
                                note: None,
                            };
                            shop.adjust_stock(&system, id, &request).await.map(drop)
                        }
                        1 => {
                            let price =
                                Money::new(1_000 + i64::try_from(round).unwrap(), Currency::EUR);
                            let request =
                                PatchVariant { price: Some(price), ..PatchVariant::default() };
                            shop.patch_variant(&system, id, &request, None).await.map(drop)
                        }
                        _ => {
                            let (guest, cart) = cart(&shop, &[(id, 1)]).await;
                            shop.place_order(&guest, cart, &PlaceOrder::default()).await.map(drop)
                        }
                    };
                    match answer {
                        Ok(()) => {}
                        // Others were faster, time and again, or have bought it.
                        Err(Error::Rejected(Rejection::InsufficientStock { .. })) => {}
                        Err(Error::Contention) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }));
        }
        for done in asking {
            done.await.unwrap();
        }
    });
    pair.end();
}

#[test]
fn a_mark_is_not_waited_for_by_who_holds_the_levels() {
    let pair = Pair::start();
    let variant = short(&pair)[0];
    // Whoever moves stock waits for the levels first, and then whoever has locked the variant.
    let (mut gate, mut watch) = (pair.connect(), pair.connect());
    run(&mut gate, "BEGIN; SELECT FROM commerce_stock_levels FOR UPDATE");
    let mut asked = Vec::new();
    for (at, shop) in pair.shops.iter().enumerate() {
        let shop = Arc::clone(shop);
        asked.push(common::spawn(async move {
            let system = Caller::system();
            if at == 0 {
                let request: AdjustStock =
                    serde_json::from_value(json!({"delta": -50, "reason": "counted"})).unwrap();
                return shop.adjust_stock(&system, variant, &request).await.map(drop);
            }
            let price = Some(Money::new(1, Currency::EUR));
            let patch = PatchVariant { price, ..PatchVariant::default() };
            shop.patch_variant(&system, variant, &patch, None).await.map(drop)
        }));
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE application_name = 'commerce' AND wait_event_type = 'Lock'";
        while number(&mut watch, waiting) < i64::try_from(at + 1).unwrap() {
            assert!(asked.iter().all(|task| !task.is_finished()), "one did not wait");
        }
    }
    run(&mut gate, "COMMIT");
    for answer in asked {
        block_on(answer).unwrap().unwrap();
    }
    let marked = "SELECT count(*) FROM commerce_variants WHERE low";
    assert_eq!(number(&mut watch, marked), 1);
    pair.end();
}

/// A payment that its provider knows by two names.
fn payment(who: u64, n: u64) -> Commit {
    let (id, one) = (Uuid::from_u64_pair(who, n), Money::new(1, Currency::EUR));
    let (gateway, at) = ("stripe".parse().unwrap(), Timestamp::UNIX_EPOCH);
    let names = [n, n + 1].map(|n| format!("pi_{n}").parse().unwrap());
    let mut commit = Commit::at(at);
    commit.insert(Payment {
        references: names.into(),
        ..Payment::new(PaymentId::from_uuid(id), OrderId::from_uuid(id), gateway, one, at)
    });
    commit.event(Event::ShopUpdated);
    commit
}

#[test]
fn an_embedder_and_servers_that_want_the_same_keys_wait_in_one_order() {
    const COUNT: u64 = 120;
    let pair = Pair::start();
    let check = |answer: Result<(), CommitError>| match answer {
        Ok(()) => 1,
        Err(CommitError::Taken(UniqueKey::PaymentReference(..))) => 0,
        other => panic!("{other:?}"),
    };
    let embedder = {
        let mut connection = pair.connect();
        std::thread::spawn(move || {
            block_on(async {
                let mut made = 0;
                for n in (0..COUNT).rev() {
                    let mut transaction = connection.begin().await.unwrap();
                    made += check(commit_in(&mut transaction, &payment(3, n)).await);
                    transaction.commit().await.unwrap();
                }
                made
            })
        })
    };
    let mut made: i64 = block_on(async {
        let asked = pair.stores.iter().zip(1..).map(|(store, who)| async move {
            let mut numbers: Vec<_> = (0..COUNT).collect();
            if who == 2 {
                numbers.reverse();
            }
            let commits: Vec<_> = numbers.into_iter().map(|n| payment(who, n)).collect();
            join_all(commits.iter().map(|commit| store.commit(commit))).await
        });
        join_all(asked).await.into_iter().flatten().map(check).sum()
    });
    made += embedder.join().unwrap();
    let mut watch = pair.connect();
    assert_eq!(number(&mut watch, "SELECT count(*) FROM commerce_payments"), made);
    let names = "SELECT count(*) FROM commerce_payment_references";
    assert_eq!(number(&mut watch, names), 2 * made);
    pair.end();
}

#[test]
fn what_an_embedder_refers_to_is_changed_all_the_same() {
    let pair = Pair::start();
    let shop = &pair.shops[0];
    let variant = sell(shop, "A", 10);
    let (guest, cart) = block_on(cart(shop, &[(variant, 1)]));
    let placed = block_on(shop.place_order(&guest, cart, &PlaceOrder::default())).unwrap();
    let [product, category] = {
        let found = block_on(pair.stores[0].variant(&VariantRef::Id(variant))).unwrap().unwrap();
        let category = CreateCategory::new("Cups").unwrap();
        let made = block_on(shop.create_category(&Caller::system(), &category)).unwrap();
        [found.variant.product_id.uuid(), made.id.uuid()]
    };
    let mut host = pair.connect();
    run(
        &mut host,
        "CREATE TABLE memos (about uuid REFERENCES commerce_orders,
            product uuid REFERENCES commerce_products, variant uuid REFERENCES commerce_variants,
            category uuid REFERENCES commerce_categories)",
    );
    let (order, variant_id) = (placed.order.id.uuid(), variant.uuid());
    let memo = format!("VALUES ('{order}', '{product}', '{variant_id}', '{category}')");
    run(&mut host, &format!("BEGIN; INSERT INTO memos {memo}"));
    // The host has not ended its transaction, and nobody waits for it.
    let system = Caller::system();
    block_on(async {
        let price = Some(Money::new(1, Currency::EUR));
        let patch = PatchVariant { price, ..PatchVariant::default() };
        shop.patch_variant(&system, variant, &patch, None).await.unwrap();
        let title = Some("B".parse().unwrap());
        let patch = PatchProduct { title, ..PatchProduct::default() };
        let product = ProductId::from_uuid(product);
        shop.patch_product(&system, product, &patch, None).await.unwrap();
        let cancel = CancelOrder::new(CancelReason::Customer);
        shop.cancel_order(&system, placed.order.id, &cancel, None).await.unwrap();
    });
    run(&mut host, "COMMIT");
    pair.end();
}
