//! The PostgreSQL store passes the conformance suite, each case in a schema that is empty, and does not
//! once something is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../commerce-core/tests/catches/mod.rs"]
mod catches;
mod common;

use common::{block_on, spare::spare as store};

commerce_core::conformance::suite!(store, block_on);
