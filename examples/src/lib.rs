//! What several of the example programs share.

pub mod mugs;
pub mod replay;
pub mod retail;

/// The first example of the project's README, which must compile as it stands; `tests/readme` runs it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
