//! Random histories of a shop, told on the store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cards;
mod model;
mod story;
#[path = "../support/mod.rs"]
mod support;
#[path = "../till/mod.rs"]
mod till;

use commerce_core::store::MemoryStore;

/// How many stories are told unless `SIMULATION_STORIES` says otherwise.
const STORIES: u32 = 48;
/// How many stories of a shop that takes cards are told unless `SIMULATION_CARDS` says otherwise.
const CARDS: u64 = 2_000;

/// What must live as long as a store.
type Kept = ();

/// A store with nothing in it.
fn fresh() -> (MemoryStore, Kept) {
    (MemoryStore::new(), ())
}
