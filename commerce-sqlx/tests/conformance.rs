//! The PostgreSQL store passes the conformance suite, each case in a schema that is empty.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{block_on, spare::spare};

commerce_core::conformance::suite!(spare, block_on);
