//! What sweeps and webhooks make of money that comes late, or that cannot be right.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    checkout::PlaceOrder,
    currency::Currency,
    gateway::{Call, Fault, PaymentGateway, ProviderPayment, ProviderStatus, Reply},
    id::{OrderId, PaymentId},
    money::Money,
    order::{CancelReason, OrderStatus, PaymentTerms},
    payment::{OperationStatus, PaymentChoice, PaymentStatus, ReviewReason},
    store::OrderRef,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, label, waits},
    eur, refund_units,
};

/// An order that lapsed although its customer had paid a moment before: the provider was not heard of
/// when the payment was called off.
fn paid_and_lapsed(shop: &CardShop) -> (OrderId, PaymentId) {
    let (order, payment) = shop.order(waits());
    shop.world.days(2);
    shop.settle();
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    (order, payment)
}

/// An order that lapsed because its payment had failed.
fn failed_and_lapsed(shop: &CardShop) -> (OrderId, PaymentId) {
    let (order, payment) = shop.order(Reply::Process);
    shop.gateway.change(payment, |it| it.status = ProviderStatus::Failed);
    shop.deliver_last();
    shop.world.days(2);
    shop.settle();
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    (order, payment)
}

/// It turns out not to have failed.
fn set_aside(shop: &CardShop, payment: PaymentId) {
    shop.gateway.change(payment, |it| {
        (it.status, it.capturable) = (ProviderStatus::Authorized, it.amount);
    });
}

/// The provider has the money all the same.
fn take(shop: &CardShop, payment: PaymentId) {
    shop.gateway.change(payment, |it| {
        (it.status, it.captured) = (ProviderStatus::Captured, it.amount);
    });
}

#[test]
fn a_payment_without_an_answer_is_looked_up_by_the_sweep() {
    let shop = CardShop::new();
    shop.gateway.script([Reply::Lost(Box::new(Reply::Capture))]);
    let (guest, cart) = shop.cart();
    let request = PlaceOrder::paid_by(card());
    block_on(shop.world.shop.place_order(&guest, cart, &request)).unwrap_err();
    let payment = shop.gateway.payments()[0].0;
    assert_eq!(shop.payment(payment).status, PaymentStatus::Pending);
    shop.minutes(2);
    assert_eq!(block_on(shop.world.shop.sweep(10)).unwrap().payments, 1);
    let found = shop.payment(payment);
    assert_eq!((found.status, found.captured), (PaymentStatus::Paid, eur(1_999)));
    assert_eq!(shop.gateway.calls(), [Call::Create(payment), Call::Fetch(payment)]);
    assert_eq!(shop.world.seen(found.order_id).paid_total, eur(1_999));
}

/// A payment that was given up: its gateway was never reached, and nobody came back.
fn given_up(shop: &CardShop) -> PaymentId {
    shop.gateway.roll(|call| matches!(call, Call::Create(_)).then_some(Fault::Unreached));
    let (guest, cart) = shop.cart();
    let request = PlaceOrder::paid_by(card());
    block_on(shop.world.shop.place_order(&guest, cart, &request)).unwrap_err();
    shop.gateway.roll(|_| None);
    let created = |call| if let Call::Create(payment) = call { Some(payment) } else { None };
    let payment = shop.gateway.calls().into_iter().find_map(created).unwrap();
    shop.minutes(20);
    shop.settle();
    assert_eq!(shop.payment(payment).status, PaymentStatus::Failed);
    payment
}

/// What another server asked for at the moment that it was given up arrives.
fn arrives(shop: &CardShop, payment: PaymentId) {
    shop.gateway.script([waits()]);
    let inputs = shop.inputs(OrderRef::Payment(payment));
    let payment = inputs.payment(Some(payment)).unwrap();
    let create = payment.operations.first().unwrap();
    block_on(shop.gateway.create(&inputs.order, payment, create)).unwrap();
}

#[test]
fn a_payment_that_is_made_while_it_is_given_up_begins_again() {
    let shop = CardShop::new();
    let payment = given_up(&shop);
    arrives(&shop, payment);
    shop.minutes(2);
    shop.settle();
    let found = shop.payment(payment);
    assert_eq!(found.status, PaymentStatus::RequiresAction);
    assert_eq!(found.operations[0].status, OperationStatus::Done);
    shop.gateway.pay(payment);
    shop.deliver_last();
    let order = shop.world.seen(found.order_id);
    assert_eq!((order.status, order.paid_total), (OrderStatus::Confirmed, eur(1_999)));
}

#[test]
fn a_payment_that_is_made_while_it_is_given_up_is_called_off_if_its_order_needs_it_no_more() {
    let shop = CardShop::new();
    let payment = given_up(&shop);
    let order = shop.payment(payment).order_id;
    shop.gateway.script([Reply::Capture]);
    let choice = PaymentChoice::new(card());
    block_on(shop.world.shop.pay_order(&shop.world.system, order, &choice, None)).unwrap();
    arrives(&shop, payment);
    shop.minutes(2);
    shop.settle();
    assert_eq!(shop.payment(payment).status, PaymentStatus::Voided);
    assert!(!shop.gateway.pay(payment), "nothing can come of it any more");
    assert_eq!(shop.world.seen(order).paid_total, eur(1_999));
}

#[test]
fn what_was_given_up_is_looked_up_until_the_provider_has_said_once_that_it_was_not_made() {
    let shop = CardShop::new();
    let payment = given_up(&shop);
    let fetches = || {
        let asked = shop.gateway.calls();
        asked.iter().filter(|call| **call == Call::Fetch(payment)).count()
    };
    let before = fetches();
    shop.gateway.roll(|call| matches!(call, Call::Fetch(_)).then_some(Fault::Unreached));
    for _ in 0..10 {
        shop.minutes(360);
        let _ = block_on(shop.world.shop.sweep(100));
    }
    assert_eq!(fetches(), before + 10);
    shop.gateway.roll(|_| None);
    for _ in 0..10 {
        shop.minutes(360);
        shop.settle();
    }
    assert_eq!(fetches(), before + 11);
}

#[test]
fn a_hold_is_released_only_once_it_is_certain_that_its_payment_is_called_off() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999));
    shop.world.days(2);
    for fault in [Fault::Unreached, Fault::LostBefore, Fault::LostAfter] {
        shop.gateway.roll(move |call| matches!(call, Call::Void(_)).then_some(fault));
        let _ = block_on(shop.world.shop.sweep(100));
        assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999), "{fault:?}: nobody knows yet");
        assert_eq!(shop.world.seen(order).status, OrderStatus::Pending);
        shop.minutes(10);
    }
    shop.gateway.roll(|_| None);
    for _ in 0..20 {
        shop.minutes(10);
        shop.settle();
    }
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 0, 1_000));
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    assert!(!shop.gateway.pay(payment), "nothing can come of it any more");
    let voids = shop.gateway.calls().iter().filter(|call| matches!(call, Call::Void(_))).count();
    assert!(voids >= 3, "{voids}");
}

#[test]
fn a_payment_that_is_made_at_the_last_moment_keeps_the_order() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    shop.world.days(2);
    shop.gateway.pay(payment);
    shop.settle();
    let seen = shop.world.seen(order);
    assert_eq!((seen.status, seen.paid_total), (OrderStatus::Confirmed, eur(1_999)));
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999));
}

#[test]
fn money_for_an_order_that_lapsed_holds_the_goods_again_if_they_are_there() {
    let shop = CardShop::new();
    let (order, payment) = paid_and_lapsed(&shop);
    take(&shop, payment);
    for _ in 0..3 {
        shop.deliver_last();
        let seen = shop.world.seen(order);
        assert_eq!((seen.status, seen.paid_total), (OrderStatus::Confirmed, eur(1_999)));
        assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999));
    }
    shop.settle();
    assert_eq!(shop.gateway.kept(payment), 1_999);
    shop.world.fulfill_all(order).unwrap();
}

#[test]
fn money_that_is_set_aside_for_an_order_that_lapsed_holds_the_goods_again_too() {
    let shop = CardShop::new();
    let (order, payment) = failed_and_lapsed(&shop);
    set_aside(&shop, payment);
    shop.deliver_last();
    let seen = shop.world.seen(order);
    assert_eq!((seen.status, seen.authorized_total), (OrderStatus::Confirmed, eur(1_999)));
    assert_eq!(shop.world.stock(shop.shirt), (1_000, 1, 999));
    assert_eq!(shop.world.capture(order).unwrap().paid_total, eur(1_999));
}

#[test]
fn money_for_an_order_that_lapsed_because_it_was_not_sent_in_time_is_given_back() {
    let shop = CardShop::new();
    shop.world.configure(|it| {
        it.payment_terms.insert(card(), PaymentTerms::OnDelivery { days: 1 });
    });
    let (order, payment) = paid_and_lapsed(&shop);
    take(&shop, payment);
    shop.deliver_last();
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    assert_eq!(shop.gateway.kept(payment), 0);
}

#[test]
fn money_for_units_whose_money_was_given_back_is_given_back_as_well() {
    let shop = CardShop::new();
    let (order, first) = shop.order(waits());
    shop.gateway.script([Reply::Accept, waits()]);
    let choice = PaymentChoice::new(card());
    let paid = shop.world.shop.pay_order(&shop.world.system, order, &choice, None);
    let second = block_on(paid).unwrap().payment.as_ref().unwrap().id;
    shop.world.days(2);
    shop.settle();
    shop.world.set_stock(shop.shirt, 0, None);
    // The customer does not get it back at once: a person sees to it.
    shop.gateway.script([Reply::Decline { reason: label("no") }]);
    take(&shop, first);
    shop.deliver_last();
    let unit = refund_units(&[(shop.world.seen(order).lines[0].id, 1)]);
    shop.world.refund(order, &unit).unwrap();
    shop.world.set_stock(shop.shirt, 9, None);
    take(&shop, second);
    shop.deliver_last();
    assert_eq!([first, second].map(|payment| shop.gateway.kept(payment)), [0, 0]);
    let seen = shop.world.seen(order);
    assert_eq!((seen.cancel_reason, seen.lines[0].refunded), (Some(CancelReason::Expired), 1));
    assert_eq!(shop.world.stock(shop.shirt), (9, 0, 9));
}

#[test]
fn money_for_goods_that_are_gone_is_given_back_exactly_once() {
    let shop = CardShop::new();
    let (order, payment) = paid_and_lapsed(&shop);
    shop.world.set_stock(shop.shirt, 0, None);
    take(&shop, payment);
    let first = shop.gateway.webhooks() - 1;
    // The answer of the refund is lost as well, and everything comes again and again.
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    shop.deliver(first);
    for _ in 0..5 {
        for n in first..shop.gateway.webhooks() {
            shop.deliver(n);
        }
        shop.minutes(10);
        shop.settle();
    }
    let seen = shop.world.seen(order);
    assert_eq!((seen.status, shop.gateway.kept(payment)), (OrderStatus::Cancelled, 0));
    assert_eq!(seen.payment_status, PaymentStatus::Refunded);
    assert_eq!(seen.payments[0].refunds.len(), 1);
    assert_eq!((seen.paid_total, seen.refunded_total), (eur(1_999), eur(1_999)));
    assert_eq!(shop.world.stock(shop.shirt), (0, 0, 0));
}

#[test]
fn money_that_is_set_aside_when_the_goods_are_gone_is_let_go_exactly_once() {
    let shop = CardShop::new();
    let (order, payment) = failed_and_lapsed(&shop);
    shop.world.set_stock(shop.shirt, 0, None);
    set_aside(&shop, payment);
    let first = shop.gateway.webhooks() - 1;
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    shop.deliver(first);
    for _ in 0..3 {
        for n in first..shop.gateway.webhooks() {
            shop.deliver(n);
        }
        shop.minutes(10);
        shop.settle();
    }
    let (_, there) = shop.gateway.payments().into_iter().find(|(id, _)| *id == payment).unwrap();
    assert_eq!((there.status, there.capturable), (ProviderStatus::Voided, eur(0)));
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
    assert_eq!(shop.gateway.kept(payment), 0);
}

#[test]
fn what_can_be_paid_again_for_an_order_that_lapsed_is_called_off_again() {
    let shop = CardShop::new();
    let (order, payment) = paid_and_lapsed(&shop);
    // The provider mixes it up with another, until it does not.
    for amount in [eur(1), eur(1_999)] {
        shop.gateway.change(payment, |it| {
            (it.status, it.amount) = (ProviderStatus::RequiresAction, amount);
        });
        shop.deliver_last();
    }
    assert_eq!(shop.payment(payment).status, PaymentStatus::Voided);
    assert!(!shop.gateway.pay(payment), "nothing can come of it any more");
    assert_eq!(shop.world.seen(order).status, OrderStatus::Cancelled);
}

#[test]
fn what_a_gateway_will_not_let_go_of_is_asked_for_again_more_and_more_seldom() {
    let shop = CardShop::new();
    let (_, payment) = failed_and_lapsed(&shop);
    shop.world.set_stock(shop.shirt, 0, None);
    set_aside(&shop, payment);
    let no = || Reply::Decline { reason: label("no") };
    shop.gateway.script(std::iter::repeat_with(no).take(5));
    let asked = || shop.gateway.calls().iter().filter(|call| matches!(call, Call::Void(_))).count();
    shop.deliver_last();
    let mut minutes = vec![0; asked()];
    for minute in 1..=120 {
        shop.minutes(1);
        shop.settle();
        minutes.resize(asked(), minute);
    }
    assert_eq!(minutes, [0, 2, 6, 14, 30, 62]);
    assert_eq!(shop.payment(payment).status, PaymentStatus::Voided);
}

#[test]
fn what_cannot_be_right_is_reviewed_and_never_sent() {
    type Change = fn(&mut ProviderPayment);
    let cases: [(Change, ReviewReason); 4] = [
        (|it| it.account.livemode = true, ReviewReason::WrongAccount),
        (|it| it.amount = eur(1), ReviewReason::WrongAmount),
        (|it| it.captured = eur(2_000), ReviewReason::WrongAmount),
        (
            |it| {
                it.amount = Money::new(1_999, Currency::USD);
                it.captured = it.amount;
                it.capturable = Money::zero(Currency::USD);
            },
            ReviewReason::WrongCurrency,
        ),
    ];
    for (change, reason) in cases {
        for by_sweep in [false, true] {
            let shop = CardShop::new();
            let (order, payment) = shop.order(waits());
            shop.gateway.change(payment, |it| {
                (it.status, it.captured) = (ProviderStatus::Captured, it.amount);
                change(it);
            });
            if by_sweep {
                shop.minutes(2);
                shop.settle();
            } else {
                shop.deliver_last();
            }
            let found = shop.payment(payment);
            assert_eq!(found.in_review(), Some(reason));
            assert_eq!((found.status, found.captured), (PaymentStatus::NeedsReview, eur(0)));
            let seen = shop.world.seen(order);
            assert_eq!((seen.payment_status, seen.paid_total), (found.status, eur(0)));
            assert!(shop.world.fulfill_all(order).is_err(), "{reason:?}");
            // Time does not make it right, and does not give away what may have been paid for.
            shop.world.days(30);
            shop.settle();
            assert!(shop.world.fulfill_all(order).is_err(), "{reason:?}");
            assert_eq!(shop.payment(payment).status, PaymentStatus::NeedsReview);
        }
    }
}
