//! What an order's payments come to, and what that allows.

use super::{FulfillmentStatus, Order, OrderLine, PaymentTerms};
use crate::{
    allocation::cumulative_part,
    money::{Money, MoneyError},
    payment::{Payment, PaymentStatus},
    time::Timestamp,
};

impl Order {
    /// Takes over what the payments come to.
    pub(crate) fn sum_payments(&mut self, payments: &[Payment]) -> Result<(), MoneyError> {
        let sum =
            |of: fn(&Payment) -> Money| Money::try_sum(payments.iter().map(of), self.currency);
        self.paid_total = sum(|payment| payment.captured)?;
        self.refunded_total = sum(|payment| payment.refunded)?;
        let online = payments.iter().filter(|payment| payment.is_online());
        self.authorized_total = Money::try_sum(online.map(Payment::capturable), self.currency)?;
        let (paid, refunded) = (self.paid_total, self.refunded_total);
        let any = |status| payments.iter().any(|payment| payment.status == status);
        self.payment_status = if any(PaymentStatus::NeedsReview) {
            PaymentStatus::NeedsReview
        } else if paid.is_positive() && refunded == paid {
            PaymentStatus::Refunded
        } else if paid.is_positive() && refunded.is_zero() && paid.minor() >= self.total.minor() {
            PaymentStatus::Paid
        } else if refunded.is_positive() {
            PaymentStatus::PartiallyRefunded
        } else {
            // It has come as far as that of its payments which has come least far.
            let live = payments.iter().filter(|payment| payment.is_live());
            let least = live.min_by_key(|payment| payment.status.rank()).or(payments.last());
            least.map_or(self.payment_status, |payment| payment.status)
        };
        Ok(())
    }

    /// Whether it may be sent: it is paid for, or its terms do not ask for that.
    pub fn may_ship(&self) -> bool {
        let later = matches!(self.terms, PaymentTerms::OnDelivery { .. });
        match self.payment_status {
            PaymentStatus::Paid => true,
            PaymentStatus::Authorized
            | PaymentStatus::PartiallyCaptured
            | PaymentStatus::PartiallyRefunded => later || self.is_secured(),
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Processing => {
                later
            }
            PaymentStatus::Refunded
            | PaymentStatus::Failed
            | PaymentStatus::Voided
            | PaymentStatus::Expired
            | PaymentStatus::NeedsReview => false,
        }
    }

    /// Whether what was taken and what is set aside come to what is to be paid, without what was
    /// called off.
    fn is_secured(&self) -> bool {
        let worth = |line: &OrderLine| {
            let (units, of) = (line.cancelled, line.quantity.get());
            cumulative_part(line.total.minor(), 0, units, of, self.pricing.rounding).unwrap_or(0)
        };
        let called_off: i64 = self.lines.iter().map(worth).sum();
        let secured = self.paid_total.minor() + self.authorized_total.minor();
        secured >= self.total.minor() - called_off
    }

    /// Whether a payment has waited for its customer for longer than the order waits for its money. The
    /// order may go on all the same, because of what was paid before or sent.
    pub(crate) fn is_forgotten(&self, payment: &Payment, now: Timestamp) -> bool {
        let until = payment.created_at.saturating_add(self.terms.within());
        payment.status == PaymentStatus::RequiresAction
            && payment.require_idle().is_ok()
            && until <= now
    }

    /// When it lapses if nothing happens: while nothing was paid for it or sent. What was set aside
    /// for it is let go at a time, too.
    ///
    /// Before it lapses its payments are called off. While one of them does not answer, it waits.
    pub(crate) fn deadline(&self, payments: &[Payment]) -> Option<Timestamp> {
        let untouched = self.paid_total == self.refunded_total
            && self.fulfillment_status() == FulfillmentStatus::Unfulfilled
            && self.cancelled_at.is_none();
        let until = match self.payment_status {
            _ if !untouched => None,
            PaymentStatus::Pending
            | PaymentStatus::RequiresAction
            | PaymentStatus::Processing
            | PaymentStatus::Failed
            | PaymentStatus::Voided
            | PaymentStatus::Expired => Some(self.placed_at.saturating_add(self.terms.within())),
            PaymentStatus::Authorized => {
                payments.iter().filter_map(|payment| payment.capture_before).min()
            }
            PaymentStatus::PartiallyCaptured
            | PaymentStatus::Paid
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded
            | PaymentStatus::NeedsReview => None,
        }?;
        let keeps = payments.iter().filter(|payment| keeps_open(payment));
        let heard = keeps.filter_map(|payment| payment.check_at).max();
        Some(heard.map_or(until, |heard| heard.max(until)))
    }
}

/// Whether a payment keeps its order from lapsing until more is heard of it: it cannot be called off
/// while money may be on its way, and it was not where that was refused.
fn keeps_open(payment: &Payment) -> bool {
    payment.is_outstanding()
        && (payment.is_held_on_to()
            || payment.status == PaymentStatus::Processing
            || payment.open_operations().next().is_some())
}
