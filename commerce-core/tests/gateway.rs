//! Payments by card: a gateway that answers, refuses, and is not heard of.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    Done, Error, PlacedView,
    access::Caller,
    checkout::PlaceOrder,
    error::{ErrorKind, Rejection},
    gateway::{Call, Reply, ScriptedGateway},
    id::{CartId, OrderId, PaymentId, VariantId},
    order::{OrderStatus, OrderView, PaymentTerms},
    payment::{CreateRefund, PaymentStatus},
    store::{OrderFilter, OrderQuery, PageRequest},
    text::{GatewayName, Label},
};
use pollster::block_on;
use support::{World, key, refund_of, refused};

/// A shop that takes cards, with five shirts at 19.99.
struct CardShop {
    world: World,
    gateway: ScriptedGateway,
    shirt: VariantId,
}

fn card() -> GatewayName {
    GatewayName::new("card").unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn declined() -> Reply {
    Reply::Decline { reason: label("insufficient funds") }
}

impl CardShop {
    fn new(script: impl IntoIterator<Item = Reply>) -> Self {
        let gateway = ScriptedGateway::new(card());
        gateway.script(script);
        let world = World::new().with(|shop| shop.with_gateway(gateway.clone()));
        world.configure(|shop| {
            shop.payment_terms.insert(card(), PaymentTerms::Prepaid { days: 1 });
        });
        let shirt = world.sell("SHIRT", 1_999, 5);
        Self { world, gateway, shirt }
    }

    /// A guest's cart with two shirts, and a key to check it out with.
    fn cart(&self) -> (Caller, CartId) {
        let (guest, cart) = self.world.guest();
        self.world.add(&guest, cart, self.shirt, 2).unwrap();
        self.world.ready(&guest, cart);
        (guest.with_key(key("checkout")), cart)
    }

    fn place(&self, (guest, cart): &(Caller, CartId)) -> Result<Done<PlacedView>, Error> {
        block_on(self.world.shop.place_order(guest, *cart, &PlaceOrder::paid_by(card())))
    }

    /// The one order of the shop.
    fn order(&self) -> OrderView {
        let query = OrderQuery { filter: OrderFilter::default(), page: PageRequest::first(10) };
        let page = block_on(self.world.shop.orders(&self.world.system, &query)).unwrap();
        assert_eq!(page.items.len(), 1, "one checkout, one order");
        page.items[0].clone()
    }

    fn kept(&self) -> i64 {
        self.gateway.kept(self.order().payments[0].id)
    }
}

fn ids(placed: &PlacedView) -> (OrderId, PaymentId) {
    (placed.order.id, placed.payment.as_ref().unwrap().id)
}

#[test]
fn an_authorized_payment_is_captured_later() {
    let shop = CardShop::new([Reply::Authorize]);
    let placed = shop.place(&shop.cart()).unwrap().output;
    let (order, payment) = ids(&placed);
    assert_eq!(placed.order.status, OrderStatus::Confirmed);
    assert_eq!(placed.payment.unwrap().status, PaymentStatus::Authorized);
    assert_eq!((shop.kept(), shop.world.stock(shop.shirt)), (0, (5, 2, 3)));
    let paid = shop.world.capture(order).unwrap();
    assert_eq!((paid.payment_status, paid.paid_total), (PaymentStatus::Paid, paid.total));
    assert_eq!(shop.kept(), 3_998);
    assert_eq!(shop.gateway.calls(), [Call::Create(payment), Call::Capture(payment)]);
}

#[test]
fn a_payment_that_is_taken_at_once_pays_the_order() {
    let shop = CardShop::new([Reply::Capture]);
    let cart = shop.cart();
    let placed = shop.place(&cart).unwrap().output;
    assert_eq!(placed.order.payment_status, PaymentStatus::Paid);
    assert_eq!((placed.order.paid_total, shop.kept()), (placed.order.total, 3_998));
    assert_eq!(placed.order.expires_at, None);
    let seen = shop.world.order(&cart.0, placed.order.id).unwrap();
    assert_eq!(seen, placed.order, "what was answered is what is stored");
}

#[test]
fn the_client_secret_is_in_the_answer_of_the_checkout() {
    let redirect_url = Some("https://pay.example.com/3ds".parse().unwrap());
    let client_secret = label("pi_1_secret_2");
    let shop = CardShop::new([Reply::RequireAction { client_secret, redirect_url }]);
    let cart = shop.cart();
    let placed = shop.place(&cart).unwrap().output;
    let payment = placed.payment.unwrap();
    assert_eq!(payment.status, PaymentStatus::RequiresAction);
    assert_eq!(payment.client_secret.as_deref(), Some("pi_1_secret_2"));
    assert_eq!(payment.redirect_url.as_deref(), Some("https://pay.example.com/3ds"));
    assert_eq!(placed.order.status, OrderStatus::Pending);
    assert_eq!(shop.world.order(&cart.0, placed.order.id).unwrap().payments, [payment]);
    // Nobody confirmed it: the order lapses and the stock comes back.
    shop.world.days(2);
    assert_eq!(shop.world.sweep(), (1, 0));
    assert_eq!((shop.kept(), shop.world.stock(shop.shirt)), (0, (5, 0, 5)));
}

#[test]
fn a_declined_payment_leaves_an_order_that_waits_and_then_lapses() {
    let shop = CardShop::new([declined()]);
    let cart = shop.cart();
    let Rejection::PaymentDeclined { decline, .. } = refused(shop.place(&cart)) else {
        panic!("the checkout must say that the payment was declined");
    };
    assert_eq!(decline.reason.as_str(), "insufficient funds");
    let order = shop.order();
    assert_eq!((order.status, shop.kept()), (OrderStatus::Pending, 0));
    assert_eq!(shop.world.stock(shop.shirt), (5, 2, 3), "what is ordered stays held");
    assert!(shop.world.fulfill_all(order.id).is_err(), "nothing ships unpaid");
    // The same checkout again is the same refusal, not a second order.
    assert!(matches!(refused(shop.place(&cart)), Rejection::PaymentDeclined { .. }));
    assert_eq!(shop.order().id, order.id);
    shop.world.days(2);
    assert_eq!(shop.world.sweep(), (1, 0));
    assert_eq!(shop.world.seen(order.id).status, OrderStatus::Cancelled);
    assert_eq!(shop.world.stock(shop.shirt), (5, 0, 5));
}

#[test]
fn a_checkout_is_repeated_while_the_gateway_is_down() {
    let shop = CardShop::new([Reply::Unavailable, Reply::Unavailable, Reply::Capture]);
    let cart = shop.cart();
    for _ in 0..2 {
        let error = shop.place(&cart).unwrap_err();
        assert!(matches!(error, Error::GatewayUnavailable(_)), "{error:?}");
        // The order is there, so a caller without a key must look before asking again.
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unknown, false));
        assert_eq!((shop.order().status, shop.kept()), (OrderStatus::Pending, 0));
    }
    let placed = shop.place(&cart).unwrap();
    assert!(placed.replayed, "the order was placed before");
    assert_eq!(placed.order.payment_status, PaymentStatus::Paid);
    assert_eq!((shop.kept(), shop.world.stock(shop.shirt)), (3_998, (5, 2, 3)));
}

#[test]
fn a_lost_answer_is_asked_for_again_and_nobody_is_charged_twice() {
    let shop = CardShop::new([Reply::Lost(Box::new(Reply::Capture))]);
    let cart = shop.cart();
    let error = shop.place(&cart).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(shop.kept(), 3_998, "the money was taken, though nobody was told");
    assert_eq!(shop.order().status, OrderStatus::Pending);
    let placed = shop.place(&cart).unwrap();
    assert_eq!(placed.order.payment_status, PaymentStatus::Paid);
    assert_eq!((placed.order.paid_total.minor(), shop.kept()), (3_998, 3_998));
    let (_, payment) = ids(&placed);
    assert_eq!(shop.gateway.calls(), [Call::Create(payment), Call::Fetch(payment)]);
}

#[test]
fn a_declined_capture_can_be_tried_no_more_than_the_gateway_allows() {
    let shop = CardShop::new([Reply::Authorize, declined()]);
    let (order, _) = ids(&shop.place(&shop.cart()).unwrap());
    assert!(matches!(refused(shop.world.capture(order)), Rejection::PaymentDeclined { .. }));
    let order = shop.order();
    assert_eq!(order.payment_status, PaymentStatus::Authorized);
    assert_eq!((order.paid_total.minor(), shop.kept()), (0, 0));
}

#[test]
fn money_is_given_back_by_the_gateway() {
    let shop = CardShop::new([Reply::Capture, declined(), Reply::Accept, Reply::Accept]);
    let (order, _) = ids(&shop.place(&shop.cart()).unwrap());
    let refund = refund_of(1_000);
    assert!(matches!(
        refused(shop.world.refund(order, &refund)),
        Rejection::PaymentDeclined { .. }
    ));
    assert_eq!((shop.order().refunded_total.minor(), shop.kept()), (0, 3_998));
    let seen = shop.world.refund(order, &refund).unwrap();
    assert_eq!((seen.refunded_total.minor(), shop.kept()), (1_000, 2_998));
    let seen = shop.world.refund(order, &CreateRefund::default()).unwrap();
    assert_eq!((seen.payment_status, shop.kept()), (PaymentStatus::Refunded, 0));
}

#[test]
fn a_refund_whose_answer_was_lost_is_asked_for_again_and_given_once() {
    let shop = CardShop::new([Reply::Capture, Reply::Lost(Box::new(Reply::Accept))]);
    let (order, _) = ids(&shop.place(&shop.cart()).unwrap());
    let refund = |name: &str| {
        let staff = shop.world.system.clone().with_key(key(name));
        block_on(shop.world.shop.refund(&staff, order, &refund_of(1_000), None))
    };
    assert_eq!(refund("a").unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!((shop.order().refunded_total.minor(), shop.kept()), (0, 2_998));
    shop.world.days(1);
    assert_eq!(refund("a").unwrap().refunded_total.minor(), 1_000);
    assert_eq!(shop.kept(), 2_998, "the gateway was told that it is the same refund");
    assert_eq!(refund("b").unwrap().refunded_total.minor(), 2_000);
    assert_eq!(shop.kept(), 1_998, "another key is another refund");
}

#[test]
fn a_free_order_needs_no_gateway() {
    let shop = CardShop::new([]);
    let gift = shop.world.sell("GIFT", 0, 1);
    let (guest, cart) = shop.world.guest();
    shop.world.add(&guest, cart, gift, 1).unwrap();
    shop.world.ready(&guest, cart);
    let placed = shop.place(&(guest, cart)).unwrap();
    assert_eq!((placed.payment.as_ref(), shop.gateway.calls()), (None, Vec::new()));
}

#[test]
fn an_order_that_is_decided_apart_is_paid_once_it_is_committed() {
    let shop = CardShop::new([Reply::Accept]);
    let (guest, cart) = shop.cart();
    let store = shop.world.shop.store();
    let inputs = block_on(store.checkout_inputs(cart, &[])).unwrap().unwrap();
    let request = PlaceOrder::paid_by(card());
    let decide = |who: &Caller| shop.world.shop.decide_order(who, &inputs, &request);
    let stranger = refused(decide(&shop.world.guest().0).map(|decision| decision.output));
    assert!(matches!(stranger, Rejection::NotFound { what: "cart" }));
    let decision = decide(&guest).unwrap();
    assert!(shop.gateway.calls().is_empty());
    block_on(store.commit(&decision.commit)).unwrap();

    let placed = shop.place(&(guest, cart)).unwrap();
    assert!(placed.replayed);
    assert_eq!(placed.order.id, decision.output.order.id);
    let (_, payment) = ids(&placed);
    // Somebody else may have asked for it meanwhile.
    assert_eq!(shop.gateway.calls(), [Call::Fetch(payment), Call::Create(payment)]);
    assert_eq!(shop.order().id, placed.order.id);
}
