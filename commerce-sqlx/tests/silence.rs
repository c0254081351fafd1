//! A server that is there and says nothing: nobody waits for it longer than they were told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    rc::Rc,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use commerce_core::{
    event::Event,
    id::{CartId, Id},
    store::{Commit, CommitError, Store},
    time::Timestamp,
};
use commerce_sqlx::{OpenError, OpenOptions};
use common::{Schema, address, block_on, number, proxy::proxy, run, shop::shop};
use tokio::time::timeout;
use uuid::Uuid;

/// Far more than all the timeouts of one caller together.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_silent_server_is_given_up_and_used_again_when_it_speaks() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let short = Duration::from_millis(200);
    let options = schema.options().connections(4).connect_timeout(short);
    let options = options.statement_timeout(short).queue_timeout(short);
    let store = block_on(options.open_with(through)).unwrap();
    shop(store.clone());
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::CartUpdated { cart_id: CartId::from_uuid(Uuid::from_u128(1)) });
    let told = "SELECT count(*) FROM commerce_outbox";
    let mut watch = schema.connect();
    let before = number(&mut watch, told);

    line.silent.store(true, Ordering::SeqCst);
    // Many more than there are connections, and places in a batch.
    let asked = Instant::now();
    let answers = block_on(async {
        let ask = |n: u32| {
            let (store, commit) = (store.clone(), commit.clone());
            tokio::spawn(async move {
                if n.is_multiple_of(2) {
                    let answer = store.setup().await;
                    assert!(answer.is_err_and(|error| !error.is_corrupt()));
                    return 0;
                }
                match store.commit(&commit).await {
                    Err(CommitError::Unavailable(_)) => 0,
                    // It may have been done.
                    Err(CommitError::OutcomeUnknown(_)) => 1,
                    other => panic!("{other:?}"),
                }
            })
        };
        let asking: Vec<_> = (0..400).map(ask).collect();
        let mut unknown = 0;
        for answer in asking {
            unknown += answer.await.unwrap();
        }
        unknown
    });
    assert!(asked.elapsed() < LONG, "{:?}", asked.elapsed());
    line.silent.store(false, Ordering::SeqCst);

    let asked = Instant::now();
    while block_on(store.setup()).is_err() || block_on(store.commit(&commit)).is_err() {
        assert!(asked.elapsed() < LONG, "it is not used again");
    }
    let now = number(&mut watch, told);
    assert!((before + 1..=before + 1 + answers).contains(&now), "{before} {now} {answers}");
    // What the server still held for those who went away, it has let go.
    let held = format!(
        "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
            WHERE c.relnamespace = '{}'::regnamespace AND l.pid <> pg_backend_pid()",
        schema.name
    );
    while number(&mut watch, &held) > 0 {
        assert!(asked.elapsed() < LONG, "a lock is left");
    }
}

/// Opens a shop on a line that falls silent after each answer of which `at` says so, and gives up; answers
/// how many answers there are.
fn silent_at_the_start(schema: impl Fn() -> Rc<Schema>, at: impl Fn(u64) -> bool) -> u64 {
    let (through, line) = proxy();
    let open = |options: OpenOptions, answers| {
        line.count();
        line.silent_after.store(answers, Ordering::SeqCst);
        line.silent.store(false, Ordering::SeqCst);
        block_on(async { timeout(LONG, options.open_with(through.clone())).await })
            .unwrap_or_else(|_| panic!("a start hangs after {answers} answers"))
    };
    let made = schema();
    let store = open(made.options(), 0).unwrap();
    let all = line.count();
    block_on(store.close());
    let short = Duration::from_millis(100);
    for answers in (1..all).filter(|answers| at(*answers)) {
        let schema = schema();
        let options = schema.options().connect_timeout(short).statement_timeout(short);
        let refused = open(options.migrate_timeout(short), answers);
        assert!(matches!(refused, Err(OpenError::Late)), "{answers} of {all}: {refused:?}");
        line.silent.store(false, Ordering::SeqCst);
    }
    all
}

#[test]
fn a_server_that_falls_silent_while_a_shop_is_opened_is_given_up() {
    // Where tables are made there are more answers than one has patience for.
    let made = silent_at_the_start(|| Rc::new(Schema::new()), |answers| answers % 5 == 0);
    let (_, schema) = common::store();
    let schema = Rc::new(schema);
    let there = silent_at_the_start(|| Rc::clone(&schema), |_| true);
    assert!(10 < there && there < made, "{there} {made}");
}

#[test]
fn whoever_waits_for_a_turn_is_not_kept_by_a_batch_that_stands_still() {
    let schema = Schema::new();
    let options = schema.options().queue_timeout(Duration::from_millis(200));
    let options = options.statement_timeout(6 * LONG);
    let store = block_on(options.open(&address())).unwrap();
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::CartUpdated { cart_id: CartId::from_uuid(Uuid::from_u128(1)) });
    let mut watch = schema.connect();
    let mut other = schema.connect();
    run(&mut other, "BEGIN; LOCK TABLE commerce_outbox IN ACCESS EXCLUSIVE MODE");
    let (first, one) = (store.clone(), commit.clone());
    let first = common::spawn(async move { first.commit(&one).await });
    let asked = Instant::now();
    let kept = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (
        SELECT oid FROM pg_database WHERE datname = current_database())
        AND relation = 'commerce_outbox'::regclass";
    while number(&mut watch, kept) == 0 {
        assert!(asked.elapsed() < LONG, "nobody stands still");
    }
    let answer = block_on(store.commit(&commit));
    assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
    let answer = block_on(first).unwrap();
    assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
    assert!(asked.elapsed() < LONG, "{:?}", asked.elapsed());
    run(&mut other, "COMMIT");
    // What was given up does not happen afterwards: whoever comes next comes after it.
    block_on(store.commit(&commit)).unwrap();
    assert_eq!(number(&mut watch, "SELECT count(*) FROM commerce_outbox"), 1);
}
