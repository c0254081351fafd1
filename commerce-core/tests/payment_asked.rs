//! When a gateway is asked, and when it is not: for whoever saw the order as it is, where the shop says
//! so, as long as somebody may come back for the answer, and never twice.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    checkout::PlaceOrder,
    error::{Error, Rejection},
    gateway::{Call, Fault, ProviderDispute, Reply},
    id::OrderId,
    order::OrderView,
    payment::{
        CapturePayment, CapturePolicy, DisputeStatus, OperationStatus, PaymentStatus, VoidPayment,
    },
    version::Version,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, label},
    eur, key, not_now, refund_of, refused,
};

#[test]
fn who_saw_an_older_order_asks_nothing_of_its_gateway() {
    let shop = CardShop::new();
    let (order, _) = shop.order(Reply::Authorize);
    let (commerce, system) = (&shop.world.shop, &shop.world.system);
    let before = shop.gateway.calls();
    let stale = Some(Version::FIRST);
    let stales = [
        block_on(commerce.capture(system, order, &CapturePayment::default(), stale)),
        block_on(commerce.void(system, order, &VoidPayment::default(), stale)),
        block_on(commerce.refund(system, order, &refund_of(1), stale)),
    ];
    for stale in stales {
        assert!(matches!(refused(stale), Rejection::VersionMismatch { .. }));
    }
    assert_eq!(shop.gateway.calls(), before);
    let seen = Some(shop.world.seen(order).version);
    block_on(commerce.capture(system, order, &CapturePayment::default(), seen)).unwrap();
}

#[test]
fn money_is_taken_when_goods_are_sent_only_where_the_shop_says_so() {
    for (policy, taken) in [(CapturePolicy::Manual, false), (CapturePolicy::OnFulfillment, true)] {
        let shop = CardShop::new();
        shop.world.configure(|settings| {
            settings.capture.insert(card(), policy);
        });
        let (order, payment) = shop.order(Reply::Accept);
        assert_eq!(shop.payment(payment).status, PaymentStatus::Authorized);
        shop.world.fulfill_all(order).unwrap();
        let asked = shop.gateway.calls().contains(&Call::Capture(payment));
        assert_eq!((asked, shop.gateway.kept(payment) > 0), (taken, taken), "{policy:?}");
    }
}

#[test]
fn a_payment_that_did_not_arrive_waits_for_whoever_may_ask_again() {
    for (minutes, status) in [(10, PaymentStatus::Paid), (20, PaymentStatus::Failed)] {
        let shop = CardShop::new();
        shop.gateway.roll(|_| Some(Fault::LostBefore));
        let (guest, cart) = shop.cart();
        let place =
            || block_on(shop.world.shop.place_order(&guest, cart, &PlaceOrder::paid_by(card())));
        place().unwrap_err();
        shop.gateway.roll(|_| None);
        shop.minutes(minutes);
        shop.settle();
        let placed = place().unwrap();
        let payment = placed.payment.as_ref().unwrap();
        assert_eq!(payment.status, status, "who comes back after {minutes} minutes");
        // If nobody came back in time, it never begins.
        let never = status == PaymentStatus::Failed;
        assert_eq!(shop.gateway.payments().is_empty(), never, "after {minutes} minutes");
    }
}

#[test]
fn a_refund_whose_key_the_provider_has_forgotten_is_given_once() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Accept);
    let staff = shop.world.system.clone().with_key(key("give back"));
    let give = || block_on(shop.world.shop.refund(&staff, order, &refund_of(500), None));
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    give().unwrap_err();
    shop.world.days(2);
    shop.gateway.forget_keys();
    assert_eq!(give().unwrap().refunded_total, eur(500));
    assert_eq!(shop.gateway.kept(payment), 1_499);
}

#[test]
fn who_repeats_a_request_hears_what_came_of_its_last_try() {
    type Ask = fn(&CardShop, &Caller, OrderId) -> Result<OrderView, Error>;
    let refund: Ask = |shop, staff, order| {
        block_on(shop.world.shop.refund(staff, order, &refund_of(500), None)).map(|it| it.output)
    };
    let capture: Ask = |shop, staff, order| {
        let request = CapturePayment::default();
        block_on(shop.world.shop.capture(staff, order, &request, None)).map(|it| it.output)
    };
    let void: Ask = |shop, staff, order| {
        let request = VoidPayment::default();
        block_on(shop.world.shop.void(staff, order, &request, None)).map(|it| it.output)
    };
    let asks = [(Reply::Capture, refund), (Reply::Authorize, capture), (Reply::Authorize, void)];
    for (reply, ask) in asks {
        let shop = CardShop::new();
        let (order, payment) = shop.order(reply);
        let staff = shop.world.system.clone().with_key(key("asked once"));
        shop.gateway.roll(|_| Some(Fault::Unreached));
        ask(&shop, &staff, order).unwrap_err();
        // The provider has forgotten the key by then, so that it is asked under another.
        shop.world.days(3);
        ask(&shop, &staff, order).unwrap_err();
        shop.gateway.roll(|_| None);
        let done = ask(&shop, &staff, order).unwrap();
        assert_eq!(ask(&shop, &staff, order).unwrap(), done);
        let tries = &shop.payment(payment).operations[1..];
        assert_eq!(tries.iter().map(|it| it.attempt).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(tries[1].status, OperationStatus::Done);
    }
}

#[test]
fn who_comes_back_for_what_a_gateway_does_not_do_is_told_to_wait_as_long_again() {
    let shop = CardShop::new();
    let (order, _) = shop.order(Reply::Accept);
    let staff = shop.world.system.clone().with_key(key("give back"));
    let give = || block_on(shop.world.shop.refund(&staff, order, &refund_of(500), None));
    shop.gateway.roll(|_| Some(Fault::Unreached));
    let pause = || give().unwrap_err().retry_after().unwrap().as_secs();
    assert_eq!(pause(), 1);
    for (minutes, seconds) in [(1, 60), (9, 600), (12 * 60, 6 * 3_600)] {
        shop.minutes(minutes);
        assert_eq!(pause(), seconds, "at most as seldom as the shop asks by itself");
    }
    shop.gateway.roll(|_| None);
    assert_eq!(give().unwrap().refunded_total, eur(500));
}

#[test]
fn what_did_not_arrive_in_time_is_asked_for_under_another_key() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Accept);
    let staff = shop.world.system.clone().with_key(key("give back"));
    shop.gateway.roll(|call| matches!(call, Call::Refund(_)).then_some(Fault::LostBefore));
    block_on(shop.world.shop.refund(&staff, order, &refund_of(500), None)).unwrap_err();
    shop.gateway.roll(|_| None);
    shop.world.days(2);
    shop.settle();
    let found = shop.payment(payment);
    let keys: Vec<_> = found.operations.iter().map(|it| it.key.as_str()).collect();
    assert_eq!((found.refunded, found.operations.len()), (eur(500), 3), "{keys:?}");
    assert_ne!(keys[1], keys[2]);
    assert_eq!(shop.gateway.kept(payment), 1_499);
}

#[test]
fn nobody_asks_under_a_key_while_another_is_about_to_take_its_place() {
    let shop = CardShop::new();
    let (order, _) = shop.order(Reply::Accept);
    let staff = shop.world.system.clone().with_key(key("give back"));
    let give = || block_on(shop.world.shop.refund(&staff, order, &refund_of(500), None));
    let asked = || {
        let asked = shop.gateway.calls();
        asked.iter().filter(|call| matches!(call, Call::Refund(_))).count()
    };
    shop.gateway.roll(|call| matches!(call, Call::Refund(_)).then_some(Fault::LostBefore));
    let last_minutes = 23 * 60 - 2;
    for (minutes, calls) in [(0, 1), (last_minutes - 1, 2), (1, 2), (1, 2)] {
        shop.minutes(minutes);
        let failed = give().unwrap_err();
        assert_eq!(asked(), calls);
        assert_eq!(matches!(failed, Error::InFlight), minutes == 1, "{failed:?}");
    }
    shop.gateway.roll(|_| None);
    shop.minutes(1);
    assert_eq!(give().unwrap().refunded_total, eur(500));
    assert_eq!(asked(), 3);
}

#[test]
fn what_is_on_its_way_back_or_disputed_is_not_given_back_once_more() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Accept);
    shop.gateway.script([Reply::Process]);
    shop.world.refund(order, &refund_of(1_000)).unwrap();
    let calls = shop.gateway.calls().len();
    assert!(not_now(shop.world.refund(order, &refund_of(1_000))));
    let dispute = ProviderDispute {
        reference: label("dp_1"),
        amount: eur(900),
        status: DisputeStatus::Open,
        reason: None,
        opened_at: shop.world.now(),
    };
    shop.gateway.change(payment, |it| it.disputes.push(dispute));
    shop.deliver_last();
    assert!(not_now(shop.world.refund(order, &refund_of(100))));
    let asked = shop.gateway.calls().into_iter().skip(calls);
    assert!(asked.into_iter().all(|call| !matches!(call, Call::Refund(_))));
    shop.world.refund(order, &refund_of(99)).unwrap();
    assert_eq!(shop.gateway.kept(payment), 900);
}

#[test]
fn what_came_of_a_lost_capture_is_found_out_before_something_else_is_asked_for() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Authorize);
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    shop.world.capture(order).unwrap_err();
    assert_eq!(shop.world.refund(order, &refund_of(500)).unwrap().refunded_total, eur(500));
    assert_eq!(shop.gateway.kept(payment), 1_499);
}

#[test]
fn a_dispute_that_was_decided_stays_so_when_its_beginning_is_heard_late() {
    let shop = CardShop::new();
    let (_, payment) = shop.order(Reply::Accept);
    let dispute = ProviderDispute {
        reference: label("dp_1"),
        amount: eur(900),
        status: DisputeStatus::Won,
        reason: None,
        opened_at: shop.world.now(),
    };
    shop.gateway.change(payment, |it| it.disputes.push(dispute));
    shop.deliver_last();
    shop.gateway.change(payment, |it| it.disputes[0].status = DisputeStatus::Open);
    shop.deliver_last();
    assert_eq!(shop.payment(payment).disputes[0].status, DisputeStatus::Won);
    shop.gateway.change(payment, |it| it.disputes[0].status = DisputeStatus::Lost);
    shop.deliver_last();
    assert_eq!(shop.payment(payment).disputes[0].status, DisputeStatus::Lost);
}
