//! Records written to a file and read back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../commerce-core/tests/support/round_trip.rs"]
mod round_trip;

use commerce_sqlite::SqliteStore;
use pollster::block_on;
use tempfile::TempDir as Kept;

fn store() -> (SqliteStore, Kept) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(folder.path().join("shop.db")).unwrap(), folder)
}
