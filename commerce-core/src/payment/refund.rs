//! Refunds: money given back.

use serde::{Deserialize, Serialize};

use super::Payment;
use crate::{
    error::Rejection,
    id::{LineId, LocationId, Moment, PaymentId, RefundId},
    money::Money,
    patch::named,
    quantity::Quantity,
    text::{Label, Note},
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
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// How much, more than 0.
    pub amount: Money,
    /// How far it has come.
    pub status: RefundStatus,
    /// The lines and units that it is for; empty when it is for an amount alone.
    pub lines: Vec<RefundedLine>,
    /// Where units that came back are put, if they are.
    pub restock_to: Option<LocationId>,
    /// Why; the customer sees it.
    pub reason: Option<Note>,
    /// What the provider calls it.
    pub reference: Option<Label>,
    /// Why it came to nothing, if it did.
    pub failure: Option<Label>,
    /// When.
    pub created_at: Timestamp,
}

impl Payment {
    /// Writes a refund down: from now on its amount is spoken for.
    pub(crate) fn note_refund(&mut self, refund: Refund) -> Result<(), Rejection> {
        if self.refunds.len() >= Self::REFUNDS_MAX {
            let detail = format!("a payment has at most {} refunds", Self::REFUNDS_MAX);
            return Err(Rejection::invalid("", detail));
        }
        if refund.amount.minor() > self.refundable().minor() {
            return Err(self.not_refundable());
        }
        self.refunds.push(refund);
        Ok(())
    }
}

impl Refund {
    /// A refund of an amount that is about to be asked for.
    pub(crate) fn pending(amount: Money, moment: &mut Moment) -> Self {
        Self {
            id: moment.id(),
            amount,
            status: RefundStatus::Pending,
            lines: Vec::new(),
            restock_to: None,
            reason: None,
            reference: None,
            failure: None,
            created_at: moment.now(),
        }
    }

    /// Whether it is given back or may be.
    pub fn counts(&self) -> bool {
        self.status != RefundStatus::Failed
    }
}

/// What is given back for some units of a line: their part of what the line cost, so rounded that
/// whatever is given back in whatever steps ends exactly at what the line cost, and each of its taxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundedLine {
    /// The line.
    pub line_id: LineId,
    /// How many of its units.
    pub quantity: Quantity,
    /// Their part of what the line cost.
    pub amount: Money,
    /// Their part of each tax in it.
    pub taxes: Vec<RefundTax>,
    /// How many of them came back and were put on the shelf again.
    pub restocked: i64,
}

/// The part of a tax that is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundTax {
    /// The tax rate's id.
    pub source: Label,
    /// What the customer reads.
    pub label: Label,
    /// How much.
    pub amount: Money,
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

/// Gives money of one payment back: an amount, or what the customer paid for some units. Without either,
/// all that is left of the payment.
///
/// What several payments brought is given back payment by payment. Units whose price none of them alone
/// has left cannot be refunded as units: refund an amount of each payment, call off those units that were
/// not sent, and put those that came back on the shelf by a stock adjustment with the reason `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CreateRefund {
    /// How much.
    pub amount: Option<Money>,
    /// For which units.
    #[serde(deserialize_with = "named")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub lines: Vec<RefundLine>,
    /// Whether those of the units that had been sent came back and are put on the shelf again, at the
    /// shop's first location: they are named by `lines`. What was not sent is released in any case.
    pub restock: bool,
    /// Of which payment; the latest with so much left if absent, and where neither an amount nor lines are
    /// named, the latest of which anything is left.
    pub payment_id: Option<PaymentId>,
    /// Why; the customer sees it.
    pub reason: Option<Note>,
}
