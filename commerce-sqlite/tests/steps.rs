//! Every step at which a shop that takes cards meets the outside, told on SQLite.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../commerce-core/tests/steps/scenario/mod.rs"]
mod scenario;
#[path = "../../commerce-core/tests/support/mod.rs"]
mod support;
#[path = "../../commerce-core/tests/till/mod.rs"]
mod till;
#[path = "../../commerce-core/tests/steps/trial.rs"]
mod trial;

use commerce_sqlite::{Durability, SqliteStore};
use tempfile::TempDir;

/// Of so many pairs one is tried, unless `STEPS_EVERY` says otherwise.
const EVERY: usize = 509;

/// What must live as long as a store.
type Kept = TempDir;

/// A store with nothing in it. Those that die here are the programs, not the machine, so that nothing
/// need wait for the disk.
fn fresh() -> (SqliteStore, Kept) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStore::options().durability(Durability::Process);
    (options.open(folder.path().join("shop.db")).unwrap(), folder)
}
