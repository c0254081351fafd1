//! The pure commerce domain.

pub mod allocation;
pub mod currency;
pub mod id;
pub mod money;
pub mod pricing;
pub mod quantity;
pub mod rounding;
pub mod text;
pub mod time;
