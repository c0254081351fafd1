//! Paying an order once more: after a payment that came to nothing, or in the place of one.

use super::{Books, Changed, Order, OrderInputs};
use crate::{
    error::Rejection,
    id::Moment,
    money::Money,
    payment::{Means, Payment, PaymentChoice},
    shop::Shop,
    store::Decision,
};

/// What a payment has brought, whatever was given back of it, or has set aside.
pub(super) fn brought(payment: &Payment) -> i64 {
    payment.captured.minor() + set_aside(payment)
}

/// What a gateway holds ready of a payment.
pub(super) fn set_aside(payment: &Payment) -> i64 {
    if payment.is_online() { payment.capturable().minor() } else { 0 }
}

impl OrderInputs {
    /// What of the order no payment has brought, or has set aside.
    pub fn left_to_pay(&self) -> Money {
        let secured: i64 = self.payments.iter().map(|payment| brought(payment)).sum();
        Money::new((self.order.total.minor() - secured).max(0), self.order.currency)
    }
}

impl Order {
    /// Decides to have what is left to pay of an order paid in another way. A payment by hand that
    /// brought nothing is voided by that; one that a gateway has begun must have been voided before.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is cancelled or paid, or a payment may still bring
    /// money; [`Rejection::Invalid`] for a gateway or a way that is not offered.
    pub fn pay(
        inputs: &OrderInputs,
        choice: &PaymentChoice,
        shop: &Shop,
        means: &Means,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        inputs.order.require_open()?;
        let Some(terms) = shop.payment_terms.get(&choice.gateway).copied() else {
            let detail = format!("must be one that the shop takes, not {}", choice.gateway);
            return Err(Rejection::invalid("/payment/gateway", detail));
        };
        let left = inputs.left_to_pay();
        if !left.is_positive() {
            return Err(Rejection::transition("order", "it is paid"));
        }
        let mut books = Books::open(inputs, moment.now());
        for payment in books.payments.iter_mut().filter(|payment| payment.is_outstanding()) {
            if payment.is_online() {
                return Err(Rejection::transition("payment", "it may be paid at this moment"));
            }
            payment.void_by_hand(moment)?;
        }
        let policy = shop.capture.get(&choice.gateway).copied().unwrap_or_default();
        let payment = Payment::choose(choice, inputs.order.id, left, policy, means, moment)?;
        books.order.terms = terms;
        books.payments.push(payment);
        books.close(None, moment)
    }
}
