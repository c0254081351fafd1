//! The pure commerce domain.

pub mod access;
pub mod allocation;
pub mod cart;
pub mod catalog;
pub mod checkout;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod currency;
pub mod customer;
pub mod error;
pub mod event;
pub mod gateway;
pub mod id;
pub mod inputs;
pub mod inventory;
mod json;
#[cfg(feature = "mocks")]
pub mod mocks;
pub mod money;
#[cfg(feature = "openapi")]
mod openapi;
pub mod order;
mod patch;
pub mod payment;
pub mod pricing;
pub mod quantity;
pub mod rounding;
pub mod search;
pub mod secret;
mod service;
pub mod shop;
pub mod store;
pub mod text;
pub mod time;
pub mod version;

pub use error::Error;
pub use service::{
    Commerce, CreatedCart, CreatedToken, Done, PlacedView, Relayed, StockLevelView, StockView,
    Subscriber, Swept,
};
