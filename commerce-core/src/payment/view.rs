//! A payment as the owner of its order and the back office see it.

use serde::{Deserialize, Serialize};

use super::{
    Decline, Dispute, Operation, OperationKind, OperationStatus, Payment, PaymentStatus, Refund,
    RefundStatus, RefundedLine, Review,
};
use crate::{
    id::{OperationId, PaymentId, RefundId},
    money::Money,
    text::{GatewayName, Label, Note, Url},
    time::Timestamp,
};

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// The gateway that it goes through.
    pub gateway: GatewayName,
    /// How far it has come.
    pub status: PaymentStatus,
    /// What it is for.
    pub amount: Money,
    /// What can be taken of it now.
    pub capturable: Money,
    /// What was taken.
    pub captured: Money,
    /// What was given back.
    pub refunded: Money,
    /// What is about to be given back.
    pub being_refunded: Money,
    /// The refunds, oldest first.
    pub refunds: Vec<RefundView>,
    /// What customers' banks took back, or want to, oldest first.
    pub disputes: Vec<Dispute>,
    /// What the customer's device needs in order to pay, while there is something to pay.
    pub client_secret: Option<Label>,
    /// Where the customer is sent in order to pay, while there is something to pay.
    pub redirect_url: Option<Url>,
    /// Why the last try to pay it was declined, if it was.
    pub failure: Option<Decline>,
    /// When what is set aside is let go by itself.
    pub capture_before: Option<Timestamp>,
    /// What a person must look at, if its status says so, or has looked at; only the back office sees
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What its provider calls it; only the back office sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Label>,
    /// What its gateway was asked, oldest first; only the back office sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationView>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Money that was given back, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundView {
    /// Its id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub status: RefundStatus,
    /// The lines and units that it is for; empty when it is for an amount alone.
    pub lines: Vec<RefundedLine>,
    /// Why.
    pub reason: Option<Note>,
    /// Why it came to nothing, if it did.
    pub failure: Option<Label>,
    /// When.
    pub created_at: Timestamp,
}

/// Something that a gateway was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// What was asked.
    pub kind: OperationKind,
    /// Which try of it this was, from 1.
    pub attempt: u32,
    /// How much was asked for.
    pub amount: Money,
    /// The refund that it was for.
    pub refund_id: Option<RefundId>,
    /// What came of it.
    pub status: OperationStatus,
    /// Why it was declined.
    pub failure: Option<Decline>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was known what came of it.
    pub ended_at: Option<Timestamp>,
}

impl PaymentView {
    /// The payment as the back office sees it.
    pub fn for_back_office(payment: &Payment) -> Self {
        Self {
            review: payment.review.clone(),
            references: payment.references.clone(),
            operations: payment.operations.iter().map(OperationView::new).collect(),
            ..Self::new(payment)
        }
    }

    /// The payment as the owner of its order sees it.
    pub fn new(payment: &Payment) -> Self {
        let waits = matches!(
            payment.status,
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Processing
        );
        Self {
            id: payment.id,
            gateway: payment.gateway.clone(),
            status: payment.status,
            amount: payment.amount,
            capturable: payment.capturable(),
            captured: payment.captured,
            refunded: payment.refunded,
            being_refunded: payment.being_refunded(),
            refunds: payment.refunds.iter().map(RefundView::new).collect(),
            disputes: payment.disputes.clone(),
            client_secret: payment.client_secret.clone().filter(|_| waits),
            redirect_url: payment.redirect_url.clone().filter(|_| waits),
            failure: payment.failure.clone(),
            capture_before: payment.capture_before,
            review: None,
            references: Vec::new(),
            operations: Vec::new(),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

impl RefundView {
    fn new(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            status: refund.status,
            lines: refund.lines.clone(),
            reason: refund.reason.clone(),
            failure: refund.failure.clone(),
            created_at: refund.created_at,
        }
    }
}

impl OperationView {
    fn new(operation: &Operation) -> Self {
        Self {
            id: operation.id,
            kind: operation.kind,
            attempt: operation.attempt,
            amount: operation.amount,
            refund_id: operation.refund_id,
            status: operation.status,
            failure: operation.failure.clone(),
            begun_at: operation.begun_at,
            ended_at: operation.ended_at,
        }
    }
}
