//! Refunds: money given back.

use serde::{Deserialize, Serialize};

use crate::{
    id::{LineId, RefundId},
    money::Money,
    patch::named,
    quantity::Quantity,
    text::Note,
    time::Timestamp,
};

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The money is on its way, or is about to be.
    Pending,
    /// The customer has it, or their bank.
    Succeeded,
    /// It came to nothing, and the shop has the money still.
    Failed,
}

impl RefundStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// How much, more than 0.
    pub amount: Money,
    /// The lines and units that it is for; empty when it is for an amount alone.
    pub lines: Vec<RefundLine>,
    /// Why; the customer sees it.
    pub reason: Option<Note>,
    /// When.
    pub created_at: Timestamp,
}

/// Some units of an order's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// The line.
    pub line_id: LineId,
    /// How many of its units.
    pub quantity: Quantity,
}

/// Gives money back: an amount, or what the customer paid for some units. Without either, all that
/// is left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CreateRefund {
    /// How much.
    pub amount: Option<Money>,
    /// For which units.
    #[serde(deserialize_with = "named")]
    pub lines: Vec<RefundLine>,
    /// Why; the customer sees it.
    pub reason: Option<Note>,
}
