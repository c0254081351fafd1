//! The PostgreSQL store passes the conformance suite, each case in a schema of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{block_on, store};

commerce_core::conformance::suite!(store, block_on);
