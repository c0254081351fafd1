//! Random histories of a shop, told on SQLite: as good as the store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../commerce-core/tests/simulation/cards.rs"]
mod cards;
#[path = "../../commerce-core/tests/simulation/model.rs"]
mod model;
#[path = "../../commerce-core/tests/simulation/story.rs"]
mod story;
#[path = "../../commerce-core/tests/support/mod.rs"]
mod support;
#[path = "../../commerce-core/tests/till/mod.rs"]
mod till;

use commerce_sqlite::SqliteStore;
use tempfile::TempDir;

/// How many stories are told unless `SIMULATION_STORIES` says otherwise.
const STORIES: u32 = 16;
/// How many stories of a shop that takes cards are told unless `SIMULATION_CARDS` says otherwise.
const CARDS: u64 = 120;

/// What must live as long as a store.
type Kept = TempDir;

/// A store with nothing in it.
fn fresh() -> (SqliteStore, Kept) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(folder.path().join("shop.db")).unwrap(), folder)
}
