//! What must be true of a shop that takes cards, whatever happened: of its books and its provider's,
//! of its orders, and of its stock.

use std::collections::{BTreeMap, BTreeSet};

use commerce_core::{
    gateway::{ProviderPayment, ProviderStatus},
    id::{OrderId, PaymentId, VariantId},
    order::{CancelReason, OrderInputs},
    payment::{DisputeStatus, Payment, PaymentFlow, PaymentStatus, RefundStatus},
    store::{MovementFilter, PageRequest},
};
use pollster::block_on;

use super::Till;

macro_rules! ensure {
    ($holds:expr, $($why:tt)*) => {
        if !$holds {
            return Err(format!($($why)*));
        }
    };
}
pub(crate) use ensure;

/// What is looked at.
pub(crate) struct Audit<'a> {
    pub(crate) till: &'a Till,
    pub(crate) orders: Vec<OrderInputs>,
    at_bank: BTreeMap<PaymentId, ProviderPayment>,
}

impl<'a> Audit<'a> {
    pub(crate) fn of(till: &'a Till, orders: Vec<OrderInputs>) -> Self {
        let at_bank = till.bank.books.payments().into_iter().collect();
        Self { till, orders, at_bank }
    }

    fn payments(&self) -> impl Iterator<Item = (&OrderInputs, &Payment)> {
        self.orders.iter().flat_map(|of| of.payments.iter().map(move |it| (of, &*it.value)))
    }

    /// What holds at every moment.
    pub(crate) fn now(&self, variants: &[(VariantId, i64)]) -> Result<(), String> {
        self.one_order_of_a_cart()?;
        self.nothing_booked_that_did_not_happen()?;
        self.one_record_of_a_customer()?;
        self.own_methods()?;
        self.stock(variants)
    }

    fn one_order_of_a_cart(&self) -> Result<(), String> {
        let mut carts = BTreeSet::new();
        // A guest has one cart, and its secret; an order of it has that too.
        let mut secrets = Vec::new();
        for OrderInputs { order, .. } in &self.orders {
            ensure!(carts.insert(order.cart_id), "two orders of cart {}", order.cart_id);
            let again = order.secret.is_some() && secrets.contains(&order.secret);
            ensure!(!again, "two orders of one guest's cart");
            secrets.push(order.secret);
        }
        Ok(())
    }

    /// The books may be behind the provider's, and never ahead of them.
    fn nothing_booked_that_did_not_happen(&self) -> Result<(), String> {
        for (_, payment) in self.payments() {
            let id = payment.id;
            let Some(bank) = self.at_bank.get(&id) else {
                ensure!(payment.captured.is_zero(), "{id} was never made, and {payment:?}");
                continue;
            };
            if payment.captured.is_positive() {
                let same = payment.captured.currency() == bank.captured.currency();
                let taken = payment.captured.minor() <= bank.captured.minor();
                ensure!(same && taken, "{id}: booked {:?}, taken {:?}", payment.captured, bank);
            }
            // One that a bank sent back was given back before that is heard.
            let given: i64 = bank.refunds.iter().map(|it| it.amount.minor()).sum();
            let booked = payment.refunded.minor();
            ensure!(booked <= given, "{id}: {booked} booked as given back, {given} were");
        }
        Ok(())
    }

    /// Whoever is known to the provider is known by one name: what is kept under another would be lost.
    fn one_record_of_a_customer(&self) -> Result<(), String> {
        for (id, names) in self.till.bank.customers() {
            ensure!(names.len() == 1, "{id} is {names:?} at the provider");
            let known = self.till.provider_reference(id);
            let same = known.is_none_or(|known| names.contains(&known));
            ensure!(same, "{id} is {names:?} at the provider, and not in the books");
        }
        Ok(())
    }

    /// Nobody is charged by what another saved.
    fn own_methods(&self) -> Result<(), String> {
        for (of, payment) in self.payments() {
            let PaymentFlow::Saved { method } = &payment.flow else { continue };
            let owner = self.till.bank.owner(method);
            // Of whoever was erased only the payment tells.
            let known = of.order.customer_id.and_then(|id| self.till.provider_reference(id));
            let theirs = owner.is_some() && owner == payment.customer_reference;
            let theirs = theirs && (known.is_none() || known == owner);
            ensure!(theirs, "{} is paid by {method}, which is another's", of.order.id);
        }
        Ok(())
    }

    /// Every unit is accounted for: those on hand by the ledger, those held by an open order, and each
    /// that is still to be sent is held or waited for. Each variant comes with the units that were
    /// received of it.
    fn stock(&self, variants: &[(VariantId, i64)]) -> Result<(), String> {
        let w = &self.till.sound;
        for (id, received) in variants {
            let (on_hand, held, _) = w.stock(*id);
            let (mut promised, mut gone) = (0, 0);
            for OrderInputs { order, payments } in &self.orders {
                for line in order.lines.iter().filter(|line| line.variant_id == *id) {
                    let (kept, waits) = (line.held(), line.backordered);
                    let left = line.outstanding();
                    ensure!(kept + waits == left, "{}: {kept} + {waits} for {left}", order.id);
                    ensure!(waits == 0, "{} waits for what cannot be waited for", order.id);
                    promised += kept;
                    gone += line.fulfilled;
                    let refunds = payments.iter().flat_map(|payment| &payment.refunds);
                    let parts = refunds.flat_map(|refund| &refund.lines);
                    let back = parts.filter(|part| part.line_id == line.id);
                    gone -= back.map(|part| part.restocked).sum::<i64>();
                }
            }
            ensure!(held == promised, "{id}: {held} are held, {promised} are promised");
            ensure!(0 <= held && held <= on_hand, "{id}: {held} of {on_hand} are held");
            let left = received - gone;
            ensure!(on_hand == left, "{id}: {on_hand} on hand, {left} of {received} left");
            let filter = MovementFilter { variant_id: *id, location_id: None };
            let mut page = PageRequest::first(100);
            let mut ledger = 0;
            loop {
                let rows = block_on(w.shop.stock_movements(&w.system, &filter, &page)).unwrap();
                ledger += rows.items.iter().map(|row| row.delta).sum::<i64>();
                let Some(next) = rows.next else { break };
                page.after = Some(next);
            }
            ensure!(ledger == on_hand, "{id}: {on_hand} on hand, {ledger} in the ledger");
        }
        Ok(())
    }

    /// What holds once everything under way was looked up: the books are the provider's.
    pub(crate) fn settled(&self) -> Result<(), String> {
        let known: BTreeSet<_> = self.payments().map(|(_, payment)| payment.id).collect();
        for (id, bank) in &self.at_bank {
            let nothing = bank.captured.is_zero() && bank.capturable.is_zero();
            ensure!(nothing || known.contains(id), "a charge that no order knows of: {bank:?}");
        }
        for (of, payment) in self.payments() {
            let id = payment.id;
            let open: Vec<_> = payment.open_operations().collect();
            ensure!(open.is_empty(), "{id}: nobody finds out what came of {open:?}");
            if payment.in_review().is_some() {
                ensure!(!of.order.may_ship(), "{id} is to be looked at, and its order is sent");
            }
            // What is not right at the provider is not what is in the books.
            if payment.review.is_some() {
                continue;
            }
            let Some(bank) = self.at_bank.get(&id) else {
                let over = !payment.is_live() && payment.authorized.is_zero();
                ensure!(
                    over,
                    "{id}: the provider does not know it, and it is {:?}",
                    payment.status
                );
                continue;
            };
            agree(payment, bank).map_err(|why| format!("{id}: {why}\n{payment:?}\n{bank:?}"))?;
        }
        self.orders.iter().try_for_each(|of| self.one_charge(of))
    }

    /// Nobody pays twice, nor for what they do not get.
    fn one_charge(&self, of: &OrderInputs) -> Result<(), String> {
        let OrderInputs { order, payments } = of;
        let at_bank = || {
            let known = payments.iter().filter_map(|it| Some((it, self.at_bank.get(&it.id)?)));
            // What came in another currency is in review.
            known.filter(|(_, bank)| bank.amount.currency() == order.currency)
        };
        let kept: i64 = at_bank().map(|(it, bank)| kept(bank) - left_to_people(it, bank)).sum();
        let aside: i64 = at_bank().map(|(_, bank)| bank.capturable.minor()).sum();
        let (id, total) = (order.id, order.total.minor());
        ensure!(kept + aside <= total, "{id} is charged {kept} and {aside} of {total}");
        let called_off = order.cancelled_at.is_some();
        // One of which units were called off, and the others then given back, is cancelled by that: the
        // money for what was called off is given back by a person.
        let by_hand = order.cancel_reason == Some(CancelReason::Other);
        ensure!(!called_off || by_hand || kept == 0, "{id} is cancelled, and {kept} is kept");
        ensure!(!called_off || aside == 0, "{id} is cancelled, and {aside} is set aside");
        Ok(())
    }

    /// What holds at the end of everything: nothing waits any more.
    pub(crate) fn ended(&self) -> Result<(), String> {
        for (of, payment) in self.payments() {
            let waits = matches!(
                payment.status,
                PaymentStatus::Pending
                    | PaymentStatus::RequiresAction
                    | PaymentStatus::Processing
                    | PaymentStatus::Authorized
                    | PaymentStatus::NeedsReview
            );
            ensure!(!waits, "{} of {} is {:?} for ever", payment.id, of.order.id, payment.status);
        }
        for OrderInputs { order, .. } in &self.orders {
            ensure!(order.expires_at.is_none(), "{} lapses at a time, and does not", order.id);
            let paid = order.paid_total.is_positive() || order.cancelled_at.is_some();
            // Whoever sends what is only set aside, and then takes none of it, wanted that.
            let sent = order.lines.iter().any(|line| line.fulfilled > 0);
            ensure!(paid || sent, "{} waits for its money for ever", order.id);
        }
        Ok(())
    }

    pub(crate) fn kept(&self, id: OrderId) -> i64 {
        let of = self.payments().filter(|(of, _)| of.order.id == id);
        let at_bank = of.filter_map(|(_, payment)| self.at_bank.get(&payment.id));
        at_bank.map(kept).sum()
    }
}

/// What was taken and not given back.
pub(crate) fn kept(bank: &ProviderPayment) -> i64 {
    bank.captured.minor() - refunds(bank, |_| true)
}

/// What of the money that a payment keeps a person must see to: what a bank did not give back, sent back
/// or disputes.
fn left_to_people(payment: &Payment, bank: &ProviderPayment) -> i64 {
    let refused = payment.refunds.iter().filter(|it| !it.counts());
    let refused: i64 = refused.map(|it| it.amount.minor()).sum();
    let failed = bank.refunds.iter().filter(|it| it.status == RefundStatus::Failed);
    let failed: i64 = failed.map(|it| it.amount.minor()).sum();
    let disputed: i64 = bank.disputes.iter().map(|it| it.amount.minor()).sum();
    (refused.max(failed) + disputed).min(kept(bank))
}

/// What was given back and did not come back.
fn refunds(bank: &ProviderPayment, counts: impl Fn(RefundStatus) -> bool) -> i64 {
    let of = bank.refunds.iter().filter(|it| it.status != RefundStatus::Failed);
    of.filter(|it| counts(it.status)).map(|it| it.amount.minor()).sum()
}

/// Whether the books and the provider's say the same of one payment.
fn agree(payment: &Payment, bank: &ProviderPayment) -> Result<(), String> {
    let captured = (payment.captured, bank.captured);
    ensure!(captured.0 == captured.1, "{} booked, {} taken", captured.0, captured.1);
    let is_live = !matches!(
        bank.status,
        ProviderStatus::Failed | ProviderStatus::Voided | ProviderStatus::Expired
    );
    ensure!(payment.is_live() == is_live, "{:?} in the books", payment.status);
    let aside = (payment.capturable(), bank.capturable);
    ensure!(aside.0 == aside.1, "{} set aside in the books, {} is", aside.0, aside.1);
    for status in [RefundStatus::Succeeded, RefundStatus::Pending] {
        let booked = payment.refunds.iter().filter(|it| it.status == status);
        let booked: i64 = booked.map(|it| it.amount.minor()).sum();
        let given = refunds(bank, |it| it == status);
        ensure!(booked == given, "{booked} of refunds {status:?} in the books, {given} are");
    }
    for refund in &payment.refunds {
        let same = bank.refunds.iter().filter(|it| it.refund_id == Some(refund.id)).count();
        ensure!(same <= 1, "{same} refunds of one");
    }
    let open = |status: DisputeStatus| status == DisputeStatus::Open;
    let disputes = payment.disputes.iter().filter(|it| open(it.status)).count();
    let at_bank = bank.disputes.iter().filter(|it| open(it.status)).count();
    ensure!(disputes == at_bank, "{disputes} disputes in the books, {at_bank} are open");
    Ok(())
}
