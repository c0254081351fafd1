//! What several of the example programs share.

pub mod retail;
