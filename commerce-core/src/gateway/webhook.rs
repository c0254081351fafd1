//! What a provider tells by itself.

use std::error::Error as StdError;

use serde::{Deserialize, Serialize};

use super::ProviderAccount;
use crate::{id::PaymentId, text::Label};

/// The headers of a request, by name without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    ///
    /// ```
    /// use commerce_core::gateway::Headers;
    /// let headers = Headers::from_iter([("Stripe-Signature", "t=1,v1=00")]);
    /// assert_eq!(headers.get("stripe-signature"), Some("t=1,v1=00"));
    /// assert_eq!(headers.get("signature"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(has, _)| has.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// What a verified webhook names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The provider's id of the event: the same when it is told again.
    pub event_id: Label,
    /// The provider's word for what happened, such as `payment_intent.succeeded`.
    pub kind: Label,
    /// The account that it comes from.
    pub account: ProviderAccount,
    /// The payment that it is about; `None` if it is about nothing that a shop follows.
    pub subject: Option<Subject>,
}

/// The payment that a webhook is about, directly or by an object that belongs to it, such as a charge,
/// a refund or a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subject {
    /// What the provider calls it, as in
    /// [`ProviderPayment::references`](super::ProviderPayment::references): as many as are said.
    pub references: Vec<Label>,
    /// The shop's id of it, where the provider says what it was given. It counts where no payment has
    /// one of the references, such as for one of which the first answer was lost.
    pub payment_id: Option<PaymentId>,
}

/// Why a webhook is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It does not come from the provider, or nobody can say: the signature is absent or wrong, or was
    /// made too long ago.
    #[error("the webhook is not signed by the provider: {0}")]
    Unverified(&'static str),
    /// It comes from the provider, but does not say which event it is.
    #[error("the webhook cannot be read")]
    Malformed(#[source] Box<dyn StdError + Send + Sync>),
    /// The provider would have to be asked whether it is its own, and cannot be reached.
    #[error("the webhook cannot be verified at this moment")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The gateway has no webhooks.
    #[error("the gateway has no webhooks")]
    Unsupported,
}
