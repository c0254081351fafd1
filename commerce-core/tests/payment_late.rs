//! Money that comes, goes or is waited for when nobody does any more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use commerce_core::{
    access::Caller,
    catalog::{Backorder, CreateVariant},
    checkout::PlaceOrder,
    gateway::{
        Call, Fault, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus, Reply,
        ScriptedGateway,
    },
    id::{OrderId, PaymentId},
    order::{CancelReason, FulfillmentStatus, OrderStatus, PaymentTerms},
    payment::{
        CapturePayment, CapturePolicy, DisputeStatus, OperationKind, PaymentChoice, PaymentStatus,
        RefundStatus, VoidPayment,
    },
    store::{Due, OrderRef},
    text::GatewayName,
    time::Timestamp,
};
use pollster::block_on;
use support::{faults::Shared, *};

fn wire() -> GatewayName {
    GatewayName::new("wire").unwrap()
}

fn sesame() -> Reply {
    Reply::RequireAction { client_secret: "sesame".parse().unwrap(), redirect_url: None }
}

/// A shop that is paid by wire, and an order of two shirts for 39.98 in it.
struct Bought {
    store: Shared,
    w: World,
    gateway: ScriptedGateway,
    order: OrderId,
}

impl Bought {
    fn new(policy: CapturePolicy, script: impl IntoIterator<Item = Reply>) -> Self {
        Self::selling(CreateVariant::new("SHIRT", eur(1_999)).unwrap(), policy, script)
    }

    fn selling(
        variant: CreateVariant,
        policy: CapturePolicy,
        script: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let gateway = ScriptedGateway::new(wire());
        gateway.script(script);
        let store = Shared::new();
        let w = World::over(store.clone(), 1).with(|shop| shop.with_gateway(gateway.clone()));
        w.configure(|shop| {
            shop.payment_terms.insert(wire(), PaymentTerms::Prepaid { days: 2 });
            shop.capture.insert(wire(), policy);
        });
        let shirt = w.sell_as(variant, 5);
        let (guest, cart) = w.guest();
        w.add(&guest, cart, shirt, 2).unwrap();
        w.ready(&guest, cart);
        let request = PlaceOrder::paid_by(wire());
        let placed = block_on(w.shop.place_order(&guest, cart, &request)).unwrap();
        Self { order: placed.order.id, store, w, gateway }
    }

    /// One that nobody paid in time, and whose payment was called off.
    fn lapsed() -> Self {
        let t = Self::new(CapturePolicy::Automatic, [sesame()]);
        t.lapse();
        t
    }

    fn lapse(&self) {
        self.w.days(2);
        assert_eq!(self.w.sweep().0, 1);
        assert_eq!(self.status(0), PaymentStatus::Voided);
    }

    fn payment(&self, nth: usize) -> PaymentId {
        self.w.seen(self.order).payments[nth].id
    }

    fn status(&self, nth: usize) -> PaymentStatus {
        self.w.seen(self.order).payments[nth].status
    }

    fn pay_again(&self) -> Result<(), commerce_core::Error> {
        let choice = PaymentChoice::new(wire());
        // The later one comes last.
        self.w.clock.advance(Duration::from_secs(1));
        block_on(self.w.shop.pay_order(&Caller::system(), self.order, &choice, None)).map(drop)
    }

    fn minutes(&self, minutes: u64) {
        self.w.clock.advance(Duration::from_secs(60 * minutes));
    }

    /// Something happens at the provider, which tells of it.
    fn change(&self, nth: usize, act: impl FnOnce(&mut ProviderPayment)) {
        assert!(self.gateway.change(self.payment(nth), act));
        let (headers, body) = self.gateway.webhook(self.gateway.webhooks() - 1).unwrap();
        let told = block_on(self.w.shop.receive_webhook(&wire(), &headers, &body)).unwrap();
        block_on(self.w.shop.handle_webhook(told.id)).unwrap();
    }
}

/// The whole of it is disputed.
fn disputed() -> ProviderDispute {
    ProviderDispute {
        reference: "du_1".parse().unwrap(),
        amount: eur(3_998),
        status: DisputeStatus::Open,
        reason: None,
        opened_at: Timestamp::UNIX_EPOCH,
    }
}

fn takes_all(payment: &mut ProviderPayment) {
    (payment.status, payment.captured) = (ProviderStatus::Captured, payment.amount);
    payment.capturable = eur(0);
}

/// A refund that somebody makes on the provider's own page.
fn given_by_hand(minor: i64) -> ProviderRefund {
    ProviderRefund {
        reference: "re_by_hand".parse().unwrap(),
        refund_id: None,
        amount: eur(minor),
        status: RefundStatus::Succeeded,
        failure: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn what_was_not_captured_when_it_was_to_be_sent_is_captured_when_it_is_sent_once_more() {
    let t = Bought::new(CapturePolicy::OnFulfillment, [Reply::Authorize, Reply::Unavailable]);
    assert!(t.w.fulfill_all(t.order).is_err());
    let sent = t.w.fulfill_all(t.order).unwrap();
    assert_eq!(sent.fulfillment_status, FulfillmentStatus::Fulfilled);
    assert_eq!((sent.paid_total, t.gateway.kept(t.payment(0))), (eur(3_998), 3_998));
}

#[test]
fn an_order_whose_money_is_set_aside_is_not_paid_in_another_way() {
    let t = Bought::new(CapturePolicy::Manual, [Reply::Authorize]);
    assert!(not_now(t.pay_again()));
    assert_eq!(t.status(0), PaymentStatus::Authorized, "and it is set aside still");
}

#[test]
fn what_is_set_aside_is_let_go_when_another_payment_brings_the_money() {
    let t = Bought::new(CapturePolicy::Manual, [sesame(), Reply::Accept, Reply::Authorize]);
    t.pay_again().unwrap();
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Voided, PaymentStatus::Authorized));
    t.change(0, takes_all);
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Voided));
    assert_eq!(t.w.seen(t.order).paid_total, eur(3_998));
}

#[test]
fn what_is_set_aside_is_let_go_although_some_of_the_money_was_given_back_already() {
    let t = Bought::new(CapturePolicy::Manual, [sesame(), Reply::Accept, Reply::Authorize]);
    t.pay_again().unwrap();
    t.change(0, |payment| {
        takes_all(payment);
        payment.refunds.push(given_by_hand(1_000));
    });
    assert_eq!(t.status(0), PaymentStatus::PartiallyRefunded);
    assert_eq!(t.status(1), PaymentStatus::Voided);
}

#[test]
fn the_rest_of_an_order_is_asked_for_once_however_many_want_to_pay_it() {
    let t = Bought::new(CapturePolicy::Manual, [Reply::Authorize]);
    let part = CapturePayment { amount: Some(eur(1_000)), payment_id: None };
    block_on(t.w.shop.capture(&t.w.system, t.order, &part, None)).unwrap();
    t.w.refund(t.order, &refund_of(1)).unwrap();
    let (shop, order) = (t.w.shop.clone(), t.order);
    t.store.before_next_commit(move || {
        let choice = PaymentChoice::new(wire());
        block_on(shop.pay_order(&Caller::system(), order, &choice, None)).unwrap();
    });
    assert!(not_now(t.pay_again()), "somebody else was faster");
    assert_eq!(t.w.seen(t.order).payments.len(), 2);
    assert_eq!(t.w.seen(t.order).authorized_total, eur(2_998));
}

#[test]
fn what_the_customer_may_still_pay_is_called_off_when_another_payment_brings_the_money() {
    let t = Bought::new(CapturePolicy::Automatic, [sesame(), Reply::Accept, sesame()]);
    t.pay_again().unwrap();
    t.change(0, takes_all);
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Voided));
    assert!(!t.gateway.pay(t.payment(1)), "they cannot pay twice");
}

#[test]
fn a_payment_that_its_customer_has_forgotten_is_called_off_although_the_order_goes_on() {
    let t = Bought::new(CapturePolicy::Manual, [Reply::Authorize, Reply::Accept, sesame()]);
    let part = CapturePayment { amount: Some(eur(1_000)), payment_id: None };
    block_on(t.w.shop.capture(&t.w.system, t.order, &part, None)).unwrap();
    t.pay_again().unwrap();
    assert_eq!(t.status(1), PaymentStatus::RequiresAction);
    t.w.days(1);
    t.w.sweep();
    assert_eq!(t.status(1), PaymentStatus::RequiresAction, "there is time until tomorrow");
    t.w.days(1);
    t.w.sweep();
    assert_eq!(t.status(1), PaymentStatus::Voided);
    let due = block_on(t.w.shop.store().due(Timestamp::MAX, 10)).unwrap();
    assert!(!due.iter().any(|it| matches!(it, Due::Payment(_))), "nobody looks at it any more");
    assert_eq!(t.w.seen(t.order).paid_total, eur(1_000));
}

#[test]
fn what_others_gave_back_is_booked_once_a_refund_that_stood_in_its_way_came_to_nothing() {
    for declines in [true, false] {
        let t = Bought::new(CapturePolicy::Automatic, []);
        t.gateway.script(declines.then(|| Reply::Decline { reason: "no".parse().unwrap() }));
        let given = |payment: &mut ProviderPayment| payment.refunds.push(given_by_hand(1_000));
        // Nobody tells of it: the shop thinks that all of the money is there.
        t.gateway.change(t.payment(0), given);
        assert!(t.w.refund(t.order, &refund_of(3_998)).is_err(), "so much is not left");
        let seen = t.w.seen(t.order);
        assert_eq!((seen.refunded_total, t.gateway.kept(t.payment(0))), (eur(1_000), 2_998));
        assert!(t.w.refund(t.order, &refund_of(2_998)).is_ok(), "and the rest can be given back");
    }
}

#[test]
fn a_payment_that_was_called_off_stays_called_off() {
    let t = Bought::new(CapturePolicy::Manual, [Reply::Authorize]);
    let void = || {
        let request = VoidPayment::default();
        block_on(t.w.shop.void(&t.w.system, t.order, &request, None))
    };
    assert!(void().is_ok() && not_now(void()));
    assert!(t.pay_again().is_ok(), "and can be paid in another way");
}

#[test]
fn late_money_is_given_back_as_far_as_it_is_there_and_the_order_stays_called_off() {
    let cents = |payment: &mut ProviderPayment| {
        (payment.status, payment.captured) = (ProviderStatus::Captured, eur(1));
    };
    let by_hand = |payment: &mut ProviderPayment| {
        takes_all(payment);
        payment.refunds.push(given_by_hand(1_000));
    };
    let by_bank = |payment: &mut ProviderPayment| {
        takes_all(payment);
        payment.disputes.push(disputed());
    };
    for (late, given) in [
        (&cents as &dyn Fn(&mut ProviderPayment), 1),
        // Somebody has given a part back before the shop heard of any of it.
        (&by_hand, 3_998),
        (&by_bank, 0),
    ] {
        let t = Bought::lapsed();
        t.change(0, late);
        let seen = t.w.seen(t.order);
        assert_eq!(seen.cancel_reason, Some(CancelReason::Expired));
        assert_eq!(seen.refunded_total, eur(given));
        assert_eq!(t.w.stock(seen.lines[0].variant_id), (5, 0, 5));
    }
}

#[test]
fn late_money_for_what_a_person_called_off_is_given_back_though_the_goods_are_there() {
    let t = Bought::new(CapturePolicy::Automatic, [sesame()]);
    t.w.cancel(t.order).unwrap();
    t.change(0, takes_all);
    let seen = t.w.seen(t.order);
    assert_eq!(seen.cancel_reason, Some(CancelReason::Shop));
    assert_eq!((seen.refunded_total, t.gateway.kept(t.payment(0))), (eur(3_998), 0));
}

#[test]
fn late_money_takes_the_order_up_again_also_if_some_of_it_must_be_waited_for() {
    for (backorder, waits) in [(Backorder::Deny, None), (Backorder::Allow, Some(1))] {
        let shirt = CreateVariant { backorder, ..CreateVariant::new("SHIRT", eur(1_999)).unwrap() };
        let t = Bought::selling(shirt, CapturePolicy::Automatic, [sesame()]);
        t.lapse();
        let shirt = t.w.seen(t.order).lines[0].variant_id;
        t.w.buy(&[(shirt, 4)]);
        t.change(0, takes_all);
        let seen = t.w.seen(t.order);
        match waits {
            Some(units) => {
                assert_eq!((seen.status, seen.cancel_reason), (OrderStatus::Confirmed, None));
                assert_eq!((seen.lines[0].cancelled, seen.lines[0].backordered), (0, units));
                assert_eq!(t.w.stock(shirt).1, 5, "the last one is kept for it");
            }
            None => assert_eq!(seen.refunded_total, eur(3_998), "one is not enough"),
        }
    }
}

#[test]
fn units_are_not_refunded_any_more_when_a_bank_sends_their_money_back() {
    let t = Bought::new(CapturePolicy::Automatic, []);
    let unit = refund_units(&[(t.w.seen(t.order).lines[0].id, 1)]);
    assert_eq!(t.w.refund(t.order, &unit).unwrap().lines[0].refunded, 1);
    t.change(0, |payment| payment.refunds[0].status = RefundStatus::Failed);
    let seen = t.w.seen(t.order);
    assert_eq!((seen.lines[0].refunded, seen.refunded_total), (0, eur(0)));
    assert_eq!(t.w.refund(t.order, &unit).unwrap().lines[0].refunded, 1);
}

#[test]
fn what_is_paid_is_not_paid_again() {
    let t = Bought::new(CapturePolicy::Automatic, []);
    assert!(not_now(t.pay_again()));
    t.w.refund(t.order, &refund_of(1_000)).unwrap();
    assert!(not_now(t.pay_again()), "nor is what was given back of it");
    assert_eq!(t.w.seen(t.order).payments.len(), 1);
    let void = block_on(t.w.shop.void(&t.w.system, t.order, &VoidPayment::default(), None));
    assert!(not_now(void), "nor is it called off, and its gateway is not asked");
    let asked = &t.w.seen(t.order).payments[0].operations;
    assert!(asked.iter().all(|it| it.kind != OperationKind::Void), "{asked:?}");
}

#[test]
fn what_a_customer_still_confirms_after_another_payment_brought_the_money_is_let_go() {
    let no = Reply::Decline { reason: "not now".parse().unwrap() };
    let t = Bought::new(CapturePolicy::Manual, [sesame(), Reply::Accept, sesame(), no]);
    t.pay_again().unwrap();
    t.change(0, takes_all);
    let there = (t.status(0), t.status(1));
    assert_eq!(there, (PaymentStatus::Paid, PaymentStatus::RequiresAction), "it was refused");
    t.change(1, |payment| {
        (payment.status, payment.capturable) = (ProviderStatus::Authorized, payment.amount);
    });
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Voided));
    assert_eq!(t.w.seen(t.order).authorized_total, eur(0));
}

#[test]
fn what_is_found_only_after_another_payment_brought_the_money_is_called_off() {
    for lost in [sesame(), Reply::Authorize] {
        let replies = [sesame(), Reply::Accept, Reply::Lost(Box::new(lost))];
        let t = Bought::new(CapturePolicy::Automatic, replies);
        assert!(t.pay_again().is_err(), "nobody knows what came of it");
        t.change(0, takes_all);
        assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Pending));
        t.minutes(2);
        t.w.sweep();
        assert_eq!(t.status(1), PaymentStatus::Voided);
        assert!(!t.gateway.pay(t.payment(1)), "they cannot pay twice");
    }
}

#[test]
fn what_is_set_aside_is_let_go_only_once_it_is_known_what_came_of_the_call_to_take_it() {
    let t = Bought::new(CapturePolicy::Manual, [sesame(), Reply::Accept, Reply::Authorize]);
    t.pay_again().unwrap();
    t.gateway.roll(|call| matches!(call, Call::Capture(_)).then_some(Fault::LostBefore));
    assert!(t.w.capture(t.order).is_err());
    t.change(0, takes_all);
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Authorized));
    t.gateway.roll(|_| None);
    t.gateway.script([Reply::Decline { reason: "no".parse().unwrap() }]);
    t.minutes(2);
    t.w.sweep();
    assert_eq!((t.status(0), t.status(1)), (PaymentStatus::Paid, PaymentStatus::Voided));
}

#[test]
fn of_what_is_taken_beyond_the_total_each_payment_gives_back_what_it_brought_too_much() {
    let t = Bought::new(CapturePolicy::Manual, [sesame(), Reply::Accept, Reply::Authorize]);
    t.pay_again().unwrap();
    let part = CapturePayment { amount: Some(eur(1_000)), payment_id: None };
    block_on(t.w.shop.capture(&t.w.system, t.order, &part, None)).unwrap();
    t.change(0, takes_all);
    assert_eq!(t.w.seen(t.order).refunded_total, eur(1_000));
    t.change(1, |payment| payment.captured = eur(2_000));
    assert_eq!(t.w.seen(t.order).refunded_total, eur(2_000), "and not what was given back before");
    let kept = [0, 1].map(|nth| t.gateway.kept(t.payment(nth)));
    assert_eq!(kept, [2_998, 1_000]);
    let inputs = block_on(t.w.shop.store().order(&OrderRef::Id(t.order))).unwrap().unwrap();
    assert_eq!(inputs.left_to_pay(), eur(0));
}

#[test]
fn an_order_whose_money_comes_at_that_moment_is_not_paid_in_another_way() {
    let t = Bought::new(CapturePolicy::Automatic, [sesame()]);
    block_on(t.w.shop.void(&t.w.system, t.order, &VoidPayment::default(), None)).unwrap();
    let (shop, gateway, payment) = (t.w.shop.clone(), t.gateway.clone(), t.payment(0));
    t.store.before_next_commit(move || {
        gateway.change(payment, takes_all);
        let (headers, body) = gateway.webhook(gateway.webhooks() - 1).unwrap();
        let told = block_on(shop.receive_webhook(&wire(), &headers, &body)).unwrap();
        block_on(shop.handle_webhook(told.id)).unwrap();
    });
    assert!(not_now(t.pay_again()));
    let seen = t.w.seen(t.order);
    assert_eq!((seen.payments.len(), seen.paid_total), (1, eur(3_998)));
}

#[test]
fn a_forgotten_payment_that_somebody_calls_off_at_that_moment_is_left_to_them() {
    let t = Bought::new(CapturePolicy::Manual, [Reply::Authorize, Reply::Accept, sesame()]);
    let part = CapturePayment { amount: Some(eur(1_000)), payment_id: None };
    block_on(t.w.shop.capture(&t.w.system, t.order, &part, None)).unwrap();
    t.pay_again().unwrap();
    t.w.days(2);
    let (shop, gateway, order) = (t.w.shop.clone(), t.gateway.clone(), t.order);
    let payment_id = Some(t.payment(1));
    t.store.before_next_commit(move || {
        gateway.roll(|call| matches!(call, Call::Void(_)).then_some(Fault::LostBefore));
        let void = VoidPayment { payment_id };
        block_on(shop.void(&Caller::system(), order, &void, None)).unwrap_err();
    });
    let swept = block_on(t.w.shop.sweep(100)).unwrap();
    assert_eq!((swept.payments, t.status(1)), (1, PaymentStatus::RequiresAction));
    t.gateway.roll(|_| None);
    t.minutes(2);
    t.w.sweep();
    assert_eq!(t.status(1), PaymentStatus::Voided);
}
