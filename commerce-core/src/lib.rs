//! The pure commerce domain.

pub mod id;
pub mod quantity;
pub mod text;
pub mod time;
