//! Every step at which a shop that takes cards meets the outside, told on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "../../commerce-core/tests/steps/scenario/mod.rs"]
mod scenario;
#[path = "../../commerce-core/tests/support/mod.rs"]
mod support;
#[path = "../../commerce-core/tests/till/mod.rs"]
mod till;
#[path = "../../commerce-core/tests/steps/trial.rs"]
mod trial;

use commerce_sqlx::PgStore;
use common::spare::{Spare, spare};

/// Of so many pairs one is tried, unless `STEPS_EVERY` says otherwise.
const EVERY: usize = 4_999;

/// What must live as long as a store.
type Kept = Spare;

/// A store with nothing in it.
fn fresh() -> (PgStore, Kept) {
    spare()
}
