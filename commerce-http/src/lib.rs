//! The shop's REST server and its command line.

pub mod import;
