//! Random histories of a shop, told on PostgreSQL: as good as the store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../commerce-core/tests/simulation/cards.rs"]
mod cards;
mod common;
#[path = "../../commerce-core/tests/simulation/model.rs"]
mod model;
#[path = "../../commerce-core/tests/simulation/story.rs"]
mod story;
#[path = "../../commerce-core/tests/support/mod.rs"]
mod support;
#[path = "../../commerce-core/tests/till/mod.rs"]
mod till;

use commerce_sqlx::PgStore;
use common::spare::{Spare, spare};

/// How many stories are told unless `SIMULATION_STORIES` says otherwise.
const STORIES: u32 = 6;
/// How many stories of a shop that takes cards are told unless `SIMULATION_CARDS` says otherwise.
const CARDS: u64 = 40;

/// What must live as long as a store.
type Kept = Spare;

/// A store with nothing in it.
fn fresh() -> (PgStore, Kept) {
    spare()
}
