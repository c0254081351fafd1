//! Calling an order or a part of it off, by a person or because its time is up.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Books, Changed, FulfillmentStatus, Order, OrderInputs, OrderLine};
use crate::{
    error::Rejection,
    event::Event,
    id::{LineId, Moment},
    inventory::{LevelKey, Reason, StockMove},
    patch::named,
    payment::{OperationKind, Payment},
    quantity::Quantity,
    store::{Commit, Decision},
    text::Note,
    time::Timestamp,
    version::Versioned,
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

/// Some units of a line that are not to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelLine {
    /// The line.
    pub line_id: LineId,
    /// How many of its units.
    pub quantity: Quantity,
}

/// Calls off an order, or what is named of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CancelOrder {
    /// What is called off; all that is still to be sent if none are named.
    #[serde(deserialize_with = "named")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub lines: Vec<CancelLine>,
    /// Why.
    pub reason: CancelReason,
    /// A remark, which only the back office sees. Those of several cancellations stand a line each.
    pub note: Option<Note>,
}

impl CancelOrder {
    /// Calls off all that is still to be sent.
    pub fn new(reason: CancelReason) -> Self {
        Self { lines: Vec::new(), reason, note: None }
    }
}

impl Order {
    /// Decides to call off what is still to be sent of an order, or the units that are named: they
    /// are never sent, and what is held for them is released.
    ///
    /// An order of which nothing was sent and nothing is left is cancelled, and payments that
    /// brought nothing are voided. Otherwise it goes on with the rest, and what is to be paid for it
    /// stays what was agreed: what was paid for units that were called off is given back by a refund
    /// of those units, whose parts sum to what was paid for the line exactly.
    ///
    /// A payment that a gateway has begun must be voided there first, or it could still bring money
    /// for goods that are no longer kept. Then this decides to ask for that and no more:
    /// [`Changed::begun`] names what is asked, and once it is done, this is decided again.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is cancelled already, nothing of it is left to call
    /// off, or the whole of it is called off and it has money that was not given back; when a part is
    /// called off of an order that waits for its money, which would then be asked for more than it
    /// gets; for more units than are left. [`Rejection::Invalid`] for lines that it does not have, and
    /// more units than a line has.
    pub fn cancel(
        inputs: &OrderInputs,
        request: &CancelOrder,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        let old = &inputs.order;
        old.require_open()?;
        let unsent = old.fulfillment_status() == FulfillmentStatus::Unfulfilled;
        if !unsent && !old.is_outstanding() {
            return Err(Rejection::transition("order", "nothing of it is left to send"));
        }
        let now = moment.now();
        let mut order = old.value.as_ref().clone();
        let mut commit = Commit::at(now);
        let named = request.lines.iter().map(|part| (part.line_id, part.quantity));
        let named = old.named(named, OrderLine::outstanding)?;
        let named: HashMap<_, _> = named.into_iter().map(|(line, n)| (line.id, n)).collect();
        let units = |line: &OrderLine| match request.lines.as_slice() {
            [] => line.outstanding(),
            _ => named.get(&line.id).copied().unwrap_or(0),
        };
        order.call_off(units, &mut commit, moment);
        let mut payments = inputs.payments();
        if order.is_reduced() {
            if unsent && !old.may_ship() {
                let why = "it waits for its money: take that first, or cancel the whole of it";
                return Err(Rejection::transition("order", why));
            }
            order.cancel_reason = Some(request.reason);
            order.reduced(&mut commit, now);
        } else {
            if payments.iter().any(|payment| payment.kept().is_positive()) {
                return Err(Rejection::transition("order", "it is paid: refund it first"));
            }
            if let Some(decision) = void_first(inputs, moment)? {
                return Ok(decision);
            }
            payments = void(inputs, &mut commit, moment)?;
            order.sum_payments(&payments)?;
            order.cancelled(request.reason, &mut commit, now);
        }
        if let Some(note) = &request.note {
            let before = order.cancel_note.iter().map(|before| before.as_str());
            let lines: Vec<_> = before.chain([note.as_str()]).collect();
            let noted = Note::new(lines.join("\n")).map_err(|e| Rejection::invalid("/note", e))?;
            order.cancel_note = Some(noted);
        }
        order.expires_at = order.deadline(&payments);
        commit.replace(old, order.clone());
        Ok(Decision { output: Changed { order, payments, begun: Vec::new() }, commit })
    }

    /// Calls off so many units of each line and releases what is held for them; answers whether
    /// there were any.
    pub(super) fn call_off(
        &mut self,
        units: impl Fn(&OrderLine) -> i64,
        commit: &mut Commit,
        moment: &mut Moment,
    ) -> bool {
        let mut any = false;
        for line in &mut self.lines {
            let units = units(line);
            if units <= 0 {
                continue;
            }
            any = true;
            for hold in line.call_off(units) {
                commit.stock(StockMove {
                    level: LevelKey { variant_id: line.variant_id, location_id: hold.location_id },
                    on_hand: 0,
                    held: -hold.quantity,
                    expected_on_hand: None,
                    movement_id: moment.id(),
                    reason: Reason::Adjusted,
                    order_id: Some(self.id),
                    note: None,
                });
            }
        }
        any
    }

    /// Whether something is left of it when some of it is called off.
    pub(super) fn is_reduced(&self) -> bool {
        self.is_outstanding() || self.fulfillment_status() != FulfillmentStatus::Unfulfilled
    }

    /// Tells that some of it was called off and that it is not cancelled: something is left, or all of its
    /// money was given back.
    pub(super) fn reduced(&mut self, commit: &mut Commit, now: Timestamp) {
        self.note("order.partially_cancelled", now);
        let (order_id, number) = (self.id, self.number.clone());
        commit.event(Event::OrderPartiallyCancelled { order_id, number });
    }

    /// Ends it, and tells.
    pub(super) fn cancelled(&mut self, reason: CancelReason, commit: &mut Commit, now: Timestamp) {
        self.cancelled_at = Some(now);
        self.cancel_reason = Some(reason);
        self.note("order.cancelled", now);
        let (order_id, number) = (self.id, self.number.clone());
        commit.event(Event::OrderCancelled { order_id, number, reason });
    }
}

/// Begins to void the payments that gateways have begun and that brought nothing, if there are any.
fn void_first(
    inputs: &OrderInputs,
    moment: &mut Moment,
) -> Result<Option<Decision<Changed>>, Rejection> {
    let online = |payment: &&Versioned<Payment>| payment.is_online() && payment.is_outstanding();
    let mut books = Books::open(inputs, moment.now());
    for payment in inputs.payments.iter().filter(online) {
        books.begin(payment.id, OperationKind::Void, payment.amount, None, moment)?;
    }
    if inputs.payments.iter().any(|payment| online(&payment)) {
        return books.close(None, moment).map(Some);
    }
    Ok(None)
}

/// The payments after those that people operate and that brought nothing were voided.
fn void(
    inputs: &OrderInputs,
    commit: &mut Commit,
    moment: &mut Moment,
) -> Result<Vec<Payment>, Rejection> {
    let mut payments = inputs.payments();
    for (read, payment) in inputs.payments.iter().zip(&mut payments) {
        if read.is_outstanding() {
            payment.void_by_hand(moment)?;
            commit.event(Event::PaymentUpdated {
                payment_id: payment.id,
                order_id: payment.order_id,
                status: payment.status,
            });
            commit.replace(read, payment.clone());
        }
    }
    Ok(payments)
}
