//! The bounds of a payment's amounts, which every commit keeps.

use super::{
    Bench,
    make::{Make, at, commit, eur},
};
use crate::{
    order::Order,
    payment::{Payment, Refund, RefundStatus},
    store::CommitError,
};

/// What is made of a payment of 19.99 of which 15.00 were set aside, 12.00 taken and 2.00 let go, and of
/// which a refund failed.
type Change = fn(&mut Payment);

fn payment(make: &mut Make, order: &Order) -> Payment {
    let failed = Refund {
        id: make.id(),
        amount: eur(1),
        status: RefundStatus::Failed,
        lines: Vec::new(),
        restock_to: None,
        reason: None,
        reference: None,
        failure: None,
        created_at: at(1),
    };
    Payment {
        authorized: eur(1_500),
        captured: eur(1_200),
        released: eur(200),
        refunds: vec![failed],
        ..make.payment(order)
    }
}

/// Makes its refund one of so much that has come so far.
fn refund(payment: &mut Payment, minor: i64, status: RefundStatus) {
    (payment.refunds[0].amount, payment.refunds[0].status) = (eur(minor), status);
}

/// Fails unless each state within a bound is taken and each beyond it refused, of a payment that is new
/// and of one that is there.
async fn have_a_bound(t: &Bench<'_>, within: &[Change], beyond: &[Change]) {
    let mut make = Make::new();
    let order = make.order();
    t.insert(order.clone()).await;
    let kept = payment(&mut make, &order);
    t.insert(kept.clone()).await;
    for change in beyond {
        let (mut new, mut changed) = (payment(&mut make, &order), kept.clone());
        change(&mut new);
        change(&mut changed);
        let (mut insert, mut replace) = (commit(), commit());
        insert.insert(new.clone());
        replace.replace(&t.read(&kept).await, changed);
        for commit in [insert, replace] {
            let error = t.refused(&commit).await;
            assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
        }
        assert_eq!(t.order(order.id).await.payments.len(), 1, "a refused payment is there");
        t.has(&kept, 1).await;
    }
    for (change, version) in within.iter().zip(2..) {
        let (mut new, mut changed) = (payment(&mut make, &order), kept.clone());
        change(&mut new);
        change(&mut changed);
        t.insert(new.clone()).await;
        t.has(&new, 1).await;
        t.replace(&changed).await;
        t.has(&changed, version).await;
    }
}

pub(super) async fn never_have_less_than_nothing(t: &Bench<'_>) {
    let within: &[Change] = &[|it| {
        for amount in [&mut it.authorized, &mut it.captured, &mut it.released] {
            *amount = eur(0);
        }
    }];
    // Each so that no other bound is broken.
    let beyond: &[Change] = &[
        |it| it.released = eur(-1),
        |it| it.refunded = eur(-1),
        |it| (it.captured, it.refunded) = (eur(-1), eur(-1)),
        |it| {
            (it.authorized, it.released) = (eur(-1), eur(0));
            (it.captured, it.refunded) = (eur(-1), eur(-1));
        },
    ];
    have_a_bound(t, within, beyond).await;
}

pub(super) async fn never_give_back_more_than_was_taken(t: &Bench<'_>) {
    let within: &[Change] = &[
        |it| it.refunded = eur(1_200),
        |it| refund(it, 1_200, RefundStatus::Pending),
        |it| {
            it.refunded = eur(1_100);
            refund(it, 100, RefundStatus::Pending);
        },
        |it| {
            it.refunded = eur(1_200);
            refund(it, 100, RefundStatus::Failed);
        },
    ];
    let beyond: &[Change] = &[
        |it| it.refunded = eur(1_201),
        |it| refund(it, 1_201, RefundStatus::Pending),
        |it| {
            it.refunded = eur(1_100);
            refund(it, 101, RefundStatus::Pending);
        },
    ];
    have_a_bound(t, within, beyond).await;
}

pub(super) async fn never_take_more_than_was_set_aside(t: &Bench<'_>) {
    let within: &[Change] = &[|it| it.captured = eur(1_300), |it| it.released = eur(300)];
    let beyond: &[Change] = &[|it| it.captured = eur(1_301), |it| it.released = eur(301)];
    have_a_bound(t, within, beyond).await;
}

pub(super) async fn never_set_aside_more_than_they_are_for(t: &Bench<'_>) {
    have_a_bound(t, &[|it| it.authorized = it.amount], &[|it| it.authorized = eur(2_000)]).await;
}
