//! Disputes: money that a customer's bank takes back.

use serde::{Deserialize, Serialize};

use crate::{money::Money, text::Label, time::Timestamp};

/// How far a dispute has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// It is open: the shop can answer it.
    Open,
    /// The shop keeps the money.
    Won,
    /// The customer has it.
    Lost,
}

impl DisputeStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// A part of a payment that a customer disputes with their bank. It stands beside the payment's states
/// and amounts: the provider handles it, and its fee and money are no refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dispute {
    /// What the provider calls it.
    pub reference: Label,
    /// How much is disputed.
    pub amount: Money,
    /// How far it has come.
    pub status: DisputeStatus,
    /// The provider's word for what the customer says.
    pub reason: Option<Label>,
    /// When it was opened.
    pub opened_at: Timestamp,
}
