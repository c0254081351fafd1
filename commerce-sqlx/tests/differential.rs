//! The same history on the store in memory and on the one in PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "../../commerce-core/tests/support/twins/mod.rs"]
mod twins;

use common::{
    block_on,
    spare::{Spare as Kept, spare as store},
};
