//! What a gateway does not take, or does not accept: refused before anything is written where that is known,
//! and told the same way to everybody who asks where it is not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    checkout::PlaceOrder,
    error::{Error, Rejection},
    gateway::{Amounts, Reply},
    id::OrderId,
    order::{OrderStatus, OrderView},
    payment::{
        CapturePayment, CreateRefund, OperationStatus, PaymentChoice, PaymentStatus, RefundStatus,
        VoidPayment,
    },
    store::{OrderFilter, OrderQuery, OrderRef, PageRequest},
    text::GatewayName,
};
use pollster::block_on;
use support::{
    World,
    cards::{CardShop, card},
    eur, key, refund_of, refused,
};

fn orders(world: &World) -> Vec<OrderView> {
    let all = OrderQuery { filter: OrderFilter::default(), page: PageRequest::first(10) };
    block_on(world.shop.orders(&world.system, &all)).unwrap().items
}

/// A shop whose gateway takes these amounts alone.
fn taking(amounts: Option<Amounts>) -> CardShop {
    let shop = CardShop::new();
    let gateway = shop.gateway.clone().taking(amounts);
    shop.with_gateway(gateway)
}

#[test]
fn what_is_never_taken_is_refused_before_an_order_is_placed() {
    for (amounts, bound) in [
        (Some(Amounts { least: 2_000, ..Amounts::ALL }), "20.00 EUR or more"),
        (Some(Amounts { most: 1_998, ..Amounts::ALL }), "19.98 EUR or less"),
        (Some(Amounts { step: 10, ..Amounts::ALL }), "multiples of 0.10 EUR"),
        (None, "takes EUR"),
    ] {
        let shop = taking(amounts);
        let (guest, cart) = shop.cart();
        let place =
            || block_on(shop.world.shop.place_order(&guest, cart, &PlaceOrder::paid_by(card())));
        for _ in 0..2 {
            let Rejection::Invalid(errors) = refused(place()) else { panic!("{bound}") };
            assert_eq!(errors[0].pointer, "/payment/gateway");
            assert!(errors[0].detail.contains(bound), "{}", errors[0].detail);
        }
        assert!(orders(&shop.world).is_empty() && shop.gateway.calls().is_empty(), "{bound}");
    }
}

#[test]
fn what_is_never_taken_calls_no_other_payment_off() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(support::cards::waits());
    let (small, world) = (GatewayName::new("coins").unwrap(), &shop.world);
    let coins = commerce_core::gateway::ScriptedGateway::new(small.clone())
        .taking(Some(Amounts { most: 100, ..Amounts::ALL }));
    let commerce = world.shop.clone().with_gateway(coins);
    world.configure(|settings| {
        let terms = settings.payment_terms[&card()];
        settings.payment_terms.insert(small.clone(), terms);
    });
    let choice = PaymentChoice::new(small);
    let paid = block_on(commerce.pay_order(&world.system, order, &choice, None));
    assert!(matches!(refused(paid), Rejection::Invalid(_)));
    assert_eq!(shop.payment(payment).status, PaymentStatus::RequiresAction);
}

/// What a request is answered with that a gateway does not accept, at first and ever after.
fn refused_for_good(ask: impl Fn() -> Result<(), Error>) -> Rejection {
    let first = refused(ask());
    for _ in 0..2 {
        assert_eq!(refused(ask()), first);
    }
    first
}

#[test]
fn an_order_whose_payment_is_not_accepted_waits_for_another_whoever_asks() {
    let shop = CardShop::new();
    shop.gateway.script([Reply::Refuse]);
    let (guest, cart) = shop.cart();
    let place = || {
        block_on(shop.world.shop.place_order(&guest, cart, &PlaceOrder::paid_by(card())))
            .map(|_| ())
    };
    let Rejection::PaymentDeclined { order_id, .. } = refused_for_good(place) else {
        panic!("it was not told which order waits");
    };
    let [order] = orders(&shop.world).try_into().unwrap();
    assert_eq!((order.id, order.status), (order_id, OrderStatus::Pending));
    let payment = &order.payments[0];
    assert_eq!(payment.status, PaymentStatus::Failed);
    assert!(payment.failure.is_some(), "it says why");
    // Refused again, in another way of its own.
    shop.gateway.script([Reply::Refuse]);
    let pay = |name: &str| {
        let guest = guest.clone().with_key(key(name));
        let choice = PaymentChoice::new(card());
        block_on(shop.world.shop.pay_order(&guest, order_id, &choice, None)).map(|_| ())
    };
    let again = refused_for_good(|| pay("the second way"));
    assert!(matches!(again, Rejection::PaymentDeclined { order_id: it, .. } if it == order_id));
    pay("the third way").unwrap();
    assert_eq!(shop.world.seen(order_id).payment_status, PaymentStatus::Paid);
    // What was not accepted at first is still what was asked under that key.
    assert!(matches!(refused(place()), Rejection::PaymentDeclined { .. }));
}

#[test]
fn what_is_not_accepted_of_a_payment_is_told_again_and_can_be_asked_for_under_another_key() {
    let shop = CardShop::new();
    let system = &shop.world.system;
    type Ask<'a> = &'a dyn Fn(&CardShop, OrderId, &str) -> Result<(), Error>;
    let capture: Ask<'_> = &|shop, order, name| {
        let staff = system.clone().with_key(key(name));
        let request = CapturePayment::default();
        block_on(shop.world.shop.capture(&staff, order, &request, None)).map(|_| ())
    };
    let void: Ask<'_> = &|shop, order, name| {
        let staff = system.clone().with_key(key(name));
        block_on(shop.world.shop.void(&staff, order, &VoidPayment::default(), None)).map(|_| ())
    };
    let refund: Ask<'_> = &|shop, order, name| {
        let staff = system.clone().with_key(key(name));
        block_on(shop.world.shop.refund(&staff, order, &refund_of(500), None)).map(|_| ())
    };
    for (word, reply, ask) in [
        ("capture", Reply::Authorize, capture),
        ("void", Reply::Authorize, void),
        ("refund", Reply::Capture, refund),
    ] {
        let (order, payment) = shop.order(reply);
        let before = shop.payment(payment);
        shop.gateway.script([Reply::Refuse]);
        let first = format!("{word} at first");
        let refused = refused_for_good(|| ask(&shop, order, &first));
        let Rejection::InvalidTransition { what: "payment", why } = refused else {
            panic!("{word}: {refused:?}");
        };
        assert!(why.contains(&format!("refused to {word} it")), "{why}");
        let after = shop.payment(payment);
        assert_eq!(after.operations.last().unwrap().status, OperationStatus::Refused);
        assert_eq!((after.status, after.captured), (before.status, before.captured));
        assert!(after.refunds.iter().all(|it| it.status == RefundStatus::Failed));
        ask(&shop, order, &format!("{word} once it is mended")).unwrap();
    }
}

#[test]
fn who_comes_back_after_silence_hears_that_it_is_not_accepted() {
    let shop = CardShop::new();
    shop.gateway.script([Reply::Unavailable, Reply::Refuse]);
    let (guest, cart) = shop.cart();
    let place =
        || block_on(shop.world.shop.place_order(&guest, cart, &PlaceOrder::paid_by(card())));
    assert!(matches!(place().unwrap_err(), Error::GatewayUnavailable(_)));
    let refused = refused(place());
    assert!(matches!(refused, Rejection::PaymentDeclined { .. }), "{refused:?}");
    assert!(matches!(support::refused(place()), Rejection::PaymentDeclined { .. }));
}

#[test]
fn why_money_is_not_given_back_is_said() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Authorize);
    let void =
        block_on(shop.world.shop.void(&shop.world.system, order, &VoidPayment::default(), None));
    void.unwrap();
    let why = |answer| match refused(answer) {
        Rejection::InvalidTransition { why, .. } => why,
        other => panic!("{other:?}"),
    };
    let captured = why(shop.world.capture(order).map(|_| ()));
    assert_eq!(captured, "it is voided and cannot be captured");
    for request in [CreateRefund::default(), refund_of(1)] {
        let given = why(shop.world.refund(order, &request).map(|_| ()));
        assert_eq!(given, "it is voided and nothing of it was taken");
    }
    assert_eq!(shop.payment(payment).operations.len(), 2);

    let (order, payment) = shop.order(Reply::Capture);
    shop.world.refund(order, &refund_of(99)).unwrap();
    shop.gateway.change(payment, |it| {
        it.disputes.push(commerce_core::gateway::ProviderDispute {
            reference: support::cards::label("dp_1"),
            amount: eur(1_900),
            status: commerce_core::payment::DisputeStatus::Open,
            reason: None,
            opened_at: shop.world.now(),
        });
    });
    shop.deliver_last();
    let given = why(shop.world.refund(order, &CreateRefund::default()).map(|_| ()));
    assert_eq!(
        given,
        "only 0.00 EUR of it is left to refund: 0.99 EUR is given back, 19.00 EUR is disputed by the \
         customer's bank"
    );
    let inputs = shop.inputs(OrderRef::Id(order));
    let line = commerce_core::payment::RefundLine {
        line_id: inputs.order.lines[0].id,
        quantity: commerce_core::quantity::Quantity::new(2).unwrap(),
    };
    let request = CreateRefund { lines: vec![line], ..CreateRefund::default() };
    let given = why(shop.world.refund(order, &request).map(|_| ()));
    assert_eq!(given, "only 1 of SHIRT are left to refund");
}
