//! The PostgreSQL store passes the conformance suite, each case in a schema that is empty, and does not
//! once something is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../commerce-core/tests/catches/mod.rs"]
mod catches;
mod common;

use commerce_core::conformance::Fixture;
use common::{
    block_on,
    spare::{Spare, spare as store},
};

/// A store in a schema in which it can be opened once more.
fn kept() -> impl Fixture {
    let (store, schema) = store();
    (store, schema, Spare::open)
}

commerce_core::conformance::suite!(kept, block_on);
