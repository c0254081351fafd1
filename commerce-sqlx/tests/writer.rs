//! The writer: what a commit costs, and what becomes of it when the database is not kind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    future::poll_fn,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::Variant,
    checkout::{PlaceOrder, place},
    currency::Currency,
    error::Rejection,
    event::Event,
    id::{CartId, Id, OperationId, OrderId, PaymentId},
    inventory::ByPriority,
    payment::{Means, Operation, OperationKind, OperationStatus, Payment},
    secret::{Digest, Secret},
    shop::Shop,
    store::{
        Commit, CommitError, OrderRef, Outcome, OutcomeKey, PageRequest, ProductFilter,
        ProductQuery, Purge, Queries, Store, StoreError, UniqueKey, VariantRef,
    },
    text::IdempotencyKey,
    time::Timestamp,
    version::Versioned,
};
use commerce_sqlx::{PgStore, SystemClock, SystemIds};
use common::{
    Schema, Server, address, block_on, number, polled,
    proxy::proxy,
    run,
    shop::{cart, check_books, sell, shop},
};
use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// Drops what `ask` asks at each place where it waits, until it gets to the end.
fn dropped_everywhere<T, F: Future<Output = T>>(
    mut ask: impl FnMut() -> F,
    mut then: impl FnMut(),
) {
    for polls in 0.. {
        let answer = block_on(polled(ask(), polls));
        then();
        if answer.is_some() {
            break;
        }
    }
}

#[test]
fn a_caller_who_goes_away_leaves_nothing_behind() {
    let schema = Schema::new();
    // One for each kind of reading.
    let options = schema.options().connections(4);
    let store = block_on(options.open(&address())).unwrap();
    let shop = shop(store.clone());
    let variant = sell(&shop, "A", 1_000_000);
    let (_, cart_id) = block_on(cart(&shop, &[(variant, 1)]));
    let mut watch = schema.connect();
    let mut check = || {
        // The one connection of the readers answers what it is asked, and not what was asked before.
        let inputs = block_on(store.checkout_inputs(cart_id, &[])).unwrap().unwrap();
        assert_eq!(inputs.cart.id, cart_id);
        assert_eq!(inputs.sellables.len(), 1);
        let setup = block_on(store.setup()).unwrap().unwrap();
        assert_eq!(setup.shop.name.as_str(), "Test");
    };
    dropped_everywhere(|| store.setup(), &mut check);
    let also = [variant];
    dropped_everywhere(|| store.checkout_inputs(cart_id, &also), &mut check);
    let query = ProductQuery {
        filter: ProductFilter { text: Some("a".to_owned()), ..Default::default() },
        currency: Currency::EUR,
        sort: None,
        descending: false,
        page: PageRequest { total: true, ..PageRequest::first(3) },
    };
    dropped_everywhere(|| store.products(&query), &mut check);
    let purge = Purge {
        outcomes_before: Timestamp::UNIX_EPOCH,
        outbox_through: 1,
        carts_before: Timestamp::UNIX_EPOCH,
        webhooks_before: Timestamp::UNIX_EPOCH,
    };
    dropped_everywhere(|| store.purge(&purge), &mut check);
    // A commit happens or does not; the writer goes on in any case.
    let told = number(&mut watch, "SELECT count(*) FROM commerce_outbox");
    let mut commits = 0;
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::CartUpdated { cart_id });
    dropped_everywhere(
        || {
            commits += 1;
            store.commit(&commit)
        },
        &mut check,
    );
    block_on(store.commit(&commit)).unwrap();
    let now = number(&mut watch, "SELECT count(*) FROM commerce_outbox");
    assert!((told + 2..=told + commits + 1).contains(&now), "{told} {now} {commits}");
    block_on(store.close());
    let open = format!(
        "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
            WHERE c.relnamespace = '{}'::regnamespace AND l.pid <> pg_backend_pid()",
        schema.name
    );
    assert_eq!(number(&mut watch, &open), 0, "a transaction is open");
}

/// A payment with one operation, or with two of one key, which only the database refuses.
fn payment(number: u128, operations: usize) -> Payment {
    let eur = Currency::EUR;
    let id = |n: u128| Uuid::from_u128(n);
    let (gateway, one) = ("stripe".parse().unwrap(), commerce_core::money::Money::new(1, eur));
    let (of, at) = (PaymentId::from_uuid(id(number)), Timestamp::UNIX_EPOCH);
    let operation = |n| Operation {
        id: OperationId::from_uuid(id(n)),
        kind: OperationKind::Create,
        attempt: 1,
        amount: one,
        refund_id: None,
        key: Operation::key_of(of, OperationKind::Create, None, 1),
        status: OperationStatus::Open,
        failure: None,
        begun_at: at,
        ended_at: None,
    };
    Payment {
        operations: (0..operations as u128).map(operation).collect(),
        ..Payment::new(of, OrderId::from_uuid(id(number)), gateway, one, at)
    }
}

#[test]
fn what_only_the_database_refuses_fails_alone() {
    let (store, schema) = common::store();
    let insert = |number, operations| {
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        commit.insert(payment(number, operations));
        commit.event(Event::OrderPlaced {
            order_id: OrderId::from_uuid(Uuid::from_u128(number)),
            number: "N-1".parse().unwrap(),
            cart_id: CartId::from_uuid(Uuid::from_u128(number)),
            customer_id: None,
            total: commerce_core::money::Money::new(1, Currency::EUR),
        });
        commit
    };
    block_on(store.commit(&insert(1, 1))).unwrap();
    // Several at once, so that they come in few batches.
    let commits: Vec<_> =
        (2..40_u128).map(|n| insert(n, if n % 10 == 0 { 2 } else { 1 })).collect();
    let answers = block_on(async {
        let tasks = commits.into_iter().map(|commit| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(&commit).await })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    });
    for (n, answer) in (2..40_u128).zip(answers) {
        match answer {
            Err(CommitError::Unavailable(_)) if n % 10 == 0 => {}
            Ok(()) if n % 10 != 0 => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    let mut watch = schema.connect();
    assert_eq!(number(&mut watch, "SELECT count(*) FROM commerce_payments"), 36);
    assert_eq!(number(&mut watch, "SELECT count(*) FROM commerce_outbox"), 36);
    let gaps = "SELECT max(position) - count(*) FROM commerce_outbox";
    assert_eq!(number(&mut watch, gaps), 0);
}

#[test]
fn an_answer_that_is_lost_at_commit_is_unknown_and_the_key_tells() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let store = block_on(schema.options().open_with(through)).unwrap();
    let shop = shop(store.clone());
    let variant = sell(&shop, "A", 10);
    let (guest, cart_id) = block_on(cart(&shop, &[(variant, 1)]));
    line.cut_at_commit.store(true, Ordering::SeqCst);
    // Without a key nobody can tell.
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::CartUpdated { cart_id });
    let answer = block_on(store.commit(&commit));
    assert!(matches!(answer, Err(CommitError::OutcomeUnknown(_))), "{answer:?}");
    // With one, what was answered is found and given; the order is there once. Whether the server
    // committed before the line was cut is up to it, so a repetition settles it.
    line.cut_at_commit.store(true, Ordering::SeqCst);
    let caller = guest.with_key(IdempotencyKey::new("a-key-of-the-guest").unwrap());
    let request = PlaceOrder::default();
    let place = || shop.place_order(&caller, cart_id, &request);
    let placed = block_on(async {
        loop {
            match place().await {
                Ok(placed) => break placed,
                Err(Error::OutcomeUnknown(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    assert_eq!(block_on(place()).unwrap().order.id, placed.order.id);
    let mut watch = schema.connect();
    assert_eq!(number(&mut watch, "SELECT count(*) FROM commerce_orders"), 1);
    check_books(&mut watch);
}

#[test]
fn what_two_servers_are_asked_at_once_is_done_once_and_said_to_be_done() {
    let schema = Schema::new();
    let servers = [schema.open(), schema.open()];
    let shop = shop(servers[0].clone());
    let variant = sell(&shop, "A", 10);
    let (_, cart_id) = block_on(cart(&shop, &[(variant, 1)]));
    let inputs = block_on(servers[0].checkout_inputs(cart_id, &[])).unwrap().unwrap();
    let request = PlaceOrder::default();
    let mut decision =
        place(&inputs, &request, &Means::by_hand(), &ByPriority, &mut shop.moment()).unwrap();
    decision.commit.remember(Outcome {
        key: OutcomeKey { scope: "guest".to_owned(), key: "key".parse().unwrap() },
        fingerprint: Digest::of(b"request"),
        body: b"{}".to_vec(),
        at: decision.commit.time(),
    });
    // Both have begun before either can go on, so that one waits for the other with an old snapshot.
    let mut gate = schema.connect();
    run(&mut gate, "BEGIN; SELECT FROM commerce_carts FOR UPDATE");
    let commit = Arc::new(decision.commit);
    let asked = servers.map(|store| {
        let commit = Arc::clone(&commit);
        std::thread::spawn(move || block_on(store.commit(&commit)))
    });
    // Who waits for the gate, or for one who does. The gate itself, in its transaction, would see the
    // same for ever.
    let held = number(&mut gate, "SELECT pg_backend_pid()::bigint");
    let waiting = format!(
        "WITH RECURSIVE waiting AS (SELECT {held}::int AS pid
            UNION SELECT a.pid FROM pg_stat_activity AS a
            JOIN waiting AS w ON w.pid = ANY(pg_blocking_pids(a.pid)))
        SELECT count(*) - 1 FROM waiting"
    );
    let mut watch = schema.connect();
    while number(&mut watch, &waiting) < 2 {
        assert!(asked.iter().all(|thread| !thread.is_finished()), "one did not wait");
    }
    run(&mut gate, "COMMIT");
    let mut answers = asked.map(|thread| thread.join().unwrap());
    answers.sort_by_key(Result::is_err);
    let [Ok(()), Err(CommitError::AlreadyDone(outcome))] = answers else {
        panic!("{answers:?}");
    };
    assert_eq!(outcome.body, b"{}");
}

#[test]
fn a_unique_key_goes_from_hand_to_hand_within_a_batch() {
    let (store, schema) = common::store();
    let shop = shop(store.clone());
    let [one, two, three] = ["A", "B", "C"].map(|sku| {
        let id = sell(&shop, sku, 1);
        block_on(store.variant(&VariantRef::Id(id))).unwrap().unwrap().variant
    });
    let named = |old: &Versioned<Variant>, sku: &str| {
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        let new = Variant { sku: sku.parse().unwrap(), ..Variant::clone(old) };
        let new = commit.replace(old, new);
        (commit, new)
    };
    // The writer is kept waiting, so that what comes meanwhile is one batch.
    let mut gate = schema.connect();
    run(&mut gate, "BEGIN; SELECT FROM commerce_shop FOR UPDATE");
    let mut first = Commit::at(Timestamp::UNIX_EPOCH);
    first.require(&block_on(store.setup()).unwrap().unwrap().shop);
    let (away, one_away) = named(&one, "T");
    let commits = [first, away, named(&two, "A").0, named(&one_away, "B").0, named(&three, "A").0];
    let mut asked = Box::pin(join_all(commits.iter().map(|commit| store.commit(commit))));
    // All are in the queue once they were asked about.
    let once = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context)));
    assert!(block_on(once).is_pending());
    run(&mut gate, "COMMIT");
    let answers = block_on(asked);
    let mut watch = schema.connect();
    let [Ok(()), Ok(()), Ok(()), Ok(()), Err(CommitError::Taken(UniqueKey::Sku(taken)))] =
        &answers[..]
    else {
        panic!("{answers:?}");
    };
    assert_eq!(taken.as_str(), "A");
    for (variant, sku) in [(&one, "B"), (&two, "A"), (&three, "C")] {
        let now = block_on(store.variant(&VariantRef::Id(variant.id))).unwrap().unwrap();
        assert_eq!(now.variant.sku.as_str(), sku);
    }
    let batches =
        "SELECT count(DISTINCT xmin::text) FROM commerce_variants WHERE sku IN ('A', 'B')";
    assert_eq!(number(&mut watch, batches), 1, "they were to be one batch");
}

/// Whether an answer to a buyer is a clean no.
fn is_short(error: &Error) -> bool {
    matches!(error, Error::Rejected(Rejection::InsufficientStock { .. }))
}

#[test]
fn servers_that_race_for_the_last_unit_sell_it_once() {
    let schema = Schema::new();
    let servers: Vec<_> = (0..3).map(|_| schema.open()).collect();
    let shops: Vec<_> = servers.iter().map(|store| Arc::new(open_shop(store))).collect();
    for round in 0..5 {
        let variant = sell(&shops[0], &format!("LAST-{round}"), 1);
        let (sold, refused) = block_on(async {
            let mut buyers = Vec::new();
            for buyer in 0..60 {
                let shop = Arc::clone(&shops[buyer % 3]);
                let (guest, cart) = cart(&shop, &[(variant, 1)]).await;
                buyers.push((shop, guest, cart));
            }
            let tasks: Vec<_> = buyers
                .into_iter()
                .map(|(shop, guest, cart)| {
                    tokio::spawn(async move {
                        shop.place_order(&guest, cart, &PlaceOrder::default()).await
                    })
                })
                .collect();
            let (mut sold, mut refused) = (0, 0);
            for task in tasks {
                match task.await.unwrap() {
                    Ok(_) => sold += 1,
                    Err(error) if is_short(&error) => refused += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (sold, refused)
        });
        assert_eq!((sold, refused), (1, 59));
    }
    check_books(&mut schema.connect());
}

#[test]
fn servers_that_sell_the_same_in_opposite_orders_get_in_no_deadlock() {
    const DEADLOCKS: &str =
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    const STORES: &str =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'commerce'";
    // A server of its own, which counts for nobody else.
    let database = Server::start("-c deadlock_timeout=20ms");
    let mut watch = database.connect();
    run(&mut watch, "SET search_path = commerce");
    let options = PgStore::options().allow_data_loss().batch_max(NonZeroUsize::MIN);
    let open = || block_on(options.clone().open(&database.address)).unwrap();
    let servers = [open(), open()];
    let shops: Vec<_> = servers.iter().map(|store| Arc::new(open_shop(store))).collect();
    let variants: Vec<_> = (0..100).map(|n| sell(&shops[0], &format!("S-{n}"), 1_000)).collect();
    let forward: Vec<_> = variants.iter().map(|id| (*id, 1)).collect();
    let backward: Vec<_> = forward.iter().rev().copied().collect();
    block_on(async {
        let mut buyers = Vec::new();
        for buyer in 0..100 {
            let lines = if buyer % 2 == 0 { &forward } else { &backward };
            let (guest, cart) = cart(&shops[0], lines).await;
            buyers.push((Arc::clone(&shops[buyer % 2]), guest, cart));
        }
        let buys = buyers.into_iter().map(|(shop, guest, cart)| {
            tokio::spawn(async move {
                shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
            })
        });
        for done in buys.collect::<Vec<_>>() {
            done.await.unwrap();
        }
        for store in servers {
            store.close().await;
        }
    });
    // What a connection has counted it hands over when it ends.
    let asked = Instant::now();
    while number(&mut watch, STORES) > 0 {
        assert!(asked.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(number(&mut watch, DEADLOCKS), 0);
    check_books(&mut watch);
}

fn open_shop(store: &PgStore) -> Commerce {
    let shop = Commerce::new(store.clone(), SystemClock, SystemIds);
    block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    shop
}

#[test]
fn a_storm_of_ended_connections_loses_nothing_that_was_acknowledged() {
    let (store, schema) = common::store();
    let shop = Arc::new(shop(store.clone()));
    let variants = [sell(&shop, "A", 1_000_000), sell(&shop, "B", 1_000_000)];
    let over = Arc::new(AtomicBool::new(false));
    let storm = {
        let over = Arc::clone(&over);
        let name = schema.name.clone();
        std::thread::spawn(move || {
            // The connections of this schema's store: those whose locks or settings name it are not
            // told apart from outside, so the store says who it is.
            let end = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE application_name = 'commerce' AND pid <> pg_backend_pid()
                    AND query LIKE '%commerce_%' AND datname = current_database()
                    AND pid IN (SELECT l.pid FROM pg_locks AS l JOIN pg_class AS c
                        ON c.oid = l.relation WHERE c.relnamespace = '{name}'::regnamespace)"
            );
            let mut connection = block_on(PgConnection::connect(&address())).unwrap();
            let mut ended = 0;
            while !over.load(Ordering::SeqCst) {
                ended += number(&mut connection, &end);
            }
            ended
        })
    };
    let placed = block_on(async {
        let callers = (0..8).map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                let mut placed = Vec::new();
                let until = Instant::now() + Duration::from_secs(3);
                while Instant::now() < until {
                    if let Some(order) = buy(&shop, &variants.map(|id| (id, 1))).await {
                        placed.push(order);
                    }
                }
                placed
            })
        });
        let callers: Vec<_> = callers.collect();
        let mut placed = Vec::new();
        for caller in callers {
            placed.extend(caller.await.unwrap());
        }
        placed
    });
    over.store(true, Ordering::SeqCst);
    assert!(storm.join().unwrap() > 0, "no connection was ended");
    // Recovered, and nothing lost.
    block_on(buy(&shop, &[(variants[0], 1)])).unwrap();
    for order in placed {
        assert!(block_on(store.order(&OrderRef::Id(order))).unwrap().is_some());
    }
    check_books(&mut schema.connect());
}

/// Buys something, if the store lets it.
async fn buy(shop: &Commerce, lines: &[(commerce_core::id::VariantId, i64)]) -> Option<OrderId> {
    let request = serde_json::from_value(json!({
        "email": "a@example.com",
        "shipping_address": {"name": "A", "line1": "1", "city": "Berlin", "country": "DE"},
        "lines": lines.iter().map(|(id, n)| json!({"variant_id": id, "quantity": n}))
            .collect::<Vec<_>>(),
    }))
    .unwrap();
    let made = shop.create_cart(&Caller::anonymous(), &request).await.ok()?;
    let secret: Secret = made.token.as_ref()?.parse().ok()?;
    let (guest, request) = (Caller::guest(&secret), PlaceOrder::default());
    let placed = shop.place_order(&guest, made.cart.id, &request).await.ok()?;
    Some(placed.order.id)
}

#[test]
fn a_store_that_was_closed_says_so() {
    let (store, schema) = common::store();
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::ShopUpdated);
    block_on(store.commit(&commit)).unwrap();
    block_on(store.close());
    let answer = block_on(store.commit(&commit));
    assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
    let answer: Result<_, StoreError> = block_on(store.setup());
    assert!(answer.is_err_and(|error| !error.is_corrupt()));
    run(&mut schema.connect(), "SELECT 1");
}
