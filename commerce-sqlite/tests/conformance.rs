//! The SQLite store passes the conformance suite, each case on a file of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use commerce_sqlite::SqliteStore;
use tempfile::TempDir;

fn store() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
    (store, folder)
}

commerce_core::conformance::suite!(store);
