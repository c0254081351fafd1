//! Payments: the state machine, gateways that answer late or never, and money that adds up.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use commerce_core::{
    Error,
    access::Caller,
    checkout::PlaceOrder,
    error::Rejection,
    gateway::{
        Call, ProviderAccount, ProviderPayment, ProviderRefund, ProviderStatus, Reply,
        ScriptedGateway,
    },
    id::{CartId, Moment},
    order::{OrderStatus, PaymentTerms},
    payment::{CapturePayment, CreateRefund, Payment, PaymentStatus, RefundStatus},
    text::GatewayName,
    time::Timestamp,
};
use pollster::block_on;
use proptest::prelude::*;
use support::*;

/// Something that a provider says of a payment of 100.
fn heard() -> impl Strategy<Value = ProviderPayment> {
    let statuses = prop_oneof![
        Just(ProviderStatus::RequiresAction),
        Just(ProviderStatus::Processing),
        Just(ProviderStatus::Authorized),
        Just(ProviderStatus::Captured),
        Just(ProviderStatus::Failed),
        Just(ProviderStatus::Voided),
        Just(ProviderStatus::Expired),
    ];
    let refund = (0..4u8, 1..80i64, 0..3u8).prop_map(|(n, minor, status)| ProviderRefund {
        reference: format!("re_{n}").parse().unwrap(),
        refund_id: None,
        amount: eur(minor),
        status: [RefundStatus::Pending, RefundStatus::Succeeded, RefundStatus::Failed]
            [usize::from(status)],
        failure: None,
        created_at: Timestamp::UNIX_EPOCH,
    });
    let refunds = prop::collection::vec(refund, 0..3);
    let amounts = prop_oneof![4 => Just(100), 1 => Just(99)];
    (statuses, 0..120i64, 0..120i64, amounts, refunds).prop_map(
        |(status, captured, capturable, amount, refunds)| {
            let mut refunds: Vec<ProviderRefund> = refunds;
            refunds.sort_by(|a, b| a.reference.cmp(&b.reference));
            refunds.dedup_by(|a, b| a.reference == b.reference);
            let reference = "pi_1".parse().unwrap();
            let state = ProviderPayment::new(reference, account(), status, eur(amount));
            let (captured, capturable) = match status {
                ProviderStatus::Captured => (eur(captured), eur(capturable)),
                ProviderStatus::Authorized => (eur(0), eur(capturable)),
                _ => (eur(0), eur(0)),
            };
            ProviderPayment { captured, capturable, refunds, ..state }
        },
    )
}

fn account() -> ProviderAccount {
    ProviderAccount { id: None, livemode: true }
}

proptest! {
    #[test]
    fn a_payment_only_moves_forward_and_keeps_its_amounts(
        story in prop::collection::vec(heard(), 0..12),
    ) {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [1; 16]);
        let (id, order) = (moment.id(), moment.id());
        let mut payment = Payment::new(id, order, GatewayName::manual(), eur(100), moment.now());
        for state in story {
            let next = payment.merge(&state, &account(), &mut moment);
            let status = next.status;
            let reviewed = |it: &Payment| it.status == PaymentStatus::NeedsReview;
            let failed = |it: &Payment| {
                it.refunds.iter().filter(|refund| refund.status == RefundStatus::Failed).count()
            };
            if !reviewed(&payment) && !reviewed(&next) && failed(&payment) == failed(&next) {
                prop_assert!(status.rank() >= payment.status.rank(), "{payment:?} {next:?}");
            }
            prop_assert!(next.captured.minor() >= payment.captured.minor());
            prop_assert!(next.authorized.minor() >= payment.authorized.minor());
            if failed(&payment) == failed(&next) {
                prop_assert!(next.refunded.minor() >= payment.refunded.minor());
            }
            let [authorized, released, captured, refunded] =
                [next.authorized, next.released, next.captured, next.refunded].map(|it| it.minor());
            prop_assert!(released >= 0 && captured + released <= authorized && authorized <= 100);
            prop_assert!(refunded + next.being_refunded().minor() <= captured, "{next:?}");
            if status != PaymentStatus::NeedsReview && captured > 0 {
                let expected = match refunded {
                    0 if captured == 100 => PaymentStatus::Paid,
                    0 => PaymentStatus::PartiallyCaptured,
                    all if all == captured => PaymentStatus::Refunded,
                    _ => PaymentStatus::PartiallyRefunded,
                };
                prop_assert_eq!(status, expected, "{:?}", next);
            }
            let again = next.merge(&state, &account(), &mut moment);
            prop_assert_eq!(&again, &next, "twice is once");
            payment = next;
        }
    }
}

fn wire() -> GatewayName {
    GatewayName::new("wire").unwrap()
}

fn sesame() -> Reply {
    Reply::RequireAction { client_secret: "sesame".parse().unwrap(), redirect_url: None }
}

/// A shop that is paid by wire, and a guest's cart of one shirt at 19.99 with a key.
fn online() -> (World, ScriptedGateway, Caller, CartId) {
    let gateway = ScriptedGateway::new(wire());
    let w = World::new().with(|shop| shop.with_gateway(gateway.clone()));
    w.configure(|shop| {
        shop.payment_terms = BTreeMap::from([(wire(), PaymentTerms::default())]);
    });
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    (w, gateway, guest.with_key(key("checkout")), cart)
}

#[test]
fn an_online_payment_begins_after_the_order_is_committed_and_only_once() {
    let (w, gateway, keyed, cart) = online();
    gateway.script([sesame()]);
    let request = PlaceOrder::paid_by(wire());
    let place = || block_on(w.shop.place_order(&keyed, cart, &request));
    let first = place().unwrap();
    let payment = first.payment.clone().unwrap();
    assert_eq!(payment.status, PaymentStatus::RequiresAction);
    assert_eq!(payment.client_secret.as_deref(), Some("sesame"));
    assert_eq!(first.order, w.order(&keyed, first.order.id).unwrap(), "the version too");
    let again = place().unwrap();
    assert!(again.replayed);
    assert_eq!(again.output, first.output, "the first answer, whatever became of the order");
    assert_eq!(gateway.calls(), [Call::Create(payment.id)]);
}

#[test]
fn a_gateway_that_does_not_answer_leaves_an_order_that_can_be_asked_again() {
    let lost = Reply::Lost(Box::new(sesame()));
    for script in [vec![Reply::Unavailable, sesame()], vec![lost]] {
        let (w, gateway, keyed, cart) = online();
        let request = PlaceOrder::paid_by(wire());
        let place = || block_on(w.shop.place_order(&keyed, cart, &request));
        gateway.script(script);
        let failed = place().unwrap_err();
        assert!(!failed.is_retryable(), "the order was written");
        assert!(!failed.to_string().contains("store"), "{failed}");
        let placed = place().unwrap();
        assert_eq!(placed.payment.as_ref().unwrap().client_secret.as_deref(), Some("sesame"));
        let payment = placed.payment.as_ref().unwrap().id;
        assert_eq!(gateway.payments().len(), 1, "the same payment both times");
        assert_eq!(gateway.calls()[..2], [Call::Create(payment), Call::Fetch(payment)]);
        w.days(8);
        assert_eq!(w.sweep().0, 1);
        assert_eq!(w.seen(placed.order.id).status, OrderStatus::Cancelled);
    }
}

#[test]
fn a_declined_payment_leaves_the_order_unpaid_until_it_lapses() {
    let (w, gateway, keyed, cart) = online();
    gateway.script([Reply::Decline { reason: "No funds".parse().unwrap() }]);
    let placed = block_on(w.shop.place_order(&keyed, cart, &PlaceOrder::paid_by(wire())));
    assert!(matches!(refused(placed), Rejection::PaymentDeclined { .. }));
    w.days(8);
    assert_eq!(w.sweep().0, 1);
}

#[test]
fn a_repeated_capture_or_refund_does_not_reach_the_gateway_again() {
    let (w, gateway, keyed, cart) = online();
    gateway.script([Reply::Authorize]);
    let placed = block_on(w.shop.place_order(&keyed, cart, &PlaceOrder::paid_by(wire()))).unwrap();
    let id = placed.order.id;
    let staff = w.system.clone().with_key(key("capture"));
    let capture =
        || block_on(w.shop.capture(&staff, id, &CapturePayment::default(), None)).unwrap();
    assert_eq!(capture().output, capture().output);
    let staff = w.system.clone().with_key(key("refund"));
    let part = refund_of(500);
    let give = || block_on(w.shop.refund(&staff, id, &part, None)).unwrap();
    assert_eq!(give().output, give().output);
    assert_eq!(w.seen(id).refunded_total, eur(500));
    assert_eq!(gateway.calls().len(), 3);
    assert!(not_now(w.refund(id, &refund_of(1500))), "more than is left");
    assert_eq!(
        gateway.calls().len(),
        3,
        "what cannot be is refused before the gateway hears of it"
    );
}

#[test]
fn an_order_lapses_with_the_authorization_that_it_has() {
    let (w, gateway, keyed, cart) = online();
    gateway.script([Reply::Authorize]);
    let placed = block_on(w.shop.place_order(&keyed, cart, &PlaceOrder::paid_by(wire()))).unwrap();
    let id = placed.order.id;
    assert_eq!(placed.order.status, OrderStatus::Confirmed);
    assert_eq!(placed.order.expires_at, Some(w.now().saturating_add(Payment::AUTHORIZATION_LASTS)));
    let payment = placed.payment.as_ref().unwrap().id;
    gateway.change(payment, |payment| {
        (payment.status, payment.capturable) = (ProviderStatus::Expired, eur(0));
    });
    w.days(6);
    assert_eq!(w.sweep(), (0, 0));
    w.days(1);
    assert_eq!(w.sweep(), (1, 0));
    let seen = w.seen(id);
    assert_eq!(seen.status, OrderStatus::Cancelled);
    assert_eq!(seen.payment_status, PaymentStatus::Expired);
    assert!(not_now(w.fulfill_all(id)));
}

#[test]
fn money_that_was_given_back_is_counted_once_in_the_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 2)]);
    w.capture(order.id).unwrap();
    for n in 1..=3 {
        let after = w.refund(order.id, &refund_of(100)).unwrap();
        assert_eq!(
            (after.refunded_total, after.payments[0].refunds.len()),
            (eur(100 * n), n as usize)
        );
        assert_eq!(after.payment_status, PaymentStatus::PartiallyRefunded);
    }
    let all = w.refund(order.id, &CreateRefund::default()).unwrap();
    assert_eq!((all.refunded_total, all.paid_total), (eur(3998), eur(3998)));
    assert!(matches!(w.capture(order.id), Err(Error::Rejected(_))));
}
