//! How long an order waits for its money, and what keeps it from lapsing meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use commerce_core::{
    id::{Moment, OperationId, PaymentId},
    order::{Books, OrderInputs},
    payment::{Operation, OperationKind, OperationStatus, Payment, PaymentStatus},
    store::OrderRef,
    time::Timestamp,
};
use pollster::block_on;
use support::*;

/// What has become of a payment.
type Change = Box<dyn Fn(&mut Payment)>;

/// An order that nobody has paid, with a payment for each of these changes.
fn waiting(w: &World, changes: &[Change]) -> OrderInputs {
    let shirt = w.sell("SHIRT", 1_000, 9);
    let id = w.buy(&[(shirt, 1)]).id;
    let mut inputs = block_on(w.shop.store().order(&OrderRef::Id(id))).unwrap().unwrap();
    let one = inputs.payments.remove(0);
    let mut moment = Moment::new(w.now(), [3; 16]);
    for change in changes {
        let mut payment = one.clone();
        changed(&mut payment, |payment| {
            payment.id = moment.id::<PaymentId>();
            change(payment);
        });
        inputs.payments.push(payment);
    }
    inputs
}

fn at(w: &World, days: u64) -> Timestamp {
    w.now().saturating_add(Duration::from_secs(days * 86_400))
}

/// The last thing that its gateway was asked, and what came of it.
fn asked(payment: &mut Payment, kind: OperationKind, status: OperationStatus) {
    payment.operations.push(Operation {
        id: Moment::new(payment.created_at, [4; 16]).id::<OperationId>(),
        kind,
        attempt: 1,
        amount: payment.amount,
        refund_id: None,
        key: Operation::key_of(payment.id, kind, None, 1),
        status,
        failure: None,
        begun_at: payment.created_at,
        ended_at: None,
    });
}

#[test]
fn an_order_lapses_at_its_terms_or_when_more_was_to_be_heard_of_what_may_still_bring_money() {
    use OperationKind::{Capture, Void};
    use OperationStatus::{Done, Open, Refused};
    use PaymentStatus::{Authorized, Failed, Pending, Processing, RequiresAction};
    let w = World::new();
    let is = |status: PaymentStatus, check: u64| -> Change {
        let check_at = at(&w, check);
        Box::new(move |payment| (payment.status, payment.check_at) = (status, Some(check_at)))
    };
    let after = |status, check, kind, outcome| -> Change {
        let is = is(status, check);
        Box::new(move |payment| {
            is(payment);
            asked(payment, kind, outcome);
        })
    };
    let held = |until: u64| -> Change {
        let until = at(&w, until);
        Box::new(move |payment| {
            (payment.status, payment.authorized) = (Authorized, payment.amount);
            payment.capture_before = Some(until);
        })
    };
    for (nth, (changes, days)) in [
        (vec![is(Pending, 9)], 7),
        (vec![is(RequiresAction, 9)], 7),
        // While money may be on its way, until it was asked about; not before the week is over.
        (vec![is(Processing, 9)], 9),
        (vec![is(Processing, 3)], 7),
        (vec![is(Processing, 9), is(Processing, 12), is(Processing, 8)], 12),
        (vec![is(Processing, 9), is(Failed, 12)], 9),
        // While its gateway is asked something, or would not call it off.
        (vec![after(Pending, 9, Capture, Open)], 9),
        (vec![after(RequiresAction, 9, Void, Refused)], 9),
        (vec![after(RequiresAction, 9, Void, Done)], 7),
        (vec![after(RequiresAction, 9, Capture, Refused)], 7),
        (vec![after(Failed, 9, Void, Refused)], 7),
        // What is set aside is let go, the first of it first.
        (vec![held(5)], 5),
        (vec![held(9), held(4), held(6)], 4),
    ]
    .into_iter()
    .enumerate()
    {
        let inputs = waiting(&World::new(), &changes);
        let mut moment = Moment::new(w.now(), [5; 16]);
        let decided = Books::open(&inputs, w.now()).close(None, &mut moment).unwrap();
        assert_eq!(decided.output.order.expires_at, Some(at(&w, days)), "{nth}");
    }
}
