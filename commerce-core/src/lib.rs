//! The pure commerce domain: products, carts, exact pricing, checkout, stock, orders and payments,
//! behind storage and payment traits.
//!
//! It does no I/O, reads no clock, draws no random number and needs no runtime: the same inputs give
//! the same order, to the cent, on every store. [`Commerce`] is the facade over a store, a clock and
//! a source of ids; below it everything is a pure function over values.
//!
//! ```
//! use commerce_core::{
//!     Commerce,
//!     access::Caller,
//!     cart::{AddLine, CreateCart},
//!     catalog::{CreateProduct, CreateVariant, ProductStatus},
//!     checkout::PlaceOrder,
//!     currency::Currency::EUR,
//!     inputs::{SeededIds, SteppedClock},
//!     inventory::SetStock,
//!     money::Money,
//!     shop::Shop,
//!     store::MemoryStore,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse()?);
//! let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
//! # pollster::block_on(async {
//! shop.open(Shop::new("Test shop", EUR)?).await?;
//!
//! let me = Caller::system();
//! let mug = CreateProduct {
//!     status: ProductStatus::Active,
//!     variants: vec![CreateVariant::new("MUG", Money::new(12_50, EUR))?],
//!     ..CreateProduct::new("Mug")?
//! };
//! let mug = shop.create_product(&me, &mug).await?.variants[0].id;
//! shop.set_stock(&me, mug, &SetStock::new(10)).await?;
//!
//! let cart = CreateCart { lines: vec![AddLine::new(mug, 2)?], ..CreateCart::default() };
//! let cart = shop.create_cart(&me, &cart).await?.cart.id;
//! let placed = shop.place_order(&me, cart, &PlaceOrder::default()).await?;
//! assert_eq!(placed.order.total, Money::new(25_00, EUR));
//! assert_eq!(shop.stock_of(&me, mug).await?.available, 8);
//! # Ok(())
//! # })
//! # }
//! ```
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
mod country;
pub mod currency;
pub mod customer;
mod decimal;
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
pub mod reconciliation;
pub mod rounding;
pub mod search;
pub mod secret;
mod service;
pub mod shop;
pub mod store;
pub mod text;
pub mod time;
pub mod version;
pub mod webhook;

pub use error::Error;
pub use service::{
    Commerce, CreatedCart, CreatedToken, Done, Lease, PlacedView, Relayed, StockLevelView,
    StockView, Subscriber, Swept, TokenView, WebhookReceipt,
};
