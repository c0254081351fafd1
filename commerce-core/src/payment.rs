//! A payment: one way in which an order's money is to come, and how far it has.

mod decline;
mod dispute;
mod flow;
mod operation;
mod refund;
mod state;

pub use decline::{Decline, DeclineCode};
pub use dispute::DisputeStatus;
pub use flow::{CaptureMode, PaymentFlow};
pub use operation::{Operation, OperationKind, OperationStatus};
pub use refund::{CreateRefund, Refund, RefundLine, RefundStatus};
pub use state::{PaymentInput, PaymentStatus};

use serde::{Deserialize, Serialize};

use crate::{
    error::Rejection,
    id::{OrderId, PaymentId},
    money::Money,
    text::{GatewayName, Label, Url},
    time::Timestamp,
};

/// One way in which an order's money is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The order that it pays.
    pub order_id: OrderId,
    /// The gateway that it goes through.
    pub gateway: GatewayName,
    /// In which way the customer pays.
    pub flow: PaymentFlow,
    /// When the money is to be taken. A method that cannot wait is taken at once all the same.
    pub capture: CaptureMode,
    /// What the provider calls the customer, if they are known there.
    pub customer_reference: Option<Label>,
    /// Whether the method that it is paid by is to be kept for the customer.
    pub save_method: bool,
    /// How far it has come.
    pub status: PaymentStatus,
    /// What it is for.
    pub amount: Money,
    /// What was taken, from 0 to `amount`.
    pub captured: Money,
    /// What was given back, from 0 to `captured`.
    pub refunded: Money,
    /// The refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// What the provider calls it and the objects that belong to it, the one that stands for all
    /// first; empty until that is known. No two payments of a gateway share one.
    pub references: Vec<Label>,
    /// What the customer's device needs in order to pay.
    pub client_secret: Option<Label>,
    /// Where the customer is sent in order to pay.
    pub redirect_url: Option<Url>,
    /// Why it failed, fit to be shown to the customer.
    pub failure: Option<Label>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Payment {
    /// The most refunds of one payment.
    pub const REFUNDS_MAX: usize = 1_000;
    /// The most references of one payment.
    pub const REFERENCES_MAX: usize = 32;

    /// A payment that nothing has been heard of.
    pub fn new(
        id: PaymentId,
        order_id: OrderId,
        gateway: GatewayName,
        amount: Money,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            order_id,
            gateway,
            flow: PaymentFlow::default(),
            capture: CaptureMode::default(),
            customer_reference: None,
            save_method: false,
            status: PaymentStatus::Pending,
            amount,
            captured: Money::zero(amount.currency()),
            refunded: Money::zero(amount.currency()),
            refunds: Vec::new(),
            references: Vec::new(),
            client_secret: None,
            redirect_url: None,
            failure: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// What was taken and not given back.
    pub fn kept(&self) -> Money {
        Money::new(self.captured.minor() - self.refunded.minor(), self.amount.currency())
    }

    /// Whether it can still bring money, or has.
    pub fn is_live(&self) -> bool {
        !matches!(self.status, PaymentStatus::Failed | PaymentStatus::Voided)
    }

    /// The payment after something happened to it.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when its state or its amounts do not allow it.
    pub fn apply(&self, input: &PaymentInput, now: Timestamp) -> Result<Self, Rejection> {
        let status = self.status.after(input.kind()).ok_or_else(|| {
            let (status, verb) = (self.status.as_str(), input.verb());
            Rejection::transition("payment", format!("it is {status} and cannot be {verb}"))
        })?;
        let mut payment = Self { status, ..self.clone() };
        match input {
            PaymentInput::Authorize
            | PaymentInput::RequireAction
            | PaymentInput::Process
            | PaymentInput::Void => {}
            PaymentInput::Fail { reason } => payment.failure = Some(reason.clone()),
            PaymentInput::Capture => payment.captured = payment.amount,
            PaymentInput::Refund(refund) => {
                if !refund.amount.is_positive() {
                    return Err(Rejection::invalid("/amount", "must be more than 0"));
                }
                if payment.refunds.len() >= Self::REFUNDS_MAX {
                    let detail = format!("a payment has at most {} refunds", Self::REFUNDS_MAX);
                    return Err(Rejection::invalid("", detail));
                }
                let refunded = payment.refunded.checked_add(refund.amount)?;
                if refunded.minor() > payment.captured.minor() {
                    let left = payment.kept();
                    let why = format!("only {left} of it is left to refund");
                    return Err(Rejection::transition("payment", why));
                }
                payment.refunded = refunded;
                payment.refunds.push(refund.clone());
                payment.status = if refunded == payment.captured {
                    PaymentStatus::Refunded
                } else {
                    PaymentStatus::PartiallyRefunded
                };
            }
        }
        payment.updated_at = now.max(self.updated_at);
        Ok(payment)
    }
}
