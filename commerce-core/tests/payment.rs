//! Payments: the state machine, gateways that answer late or never, and money that adds up.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use commerce_core::{
    Error,
    access::Caller,
    checkout::PlaceOrder,
    error::Rejection,
    gateway::{Call, Reply, ScriptedGateway},
    id::{CartId, Moment},
    order::{Order, OrderStatus, PaymentTerms},
    payment::{CreateRefund, Payment, PaymentInput, PaymentStatus, Refund},
    store::OrderRef,
    text::GatewayName,
    time::Timestamp,
};
use pollster::block_on;
use proptest::prelude::*;
use support::*;

fn refund(minor: i64) -> PaymentInput {
    PaymentInput::Refund(Refund {
        id: "ref_00000000000000000000000000000001".parse().unwrap(),
        amount: eur(minor),
        lines: vec![],
        reason: None,
        created_at: Timestamp::UNIX_EPOCH,
    })
}

fn inputs() -> impl Strategy<Value = PaymentInput> {
    prop_oneof![
        Just(PaymentInput::RequireAction),
        Just(PaymentInput::Process),
        Just(PaymentInput::Authorize),
        Just(PaymentInput::Capture),
        Just(PaymentInput::Fail { reason: "No funds".parse().unwrap() }),
        Just(PaymentInput::Void),
        (-1..120i64).prop_map(refund),
    ]
}

fn rank(status: PaymentStatus) -> usize {
    PaymentStatus::ALL.iter().position(|other| *other == status).unwrap()
}

proptest! {
    #[test]
    fn a_payment_only_moves_forward_and_keeps_its_amounts(
        story in prop::collection::vec(inputs(), 0..12),
    ) {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [1; 16]);
        let (id, order) = (moment.id(), moment.id());
        let mut payment = Payment::new(id, order, GatewayName::manual(), eur(100), moment.now());
        for input in story {
            let Ok(next) = payment.apply(&input, moment.now()) else { continue };
            let (before, after) = (rank(payment.status), rank(next.status));
            let more_refunds = payment.status == PaymentStatus::PartiallyRefunded;
            prop_assert!(after > before || more_refunds && after >= before, "{payment:?} {next:?}");
            prop_assert!(next.captured == eur(0) || next.captured == next.amount);
            prop_assert!(!next.kept().is_negative());
            let refunds: i64 = next.refunds.iter().map(|refund| refund.amount.minor()).sum();
            prop_assert_eq!(next.refunded.minor(), refunds);
            prop_assert!(next.refunded.minor() <= next.captured.minor());
            let status = match (next.captured.minor(), next.refunded.minor()) {
                (0, _) => next.status,
                (_, 0) => PaymentStatus::Paid,
                (all, given) if all == given => PaymentStatus::Refunded,
                _ => PaymentStatus::PartiallyRefunded,
            };
            prop_assert_eq!(next.status, status);
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
    assert_eq!(first.order, w.seen(first.order.id), "the version too");
    let again = place().unwrap();
    assert!(again.replayed);
    assert_eq!(again.output, first.output, "the first answer, whatever became of the order");
    assert_eq!(gateway.calls(), [Call::Create(payment.id)]);
}

#[test]
fn a_gateway_that_does_not_answer_leaves_an_order_that_can_be_asked_again() {
    for fault in [Reply::Unavailable, Reply::Lost(Box::new(sesame()))] {
        let (w, gateway, keyed, cart) = online();
        let request = PlaceOrder::paid_by(wire());
        let place = || block_on(w.shop.place_order(&keyed, cart, &request));
        gateway.script([fault, sesame()]);
        let failed = place().unwrap_err();
        assert!(!failed.is_retryable(), "the order was written");
        assert!(!failed.to_string().contains("store"), "{failed}");
        let placed = place().unwrap();
        assert_eq!(placed.payment.as_ref().unwrap().client_secret.as_deref(), Some("sesame"));
        let payment = placed.payment.as_ref().unwrap().id;
        assert_eq!(gateway.calls(), [Call::Create(payment); 2], "the same payment both times");
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
    let capture = || block_on(w.shop.capture(&staff, id, None)).unwrap();
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
fn an_authorization_that_falls_away_brings_the_deadline_back() {
    let (w, gateway, keyed, cart) = online();
    gateway.script([Reply::Authorize]);
    let placed = block_on(w.shop.place_order(&keyed, cart, &PlaceOrder::paid_by(wire()))).unwrap();
    let id = placed.order.id;
    assert_eq!((placed.order.status, placed.order.expires_at), (OrderStatus::Confirmed, None));
    let read = || block_on(w.shop.store().order(&OrderRef::Id(id))).unwrap().unwrap();
    let inputs = read();
    let mut moment = w.shop.moment();
    let payment = inputs.payments[0].id;
    let decided =
        Order::apply_answer(&inputs, payment, Some(&PaymentInput::Void), None, &mut moment)
            .unwrap();
    block_on(w.shop.store().commit(&decided.commit)).unwrap();
    assert!(w.seen(id).expires_at.is_some());
    assert!(not_now(w.fulfill_all(id)));
    w.days(8);
    assert_eq!(w.sweep().0, 1);
    let capture = Some(&PaymentInput::Capture);
    let late = Order::apply_answer(&read(), payment, capture, None, &mut moment);
    assert!(matches!(late, Err(Rejection::InvalidTransition { .. })), "the money came too late");
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
