//! Servers hear of what others tell, and hear again when they were cut off.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use commerce_core::{
    event::Event,
    store::{Commit, Listener, Store},
    time::Timestamp,
};
use commerce_sqlx::commit_in;
use common::{Schema, address, block_on, number, run, until};
use sqlx::{Connection, PgConnection};

fn told() -> Commit {
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::ShopUpdated);
    commit
}

/// Waits for a ring; a bell that stays silent fails the test.
fn hears(listener: &mut Listener) {
    block_on(async {
        tokio::time::timeout(Duration::from_secs(20), listener.rung()).await.unwrap();
    });
}

/// The connection of a schema's store that listens.
fn listening(schema: &Schema) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"{0}\"' AND state = 'idle'",
        schema.name
    )
}

#[test]
fn what_others_tell_is_heard_although_the_line_was_lost() {
    let schema = Schema::new();
    let [here, there] = [schema.open(), schema.open()];
    let mut listener = here.bell().listen();
    let mut watch = block_on(PgConnection::connect(&address())).unwrap();
    for _ in 0..3 {
        // It rings once when it begins to listen: there may be something already.
        hears(&mut listener);
        block_on(there.commit(&told())).unwrap();
        hears(&mut listener);
        // A program that writes in its own transaction is heard when that is through.
        let mut own = schema.connect();
        block_on(async {
            let mut transaction = own.begin().await.unwrap();
            commit_in(&mut transaction, &told()).await.unwrap();
            transaction.commit().await.unwrap();
        });
        hears(&mut listener);
        let end = listening(&schema).replace("count(*)", "count(pg_terminate_backend(pid))");
        assert_eq!(number(&mut watch, &end), 1, "one connection listens");
    }
}

#[test]
fn nobody_listens_who_does_not_wait_and_nobody_any_more_who_has_gone() {
    let schema = Schema::new();
    let mut watch = block_on(PgConnection::connect(&address())).unwrap();
    let store = schema.open();
    block_on(store.commit(&told())).unwrap();
    assert_eq!(number(&mut watch, &listening(&schema)), 0);
    hears(&mut store.bell().listen());
    assert_eq!(number(&mut watch, &listening(&schema)), 1);
    drop(store);
    until("it still listens", || number(&mut watch, &listening(&schema)) == 0);
    run(&mut watch, "SELECT 1");
}
