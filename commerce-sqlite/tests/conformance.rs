//! The SQLite store passes the conformance suite, each case on a file of its own, and does not once
//! something is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../commerce-core/tests/catches/mod.rs"]
mod catches;

use commerce_sqlite::SqliteStore;
use pollster::block_on;
use tempfile::TempDir;

fn store() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
    (store, folder)
}

commerce_core::conformance::suite!(store);
