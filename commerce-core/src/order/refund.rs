//! What is given back for what.

use std::collections::HashMap;

use super::{Order, OrderInputs, OrderLine};
use crate::{
    allocation::{AllocationError, cumulative_part},
    error::Rejection,
    id::{LineId, LocationId, Moment, PaymentId},
    money::Money,
    payment::{CreateRefund, Payment, Refund, RefundLine, RefundStatus, RefundTax, RefundedLine},
    pricing::AdjustmentKind,
    rounding::Rounding,
    text::Label,
};

impl OrderInputs {
    /// The payment that captures and the like are about: the one that is named, else the latest of
    /// which something can be taken, else the latest that is not over, else the latest.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] for one that the order does not have;
    /// [`Rejection::InvalidTransition`] when it has none.
    pub fn payment(&self, named: Option<PaymentId>) -> Result<&Payment, Rejection> {
        let payments = || self.payments.iter().rev().map(|payment| payment.value.as_ref());
        if let Some(id) = named {
            let found = payments().find(|payment| payment.id == id);
            return found.ok_or(Rejection::NotFound { what: "payment" });
        }
        payments()
            .find(|payment| payment.capturable().is_positive())
            .or_else(|| payments().find(|payment| payment.is_live()))
            .or_else(|| payments().next())
            .ok_or_else(|| Rejection::transition("order", "it has no payment"))
    }

    /// The payment whose review is closed: the one that is named, else the latest that is in review,
    /// else the latest that was.
    ///
    /// # Errors
    /// As [`payment`](Self::payment).
    pub(crate) fn reviewed_payment(&self, named: Option<PaymentId>) -> Result<&Payment, Rejection> {
        let payments = || self.payments.iter().rev().map(|payment| payment.value.as_ref());
        let found = payments()
            .find(|payment| payment.in_review().is_some())
            .or_else(|| payments().find(|payment| payment.review.is_some()));
        self.payment(named.or_else(|| found.map(|payment| payment.id)))
    }

    /// The payment that a refund is of: the one that is named, else the latest with so much left, else
    /// the one with most, else the latest. Where only several together have so much, which of them is
    /// given back is for whoever asks to say.
    fn refunded_payment(
        &self,
        named: Option<PaymentId>,
        amount: Option<Money>,
    ) -> Result<&Payment, Rejection> {
        if named.is_some() {
            return self.payment(named);
        }
        let left = |payment: &&Payment| payment.refundable().minor();
        let payments = || self.payments.iter().rev().map(|payment| payment.value.as_ref());
        let wanted = amount.map_or(1, |amount| amount.minor().max(1));
        let enough = payments().find(|payment| left(payment) >= wanted);
        if let Some(amount) = amount
            && enough.is_none()
            && payments().map(|payment| left(&payment)).sum::<i64>() >= wanted
        {
            return Err(self.paid_in_parts(amount));
        }
        enough
            .or_else(|| payments().filter(|payment| payment.is_live()).max_by_key(left))
            .or_else(|| payments().next())
            .ok_or_else(|| Rejection::transition("order", "it has no payment"))
    }

    /// Why so much is not given back at once, though several payments together have it.
    fn paid_in_parts(&self, amount: Money) -> Rejection {
        let parts = self.payments.iter().map(|payment| (payment.id, payment.refundable()));
        let parts = parts.filter(|(_, left)| left.is_positive());
        let parts: Vec<_> = parts.map(|(id, left)| format!("{left} of {id}")).collect();
        let why = format!(
            "no payment of it alone has {amount} left to refund: refund an amount of each, {}",
            parts.join(", ")
        );
        Rejection::transition("order", why)
    }
}

/// What of a line was given back or is about to be.
#[derive(Debug, Default)]
struct Spent<'a> {
    units: i64,
    amount: i64,
    taxes: HashMap<&'a Label, i64>,
}

impl Order {
    /// The units of each line whose money is about to be given back: they are not to be sent
    /// meanwhile.
    pub(super) fn being_refunded(payments: &[Payment]) -> HashMap<LineId, i64> {
        let refunds = payments.iter().flat_map(|payment| &payment.refunds);
        let pending = refunds.filter(|refund| refund.status == RefundStatus::Pending);
        let mut units = HashMap::new();
        for part in pending.flat_map(|refund| &refund.lines) {
            *units.entry(part.line_id).or_default() += part.quantity.get();
        }
        units
    }

    /// The refund that a request comes to, and the payment that it is of. Units are refunded at what
    /// the customer paid for them: the parts of one line, and of each tax in it, are so rounded that
    /// whatever was given back in whatever steps, the last one ends exactly at the line's total.
    /// Units that came back are put at the location `restock_to`, the shop's first, if the request says
    /// so.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for an amount and lines together, lines that the order does not have,
    /// units to be put back that are not named, or another currency; [`Rejection::InvalidTransition`] for
    /// more units than are left, and for what only several payments together have left; [`Rejection::NotFound`] where there is no location to put them; as
    /// [`OrderInputs::payment`].
    pub fn refund(
        inputs: &OrderInputs,
        request: &CreateRefund,
        restock_to: Option<LocationId>,
        moment: &mut Moment,
    ) -> Result<(PaymentId, Refund), Rejection> {
        let order = &inputs.order;
        let restock_to = match (request.restock, request.lines.is_empty()) {
            (false, _) => None,
            (true, true) => {
                let detail = "must stand beside the lines that came back";
                return Err(Rejection::invalid("/restock", detail));
            }
            (true, false) => Some(restock_to.ok_or(Rejection::NotFound { what: "location" })?),
        };
        let (payment, amount, lines) = match (request.amount, request.lines.as_slice()) {
            (Some(_), [_, ..]) => {
                return Err(Rejection::invalid("/lines", "must not stand beside an amount"));
            }
            (Some(amount), []) => {
                if amount.currency() != order.currency {
                    let detail = format!("must be in {}", order.currency.code());
                    return Err(Rejection::invalid("/amount", detail));
                }
                let payment = inputs.refunded_payment(request.payment_id, Some(amount))?;
                (payment, amount, Vec::new())
            }
            (None, []) => {
                let payment = inputs.refunded_payment(request.payment_id, None)?;
                let left = payment.refundable();
                if !left.is_positive() {
                    return Err(payment.not_refundable());
                }
                (payment, left, Vec::new())
            }
            (None, parts) => {
                let lines = inputs.worth(parts)?;
                let worth = Money::try_sum(lines.iter().map(|line| line.amount), order.currency)?;
                let payment = inputs.refunded_payment(request.payment_id, Some(worth))?;
                let left = payment.refundable();
                // What rounding to cash took off the order is on none of its lines.
                let over = worth.minor() - left.minor();
                let rounded = over > 0 && over <= -order.rounding.minor();
                (payment, if rounded { left } else { worth }, lines)
            }
        };
        let pending = Refund::pending(amount, moment);
        let refund = Refund { restock_to, lines, reason: request.reason.clone(), ..pending };
        Ok((payment.id, refund))
    }
}

impl OrderInputs {
    /// What some units of lines cost.
    fn worth(&self, parts: &[RefundLine]) -> Result<Vec<RefundedLine>, Rejection> {
        let order = &self.order;
        let mut spent: HashMap<LineId, Spent<'_>> = HashMap::new();
        let refunds = self.payments.iter().flat_map(|payment| &payment.value.refunds);
        for part in refunds.filter(|refund| refund.counts()).flat_map(|refund| &refund.lines) {
            let of = spent.entry(part.line_id).or_default();
            of.units += part.quantity.get();
            of.amount += part.amount.minor();
            for tax in &part.taxes {
                *of.taxes.entry(&tax.source).or_default() += tax.amount.minor();
            }
        }
        let nothing = Spent::default();
        let spent = |id: LineId| spent.get(&id).unwrap_or(&nothing);
        let wanted = parts.iter().map(|part| (part.line_id, part.quantity));
        let named = order.lines_of(wanted)?;
        let pointer = |index| format!("/lines/{index}/quantity");
        let parts = parts.iter().zip(named).enumerate();
        parts
            .map(|(index, (part, (line, units)))| {
                let left = line.quantity.get() - spent(line.id).units;
                line.require(units, left, "refund")?;
                part_of(line, *part, spent(line.id), order.pricing.rounding)
                    .map_err(|error| Rejection::invalid(pointer(index), error))
            })
            .collect()
    }
}

/// What some units of a line cost, after what was spent of it.
fn part_of(
    line: &OrderLine,
    part: RefundLine,
    spent: &Spent<'_>,
    rounding: Rounding,
) -> Result<RefundedLine, AllocationError> {
    let currency = line.total.currency();
    let until = spent.units + part.quantity.get();
    // All that is for the units so far, less what was spent: also after a part that came to nothing.
    let rest = |total: Money, spent: i64| {
        let of = cumulative_part(total.minor(), 0, until, line.quantity.get(), rounding)?;
        Ok(Money::new((of - spent).max(0), currency))
    };
    let taxes = line.adjustments.iter().filter(|it| it.kind == AdjustmentKind::Tax);
    let taxes = taxes.map(|tax| {
        let before = spent.taxes.get(&tax.source).copied().unwrap_or(0);
        let amount = rest(tax.amount, before)?;
        Ok(RefundTax { source: tax.source.clone(), label: tax.label.clone(), amount })
    });
    Ok(RefundedLine {
        line_id: part.line_id,
        quantity: part.quantity,
        amount: rest(line.total, spent.amount)?,
        taxes: taxes.collect::<Result<_, AllocationError>>()?,
        restocked: 0,
    })
}
