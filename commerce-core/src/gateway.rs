//! The payment port: what takes money and gives it back.

mod manual;
mod scripted;

pub use manual::ManualGateway;
pub use scripted::{Call, Reply, ScriptedGateway};

use std::{error::Error as StdError, fmt::Debug};

use async_trait::async_trait;

use crate::{
    order::Order,
    payment::{Payment, PaymentInput, Refund},
    text::{GatewayName, Label, Url},
};

/// What a gateway knows of a payment after a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayAnswer {
    /// What has happened to the payment; `None` if nothing has.
    pub input: Option<PaymentInput>,
    /// What the gateway calls it.
    pub provider_ref: Option<Label>,
    /// What the customer's device needs in order to pay.
    pub client_secret: Option<Label>,
    /// Where the customer is sent in order to pay.
    pub redirect_url: Option<Url>,
}

/// Why a gateway did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// It refused; nothing happened.
    #[error("declined: {reason}")]
    Declined {
        /// Why, fit to be shown to the customer.
        reason: Label,
    },
    /// It cannot do this, or not for this payment.
    #[error("not possible: {0}")]
    Unsupported(&'static str),
    /// It cannot be reached; nothing happened.
    #[error("the gateway cannot be reached")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It is not known whether it did it. Asking again with the same payment is safe.
    #[error("the gateway did not say whether it was done")]
    OutcomeUnknown(#[source] Box<dyn StdError + Send + Sync>),
}

/// Takes money and gives it back.
///
/// # Contract
/// Every call is safe to repeat: the payment's id, and for a refund the refund's, tell the gateway
/// that it is the same one. A call is only made after the payment was committed.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentGateway: Debug + Send + Sync + 'static {
    /// The name by which checkouts choose it.
    fn name(&self) -> GatewayName;
    /// Whether it must be told of a new payment. One that people operate by hand need not be, and
    /// its checkouts are one commit and nothing more.
    fn is_online(&self) -> bool;
    /// Begins to take the money of a payment.
    async fn create(&self, payment: &Payment, order: &Order)
    -> Result<GatewayAnswer, GatewayError>;
    /// Takes the money.
    async fn capture(&self, payment: &Payment) -> Result<GatewayAnswer, GatewayError>;
    /// Calls the payment off.
    async fn void(&self, payment: &Payment) -> Result<GatewayAnswer, GatewayError>;
    /// Gives money back.
    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
    ) -> Result<GatewayAnswer, GatewayError>;
}
