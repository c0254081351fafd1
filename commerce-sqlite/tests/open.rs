//! What can be wrong with a file, and that it is left as it was.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    time::{Duration, Instant},
};

use commerce_core::store::Store;
use commerce_sqlite::{OpenError, SqliteStore, migrate_in};
use pollster::block_on;
use rusqlite::Connection;

#[test]
fn a_new_file_is_small_and_soon_there_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let begin = Instant::now();
    drop(SqliteStore::open(&path).unwrap());
    // Tells a slow way to make the tables from a busy machine; the bound of 20 ms is measured where
    // nothing else runs.
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(fs::metadata(&path).unwrap().len() < 500_000);
    assert!(!folder.path().join("shop.db-wal").exists(), "it was closed tidily");
    let store = SqliteStore::open(&path).unwrap();
    assert!(block_on(store.setup()).unwrap().is_none());
}

#[test]
fn what_is_no_database_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let text = "not a database, but long enough to have a header of one".repeat(40);
    fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::NotADatabase { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_database_of_another_program_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::OtherProgram { .. })));
    let tables: i64 =
        other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    // Its owner may let the shop in.
    migrate_in(&other).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert!(block_on(store.setup()).unwrap().is_none());

    let empty = folder.path().join("empty.db");
    Connection::open(&empty).unwrap().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(SqliteStore::open(&empty), Err(OpenError::OtherProgram { .. })));
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT INTO commerce_migrations VALUES (99)", []).unwrap();
    let newer = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(newer, OpenError::SchemaTooNew { found: 99, .. }), "{newer:?}");
    assert!(matches!(migrate_in(&connection), Err(OpenError::SchemaTooNew { .. })));
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(folder.path().join("missing/shop.db")).unwrap_err();
    assert!(matches!(missing, OpenError::NotWritable { .. }), "{missing:?}");
    let directory = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(directory, OpenError::NotWritable { .. }), "{directory:?}");
    let memory = SqliteStore::open(":memory:").unwrap_err();
    assert!(matches!(memory, OpenError::NoWriteAheadLog { .. }), "{memory:?}");
}

#[test]
fn several_may_make_the_same_file_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let store = SqliteStore::open(&path).unwrap();
                    assert!(block_on(store.setup()).unwrap().is_none());
                });
            }
        });
    }
}

#[test]
fn a_migration_inside_a_transaction_is_a_part_of_it() {
    let connection = Connection::open_in_memory().unwrap();
    let count = || -> i64 {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap()
    };
    connection.execute_batch("BEGIN").unwrap();
    migrate_in(&connection).unwrap();
    assert!(count() > 0);
    connection.execute_batch("ROLLBACK").unwrap();
    assert_eq!(count(), 0);
}
