//! Calling an order off, by a person or because its time is up.

use serde::{Deserialize, Serialize};

use super::{Changed, FulfillmentStatus, Order, OrderInputs};
use crate::{
    error::Rejection,
    event::Event,
    id::Moment,
    payment::{PaymentInput, PaymentStatus},
    store::{Commit, Decision},
    text::Note,
};

/// Why an order was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer asked for it.
    Customer,
    /// The shop could not or would not deliver.
    Shop,
    /// It looked like fraud.
    Fraud,
    /// It was not paid, or not sent, in time.
    Expired,
    /// Another reason.
    #[default]
    Other,
}

impl CancelReason {
    /// The reason's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Shop => "shop",
            Self::Fraud => "fraud",
            Self::Expired => "expired",
            Self::Other => "other",
        }
    }
}

/// Calls an order off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CancelOrder {
    /// Why.
    pub reason: CancelReason,
    /// A remark, added to the order's note.
    pub note: Option<Note>,
}

impl Order {
    /// Decides to call an order off: what is held for it is released, and payments that brought
    /// nothing are voided.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is cancelled already, some of it was sent, or it has
    /// money that was not given back.
    pub fn cancel(
        inputs: &OrderInputs,
        request: &CancelOrder,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        let old = &inputs.order;
        old.require_open()?;
        if old.fulfillment_status() != FulfillmentStatus::Unfulfilled {
            return Err(Rejection::transition("order", "some of it was sent"));
        }
        if inputs.payments.iter().any(|payment| payment.kept().is_positive()) {
            return Err(Rejection::transition("order", "it is paid: refund it first"));
        }
        let now = moment.now();
        let mut order = old.value.as_ref().clone();
        let mut commit = Commit::at(now);
        order.release(&mut commit, moment);
        let mut payments = Vec::with_capacity(inputs.payments.len());
        for payment in &inputs.payments {
            let settled = matches!(
                payment.status,
                PaymentStatus::Failed | PaymentStatus::Voided | PaymentStatus::Refunded
            );
            if settled {
                payments.push(payment.value.as_ref().clone());
                continue;
            }
            let voided = payment.apply(&PaymentInput::Void, now)?;
            let (payment_id, order_id, status) = (voided.id, order.id, voided.status);
            commit.event(Event::PaymentUpdated { payment_id, order_id, status });
            commit.replace(payment, voided.clone());
            payments.push(voided);
        }
        order.sum_payments(&payments)?;
        order.cancelled_at = Some(now);
        order.cancel_reason = Some(request.reason);
        order.expires_at = order.deadline();
        if let Some(note) = &request.note {
            let text = order
                .note
                .as_ref()
                .map_or_else(|| note.to_string(), |before| format!("{before}\n{note}"));
            order.note = Some(Note::new(text).map_err(|e| Rejection::invalid("/note", e))?);
        }
        order.note("order.cancelled", now);
        commit.event(Event::OrderCancelled {
            order_id: order.id,
            number: order.number.clone(),
            reason: request.reason,
        });
        commit.replace(old, order.clone());
        Ok(Decision { output: Changed { order, payments }, commit })
    }
}
