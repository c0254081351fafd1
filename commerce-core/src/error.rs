//! What can go wrong, in three layers: a [`Rejection`] is the domain saying no, a
//! [`StoreError`] is the store not answering, and [`Error`] is what the
//! facade hands to its caller.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{
    id::{OrderId, VariantId},
    money::{Money, MoneyError},
    payment::Decline,
    pricing::PricingError,
    store::StoreError,
    text::Sku,
    version::Version,
};

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Where in the request, as a JSON pointer (RFC 6901), such as `/lines/0/quantity`.
    pub pointer: String,
    /// What is wrong with it, for people.
    pub detail: String,
}

impl FieldError {
    /// Says what is wrong at a place of the request.
    pub fn new(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { pointer: pointer.into(), detail: detail.to_string() }
    }
}

/// Why the domain refuses a request. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// No such thing, or one that the caller may not know of.
    #[error("there is no such {what}")]
    NotFound {
        /// The noun: `cart`, `product`, ….
        what: &'static str,
    },
    /// The caller is known and may not do this.
    #[error("this needs the back office")]
    Forbidden,
    /// The request has wrong fields.
    #[error("the request is not valid: {}", first_detail(.0))]
    Invalid(Vec<FieldError>),
    /// Fewer units can be had than are wanted. A shortage never turns into a backorder by itself.
    #[error("only {available} of {sku} can be had, {wanted} are wanted")]
    InsufficientStock {
        /// The variant that is short.
        variant_id: VariantId,
        /// Its SKU.
        sku: Sku,
        /// The units wanted in all, over every line of that variant.
        wanted: i64,
        /// The units that can be had.
        available: i64,
    },
    /// A variant in the cart is not for sale: archived, inactive, or without a price in its currency.
    #[error("{sku} is not for sale: {why}")]
    NotForSale {
        /// The variant.
        variant_id: VariantId,
        /// Its SKU.
        sku: Sku,
        /// Why not.
        why: &'static str,
    },
    /// A cart without lines cannot be checked out.
    #[error("the cart is empty")]
    CartEmpty,
    /// The cart was checked out, merged or has expired.
    #[error("the cart is closed")]
    CartClosed,
    /// The total is not the one that the customer agreed to.
    #[error("the total is now {actual}, not {expected}")]
    PriceChanged {
        /// The total that the request expected.
        expected: Money,
        /// The total as it is.
        actual: Money,
    },
    /// The record has changed since the caller read it.
    #[error("it is at version {}, not {}", .actual.get(), .expected.get())]
    VersionMismatch {
        /// The version that the caller named.
        expected: Version,
        /// The version as it is.
        actual: Version,
    },
    /// A name that must be unique is in use.
    #[error("the {what} {value:?} is in use")]
    Taken {
        /// What must be unique: `sku`, `slug`, ….
        what: &'static str,
        /// The value in use.
        value: String,
    },
    /// The thing's state does not allow this.
    #[error("{what}: {why}")]
    InvalidTransition {
        /// The noun: `order`, `payment`, ….
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The payment was declined, or its gateway does not accept it.
    #[error("the payment was declined: {}", .decline.reason)]
    PaymentDeclined {
        /// Why, fit to be shown to the customer.
        decline: Decline,
        /// The order that it was to pay: it waits, and can be paid in another way.
        order_id: OrderId,
    },
    /// A webhook does not come from the gateway's provider, or nobody can say.
    #[error("the webhook is not signed by its provider: {why}")]
    WebhookUnverified {
        /// What is wrong with its signature.
        why: &'static str,
    },
    /// A webhook comes from the gateway's provider, and cannot be read: it does not say which event it
    /// is, or is too long.
    #[error("the webhook cannot be read: {why}")]
    WebhookUnreadable {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key was used before, for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The operation needs an idempotency key, and there is none.
    #[error("this needs an idempotency key")]
    KeyMissing,
}

fn first_detail(errors: &[FieldError]) -> String {
    errors.first().map(|e| format!("{} {}", e.pointer, e.detail)).unwrap_or_default()
}

impl Rejection {
    /// A request with one wrong field.
    pub fn invalid(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, detail)])
    }

    /// Refuses when there are wrong fields.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with all of them, if any.
    pub fn unless_valid(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid(errors)) }
    }

    /// The same rejection of a request that is a part of another, at a place of that one.
    #[must_use]
    pub(crate) fn within(self, pointer: &str) -> Self {
        match self {
            Self::Invalid(errors) => Self::Invalid(
                errors
                    .into_iter()
                    .map(|e| FieldError::new(format!("{pointer}{}", e.pointer), e.detail))
                    .collect(),
            ),
            other => other,
        }
    }

    /// The state of a thing does not allow what was asked.
    pub fn transition(what: &'static str, why: impl Into<String>) -> Self {
        Self::InvalidTransition { what, why: why.into() }
    }
}

impl From<MoneyError> for Rejection {
    fn from(error: MoneyError) -> Self {
        Self::invalid("", error)
    }
}

impl From<PricingError> for Rejection {
    fn from(error: PricingError) -> Self {
        Self::invalid("", error)
    }
}

/// Why an operation of [`Commerce`](crate::Commerce) gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The domain says no; nothing was written.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Others kept changing the same records; nothing was written.
    #[error("others keep changing the same records")]
    Contention,
    /// The store did not answer; nothing was written.
    #[error("the store is not available")]
    Unavailable(#[source] StoreError),
    /// The payment gateway cannot be reached, and did nothing. What was written before it was asked,
    /// such as the order of a checkout, stays: asking again with the same idempotency key goes on
    /// from there; without one, read what is stored.
    #[error("the payment gateway is not available")]
    GatewayUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The same request is still being carried out for whoever asked first. Asking again with the same
    /// idempotency key, a moment later, tells what came of it.
    #[error("the same request is still being carried out")]
    InFlight,
    /// The store or the payment gateway did not say whether it did what it was asked. Asking again
    /// with the same idempotency key tells; without one, read what is stored.
    #[error("it is not known whether it was done")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored cannot be understood, or the program broke a rule of its own: a bug.
    #[error("internal fault")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why there is no answer, and how long whoever asks again had better wait.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
struct Paused {
    pause: Duration,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The kinds of [`Error`], for callers that only want to know what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Change the request.
    Rejected,
    /// Nothing was written: try the same request again.
    Retryable,
    /// Some of it may have been done: try the same request again with the same idempotency key, or
    /// read what is stored.
    Unknown,
    /// A bug or a damaged store.
    Internal,
}

impl Error {
    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Rejected(_) => ErrorKind::Rejected,
            Self::Contention | Self::Unavailable(_) => ErrorKind::Retryable,
            Self::GatewayUnavailable(_) | Self::InFlight | Self::OutcomeUnknown(_) => {
                ErrorKind::Unknown
            }
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Whether the same request may succeed later: nothing was written, and nothing is wrong with it.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Retryable
    }

    /// How long to wait before the same is asked again, where that is known: what a gateway has not done for
    /// an hour, it does not do in a second.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::GatewayUnavailable(source) | Self::OutcomeUnknown(source) => {
                source.downcast_ref().map(|Paused { pause, .. }| *pause)
            }
            _ => None,
        }
    }

    /// The same error, after which to wait so long.
    #[must_use]
    pub(crate) fn paused(self, pause: Duration) -> Self {
        match self {
            Self::GatewayUnavailable(source) => {
                Self::GatewayUnavailable(Box::new(Paused { pause, source }))
            }
            Self::OutcomeUnknown(source) => {
                Self::OutcomeUnknown(Box::new(Paused { pause, source }))
            }
            other => other,
        }
    }

    /// The same error of a request that is a part of another, at a place of that one.
    #[must_use]
    pub(crate) fn within(self, pointer: &str) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(rejection.within(pointer)),
            other => other,
        }
    }

    /// The domain's refusal, if that is what this is.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_corrupt() { Self::Internal(Box::new(error)) } else { Self::Unavailable(error) }
    }
}
