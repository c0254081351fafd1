//! The pure commerce domain.
//!
//! # Features
//! None is on by default.
//! - `conformance`: the module `conformance`, the suite of tests that every store must pass.
//! - `mocks`: the module `mocks`, mocks of the ports for the tests of embedding programs.
//! - `openapi`: schemas of requests and answers for an OpenAPI document.

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
