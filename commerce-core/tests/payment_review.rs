//! Payments that a person must look at: what becomes of them and their orders once somebody has.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use commerce_core::{
    Commerce,
    access::Caller,
    currency::Currency,
    error::{Error, Rejection},
    gateway::{ProviderRefund, ProviderStatus, Reply, ScriptedGateway},
    id::{OrderId, PaymentId},
    inputs::{SeededIds, SteppedClock},
    money::Money,
    order::{OrderStatus, OrderView},
    payment::{
        CreateRefund, Payment, PaymentChoice, PaymentStatus, RefundStatus, ReviewPayment,
        ReviewReason, VoidPayment,
    },
    text::Note,
    version::Version,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, label, waits},
    eur, invalid, key, not_now, refund_of, refused,
};

/// The shop with another provider in the place of its own, which knows none of its payments.
fn forgotten(shop: CardShop) -> CardShop {
    shop.with_gateway(ScriptedGateway::new(card()))
}

fn review(shop: &CardShop, order: OrderId, request: &ReviewPayment) -> Result<OrderView, Error> {
    let world = &shop.world;
    block_on(world.shop.review(&world.system, order, request, None)).map(|done| done.output)
}

fn close(shop: &CardShop, order: OrderId) -> OrderView {
    review(shop, order, &ReviewPayment::default()).unwrap()
}

fn write_off(minor: i64) -> ReviewPayment {
    ReviewPayment { written_off: Some(eur(minor)), ..ReviewPayment::default() }
}

/// An order whose payment was taken, and which its provider knew no more when it was to be given back.
fn taken_and_gone() -> (CardShop, OrderId, PaymentId) {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Capture);
    let shop = forgotten(shop);
    assert!(not_now(shop.world.refund(order, &CreateRefund::default())));
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::Missing));
    assert!(not_now(shop.world.cancel(order)), "its money may be there");
    (shop, order, payment)
}

#[test]
fn an_order_whose_payment_is_not_known_any_more_lapses_once_a_person_has_looked() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    let shop = forgotten(shop);
    shop.minutes(2);
    shop.settle();
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::Missing));
    shop.world.days(30);
    shop.settle();
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999), "nobody has looked");

    let note = Note::new("the account was closed").unwrap();
    let request = ReviewPayment { note: Some(note.clone()), ..ReviewPayment::default() };
    let seen = review(&shop, order, &request).unwrap();
    assert_eq!((seen.payment_status, seen.status), (PaymentStatus::Voided, OrderStatus::Pending));
    let review = seen.payments[0].review.clone().unwrap();
    assert_eq!((review.reason, review.note), (ReviewReason::Missing, Some(note)));
    assert_eq!(review.closed_at, Some(shop.world.now()));
    shop.settle();
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 0, 1_000));
    assert_eq!(shop.payment(payment).check_at, None, "nobody asks for it any more");
}

#[test]
fn what_was_taken_stays_taken_unless_it_is_written_off() {
    let (shop, order, payment) = taken_and_gone();
    let seen = close(&shop, order);
    assert_eq!((seen.payment_status, seen.paid_total), (PaymentStatus::Paid, eur(1_999)));
    let closed = shop.payment(payment);
    assert_eq!((closed.in_review(), closed.status), (None, PaymentStatus::Paid));

    // The customer got some of it in another way, and then the rest.
    let events = shop.world.events_of(|| review(&shop, order, &write_off(500)).unwrap());
    assert!(events.iter().any(|event| event == "order.refunded"), "{events:?}");
    let seen = shop.world.seen(order);
    assert_eq!(seen.payment_status, PaymentStatus::PartiallyRefunded);
    assert_eq!(seen.refunded_total, eur(500));
    assert!(not_now(review(&shop, order, &write_off(1_500))), "that is more than is left");
    assert!(not_now(shop.world.refund(order, &refund_of(1_000))), "its provider knows nothing");
    let seen = review(&shop, order, &write_off(1_499)).unwrap();
    assert_eq!(seen.payment_status, PaymentStatus::Refunded);
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 0, 1_000), "it is not sent any more");
    let refunds = shop.payment(payment).refunds;
    let given: Vec<_> = refunds.iter().filter(|it| it.counts()).collect();
    assert!(given.iter().all(|it| it.status == RefundStatus::Succeeded && it.reference.is_none()));
    assert_eq!(shop.gateway.payments().len(), 0, "no gateway was asked to give it back");
}

#[test]
fn a_payment_that_was_closed_is_sent_like_any_other() {
    let (shop, order, _) = taken_and_gone();
    assert!(shop.world.fulfill_all(order).is_err());
    close(&shop, order);
    assert_eq!(shop.world.fulfill_all(order).unwrap().status, OrderStatus::Shipped);
}

#[test]
fn what_can_still_be_paid_is_voided_first() {
    for status in [ProviderStatus::RequiresAction, ProviderStatus::Processing] {
        let shop = CardShop::new();
        let (order, payment) = shop.order(waits());
        shop.gateway.change(payment, |it| (it.status, it.amount) = (status, eur(1)));
        shop.minutes(2);
        shop.settle();
        assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::WrongAmount));
        let refused = refused(review(&shop, order, &ReviewPayment::default()));
        assert!(refused.to_string().contains("void it first"), "{refused}");
        if status == ProviderStatus::RequiresAction {
            let void = VoidPayment::default();
            let void = block_on(shop.world.shop.void(&shop.world.system, order, &void, None));
            assert_eq!(void.unwrap().output.payment_status, PaymentStatus::Voided);
        }
    }
    for (status, captured) in [(ProviderStatus::Authorized, 0), (ProviderStatus::Captured, 1)] {
        let shop = CardShop::new();
        let (order, payment) = shop.order(Reply::Authorize);
        shop.gateway.change(payment, |it| {
            (it.amount, it.status, it.captured) = (eur(2_500), status, eur(captured));
        });
        shop.deliver_last();
        assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::WrongAmount));
        assert!(not_now(review(&shop, order, &ReviewPayment::default())), "money is set aside");
    }
}

#[test]
fn what_was_set_aside_and_not_taken_counts_as_let_go() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Authorize);
    shop.gateway.change(payment, |it| {
        (it.status, it.captured, it.capturable) = (ProviderStatus::Captured, eur(500), eur(1_499));
    });
    shop.deliver_last();
    assert_eq!(shop.payment(payment).capturable(), eur(1_499));
    let shop = forgotten(shop);
    assert!(not_now(shop.world.refund(order, &refund_of(1))));
    let seen = close(&shop, order);
    assert_eq!(seen.payment_status, PaymentStatus::PartiallyCaptured);
    let closed = shop.payment(payment);
    assert_eq!((closed.captured, closed.capturable()), (eur(500), eur(0)));
    assert_eq!((closed.capture_before, closed.check_at), (None, None));
}

#[test]
fn a_payment_has_no_more_refunds_than_any_other() {
    let (shop, order, payment) = taken_and_gone();
    for _ in shop.payment(payment).refunds.len()..Payment::REFUNDS_MAX {
        review(&shop, order, &write_off(1)).unwrap();
    }
    assert_eq!(invalid(review(&shop, order, &write_off(1))), [""]);
}

#[test]
fn the_latest_that_is_in_review_is_closed() {
    let shop = CardShop::new();
    let (order, first) = shop.order(waits());
    let shop = forgotten(shop);
    shop.minutes(2);
    shop.settle();
    close(&shop, order);
    let again = PaymentChoice::new(card());
    let paid = block_on(shop.world.shop.pay_order(&shop.world.system, order, &again, None));
    let second = paid.unwrap().output.order.payments[1].id;
    let shop = forgotten(shop);
    assert!(not_now(shop.world.refund(order, &refund_of(1))));
    assert_eq!(shop.payment(second).in_review(), Some(ReviewReason::Missing));
    close(&shop, order);
    assert_eq!(shop.payment(second).in_review(), None);
    assert_eq!(shop.payment(first).status, PaymentStatus::Voided);
}

#[test]
fn what_comes_back_after_it_was_written_off_is_looked_at_once() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Capture);
    let first = shop.gateway.clone();
    let shop = forgotten(shop);
    assert!(not_now(shop.world.refund(order, &refund_of(1))));
    review(&shop, order, &write_off(1_999)).unwrap();
    // The provider is there again, and somebody has given money back there.
    let shop = shop.with_gateway(first);
    let created_at = shop.world.now();
    shop.gateway.change(payment, |it| {
        it.refunds.push(ProviderRefund {
            reference: label("re_elsewhere"),
            refund_id: None,
            amount: eur(500),
            status: RefundStatus::Succeeded,
            failure: None,
            created_at,
        });
    });
    shop.deliver_last();
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::OverRefunded));
    close(&shop, order);
    shop.gateway.change(payment, |it| it.failure = None);
    shop.deliver_last();
    assert_eq!(shop.payment(payment).status, PaymentStatus::Refunded);
    assert_eq!(shop.world.seen(order).refunded_total, eur(1_999));
}

#[test]
fn what_somebody_has_looked_at_is_put_up_again_for_another_reason_alone() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    let usd = Money::new(1_999, Currency::USD);
    shop.gateway.change(payment, |it| {
        (it.status, it.amount, it.captured) = (ProviderStatus::Captured, usd, usd);
        it.capturable = Money::zero(Currency::USD);
    });
    shop.deliver_last();
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::WrongCurrency));
    let seen = close(&shop, order);
    assert_eq!((seen.payment_status, seen.paid_total), (PaymentStatus::Voided, eur(0)));
    assert!(shop.world.fulfill_all(order).is_err(), "it is not paid");
    shop.gateway.change(payment, |it| it.captured = Money::new(1_998, Currency::USD));
    shop.deliver_last();
    assert_eq!(shop.payment(payment).status, PaymentStatus::Voided);
    shop.gateway.change(payment, |it| it.account.livemode = !it.account.livemode);
    shop.deliver_last();
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::WrongAccount));
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::NeedsReview);
    close(&shop, order);
    shop.world.days(2);
    shop.settle();
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
}

#[test]
fn the_right_money_counts_although_a_review_was_closed() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    shop.gateway
        .change(payment, |it| (it.status, it.captured) = (ProviderStatus::Captured, eur(1)));
    shop.gateway.change(payment, |it| it.amount = eur(1));
    shop.deliver_last();
    close(&shop, order);
    shop.gateway.change(payment, |it| (it.amount, it.captured) = (eur(1_999), eur(1_999)));
    shop.deliver_last();
    assert_eq!(shop.payment(payment).captured, eur(1_999));
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::Paid);
}

#[test]
fn what_turns_out_to_be_right_when_it_is_closed_is_dealt_with_at_once() {
    let shop = CardShop::new();
    let (order, first) = shop.order(waits());
    let again = PaymentChoice::new(card());
    block_on(shop.world.shop.pay_order(&shop.world.system, order, &again, None)).unwrap();
    let paid = |minor| {
        let right = ProviderStatus::Captured;
        shop.gateway.change(first, |it| {
            (it.status, it.amount, it.captured) = (right, eur(minor), eur(minor));
        });
    };
    paid(1);
    shop.deliver_last();
    assert_eq!(shop.payment(first).in_review(), Some(ReviewReason::WrongAmount));
    paid(1_999);
    assert!(
        not_now(review(&shop, order, &ReviewPayment::default())),
        "it needs no review any more"
    );
    assert_eq!(shop.gateway.kept(first), 0, "it was paid twice");
    assert_eq!(shop.payment(first).status, PaymentStatus::Refunded);
}

#[test]
fn a_refund_on_its_way_is_given_up_with_the_payment_it_is_of() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Capture);
    shop.gateway.script([Reply::Process]);
    shop.world.refund(order, &refund_of(700)).unwrap();
    let shop = forgotten(shop);
    shop.world.days(1);
    shop.settle();
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::Missing));
    let seen = review(&shop, order, &write_off(1_999)).unwrap();
    assert_eq!((seen.payment_status, seen.refunded_total), (PaymentStatus::Refunded, eur(1_999)));
    let [given_up, written_off] = seen.payments[0].refunds.as_slice() else { panic!("two") };
    assert_eq!(
        (given_up.status, written_off.status),
        (RefundStatus::Failed, RefundStatus::Succeeded)
    );
    assert!(given_up.failure.is_some(), "it says why");
}

#[test]
fn what_a_gateway_that_is_gone_was_asked_is_given_up() {
    let (shop, order, payment) = taken_and_gone();
    // Asked for, and then the shop gives the gateway up.
    shop.gateway.script([Reply::Unavailable]);
    assert!(shop.world.refund(order, &refund_of(200)).is_err());
    assert_eq!(shop.payment(payment).open_operations().count(), 1);
    shop.gateway.script([Reply::Unavailable]);
    assert!(not_now(review(&shop, order, &ReviewPayment::default())), "it may answer");
    let world = shop.world.with(|shop| {
        let (store, queries) = (Arc::clone(shop.store()), Arc::clone(shop.queries()));
        let clock = SteppedClock::new("2026-11-22T10:00:00Z".parse().unwrap());
        Commerce::over(store, queries, clock, SeededIds::new(2))
    });
    let shop = CardShop { world, ..shop };
    let seen = close(&shop, order);
    assert_eq!(seen.payment_status, PaymentStatus::Paid);
    assert_eq!(shop.payment(payment).open_operations().count(), 0);
    assert!(shop.payment(payment).refunds.iter().all(|it| !it.counts()));
}

#[test]
fn who_may_close_a_review_and_of_what() {
    let shop = CardShop::new();
    let (order, _) = shop.order(Reply::Capture);
    let because = refused(review(&shop, order, &ReviewPayment::default())).to_string();
    assert!(because.contains("it is paid and not in review"), "{because}");

    let (shop, order, payment) = taken_and_gone();
    let world = &shop.world;
    let (guest, _) = world.guest();
    let ask = |who: &Caller, request: &ReviewPayment, version| {
        block_on(world.shop.review(who, order, request, version))
    };
    let whole = &ReviewPayment::default();
    assert!(matches!(refused(ask(&guest, whole, None)), Rejection::Forbidden));
    let stale = Some(Version::FIRST);
    assert!(matches!(refused(ask(&world.system, whole, stale)), Rejection::VersionMismatch { .. }));
    let nobodys = "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11".parse().unwrap();
    let other = ReviewPayment { payment_id: Some(nobodys), ..write_off(1) };
    assert!(matches!(refused(ask(&world.system, &other, None)), Rejection::NotFound { .. }));
    for amount in [eur(0), eur(-1), Money::new(1, Currency::USD)] {
        let request = ReviewPayment { written_off: Some(amount), ..ReviewPayment::default() };
        assert_eq!(invalid(ask(&world.system, &request, None)), ["/written_off"]);
    }
    assert_eq!(shop.payment(payment).in_review(), Some(ReviewReason::Missing), "nothing was done");

    // The same request with the same key is one.
    let staff = world.system.clone().with_key(key("written off once"));
    let named = ReviewPayment { payment_id: Some(payment), ..write_off(999) };
    let first = ask(&staff, &named, None).unwrap();
    let again = ask(&staff, &named, None).unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.output, again.output);
    assert_eq!(shop.payment(payment).refunded, eur(999));
}
