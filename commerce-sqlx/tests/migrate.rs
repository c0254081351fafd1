//! The way from one version of the tables to the next, by versions that are made up: so far there is one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, unreachable_pub, reason = "what else is looked at when a shop is opened")]
#[path = "../src/clock.rs"]
mod clock;
mod common;
#[allow(dead_code, unreachable_pub, reason = "what can go wrong elsewhere")]
#[path = "../src/error.rs"]
mod error;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tables of a shop, and what else is looked at when it is opened"
)]
#[path = "../src/migrate.rs"]
mod migrate;

use common::{Schema, block_on, number, run};
use error::OpenError;
use migrate::{Migration, migrate};
use sqlx::PgConnection;

/// Each notes that it has run.
const FIRST: Migration = (1, "CREATE TABLE ran (number int); INSERT INTO ran VALUES (1)");
const SECOND: Migration =
    (2, "ALTER TABLE ran ADD also text; INSERT INTO ran VALUES (2, 'second')");
const BROKEN: Migration = (3, "INSERT INTO ran VALUES (3, 'broken'); SELECT 1 / 0");

fn empty() -> (Schema, PgConnection) {
    let schema = Schema::new();
    let mut connection = schema.connect();
    run(&mut connection, &format!("CREATE SCHEMA {}", schema.name));
    (schema, connection)
}

/// Ten servers that start together, in whatever isolation their user's transactions are.
fn ten(schema: &Schema, migrations: &[Migration]) {
    std::thread::scope(|scope| {
        let start = |number: usize| {
            let isolation = ["read committed", "repeatable read", "serializable"][number % 3];
            let mut connection = schema.connect();
            run(&mut connection, &format!("SET default_transaction_isolation = '{isolation}'"));
            block_on(migrate(&mut connection, migrations)).unwrap();
        };
        let servers: Vec<_> = (0..10).map(|number| scope.spawn(move || start(number))).collect();
        for server in servers {
            server.join().unwrap();
        }
    });
}

/// What has run, and what is noted to have run, as digits.
fn ran(connection: &mut PgConnection) -> [i64; 2] {
    ["ran", "commerce_migrations"].map(|table| {
        let sql =
            format!("SELECT string_agg(number::text, '' ORDER BY number)::bigint FROM {table}");
        number(connection, &sql)
    })
}

#[test]
fn each_change_is_made_once_however_many_servers_start_together() {
    let (schema, mut connection) = empty();
    ten(&schema, &[FIRST]);
    assert_eq!(ran(&mut connection), [1, 1]);
    ten(&schema, &[FIRST, SECOND]);
    assert_eq!(ran(&mut connection), [12, 12]);

    let (schema, mut connection) = empty();
    ten(&schema, &[FIRST, SECOND]);
    assert_eq!(ran(&mut connection), [12, 12]);
}

#[test]
fn an_older_program_refuses_newer_tables() {
    let (_schema, mut connection) = empty();
    block_on(migrate(&mut connection, &[FIRST, SECOND])).unwrap();
    let error = block_on(migrate(&mut connection, &[FIRST])).unwrap_err();
    assert!(matches!(error, OpenError::SchemaTooNew { found: 2, known: 1 }), "{error:?}");
    assert_eq!(ran(&mut connection), [12, 12]);
}

#[test]
fn a_change_that_fails_leaves_the_tables_as_they_were() {
    let (_schema, mut connection) = empty();
    block_on(migrate(&mut connection, &[FIRST])).unwrap();
    for _ in 0..2 {
        let error = block_on(migrate(&mut connection, &[FIRST, SECOND, BROKEN])).unwrap_err();
        assert!(matches!(error, OpenError::Database(_)), "{error:?}");
        assert_eq!(ran(&mut connection), [1, 1]);
    }
    block_on(migrate(&mut connection, &[FIRST, SECOND])).unwrap();
    assert_eq!(ran(&mut connection), [12, 12]);
}
