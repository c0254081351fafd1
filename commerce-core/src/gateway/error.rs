//! Why a gateway did not do what it was asked.

use std::{error::Error as StdError, time::Duration};

use super::ProviderPayment;
use crate::payment::Decline;

/// Why a gateway did not do what it was asked, by what is known of the outcome.
///
/// The source is the adapter's own error, for the log; it never reaches a client.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The provider refused, as the customer's bank, card or account does not allow it. No money
    /// moved. The same request gets the same answer; a new attempt may do better.
    #[error("declined: {}", .decline.reason)]
    Declined {
        /// Why.
        decline: Decline,
        /// The payment as it is now, if there is one.
        state: Option<Box<ProviderPayment>>,
    },
    /// The payment is not in a state that allows it: already captured, called off, given back. Nothing
    /// happened now; what happened before, [`fetch`](super::PaymentGateway::fetch) tells.
    #[error("the payment's state at the provider does not allow it")]
    Stale(#[source] Box<dyn StdError + Send + Sync>),
    /// It cannot do this, or not for this payment, ever. Nothing happened.
    #[error("not possible: {0}")]
    Unsupported(&'static str),
    /// The provider does not accept what was asked for: a value is against a rule that the gateway does
    /// not know. Nothing happened, and nothing will while the same is asked for.
    #[error("the provider does not accept what was asked for")]
    Invalid(#[source] Box<dyn StdError + Send + Sync>),
    /// The provider does not accept the request from this shop: the credentials are wrong, the account
    /// may not do this. Nothing happened, and nothing will until somebody mends it.
    #[error("the provider does not accept the request")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// The provider was not reached, or is too busy. Nothing happened; the same request can be made
    /// again.
    #[error("the provider cannot be reached")]
    Unavailable {
        /// What keeps it.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The same request, under the same key, is being carried out at this moment. What comes of it is not
    /// known yet.
    #[error("the provider is still carrying out the same request")]
    InFlight(#[source] Box<dyn StdError + Send + Sync>),
    /// It is not known whether it was done: the answer was lost, or the provider failed half-way.
    /// [`fetch`](super::PaymentGateway::fetch) tells, and the same request under the same key is safe.
    #[error("the provider did not say whether it was done")]
    OutcomeUnknown(#[source] Box<dyn StdError + Send + Sync>),
}

impl GatewayError {
    /// The provider was not reached.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into(), retry_after: None }
    }

    /// The provider refused, and there is nothing that could still be paid.
    pub fn declined(decline: Decline) -> Self {
        Self::Declined { decline, state: None }
    }
}
