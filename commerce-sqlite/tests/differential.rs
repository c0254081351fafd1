//! The same history on the store in memory and on the one in a file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../commerce-core/tests/support/twins/mod.rs"]
mod twins;

use commerce_sqlite::{Durability, SqliteStore};
use pollster::block_on;
use tempfile::TempDir as Kept;

fn store() -> (SqliteStore, Kept) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStore::options().durability(Durability::Process);
    (options.open(folder.path().join("shop.db")).unwrap(), folder)
}
