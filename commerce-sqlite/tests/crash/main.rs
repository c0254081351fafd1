//! What is left when a process dies, what a disk without room leaves, and two processes on one file.
//!
//! `KILLS` says how many processes are killed in each of the tests that kill some.

// Files are limited by `ulimit` and `prlimit`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod host;
mod process;
mod store;
mod two;
