//! What a gateway is asked to do for a payment, with the key by which it knows that it was asked
//! before.

use serde::{Deserialize, Serialize};

use super::Decline;
use crate::{
    id::{OperationId, PaymentId, RefundId},
    money::Money,
    text::IdempotencyKey,
    time::Timestamp,
};

/// What a gateway is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// To begin taking the money.
    Create,
    /// To take money that was set aside.
    Capture,
    /// To call the payment off.
    Void,
    /// To give money back.
    Refund,
}

impl OperationKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// It is not known yet: the gateway may have been asked, and may have done it.
    Open,
    /// The gateway did it.
    Done,
    /// The gateway refused, as the customer's bank, card or account does not allow it.
    Declined,
    /// The gateway did not accept the request.
    Refused,
    /// It was not done, and is not to be done any more.
    Lapsed,
}

impl OperationStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// Something that a gateway is asked to do for a payment. It is committed before the gateway hears of
/// it, so that nothing can happen there that nobody here knows to look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What is asked.
    pub kind: OperationKind,
    /// Which try of the same it is, from 1. Asking again for an answer that was lost is the same try;
    /// asking again after a refusal is the next one.
    pub attempt: u32,
    /// How much is asked for.
    pub amount: Money,
    /// The refund that it is for.
    pub refund_id: Option<RefundId>,
    /// The provider's idempotency key of it.
    pub key: IdempotencyKey,
    /// What came of it.
    pub status: OperationStatus,
    /// Why it was declined.
    pub failure: Option<Decline>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was known what came of it.
    pub ended_at: Option<Timestamp>,
}

impl Operation {
    /// The key of an operation: the same for the same try of the same thing, and for no other.
    ///
    /// ```
    /// use commerce_core::{id::{Moment, PaymentId}, payment::{Operation, OperationKind}, time::Timestamp};
    /// let payment: PaymentId = "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11".parse()?;
    /// let key = Operation::key_of(payment, OperationKind::Capture, None, 2);
    /// assert_eq!(key.as_str(), "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11-capture-2");
    /// # Ok::<(), commerce_core::id::IdError>(())
    /// ```
    pub fn key_of(
        payment: PaymentId,
        kind: OperationKind,
        refund: Option<RefundId>,
        attempt: u32,
    ) -> IdempotencyKey {
        let kind = kind.as_str();
        IdempotencyKey::trusted(&match refund {
            Some(refund) => format!("{payment}-{kind}-{refund}-{attempt}"),
            None => format!("{payment}-{kind}-{attempt}"),
        })
    }

    /// Whether it is not known yet what came of it.
    pub fn is_open(&self) -> bool {
        self.status == OperationStatus::Open
    }
}
