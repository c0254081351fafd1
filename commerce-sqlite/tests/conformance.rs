//! The SQLite store passes the conformance suite, each case on a file of its own, and does not once
//! something is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../commerce-core/tests/catches/mod.rs"]
mod catches;

use commerce_core::conformance::Fixture;
use commerce_sqlite::SqliteStore;
use pollster::block_on;
use tempfile::TempDir;

fn open(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(folder.path().join("shop.db")).unwrap()
}

fn store() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    (open(&folder), folder)
}

/// A store in a file that can be opened once more.
fn kept() -> impl Fixture {
    let (store, folder) = store();
    (store, folder, open)
}

commerce_core::conformance::suite!(kept);
