#![doc = include_str!("../README.md")]

mod amount;
mod books;
mod config;
mod decline;
mod failure;
mod find;
mod gateway;
mod line_items;
mod object;
mod request;
mod secret;
mod state;
mod transport;
mod vault;
mod void;
mod webhook;

pub use config::{ConfigError, Patience, StripeConfig};
pub use gateway::StripeGateway;
pub use secret::{SecretKey, WebhookSecret};
pub use webhook::verify_signature;
