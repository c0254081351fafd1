//! The books of one order: it and its payments, while something is decided about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CancelReason, Changed, Order, OrderInputs, OrderLine, late::Shelf};
use crate::{
    error::Rejection,
    event::Event,
    gateway::{ProviderAccount, ProviderPayment},
    id::{LineId, Moment, OperationId, PaymentId, RefundId},
    inventory::{LevelKey, Reason, StockMove},
    money::Money,
    payment::{Heard, OperationKind, Payment, PaymentStatus, Refund, RefundStatus, ReviewPayment},
    store::{Commit, Decision},
    time::Timestamp,
};

/// An operation that is written down and is now to be asked of its gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The payment.
    pub payment_id: PaymentId,
    /// The operation.
    pub operation_id: OperationId,
}

/// An order and its payments while something is decided about them: they are changed one step at a
/// time, and [`close`](Self::close) works out what follows for the order, once, from what differs.
#[derive(Debug)]
pub struct Books<'a> {
    pub(super) inputs: &'a OrderInputs,
    pub(super) order: Order,
    pub(super) payments: Vec<Payment>,
    pub(super) commit: Commit,
    pub(super) begun: Vec<Begun>,
    /// The payments whose gateways were asked, and whether that one was silent.
    heard: BTreeMap<PaymentId, bool>,
}

impl<'a> Books<'a> {
    /// The books as they were read.
    pub fn open(inputs: &'a OrderInputs, now: Timestamp) -> Self {
        Self {
            inputs,
            order: inputs.order.value.as_ref().clone(),
            payments: inputs.payments(),
            commit: Commit::at(now),
            begun: Vec::new(),
            heard: BTreeMap::new(),
        }
    }

    /// One of the payments, as it is by now.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when it is not the order's.
    pub fn payment(&self, id: PaymentId) -> Result<&Payment, Rejection> {
        self.payments
            .iter()
            .find(|payment| payment.id == id)
            .ok_or(Rejection::NotFound { what: "payment" })
    }

    pub(super) fn payment_mut(&mut self, id: PaymentId) -> Result<&mut Payment, Rejection> {
        self.payments
            .iter_mut()
            .find(|payment| payment.id == id)
            .ok_or(Rejection::NotFound { what: "payment" })
    }

    /// The order, as it is by now.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Writes down what a gateway is to be asked for. `id` is that of the operation, if it follows
    /// from the request.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Rejection::InvalidTransition`] when the payment's state does not
    /// allow it, or something else is being asked.
    pub fn begin(
        &mut self,
        payment: PaymentId,
        kind: OperationKind,
        amount: Money,
        id: Option<OperationId>,
        moment: &mut Moment,
    ) -> Result<Begun, Rejection> {
        let of = self.payment_mut(payment)?;
        of.require_idle()?;
        match kind {
            OperationKind::Capture => {
                let left = of.capturable();
                if !left.is_positive() {
                    let why = format!("it is {} and cannot be captured", of.status.as_str());
                    return Err(Rejection::transition("payment", why));
                }
                let minor = amount.minor_in(left.currency());
                let minor = minor.map_err(|error| Rejection::invalid("/amount", error))?;
                if minor <= 0 {
                    return Err(Rejection::invalid("/amount", "must be more than 0"));
                }
                if minor > left.minor() {
                    let why = format!("only {left} of it is left to capture");
                    return Err(Rejection::transition("payment", why));
                }
            }
            OperationKind::Void if !of.is_outstanding() => {
                let why = format!("it is {} and cannot be voided", of.status.as_str());
                return Err(Rejection::transition("payment", why));
            }
            OperationKind::Create | OperationKind::Void | OperationKind::Refund => {}
        }
        let operation_id = of.begin(kind, amount, None, id, moment)?;
        let begun = Begun { payment_id: payment, operation_id };
        self.begun.push(begun);
        Ok(begun)
    }

    /// Writes down a refund, and that the gateway is to be asked for it. From now on its amount is
    /// spoken for.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when less than that is left; [`Rejection::Invalid`] when it is
    /// nothing, or the payment has too many.
    pub fn begin_refund(
        &mut self,
        payment: PaymentId,
        refund: Refund,
        id: Option<OperationId>,
        moment: &mut Moment,
    ) -> Result<Begun, Rejection> {
        let of = self.payment_mut(payment)?;
        if !refund.amount.is_positive() {
            return Err(if refund.lines.is_empty() {
                Rejection::invalid("/amount", "must be more than 0")
            } else {
                Rejection::invalid("/lines", "must come to more than 0")
            });
        }
        let (refund_id, amount) = (refund.id, refund.amount);
        of.note_refund(refund)?;
        let kind = OperationKind::Refund;
        let operation_id = of.begin(kind, amount, Some(refund_id), id, moment)?;
        let begun = Begun { payment_id: payment, operation_id };
        self.begun.push(begun);
        Ok(begun)
    }

    /// Closes the review of a payment. `seen` is its state at the provider, as far as there is one.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Rejection::InvalidTransition`] when it is not in review and was not,
    /// its gateway is being asked for something, money can still come of it there, or more of it is
    /// written off than is left; [`Rejection::Invalid`] when nothing is, or another currency, or the
    /// payment has too many refunds.
    pub fn review(
        &mut self,
        payment: PaymentId,
        request: &ReviewPayment,
        seen: Option<&ProviderPayment>,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        self.payment_mut(payment)?.close_review(request, seen, moment)
    }

    /// Takes over what was heard from a payment's gateway. `asked` is the operation that it is the
    /// answer to; `account` the account that the shop has there.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn hear(
        &mut self,
        payment: PaymentId,
        asked: Option<OperationId>,
        heard: &Heard,
        account: &ProviderAccount,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        self.payment_mut(payment)?.hear(asked, heard, account, moment);
        self.heard.insert(payment, matches!(heard, Heard::Silence));
        Ok(())
    }

    /// Ends an operation that the provider knows nothing of.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn lapse(&mut self, begun: Begun, now: Timestamp) -> Result<(), Rejection> {
        self.payment_mut(begun.payment_id)?.lapse(begun.operation_id, now);
        Ok(())
    }

    /// Ends an operation whose key is too old to be used, and begins it once more under another.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Rejection::InvalidTransition`] when it was tried too often.
    pub fn retry(&mut self, begun: Begun, moment: &mut Moment) -> Result<(), Rejection> {
        let payment = self.payment_mut(begun.payment_id)?;
        if let Some(operation_id) = payment.retry(begun.operation_id, moment)? {
            self.begun.push(Begun { operation_id, ..begun });
        }
        Ok(())
    }

    /// Works out what follows for the order and what is told of it, and closes the books.
    ///
    /// What is refunded and was not sent never will be: units of a line that are refunded beyond
    /// those that were sent or called off are called off, and so is all that is left of an order
    /// whose money is all given back. An order of which that leaves nothing, and some money, is
    /// cancelled; one that leaves no money is refunded.
    ///
    /// Money that comes too late, for an order that is cancelled or has its money already, is given
    /// back or let go again, unless the order had only lapsed and the goods are still there: then it
    /// goes on. What is on the `shelf` is needed for that.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when a sum is past its bound.
    pub fn close(
        mut self,
        shelf: Option<&Shelf<'_>>,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        let (inputs, now) = (self.inputs, moment.now());
        let old = &inputs.order;
        self.return_late_money(shelf, moment)?;
        let news = self.news();
        for (line_id, units) in &news.units {
            if let Some(line) = self.order.lines.iter_mut().find(|line| line.id == *line_id) {
                line.refunded = (line.refunded + units).max(0);
            }
        }
        self.order.sum_payments(&self.payments)?;
        // What is refunded is not sent any more, and must not hold stock for ever.
        let all = self.order.payment_status == PaymentStatus::Refunded;
        let left = |line: &OrderLine| {
            if all { line.outstanding() } else { line.refunded - line.fulfilled - line.cancelled }
        };
        let lines = self.order.lines.iter();
        let never_sent: Units = lines.map(|line| (line.id, left(line).max(0))).collect();
        self.restock(&news.given, never_sent.clone(), moment);
        self.write_payments(now);
        self.tell(&news, now);
        let Self { mut order, payments, mut commit, begun, .. } = self;
        let units = |line: &OrderLine| never_sent.get(&line.id).copied().unwrap_or(0);
        let called_off = order.call_off(units, &mut commit, moment);
        if called_off && (all || order.is_reduced()) {
            order.reduced(&mut commit, now);
        } else if called_off {
            order.cancelled(CancelReason::Other, &mut commit, now);
        }
        order.expires_at = order.deadline(&payments);
        if payments.len() > inputs.payments.len() && order == *old.value {
            // Whoever adds another at the same time must have seen this one.
            commit.touch(old);
        } else {
            commit.replace(old, order.clone());
        }
        Ok(Decision { output: Changed { order, payments, begun }, commit })
    }

    /// What of the payments concerns the order.
    fn news(&self) -> News {
        let mut news = News::default();
        for (before, after) in self.inputs.payments.iter().zip(&self.payments) {
            for refund in &after.refunds {
                news.refund(before.refund(refund.id).map(|before| before.status), refund);
            }
        }
        news
    }

    /// Puts units that came back on the shelf again: those of the refunds that ask for it, without
    /// those that never left, and none twice.
    fn restock(&mut self, given: &[Refund], mut never_sent: Units, moment: &mut Moment) {
        let restocked = |payments: &[Payment], id: LineId| -> i64 {
            let refunds = payments.iter().flat_map(|payment| &payment.refunds);
            let parts = refunds.flat_map(|refund| &refund.lines).filter(|part| part.line_id == id);
            parts.map(|part| part.restocked).sum()
        };
        for refund in given {
            let Some(location_id) = refund.restock_to else { continue };
            for part in &refund.lines {
                let found = self.order.lines.iter().find(|line| line.id == part.line_id);
                let Some(line) = found.filter(|line| line.track_inventory) else { continue };
                let never = never_sent.entry(line.id).or_default();
                let stayed = part.quantity.get().min(*never);
                *never -= stayed;
                let away = line.fulfilled - restocked(&self.payments, line.id);
                let back = (part.quantity.get() - stayed).min(away);
                if back <= 0 {
                    continue;
                }
                self.commit.stock(StockMove {
                    level: LevelKey { variant_id: line.variant_id, location_id },
                    on_hand: back,
                    held: 0,
                    expected_on_hand: None,
                    movement_id: moment.id(),
                    reason: Reason::Returned,
                    order_id: Some(self.order.id),
                    note: None,
                });
                let refunds = self.payments.iter_mut().flat_map(|payment| &mut payment.refunds);
                let of = refunds.filter(|it| it.id == refund.id).flat_map(|it| &mut it.lines);
                of.filter(|it| it.line_id == part.line_id).for_each(|it| it.restocked = back);
            }
        }
    }

    /// Writes the payments that differ, or of which something was heard, and tells of them.
    fn write_payments(&mut self, now: Timestamp) {
        for (place, after) in self.payments.iter_mut().enumerate() {
            let Some(before) = self.inputs.payments.get(place) else {
                after.check_at = after.next_check(now, false);
                self.commit.insert(after.clone());
                continue;
            };
            let changed = *after != *before.value;
            if changed {
                after.updated_at = now.max(before.updated_at);
            }
            let silent = self.heard.get(&after.id).copied();
            if changed || silent.is_some() {
                after.check_at = after.next_check(now, silent.unwrap_or(false));
            }
            if after.status != before.status {
                self.commit.event(Event::PaymentUpdated {
                    payment_id: after.id,
                    order_id: after.order_id,
                    status: after.status,
                });
            }
            tell_payment(before, after, &mut self.commit);
            if *after != *before.value {
                self.commit.replace(before, after.clone());
            }
        }
    }

    /// Tells of the order what its payments made of it.
    fn tell(&mut self, news: &News, now: Timestamp) {
        let (old, order) = (&self.inputs.order, &mut self.order);
        let (order_id, number) = (order.id, order.number.clone());
        let is_paid = |of: &Order| of.paid_total.minor() >= of.total.minor();
        if is_paid(order) && !is_paid(old) {
            order.note("order.paid", now);
            let paid_total = order.paid_total;
            self.commit.event(Event::OrderPaid { order_id, number: number.clone(), paid_total });
        }
        for refund in &news.given {
            order.note("order.refunded", now);
            self.commit.event(Event::OrderRefunded {
                order_id,
                number: number.clone(),
                refund_id: refund.id,
                amount: refund.amount,
            });
        }
        for (refund_id, amount) in &news.failed {
            order.note("order.refund_failed", now);
            self.commit.event(Event::OrderRefundFailed {
                order_id,
                number: number.clone(),
                refund_id: *refund_id,
                amount: *amount,
            });
        }
    }
}

/// So many units of each line.
type Units = BTreeMap<LineId, i64>;

/// What of the payments concerns the order.
#[derive(Debug, Default)]
struct News {
    /// The refunds that have succeeded now.
    given: Vec<Refund>,
    /// The refunds that have failed now.
    failed: Vec<(RefundId, Money)>,
    /// The units of each line that are refunded now, negative for those that no longer are.
    units: Units,
}

impl News {
    fn refund(&mut self, was: Option<RefundStatus>, refund: &Refund) {
        if was == Some(refund.status) {
            return;
        }
        let sign = match refund.status {
            RefundStatus::Pending => return,
            RefundStatus::Succeeded => 1,
            RefundStatus::Failed if was == Some(RefundStatus::Succeeded) => -1,
            RefundStatus::Failed => 0,
        };
        for part in &refund.lines {
            *self.units.entry(part.line_id).or_default() += sign * part.quantity.get();
        }
        if sign > 0 {
            self.given.push(refund.clone());
        } else {
            self.failed.push((refund.id, refund.amount));
        }
    }
}

/// Tells what came of a payment's operations, and of its disputes.
fn tell_payment(before: &Payment, after: &Payment, commit: &mut Commit) {
    let (payment_id, order_id) = (after.id, after.order_id);
    let asked = after.operations.iter().filter(|it| !it.is_open() && after.is_online());
    for operation in asked {
        if before.operation(operation.id).is_none_or(|before| before.status != operation.status) {
            commit.event(Event::PaymentOperationEnded {
                payment_id,
                order_id,
                operation_id: operation.id,
                kind: operation.kind,
                attempt: operation.attempt,
                status: operation.status,
            });
        }
    }
    for dispute in after.disputes.iter().filter(|it| !before.disputes.contains(it)) {
        commit.event(Event::PaymentDisputed {
            payment_id,
            order_id,
            amount: dispute.amount,
            status: dispute.status,
        });
    }
}
