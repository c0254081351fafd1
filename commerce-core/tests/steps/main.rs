//! Every step at which a shop that takes cards meets the outside, and everything that can befall it
//! there, told on the store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod scenario;
#[path = "../support/mod.rs"]
mod support;
#[path = "../till/mod.rs"]
mod till;
mod trial;

use commerce_core::store::MemoryStore;

/// Of so many pairs one is tried, unless `STEPS_EVERY` says otherwise.
const EVERY: usize = 49;

/// What must live as long as a store.
type Kept = ();

/// A store with nothing in it.
fn fresh() -> (MemoryStore, Kept) {
    (MemoryStore::new(), ())
}
