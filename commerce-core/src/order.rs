//! An order: what was agreed at checkout, frozen, and how far it has come.
//!
//! Three things happen to an order, each with its own states: it is open or cancelled, it is paid,
//! and it is fulfilled. What a person sees as its status is derived from them.

mod books;
mod cancel;
mod fulfillment;
mod late;
mod line;
mod number;
mod paid;
mod pay;
mod refund;
mod status;
mod view;

pub use books::{Begun, Books};
pub use cancel::{CancelLine, CancelOrder, CancelReason};
pub use fulfillment::{Deliver, FulfillLine, FulfillOrder, Fulfillment, Tracking};
pub use late::Shelf;
pub use line::{Hold, OrderLine};
pub use number::order_number;
pub use status::{FulfillmentStatus, OrderStatus, PaymentTerms};
pub use view::{Addresses, OrderLineView, OrderView};

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    cart::Origin,
    currency::Currency,
    customer::{Address, Customer},
    error::Rejection,
    id::{CartId, CustomerId, LineId, OrderId},
    money::Money,
    payment::{Payment, PaymentStatus},
    pricing::{PricingPolicy, QuoteShipping, TaxSummary},
    quantity::Quantity,
    secret::Digest,
    text::{Email, Label, Note, OrderNumber},
    time::Timestamp,
    version::Versioned,
};

/// Something that happened to an order, for its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Milestone {
    /// What, in the word of its event: `order.placed`, `order.paid`, ….
    pub event: Label,
    /// When.
    pub at: Timestamp,
}

/// What was agreed at checkout, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Its number for people; unique.
    pub number: OrderNumber,
    /// The cart that it was placed from.
    pub cart_id: CartId,
    /// Where it comes from.
    pub origin: Origin,
    /// Who placed it; of a guest's order it is not known.
    pub customer_id: Option<CustomerId>,
    /// The digest of the secret that a guest's order answers to: its cart's.
    pub secret: Option<Digest>,
    /// Where the customer can be reached.
    pub email: Option<Email>,
    /// The currency of every amount in it.
    pub currency: Currency,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What sending it costs.
    pub shipping: Option<QuoteShipping>,
    /// What each tax comes to.
    pub taxes: Vec<TaxSummary>,
    /// The lines at their prices.
    pub subtotal: Money,
    /// What was taken off.
    pub discount_total: Money,
    /// What sending it costs.
    pub shipping_total: Money,
    /// The taxes.
    pub tax_total: Money,
    /// Whether the taxes are inside the other amounts.
    pub tax_included: bool,
    /// What rounding to cash added, or took off.
    pub rounding: Money,
    /// What is to be paid.
    pub total: Money,
    /// How it was rounded and split, so that it can be computed again.
    pub pricing: PricingPolicy,
    /// Where it is to be sent.
    pub shipping_address: Option<Address>,
    /// Where the bill is to be sent.
    pub billing_address: Option<Address>,
    /// What the customer noted.
    pub note: Option<Note>,
    /// When it is to be paid, and whether it is sent before.
    pub terms: PaymentTerms,
    /// How far its payments have come.
    pub payment_status: PaymentStatus,
    /// What was paid.
    pub paid_total: Money,
    /// What was given back.
    pub refunded_total: Money,
    /// What is set aside for it by gateways and can still be taken.
    pub authorized_total: Money,
    /// What was sent, oldest first.
    pub fulfillments: Vec<Fulfillment>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it lapses if nothing happens, and gives its stock back.
    pub expires_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Why it, or some of it, was called off last.
    pub cancel_reason: Option<CancelReason>,
    /// What the back office noted when it called it, or some of it, off; for itself alone.
    pub cancel_note: Option<Note>,
    /// What happened to it, oldest first.
    pub history: Vec<Milestone>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An order with its payments, read in one snapshot.
#[derive(Debug, Clone)]
pub struct OrderInputs {
    /// The order.
    pub order: Versioned<Order>,
    /// Its payments, oldest first.
    pub payments: Vec<Versioned<Payment>>,
}

/// An order and its payments after something was decided about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The order.
    pub order: Order,
    /// All of its payments, oldest first.
    pub payments: Vec<Payment>,
    /// What is now to be asked of their gateways, once this is committed.
    pub begun: Vec<Begun>,
}

impl OrderInputs {
    fn payments(&self) -> Vec<Payment> {
        self.payments.iter().map(|payment| payment.value.as_ref().clone()).collect()
    }
}

impl Order {
    /// The most entries of an order's history; later ones replace the last.
    pub const HISTORY_MAX: usize = 1_000;

    /// How far it has been sent.
    pub fn fulfillment_status(&self) -> FulfillmentStatus {
        let sent: i64 = self.lines.iter().map(|line| line.fulfilled).sum();
        match (sent, self.is_outstanding()) {
            (0, _) => FulfillmentStatus::Unfulfilled,
            (_, true) => FulfillmentStatus::Partial,
            (_, false) => FulfillmentStatus::Fulfilled,
        }
    }

    /// Whether some of it is still to be sent.
    pub fn is_outstanding(&self) -> bool {
        self.lines.iter().any(|line| line.outstanding() > 0)
    }

    /// Whether every unit that was not called off has arrived.
    pub fn is_delivered(&self) -> bool {
        self.fulfillment_status() == FulfillmentStatus::Fulfilled
            && self.fulfillments.iter().all(|sent| sent.delivered_at.is_some())
    }

    /// The order in the hands of the customer whose verified e-mail address it was placed with;
    /// `None` if it is somebody's already, or was placed with another.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when the customer's address is not verified.
    pub fn claimed_by(
        &self,
        customer: &Customer,
        now: Timestamp,
    ) -> Result<Option<Self>, Rejection> {
        let email = customer.verified_email()?.normalized();
        let theirs = self.email.as_ref().is_some_and(|has| has.normalized() == email);
        if self.customer_id.is_some() || !theirs {
            return Ok(None);
        }
        let mut order = Self { customer_id: Some(customer.id), ..self.clone() };
        order.note("order.claimed", now);
        Ok(Some(order))
    }

    /// The lines that a request names, each with the units of it that are meant.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for a line that the order does not have, or that is named twice.
    fn lines_of(
        &self,
        parts: impl IntoIterator<Item = (LineId, Quantity)>,
    ) -> Result<Vec<(&OrderLine, i64)>, Rejection> {
        let mut lines: HashMap<_, _> = self.lines.iter().map(|line| (line.id, line)).collect();
        let mut named = Vec::new();
        for (index, (line_id, quantity)) in parts.into_iter().enumerate() {
            let Some(line) = lines.remove(&line_id) else {
                let detail = "must be a line of the order, named once";
                return Err(Rejection::invalid(format!("/lines/{index}/line_id"), detail));
            };
            named.push((line, quantity.get()));
        }
        Ok(named)
    }

    /// As [`lines_of`](Self::lines_of), of lines that have as many units `left` to be sent.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for more units than a line has, too, which can never be right;
    /// [`Rejection::InvalidTransition`] for more than are left of them by now.
    fn named(
        &self,
        parts: impl IntoIterator<Item = (LineId, Quantity)>,
        left: impl Fn(&OrderLine) -> i64,
    ) -> Result<Vec<(&OrderLine, i64)>, Rejection> {
        let named = self.lines_of(parts)?;
        for (index, (line, units)) in named.iter().enumerate() {
            if *units > line.quantity.get() {
                let detail = format!("must be at most {}, as many as the line has", line.quantity);
                return Err(Rejection::invalid(format!("/lines/{index}/quantity"), detail));
            }
            line.require(*units, left(line), "send")?;
        }
        Ok(named)
    }

    /// The status that a person sees, derived from the three that are kept.
    pub fn status(&self) -> OrderStatus {
        if self.cancelled_at.is_some() {
            OrderStatus::Cancelled
        } else if self.payment_status == PaymentStatus::Refunded {
            OrderStatus::Refunded
        } else if self.is_delivered() {
            OrderStatus::Delivered
        } else {
            match self.fulfillment_status() {
                FulfillmentStatus::Fulfilled => OrderStatus::Shipped,
                FulfillmentStatus::Partial => OrderStatus::Processing,
                FulfillmentStatus::Unfulfilled if self.may_ship() => OrderStatus::Confirmed,
                FulfillmentStatus::Unfulfilled => OrderStatus::Pending,
            }
        }
    }

    /// Refuses an order that was cancelled.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`].
    pub fn require_open(&self) -> Result<(), Rejection> {
        if self.cancelled_at.is_none() {
            return Ok(());
        }
        Err(Rejection::transition("order", "it is cancelled"))
    }

    pub(crate) fn note(&mut self, event: &'static str, at: Timestamp) {
        // A clock that was put back must not put the history out of order.
        let at = at.max(self.updated_at);
        self.updated_at = at;
        if self.history.len() >= Self::HISTORY_MAX {
            self.history.pop();
        }
        if let Ok(event) = Label::new(event) {
            self.history.push(Milestone { event, at });
        }
    }
}
