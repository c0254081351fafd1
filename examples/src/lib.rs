//! What several of the example programs share.

pub mod replay;
pub mod retail;
