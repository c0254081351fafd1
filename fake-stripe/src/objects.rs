//! Stripe's objects, one noun a file. A struct is the JSON of its object: what is always null is `()`.

mod balance_transaction;
mod charge;
mod checkout_session;
mod customer;
mod dispute;
mod event;
mod payment_intent;
mod payment_method;
mod refund;
mod setup_intent;
mod shared;
mod webhook_endpoint;

pub(crate) use balance_transaction::BalanceTransaction;
pub(crate) use charge::Charge;
pub(crate) use checkout_session::{CheckoutSession, Visit};
pub(crate) use customer::Customer;
pub(crate) use dispute::Dispute;
pub(crate) use event::Event;
pub(crate) use payment_intent::PaymentIntent;
pub(crate) use payment_method::PaymentMethod;
pub(crate) use refund::Refund;
pub(crate) use setup_intent::SetupIntent;
pub(crate) use webhook_endpoint::WebhookEndpoint;
