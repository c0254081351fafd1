//! What an order's payments come to.

use std::collections::HashMap;

use super::{CancelReason, Changed, Order, OrderInputs, OrderLine};
use crate::{
    allocation::cumulative_part,
    error::Rejection,
    event::Event,
    gateway::ProviderPayment,
    id::{LineId, Moment, PaymentId},
    money::{Money, MoneyError},
    payment::{CreateRefund, Payment, PaymentInput, PaymentStatus, Refund, RefundLine},
    store::{Commit, Decision},
};

impl Order {
    /// Decides what a gateway's answer about one of an order's payments comes to.
    ///
    /// What is refunded and was not sent never will be: units of a line that are refunded beyond
    /// those that were sent or called off are called off, and so is all that is left of an order
    /// whose money is all given back. An order of which that leaves nothing, and some money, is
    /// cancelled; one that leaves no money is refunded.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when the payment is not the order's; as [`Payment::apply`].
    pub fn apply_answer(
        inputs: &OrderInputs,
        payment_id: PaymentId,
        input: Option<&PaymentInput>,
        state: Option<&ProviderPayment>,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        let (old, now) = (&inputs.order, moment.now());
        let mut order = old.value.as_ref().clone();
        let mut commit = Commit::at(now);
        let mut payments = inputs.payments();
        let place = inputs.payments.iter().position(|payment| payment.id == payment_id);
        let Some((before, payment)) =
            place.and_then(|place| Some((inputs.payments.get(place)?, payments.get_mut(place)?)))
        else {
            return Err(Rejection::NotFound { what: "payment" });
        };
        if let Some(input) = input {
            *payment = payment.apply(input, now)?;
        }
        if let Some(state) = state {
            for reference in &state.references {
                let room = payment.references.len() < Payment::REFERENCES_MAX;
                if room && !payment.references.contains(reference) {
                    payment.references.push(reference.clone());
                }
            }
            keep_first(&mut payment.client_secret, &state.client_secret);
            keep_first(&mut payment.redirect_url, &state.redirect_url);
        }
        if payment.status != before.status {
            let (payment_id, order_id, status) = (payment.id, order.id, payment.status);
            commit.event(Event::PaymentUpdated { payment_id, order_id, status });
        }
        commit.replace(before, payment.clone());
        if let Some(PaymentInput::Refund(refund)) = input {
            let mut parts: HashMap<LineId, i64> = HashMap::with_capacity(refund.lines.len());
            for part in &refund.lines {
                *parts.entry(part.line_id).or_default() += part.quantity.get();
            }
            for line in &mut order.lines {
                line.refunded += parts.get(&line.id).copied().unwrap_or(0);
            }
        }
        order.sum_payments(&payments)?;
        let (order_id, number) = (order.id, order.number.clone());
        let was_paid = old.paid_total.minor() >= old.total.minor();
        let is_paid = order.paid_total.minor() >= order.total.minor();
        if is_paid && !was_paid {
            order.note("order.paid", now);
            commit.event(Event::OrderPaid { order_id, number, paid_total: order.paid_total });
        } else if let Some(PaymentInput::Refund(refund)) = input {
            order.note("order.refunded", now);
            commit.event(Event::OrderRefunded {
                order_id,
                number,
                refund_id: refund.id,
                amount: refund.amount,
            });
        }
        // What is refunded is not sent any more, and must not hold stock for ever.
        let all = order.payment_status == PaymentStatus::Refunded;
        let refunded = |line: &OrderLine| {
            if all { line.outstanding() } else { line.refunded - line.fulfilled - line.cancelled }
        };
        let called_off = order.call_off(refunded, &mut commit, moment);
        if called_off && order.is_reduced() {
            order.reduced(&mut commit, now);
        } else if called_off && !all {
            order.cancelled(CancelReason::Other, &mut commit, now);
        }
        order.expires_at = order.deadline();
        commit.replace(old, order.clone());
        Ok(Decision { output: Changed { order, payments }, commit })
    }

    /// The payment that captures, refunds and the like are about when none is named: the latest
    /// that is not over.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when there is none.
    pub fn live_payment(inputs: &OrderInputs) -> Result<&Payment, Rejection> {
        inputs
            .payments
            .iter()
            .rev()
            .find(|payment| payment.is_live())
            .map(|payment| payment.value.as_ref())
            .ok_or_else(|| Rejection::transition("order", "it has no payment"))
    }

    /// The refund that a request comes to. Units are refunded at what the customer paid for them;
    /// the parts of one line are rounded so that all of them together are exactly its total.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for an amount and lines together, lines that the order does not have,
    /// more units than are left, or another currency.
    pub fn refund(
        inputs: &OrderInputs,
        request: &CreateRefund,
        moment: &mut Moment,
    ) -> Result<Refund, Rejection> {
        let order = &inputs.order;
        let payment = Self::live_payment(inputs)?;
        let amount = match (request.amount, request.lines.as_slice()) {
            (Some(_), [_, ..]) => {
                return Err(Rejection::invalid("/lines", "must not stand beside an amount"));
            }
            (Some(amount), []) => {
                if amount.currency() != order.currency {
                    let detail = format!("must be in {}", order.currency.code());
                    return Err(Rejection::invalid("/amount", detail));
                }
                amount
            }
            (None, []) => payment.kept(),
            (None, lines) => {
                let (worth, kept) = (order.worth(lines)?, payment.kept());
                // What rounding to cash took off the order is on none of its lines.
                let over = worth.minor() - kept.minor();
                if over > 0 && over <= -order.rounding.minor() { kept } else { worth }
            }
        };
        Ok(Refund {
            id: moment.id(),
            amount,
            lines: request.lines.clone(),
            reason: request.reason.clone(),
            created_at: moment.now(),
        })
    }

    fn worth(&self, parts: &[RefundLine]) -> Result<Money, Rejection> {
        let mut sum = Money::zero(self.currency);
        let wanted = parts.iter().map(|part| (part.line_id, part.quantity));
        let named = self.named(wanted, |line| line.quantity.get() - line.refunded)?;
        for (index, (line, units)) in named.into_iter().enumerate() {
            let (total, of) = (line.total.minor(), line.quantity.get());
            let minor = cumulative_part(total, line.refunded, units, of, self.pricing.rounding)
                .map_err(|error| Rejection::invalid(format!("/lines/{index}/quantity"), error))?;
            sum = sum.checked_add(Money::new(minor, self.currency))?;
        }
        Ok(sum)
    }

    /// Takes over what the payments come to.
    pub(crate) fn sum_payments(&mut self, payments: &[Payment]) -> Result<(), MoneyError> {
        let mut paid = Money::zero(self.currency);
        let mut refunded = Money::zero(self.currency);
        for payment in payments {
            paid = paid.checked_add(payment.captured)?;
            refunded = refunded.checked_add(payment.refunded)?;
        }
        self.paid_total = paid;
        self.refunded_total = refunded;
        let latest = payments.iter().rev().find(|p| p.is_live()).or(payments.last());
        self.payment_status = if paid.is_positive() && refunded == paid {
            PaymentStatus::Refunded
        } else if paid.is_positive() && refunded.is_zero() && paid.minor() >= self.total.minor() {
            PaymentStatus::Paid
        } else if refunded.is_positive() {
            PaymentStatus::PartiallyRefunded
        } else {
            latest.map_or(self.payment_status, |payment| payment.status)
        };
        Ok(())
    }
}

/// What a gateway once said of a payment stays.
fn keep_first<T: Clone>(field: &mut Option<T>, said: &Option<T>) {
    if field.is_none() {
        field.clone_from(said);
    }
}
