//! The comparison of the books with the provider's, and what it must find: worked out anew, from the
//! two sides as they are.

use std::collections::BTreeMap;

use commerce_core::{
    Error,
    gateway::{ProviderPayment, TransactionKind},
    id::{OrderId, PaymentId},
    money::Money,
    order::OrderInputs,
    payment::{DisputeStatus, Payment, RefundStatus},
    reconciliation::DifferenceKind,
    time::Timestamp,
};
use pollster::block_on;

use super::{MINUTE, Till, audit::ensure, wire};

/// A difference: what of, and what the provider and the books say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    of: (Option<OrderId>, Option<PaymentId>),
    kind: DifferenceKind,
    movement: TransactionKind,
    said: [Option<i64>; 2],
}

/// What differs in a period, as the shop says.
pub(crate) fn differences(
    till: &Till,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Found>, String> {
    let compared = block_on(till.sound.shop.reconcile(&wire(), from, until));
    let compared = compared.map_err(|error| format!("the books cannot be compared: {error:?}"))?;
    let minor = |amount: Option<Money>| amount.map(|amount| amount.minor());
    let found = compared.differences.iter().map(|it| Found {
        of: (it.order_id, it.payment_id),
        kind: it.kind,
        movement: it.movement,
        said: [minor(it.provider), minor(it.booked)],
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    Ok(found)
}

/// Compares the books since a time on, in which nothing goes wrong and nothing else goes on; answers
/// what differs, which must be what is to be found.
pub(crate) fn compare(
    till: &Till,
    since: Timestamp,
    orders: &[OrderInputs],
) -> Result<Vec<Found>, String> {
    let found = differences(till, since, till.sound.now().saturating_add(MINUTE))?;
    let mut expected = expected(till, orders);
    expected.sort();
    till.fate.tell(format!("  the books are compared: {} differences", found.len()));
    ensure!(found == expected, "the books differ so: {found:#?}, and not so: {expected:#?}");
    Ok(found)
}

/// Compares them while something may go wrong and others go on.
pub(crate) async fn try_compare(till: &Till, since: Timestamp) -> Result<(), String> {
    let until = till.sound.now().saturating_add(MINUTE);
    match till.shop.reconcile(&wire(), since, until).await {
        Err(wrong @ (Error::Rejected(_) | Error::Internal(_))) => Err(format!("{wrong:?}")),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What is to be found.
fn expected(till: &Till, orders: &[OrderInputs]) -> Vec<Found> {
    let mut at_bank: BTreeMap<_, _> = till.bank.books.payments().into_iter().collect();
    let mut all: Vec<_> = orders.iter().flat_map(|of| of_order(of, &mut at_bank)).collect();
    for (id, bank) in at_bank {
        let mut moved = of_payment((None, Some(id)), None, &bank);
        moved.extend(charge((None, Some(id)), None, &bank));
        all.extend(moved);
    }
    all
}

type Of = (Option<OrderId>, Option<PaymentId>);

fn of_order(
    inputs: &OrderInputs,
    at_bank: &mut BTreeMap<PaymentId, ProviderPayment>,
) -> Vec<Found> {
    let OrderInputs { order, payments } = inputs;
    let (mut all, mut charges, mut kept, mut last, mut times) =
        (Vec::new(), Vec::new(), 0, None, 0);
    for payment in payments {
        let of = (Some(order.id), Some(payment.id));
        let Some(bank) = at_bank.remove(&payment.id) else {
            // Nothing is booked of what was never made; the audit sees to that.
            continue;
        };
        all.extend(of_payment(of, Some(payment), &bank));
        charges.extend(charge(of, Some(payment), &bank));
        kept += kept_by_whoever_says_more(payment, &bank);
        let taken = bank.captured.is_positive() && same_currency(payment, &bank);
        if taken {
            last = Some(payment.id);
        }
        times += usize::from(taken || payment.captured.is_positive());
    }
    let total = order.total.minor();
    if times > 1 && kept > total && last.is_some() {
        // It says that instead of by which charges.
        charges.retain(|it| it.kind != DifferenceKind::AmountDiffers || it.said[0] < it.said[1]);
        all.push(Found {
            of: (Some(order.id), last),
            kind: DifferenceKind::ChargedTwice,
            movement: TransactionKind::Charge,
            said: [Some(kept), Some(total)],
        });
    }
    all.extend(charges);
    all
}

fn same_currency(payment: &Payment, bank: &ProviderPayment) -> bool {
    payment.amount.currency() == bank.captured.currency()
}

/// What was taken and not given back.
fn kept_by_whoever_says_more(payment: &Payment, bank: &ProviderPayment) -> i64 {
    let own = same_currency(payment, bank);
    let sum = |there: i64, booked: i64| if own { there.max(booked) } else { booked };
    let given = bank.refunds.iter().filter(|it| it.status != RefundStatus::Failed);
    let booked = payment.refunds.iter().filter(|it| it.counts());
    let taken = sum(bank.captured.minor(), payment.captured.minor());
    let back =
        sum(given.map(|it| it.amount.minor()).sum(), booked.map(|it| it.amount.minor()).sum());
    let there = bank.disputes.iter().filter(|it| it.status != DisputeStatus::Won);
    let here = payment.disputes.iter().filter(|it| it.status != DisputeStatus::Won);
    let disputed =
        sum(there.map(|it| it.amount.minor()).sum(), here.map(|it| it.amount.minor()).sum());
    taken - back - disputed
}

/// What differs in what was taken.
fn charge(of: Of, payment: Option<&Payment>, bank: &ProviderPayment) -> Option<Found> {
    let movement = TransactionKind::Charge;
    let there = bank.captured.minor();
    let (kind, said) = match payment {
        _ if there == 0 => return None,
        None => (DifferenceKind::UnknownToShop, [Some(there), None]),
        Some(payment) => {
            let booked = payment.captured.minor();
            let said = [Some(there), Some(booked)];
            if !same_currency(payment, bank) {
                (DifferenceKind::CurrencyDiffers, said)
            } else if there == booked {
                return None;
            } else {
                (DifferenceKind::AmountDiffers, said)
            }
        }
    };
    Some(Found { of, kind, movement, said })
}

/// What differs in what was given back and what is disputed.
fn of_payment(of: Of, payment: Option<&Payment>, bank: &ProviderPayment) -> Vec<Found> {
    let mut all = Vec::new();
    let mut add = |movement, there: Option<i64>, here: Option<i64>| {
        let kind = match (there, here) {
            (Some(_), None) => DifferenceKind::UnknownToShop,
            (None, Some(_)) => DifferenceKind::MissingAtProvider,
            (there, here) if there == here => return,
            _ => DifferenceKind::AmountDiffers,
        };
        all.push(Found { of, kind, movement, said: [there, here] });
    };
    let refunds = payment.map(|it| it.refunds.as_slice()).unwrap_or_default();
    let given = || bank.refunds.iter().filter(|it| it.status != RefundStatus::Failed);
    for there in given() {
        let ours = refunds.iter().find(|it| {
            Some(it.id) == there.refund_id || it.reference.as_ref() == Some(&there.reference)
        });
        let booked = ours.map(|it| if it.counts() { it.amount.minor() } else { 0 });
        add(TransactionKind::Refund, Some(there.amount.minor()), booked);
    }
    for here in refunds.iter().filter(|it| it.status == RefundStatus::Succeeded) {
        let is = |reference| here.reference.as_ref() == Some(reference);
        if !given().any(|it| it.refund_id == Some(here.id) || is(&it.reference)) {
            add(TransactionKind::Refund, None, Some(here.amount.minor()));
        }
    }
    let disputes = payment.map(|it| it.disputes.as_slice()).unwrap_or_default();
    let open = || bank.disputes.iter().filter(|it| it.status != DisputeStatus::Won);
    for there in open() {
        let ours = disputes.iter().find(|it| it.reference == there.reference);
        let won = |status| status == DisputeStatus::Won;
        let booked = ours.map(|it| if won(it.status) { 0 } else { it.amount.minor() });
        add(TransactionKind::Dispute, Some(there.amount.minor()), booked);
    }
    for here in disputes.iter().filter(|it| it.status != DisputeStatus::Won) {
        if !open().any(|it| it.reference == here.reference) {
            add(TransactionKind::Dispute, None, Some(here.amount.minor()));
        }
    }
    all
}
