//! A stranger who holds locks: those who want the same are told no in time, and all others go on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    event::Event,
    id::{CartId, Id, OrderId, PaymentId, VariantId},
    inventory::CreateLocation,
    money::Money,
    payment::Payment,
    secret::Digest,
    store::{Commit, CommitError, Outcome, OutcomeKey, Store, StoreError, VariantRef},
    time::Timestamp,
};
use commerce_sqlx::{PgStore, SystemClock, SystemIds, commit_in};
use common::{
    Schema, address, block_on, number,
    proxy::proxy,
    run,
    shop::{cart, check_books, sell, shop},
};
use futures_util::future::join_all;
use sqlx::Connection;
use uuid::Uuid;

/// How long a caller has; what everything is measured by.
const TIME: Duration = Duration::from_secs(2);

/// A shop whose callers have as long.
fn open(schema: &Schema) -> (PgStore, Arc<Commerce>) {
    let store = block_on(schema.options().queue_timeout(TIME).open(&address())).unwrap();
    (store.clone(), Arc::new(shop(store)))
}

/// Carts of one unit each.
fn carts(shop: &Commerce, variants: &[VariantId]) -> Vec<(Caller, CartId)> {
    let carts = variants.iter().map(|id| async { cart(shop, &[(*id, 1)]).await });
    block_on(join_all(carts))
}

/// Checks a cart out; how long it took.
async fn check_out(
    shop: Arc<Commerce>,
    (guest, cart): (Caller, CartId),
) -> (Result<(), Error>, Duration) {
    let asked = Instant::now();
    let placed = shop.place_order(&guest, cart, &PlaceOrder::default()).await;
    (placed.map(drop), asked.elapsed())
}

fn is_unavailable(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Unavailable(_)))
}

#[test]
fn whoever_wants_what_a_stranger_holds_is_told_no_in_time_and_all_others_are_served() {
    const HELD: usize = 20;
    let schema = Schema::new();
    let (store, shop) = open(&schema);
    let sell_all = |name: &str| -> Vec<_> {
        (0..HELD).map(|n| sell(&shop, &format!("{name}-{n}"), 1_000)).collect()
    };
    let (held, others) = (sell_all("HELD"), sell_all("FREE"));
    let (mut stranger, mut watch) = (schema.connect(), schema.connect());
    run(
        &mut stranger,
        "BEGIN; SELECT FROM commerce_stock_levels WHERE variant_id IN (
            SELECT id FROM commerce_variants WHERE sku LIKE 'HELD-%') FOR UPDATE",
    );
    // Others buy as fast as they can, until all who want what is held were answered.
    let (over, slowest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let bought = Arc::new(AtomicU64::new(0));
    let buyers = others[..4].iter().map(|id| {
        let (shop, over, id) = (Arc::clone(&shop), Arc::clone(&over), *id);
        let (bought, slowest) = (Arc::clone(&bought), Arc::clone(&slowest));
        common::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let cart = cart(&shop, &[(id, 1)]).await;
                let (answer, took) = check_out(Arc::clone(&shop), cart).await;
                answer.unwrap();
                bought.fetch_add(1, Ordering::SeqCst);
                slowest.fetch_max(u64::try_from(took.as_millis()).unwrap(), Ordering::SeqCst);
            }
        })
    });
    let buyers: Vec<_> = buyers.collect();
    let wanting = carts(&shop, &held);
    let again = wanting.clone();
    // Those who want both what is held and what is not keep nobody from the latter.
    let both: Vec<_> =
        held.iter().zip(&others).map(|(id, other)| [(*id, 1), (*other, 1)]).collect();
    let both: Vec<_> = block_on(join_all(both.iter().map(|lines| cart(&shop, lines))));
    let before = bought.load(Ordering::SeqCst);
    let asked = wanting
        .into_iter()
        .chain(both)
        .map(|cart| common::spawn(check_out(Arc::clone(&shop), cart)));
    for answer in asked.collect::<Vec<_>>() {
        let (answer, took) = block_on(answer).unwrap();
        assert!(is_unavailable(&answer), "{answer:?}");
        assert!((TIME..TIME * 3 / 2).contains(&took), "told no after {took:?}");
    }
    over.store(true, Ordering::SeqCst);
    block_on(join_all(buyers)).into_iter().for_each(Result::unwrap);
    let bought = bought.load(Ordering::SeqCst) - before;
    assert!(bought > 50, "others bought {bought} times");
    let slowest = Duration::from_millis(slowest.load(Ordering::SeqCst));
    assert!(slowest < TIME / 2, "one of the others waited for {slowest:?}");
    // Nothing of what was refused is written, now or later.
    let orders = "SELECT count(*) FROM commerce_order_lines WHERE sku LIKE 'HELD-%'";
    assert_eq!(number(&mut watch, orders), 0);
    run(&mut stranger, "COMMIT");
    let asked = again.into_iter().map(|cart| check_out(Arc::clone(&shop), cart));
    for (answer, took) in block_on(join_all(asked)) {
        answer.unwrap();
        assert!(took < TIME / 2, "{took:?} after all was free");
    }
    assert_eq!(number(&mut watch, orders), i64::try_from(HELD).unwrap());
    check_books(&mut watch);
    block_on(store.close());
    assert_eq!(number(&mut watch, orders), i64::try_from(HELD).unwrap());
}

#[test]
fn a_lock_that_is_let_go_in_time_is_only_waited_for() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let options = schema.options().queue_timeout(5 * TIME);
    let store = block_on(options.open_with(through)).unwrap();
    let shop = Arc::new(Commerce::new(store, SystemClock, SystemIds));
    let made = common::shop::shop(schema.open());
    let variant = sell(&made, "A", 1_000);
    let mut stranger = schema.connect();
    let mut buy = |held: Duration| {
        let mut wanting = carts(&made, &[variant, variant]);
        // The statements are prepared by then.
        block_on(check_out(Arc::clone(&shop), wanting.pop().unwrap())).0.unwrap();
        run(&mut stranger, "BEGIN; SELECT FROM commerce_stock_levels FOR UPDATE");
        line.count();
        let asked = common::spawn(check_out(Arc::clone(&shop), wanting.pop().unwrap()));
        let since = Instant::now();
        while since.elapsed() < held {
            assert!(!asked.is_finished());
            std::thread::yield_now();
        }
        run(&mut stranger, "COMMIT");
        let let_go = Instant::now();
        block_on(asked).unwrap().0.unwrap();
        (let_go.elapsed(), line.count())
    };
    // A tenth of the time that a caller has is longer than that: one read, and one transaction.
    assert_eq!(buy(Duration::from_millis(100)).1, 5);
    // It is tried now and then.
    let (late, round_trips) = buy(Duration::from_secs(3));
    assert!(late < Duration::from_millis(500), "{late:?}");
    assert!(round_trips < 200, "{round_trips}");
    check_books(&mut schema.connect());
}

#[test]
fn marks_and_locations_that_somebody_holds_keep_nobody_else() {
    let schema = Schema::new();
    let (_store, shop) = open(&schema);
    let request = CreateProduct {
        status: ProductStatus::Active,
        variants: vec![CreateVariant {
            low_stock_threshold: 10,
            ..CreateVariant::new("LOW", Money::new(1999, Currency::EUR)).unwrap()
        }],
        ..CreateProduct::new("Low").unwrap()
    };
    let system = Caller::system();
    let low = block_on(shop.create_product(&system, &request)).unwrap().variants[0].id;
    block_on(shop.receive_stock(&system, None, &[(low, 10)], None)).unwrap();
    let free = sell(&shop, "FREE", 1_000);
    let (mut stranger, mut watch) = (schema.connect(), schema.connect());
    let marked = "SELECT count(*) FROM commerce_variants WHERE low";
    let wanting = carts(&shop, &[low, low]);
    // It becomes low with the first unit that is sold.
    let [first, second] = <[_; 2]>::try_from(wanting).unwrap();
    run(&mut stranger, "BEGIN; SELECT FROM commerce_variants WHERE sku = 'LOW' FOR UPDATE");
    let asked = common::spawn(check_out(Arc::clone(&shop), first));
    while !asked.is_finished() {
        let cart = carts(&shop, &[free]).pop().unwrap();
        let (answer, took) = block_on(check_out(Arc::clone(&shop), cart));
        answer.unwrap();
        assert!(took < TIME / 2, "{took:?}");
    }
    assert!(is_unavailable(&block_on(asked).unwrap().0));
    assert_eq!(number(&mut watch, marked), 0);
    run(&mut stranger, "COMMIT");
    block_on(check_out(Arc::clone(&shop), second)).0.unwrap();
    assert_eq!(number(&mut watch, marked), 1);
    check_books(&mut watch);
}

/// What is told and remembered under a key.
fn remembered(key: &str) -> Commit {
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::ShopUpdated);
    commit.remember(Outcome {
        key: OutcomeKey { scope: "somebody".to_owned(), key: key.parse().unwrap() },
        fingerprint: Digest::of(b"request"),
        body: b"{}".to_vec(),
        at: Timestamp::UNIX_EPOCH,
    });
    commit
}

#[test]
fn what_only_shows_as_it_is_written_keeps_nobody_else_for_long() {
    let schema = Schema::new();
    let (store, _shop) = open(&schema);
    let (mut stranger, mut watch) = (schema.connect(), schema.connect());
    // An outcome that is not there yet has no row to be locked.
    run(
        &mut stranger,
        "BEGIN; INSERT INTO commerce_outcomes
            VALUES ('somebody', 'held', sha256('request'), now(), '')",
    );
    let (asked, held) = (Instant::now(), remembered("held"));
    let free: Vec<_> = (0..100).map(|n| remembered(&format!("free-{n}"))).collect();
    let (answer, others) = block_on(futures_util::future::join(
        store.commit(&held),
        join_all(free.iter().map(|commit| store.commit(commit))),
    ));
    assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
    assert!(asked.elapsed() < TIME * 3 / 2, "told no after {:?}", asked.elapsed());
    others.into_iter().for_each(Result::unwrap);
    // The end of the outbox is what everybody wants: nobody is kept for longer than their time.
    run(&mut stranger, "ROLLBACK; BEGIN; SELECT FROM commerce_counters FOR UPDATE");
    let told = "SELECT count(*) FROM commerce_outbox";
    let before = number(&mut watch, told);
    let asked = Instant::now();
    for answer in block_on(join_all(free.iter().map(|_| store.commit(&held)))) {
        assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
    }
    assert!(asked.elapsed() < TIME * 3 / 2, "told no after {:?}", asked.elapsed());
    run(&mut stranger, "ROLLBACK");
    block_on(store.commit(&held)).unwrap();
    assert_eq!(number(&mut watch, told), before + 1);
}

/// A payment that its provider knows by these names, of which nothing is told.
fn payment(number: u128, names: std::ops::Range<usize>) -> Commit {
    let (id, one) = (Uuid::from_u128(number), Money::new(1, Currency::EUR));
    let (gateway, at) = ("stripe".parse().unwrap(), Timestamp::UNIX_EPOCH);
    let mut commit = Commit::at(at);
    commit.insert(Payment {
        references: names.map(|n| format!("pi_{n}").parse().unwrap()).collect(),
        ..Payment::new(PaymentId::from_uuid(id), OrderId::from_uuid(id), gateway, one, at)
    });
    commit
}

#[test]
fn keys_and_locations_that_an_embedder_holds_keep_nobody_else() {
    let schema = Schema::new();
    let (store, shop) = open(&schema);
    let system = Caller::system();
    let [one, other] = ["ONE", "OTHER"].map(|sku| sell(&shop, sku, 1_000));
    let sellable = block_on(store.variant(&VariantRef::Id(one))).unwrap().unwrap();
    let mut embedder = schema.connect();
    block_on(async {
        let mut transaction = embedder.begin().await.unwrap();
        commit_in(&mut transaction, &payment(1, 0..2)).await.unwrap();
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        // It matters to it which locations there are.
        commit.lean_on(&*sellable.variant);
        commit_in(&mut transaction, &commit).await.unwrap();
        let asked = Instant::now();
        // One of its keys, more keys than are locked one by one, and what locks all marks.
        let same = payment(2, 1..2);
        let same = store.commit(&same);
        let (many, place) = (payment(3, 2..400), CreateLocation::new("Cellar").unwrap());
        let many = store.commit(&many);
        let place = async {
            let made = shop.create_location(&system, &place).await;
            assert!(matches!(made, Err(Error::Unavailable(_))), "{made:?}");
            Err(CommitError::Unavailable(StoreError::unavailable("as it was told")))
        };
        let others = async {
            for number in 10..40 {
                let asked = Instant::now();
                let names = usize::try_from(number).unwrap() + 1_000;
                store.commit(&payment(number, names..names + 1)).await.unwrap();
                let cart = cart(&shop, &[(other, 1)]).await;
                check_out(Arc::clone(&shop), cart).await.0.unwrap();
                assert!(asked.elapsed() < TIME / 2, "{:?}", asked.elapsed());
            }
            Ok(())
        };
        let asking: [Pin<Box<dyn Future<Output = _>>>; 4] =
            [Box::pin(same), Box::pin(many), Box::pin(place), Box::pin(others)];
        let answers = join_all(asking).await;
        assert!(asked.elapsed() < TIME * 3 / 2, "told no after {:?}", asked.elapsed());
        let [
            Err(CommitError::Unavailable(_)),
            Err(CommitError::Unavailable(_)),
            Err(CommitError::Unavailable(_)),
            Ok(()),
        ] = &answers[..]
        else {
            panic!("{answers:?}");
        };
        transaction.commit().await.unwrap();
        // Whoever comes then is served, or told who was first.
        let same = store.commit(&payment(2, 1..2)).await;
        assert!(matches!(same, Err(CommitError::Taken(_))), "{same:?}");
        store.commit(&payment(3, 2..400)).await.unwrap();
        let place = CreateLocation::new("Cellar").unwrap();
        shop.create_location(&system, &place).await.unwrap();
    });
    check_books(&mut schema.connect());
}
