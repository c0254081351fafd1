//! What the database takes back, the store tries again: within bounds, and never half.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use commerce_core::{
    event::Event,
    store::{Commit, CommitError, Store},
    time::Timestamp,
};
use common::{Schema, block_on, number, run};
use sqlx::PgConnection;

const EVENTS: &str = "SELECT count(*) FROM commerce_outbox";
/// Numbers are given out for good, whatever becomes of the transaction that has taken them.
const TRIES: &str = "SELECT last_value FROM tries";

fn commit() -> Commit {
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::ShopUpdated);
    commit
}

/// Has the database refuse what is written the first so many times, as two transactions in each other's
/// way would: at once, or as late as its `COMMIT`.
fn refuse(connection: &mut PgConnection, code: &str, times: i64, late: bool) {
    let trigger = if late {
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON commerce_outbox
            DEFERRABLE INITIALLY DEFERRED"
    } else {
        "CREATE TRIGGER refuse BEFORE INSERT ON commerce_outbox"
    };
    run(
        connection,
        &format!(
            "CREATE SEQUENCE tries;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tries') <= {times} THEN
                    RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}';
                END IF;
                RETURN NEW;
            END $$;
            {trigger} FOR EACH ROW EXECUTE FUNCTION refuse()"
        ),
    );
}

/// A store whose database refuses the first so many times, and a connection beside it.
fn refused(
    code: &str,
    times: i64,
    late: bool,
    wait: Duration,
) -> (Schema, PgConnection, impl Store) {
    let schema = Schema::new();
    let store = block_on(schema.options().queue_timeout(wait).open(&common::address())).unwrap();
    let mut connection = schema.connect();
    refuse(&mut connection, code, times, late);
    (schema, connection, store)
}

#[test]
fn what_could_not_be_serialized_or_was_in_a_deadlock_is_tried_again() {
    for code in ["40001", "40P01"] {
        for late in [false, true] {
            let wait = Duration::from_secs(10);
            let (_schema, mut connection, store) = refused(code, 3, late, wait);
            block_on(store.commit(&commit())).unwrap();
            assert_eq!(number(&mut connection, EVENTS), 1, "{code}");
            assert_eq!(number(&mut connection, TRIES), 4, "{code}");
        }
    }
}

#[test]
fn it_is_not_tried_for_ever_and_nothing_of_it_is_written() {
    for code in ["40001", "40P01"] {
        for late in [false, true] {
            let wait = Duration::from_millis(300);
            let (_schema, mut connection, store) = refused(code, i64::MAX, late, wait);
            let asked = Instant::now();
            let answer = block_on(store.commit(&commit()));
            assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{code}: {answer:?}");
            assert!(asked.elapsed() >= wait, "{code}: given up after {:?}", asked.elapsed());
            assert_eq!(number(&mut connection, EVENTS), 0, "{code}");
            let tries = number(&mut connection, TRIES);
            assert!((3..300).contains(&tries), "{code}: {tries} tries");
            // Whoever comes when nobody is in the way any more is served.
            run(&mut connection, "DROP TRIGGER refuse ON commerce_outbox");
            block_on(store.commit(&commit())).unwrap();
            assert_eq!(number(&mut connection, EVENTS), 1, "{code}");
        }
    }
}
