//! Why a payment was declined, in words that a shop can show.

use serde::{Deserialize, Serialize};

use crate::text::Label;

/// Why a payment was declined, as a code that programs can go by and shops can translate.
///
/// Providers have many more. What could help a thief, such as that a card is reported stolen, is
/// `declined` like every other reason that is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// The bank, or the provider, said no and not why.
    Declined,
    /// There is not enough money.
    InsufficientFunds,
    /// A limit of the card or the account is reached.
    LimitExceeded,
    /// The card has expired.
    ExpiredCard,
    /// The number is not one of a card.
    IncorrectNumber,
    /// The security code is wrong.
    IncorrectSecurityCode,
    /// The customer must confirm that it is them, and did not.
    AuthenticationRequired,
    /// The card or account does not serve for this: the currency, the amount, the country, the kind of
    /// purchase.
    NotSupported,
    /// The bank could not be asked; the same card may do in a moment.
    TryAgain,
}

impl DeclineCode {
    /// The code's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::LimitExceeded => "limit_exceeded",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectNumber => "incorrect_number",
            Self::IncorrectSecurityCode => "incorrect_security_code",
            Self::AuthenticationRequired => "authentication_required",
            Self::NotSupported => "not_supported",
            Self::TryAgain => "try_again",
        }
    }
}

/// Why a payment was declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decline {
    /// The reason for programs.
    pub code: DeclineCode,
    /// The reason for the customer.
    pub reason: Label,
}

impl Decline {
    /// That the gateway's provider does not accept something, for whatever reason of its own or the
    /// shop's, or for one that the gateway knows.
    pub(crate) fn unaccepted(why: Option<&str>) -> Self {
        let sentence = |why: &str| {
            let mut chars = why.chars();
            let first = chars.next()?.to_uppercase();
            Label::new(first.chain(chars).chain(['.']).collect::<String>()).ok()
        };
        let known = why.and_then(sentence);
        let (code, reason) = match known {
            Some(why) => (DeclineCode::NotSupported, why),
            None => {
                let reason = Label::trusted("The payment provider does not accept this.");
                (DeclineCode::Declined, reason)
            }
        };
        Self { code, reason }
    }
}
