//! How the two sides are compared: order by order, as a pure function of what moved for it and what the
//! books say.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Difference, DifferenceKind, MovementSum, Reconciliation};
use crate::{
    currency::Currency,
    gateway::{ProviderPayment, Transaction, TransactionKind},
    id::PaymentId,
    money::{Money, MoneyError},
    order::{Order, OrderInputs},
    payment::{Dispute, DisputeStatus, Payment, Refund, RefundStatus},
    text::GatewayName,
    time::Timestamp,
};

/// Payments as they are at the provider, where that was asked.
pub(crate) type States = BTreeMap<PaymentId, Option<ProviderPayment>>;

/// The payments of which only their state at the provider tells whether something is missing.
pub(crate) type Doubts = BTreeSet<PaymentId>;

/// A comparison under way.
#[derive(Debug)]
pub(crate) struct Comparison {
    gateway: GatewayName,
    period: Range<Timestamp>,
    window: Range<Timestamp>,
    found: Found,
}

/// What was found so far, of one order or of all.
#[derive(Debug, Default)]
struct Found {
    transactions: u64,
    /// What moved at the provider and in the books, in minor units.
    sums: BTreeMap<(TransactionKind, Currency), [i128; 2]>,
    differences: Vec<Difference>,
    doubts: Doubts,
}

impl Found {
    fn sum(&mut self, kind: TransactionKind, currency: Currency, [provider, booked]: [i128; 2]) {
        let [there, here] = self.sums.entry((kind, currency)).or_default();
        *there += provider;
        *here += booked;
    }

    fn add(&mut self, other: Self) {
        self.transactions += other.transactions;
        for ((kind, currency), sums) in other.sums {
            self.sum(kind, currency, sums);
        }
        self.differences.extend(other.differences);
    }
}

impl Comparison {
    pub(crate) fn new(gateway: GatewayName, period: Range<Timestamp>) -> Self {
        let window = period.start.saturating_sub(Reconciliation::MARGIN)
            ..period.end.saturating_add(Reconciliation::MARGIN);
        Self { gateway, period, window, found: Found::default() }
    }

    /// In which time the provider's books are looked at.
    pub(crate) fn window(&self) -> &Range<Timestamp> {
        &self.window
    }

    /// Whether something moved in the period, and not only around it.
    pub(crate) fn counts(&self, moved: &Transaction) -> bool {
        self.period.contains(&moved.at)
    }

    /// Takes in what moved for nobody that the shop knows.
    pub(crate) fn unknown(&mut self, moved: &Transaction) {
        if !self.counts(moved) {
            return;
        }
        let found = &mut self.found;
        found.transactions += 1;
        found.sum(moved.kind, moved.amount.currency(), [moved.amount.minor().into(), 0]);
        found.differences.push(Difference {
            kind: DifferenceKind::UnknownToShop,
            movement: moved.kind,
            at: moved.at,
            reference: Some(moved.reference.clone()),
            order_number: None,
            order_id: None,
            payment_id: moved.payment_id,
            refund_id: moved.refund_id,
            provider: Some(moved.amount),
            booked: None,
        });
    }

    /// Compares what moved for an order with its books.
    ///
    /// # Errors
    /// The payments whose state at the provider must be asked first. Nothing was taken in.
    pub(crate) fn order(
        &mut self,
        inputs: &OrderInputs,
        moved: &[(PaymentId, Transaction)],
        states: &States,
    ) -> Result<(), Doubts> {
        let mut sides = Sides { of: self, order: &inputs.order, states, found: Found::default() };
        let mut taken = Taken::default();
        for payment in &inputs.payments {
            let its = moved.iter().filter(|(id, _)| *id == payment.id);
            let its: Vec<_> = its.map(|(_, it)| it).collect();
            taken.add(payment, &its);
            if payment.gateway == self.gateway {
                sides.charges(payment, &its, &mut taken);
                sides.refunds(payment, &its);
                sides.disputes(payment, &its);
            }
        }
        sides.charged_twice(taken);
        let found = sides.found;
        if !found.doubts.is_empty() {
            return Err(found.doubts);
        }
        self.found.add(found);
        Ok(())
    }

    /// The comparison once everything was taken in.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum is past its bound.
    pub(crate) fn finish(self) -> Result<Reconciliation, MoneyError> {
        let Found { transactions, sums, mut differences, .. } = self.found;
        differences.sort_by(|a, b| (a.at, a.kind, &a.reference).cmp(&(b.at, b.kind, &b.reference)));
        let sum = |((movement, currency), [provider, booked]): (_, [i128; 2])| {
            let provider = Money::from_minor(provider, currency)?;
            Ok(MovementSum { movement, provider, booked: Money::from_minor(booked, currency)? })
        };
        let sums = sums.into_iter().map(sum).collect::<Result<_, _>>()?;
        let Range { start: from, end: until } = self.period;
        Ok(Reconciliation { gateway: self.gateway, from, until, transactions, sums, differences })
    }
}

/// What was taken for an order and not given back, by whichever side says more.
#[derive(Debug, Default)]
struct Taken {
    minor: i128,
    charges: usize,
    /// The last charge of the period, and the payment that it is of.
    last: Option<(PaymentId, Transaction)>,
    /// Where more was taken for a payment than the books say.
    over: Vec<Difference>,
}

impl Taken {
    fn add(&mut self, payment: &Payment, its: &[&Transaction]) {
        let currency = payment.amount.currency();
        let own = || its.iter().filter(|it| it.amount.currency() == currency);
        let there = |kind| sum(own().filter(|it| it.kind == kind).map(|it| it.amount));
        let given = payment.refunds.iter().filter(|it| it.counts()).map(|it| it.amount);
        let disputed = payment.disputes.iter().filter(|it| it.status != DisputeStatus::Won);
        let disputed = disputed.map(|it| it.amount);
        let taken = minor(payment.captured).max(there(TransactionKind::Charge));
        self.minor += taken
            - sum(given).max(there(TransactionKind::Refund))
            - sum(disputed).max(there(TransactionKind::Dispute));
        let charges = own().filter(|it| it.kind == TransactionKind::Charge).count();
        self.charges += charges.max(usize::from(payment.captured.is_positive()));
    }
}

fn minor(amount: Money) -> i128 {
    amount.minor().into()
}

fn sum(amounts: impl Iterator<Item = Money>) -> i128 {
    amounts.map(minor).sum()
}

/// An amount that two sides are said to have; no side has more than there can be of money.
fn money(minor: i128, currency: Currency) -> Money {
    Money::new(i64::try_from(minor).unwrap_or(i64::MAX), currency)
}

const MISSING: DifferenceKind = DifferenceKind::MissingAtProvider;

/// The two sides of one order.
struct Sides<'a> {
    of: &'a Comparison,
    order: &'a Order,
    states: &'a States,
    found: Found,
}

impl Sides<'_> {
    /// A difference of which both amounts are still to be said.
    fn difference(
        &self,
        kind: DifferenceKind,
        movement: TransactionKind,
        at: Timestamp,
    ) -> Difference {
        Difference {
            kind,
            movement,
            at,
            reference: None,
            order_number: Some(self.order.number.clone()),
            order_id: Some(self.order.id),
            payment_id: None,
            refund_id: None,
            provider: None,
            booked: None,
        }
    }

    /// Compares one movement at the provider with what the books have of it: so much, or nothing.
    fn movement(&mut self, payment: &Payment, there: &Transaction, booked: Option<Money>) {
        self.found.transactions += 1;
        let currency = there.amount.currency();
        let same = booked.filter(|booked| booked.currency() == currency).map_or(0, minor);
        self.found.sum(there.kind, currency, [minor(there.amount), same]);
        let kind = match booked {
            None => DifferenceKind::UnknownToShop,
            Some(booked) if booked == there.amount => return,
            Some(booked) if booked.currency() == currency => DifferenceKind::AmountDiffers,
            Some(_) => DifferenceKind::CurrencyDiffers,
        };
        self.found.differences.push(Difference {
            reference: Some(there.reference.clone()),
            payment_id: Some(payment.id),
            refund_id: there.refund_id,
            provider: Some(there.amount),
            booked,
            ..self.difference(kind, there.kind, there.at)
        });
    }

    /// Takes in what the books have and the provider does not.
    fn missing(&mut self, difference: Difference) {
        if let Some(booked) = difference.booked {
            self.found.sum(difference.movement, booked.currency(), [0, minor(booked)]);
        }
        self.found.differences.push(difference);
    }

    /// What a payment is at the provider, if that was asked; it is asked otherwise.
    fn state(&mut self, payment: &Payment) -> Option<Option<&ProviderPayment>> {
        let known = self.states.get(&payment.id).map(Option::as_ref);
        if known.is_none() {
            self.found.doubts.insert(payment.id);
        }
        known
    }

    /// Compares what was taken for a payment in all: the shop does not hear of each charge by itself.
    fn charges(&mut self, payment: &Payment, its: &[&Transaction], taken: &mut Taken) {
        let currency = payment.amount.currency();
        let charges = its.iter().copied().filter(|it| it.kind == TransactionKind::Charge);
        let (charges, others): (Vec<_>, Vec<_>) =
            charges.partition(|it| it.amount.currency() == currency);
        let counted = |it: &&&Transaction| self.of.counts(it);
        let now: Vec<_> = charges.iter().filter(counted).copied().collect();
        let mistaken: Vec<_> = others.iter().filter(counted).copied().collect();
        for it in &mistaken {
            self.movement(payment, it, Some(payment.captured));
        }
        let booked_now = payment.captured_at.is_some_and(|at| self.of.period.contains(&at));
        if now.is_empty() && !booked_now {
            return;
        }
        let (booked, in_period) = (minor(payment.captured), sum(now.iter().map(|it| it.amount)));
        let mut there = sum(charges.iter().map(|it| it.amount));
        let whole = payment.created_at >= self.of.window.start
            && payment.captured_at.is_none_or(|at| at < self.of.window.end);
        if there != booked && !whole {
            let Some(state) = self.state(payment) else { return };
            there = there.max(state.map_or(0, |state| minor(state.captured)));
        }
        self.found.transactions += u64::try_from(now.len()).unwrap_or(u64::MAX);
        self.found.sum(TransactionKind::Charge, currency, [in_period, in_period + booked - there]);
        let last = now.last().copied();
        if let Some(last) = last {
            taken.last = Some((payment.id, last.clone()));
        }
        // That it is there in another currency was said.
        if there == booked || there == 0 && !others.is_empty() {
            return;
        }
        let kind = match there {
            0 => MISSING,
            _ => DifferenceKind::AmountDiffers,
        };
        let at = last.map(|it| it.at).or(payment.captured_at).unwrap_or(self.of.period.start);
        let difference = Difference {
            reference: last.map(|it| &it.reference).or(payment.references.first()).cloned(),
            payment_id: Some(payment.id),
            provider: (there > 0).then(|| money(there, currency)),
            booked: Some(payment.captured),
            ..self.difference(kind, TransactionKind::Charge, at)
        };
        if there > booked {
            taken.over.push(difference);
        } else {
            self.found.differences.push(difference);
        }
    }

    fn refunds(&mut self, payment: &Payment, its: &[&Transaction]) {
        let zero = Money::zero(payment.amount.currency());
        let is = |it: &Transaction, refund: &Refund| {
            it.refund_id == Some(refund.id) || refund.reference.as_ref() == Some(&it.reference)
        };
        let there = || its.iter().copied().filter(|it| it.kind == TransactionKind::Refund);
        for it in there().filter(|it| self.of.counts(it)).collect::<Vec<_>>() {
            let ours = payment.refunds.iter().find(|refund| is(it, refund));
            let booked = ours.map(|refund| if refund.counts() { refund.amount } else { zero });
            self.movement(payment, it, booked);
        }
        // One that is on its way may not have moved yet.
        for refund in payment.refunds.iter().filter(|it| it.status == RefundStatus::Succeeded) {
            let made = self.of.period.contains(&refund.created_at);
            if !made || there().any(|it| is(it, refund)) {
                continue;
            }
            let of = payment.operations.iter().filter(|it| it.refund_id == Some(refund.id));
            let late = of.filter_map(|it| it.ended_at).any(|at| at >= self.of.window.end);
            if late {
                let Some(state) = self.state(payment) else { continue };
                let mut given = state.iter().flat_map(|state| &state.refunds);
                if given
                    .any(|it| it.refund_id == Some(refund.id) && it.status != RefundStatus::Failed)
                {
                    continue;
                }
            }
            self.missing(Difference {
                reference: refund.reference.clone(),
                payment_id: Some(payment.id),
                refund_id: Some(refund.id),
                booked: Some(refund.amount),
                ..self.difference(MISSING, TransactionKind::Refund, refund.created_at)
            });
        }
    }

    fn disputes(&mut self, payment: &Payment, its: &[&Transaction]) {
        let zero = Money::zero(payment.amount.currency());
        let there = || its.iter().copied().filter(|it| it.kind == TransactionKind::Dispute);
        let amount = |it: &Dispute| if it.status == DisputeStatus::Won { zero } else { it.amount };
        for it in there().filter(|it| self.of.counts(it)).collect::<Vec<_>>() {
            let ours = payment.disputes.iter().find(|dispute| dispute.reference == it.reference);
            self.movement(payment, it, ours.map(amount));
        }
        for dispute in payment.disputes.iter().filter(|it| it.status != DisputeStatus::Won) {
            let opened = self.of.period.contains(&dispute.opened_at);
            if !opened || there().any(|it| it.reference == dispute.reference) {
                continue;
            }
            // A bank may first ask, and take the money back much later.
            let Some(state) = self.state(payment) else { continue };
            let mut known = state.iter().flat_map(|state| &state.disputes);
            if known.any(|it| it.reference == dispute.reference && it.status != DisputeStatus::Won)
            {
                continue;
            }
            self.missing(Difference {
                reference: Some(dispute.reference.clone()),
                payment_id: Some(payment.id),
                booked: Some(dispute.amount),
                ..self.difference(MISSING, TransactionKind::Dispute, dispute.opened_at)
            });
        }
    }

    /// Says that an order was charged twice, instead of by which payments; or what else is wrong with
    /// those.
    fn charged_twice(&mut self, taken: Taken) {
        let Taken { minor: kept, charges, last, over } = taken;
        let total = self.order.total;
        match last {
            Some((payment_id, last)) if charges > 1 && kept > minor(total) => {
                let kind = DifferenceKind::ChargedTwice;
                self.found.differences.push(Difference {
                    reference: Some(last.reference),
                    payment_id: Some(payment_id),
                    provider: Some(money(kept, total.currency())),
                    booked: Some(total),
                    ..self.difference(kind, TransactionKind::Charge, last.at)
                });
            }
            _ => self.found.differences.extend(over),
        }
    }
}
