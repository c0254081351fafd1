//! What a person must look at.

use serde::{Deserialize, Serialize};

/// Why a person must look at a payment: what the provider says of it cannot be right. Nothing is sent
/// for it, and nothing of what the provider says is taken over, until the two agree again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// It belongs to another account, or is money of the test mode in a shop that sells, or the other
    /// way round.
    WrongAccount,
    /// It is for money of another currency.
    WrongCurrency,
    /// It is for another amount, or more was taken than it is for.
    WrongAmount,
    /// More was given back than was taken.
    OverRefunded,
    /// The provider does not know it any more.
    Missing,
}

impl ReviewReason {
    /// The reason's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongAccount => "wrong_account",
            Self::WrongCurrency => "wrong_currency",
            Self::WrongAmount => "wrong_amount",
            Self::OverRefunded => "over_refunded",
            Self::Missing => "missing",
        }
    }
}
