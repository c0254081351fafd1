//! Records written to PostgreSQL and read back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
#[path = "../../commerce-core/tests/support/round_trip.rs"]
mod round_trip;

use common::{
    block_on,
    spare::{Spare as Kept, spare as store},
};
