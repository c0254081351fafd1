#![doc = include_str!("../README.md")]

mod api;
mod card;
mod clock;
mod control;
mod currency;
mod error;
mod fake;
mod fault;
mod id;
mod idempotency;
mod objects;
mod operation;
mod page;
mod params;
mod routes;
mod table;
mod webhook;
mod wire;
mod world;

pub use fake::{Builder, FakeStripe, Listening, Refused};
pub use fault::{Fault, WebhookFault};
pub use operation::Operation;
pub use webhook::{PendingWebhook, signature};
pub use world::Call;
