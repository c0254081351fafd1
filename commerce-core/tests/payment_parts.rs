//! Orders of which a payment brings a part, and what that allows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    checkout::PlaceOrder,
    gateway::{ProviderStatus, Reply},
    id::{OrderId, PaymentId},
    order::{FulfillmentStatus, OrderView, PaymentTerms},
    payment::{CapturePayment, PaymentChoice, PaymentStatus},
    text::GatewayName,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, waits},
    eur, not_now,
};

/// Takes so much of what is set aside, and lets the rest of it go.
fn capture(shop: &CardShop, order: OrderId, minor: i64) -> OrderView {
    let part = CapturePayment { amount: Some(eur(minor)), ..CapturePayment::default() };
    block_on(shop.world.shop.capture(&shop.world.system, order, &part, None)).unwrap().output
}

fn pay_by_card(shop: &CardShop, order: OrderId, reply: Reply) -> PaymentId {
    shop.gateway.script([reply]);
    // The later one comes last.
    shop.minutes(1);
    let choice = PaymentChoice::new(card());
    let paid = block_on(shop.world.shop.pay_order(&shop.world.system, order, &choice, None));
    paid.unwrap().payment.as_ref().unwrap().id
}

#[test]
fn an_order_has_come_as_far_as_that_of_its_payments_which_has_come_least_far() {
    let shop = CardShop::new();
    let status = |order| shop.world.seen(order).payment_status;
    let (order, _) = shop.order(Reply::Authorize);
    assert_eq!(capture(&shop, order, 700).payment_status, PaymentStatus::PartiallyCaptured);
    let rest = pay_by_card(&shop, order, waits());
    assert_eq!(status(order), PaymentStatus::RequiresAction);
    shop.gateway.change(rest, |payment| {
        (payment.status, payment.capturable) = (ProviderStatus::Authorized, payment.amount);
    });
    shop.deliver_last();
    assert_eq!(status(order), PaymentStatus::Authorized);
    let paid = capture(&shop, order, 1_299);
    assert_eq!((paid.payment_status, paid.paid_total), (PaymentStatus::Paid, paid.total));
}

#[test]
fn an_order_is_sent_once_what_is_left_of_it_is_paid_or_its_terms_do_not_ask_for_that() {
    let (prepaid, later) =
        (PaymentTerms::Prepaid { days: 1 }, PaymentTerms::OnDelivery { days: 1 });
    for (terms, minor, sent) in [(prepaid, 1_998, false), (prepaid, 1_999, true), (later, 1, true)]
    {
        let shop = CardShop::new();
        shop.world.configure(|it| {
            it.payment_terms.insert(card(), terms);
        });
        let (guest, cart) = shop.world.guest();
        shop.world.add(&guest, cart, shop.shirt, 2).unwrap();
        shop.world.ready(&guest, cart);
        shop.gateway.script([Reply::Authorize]);
        let request = PlaceOrder::paid_by(card());
        let placed = block_on(shop.world.shop.place_order(&guest, cart, &request)).unwrap();
        let order = placed.order.id;
        shop.world.cancel_units(order, &[(placed.order.lines[0].id, 1)]).unwrap();
        let taken = capture(&shop, order, minor);
        assert_eq!(taken.authorized_total, eur(0));
        match shop.world.fulfill_all(order) {
            Ok(order) => assert!(sent && order.fulfillment_status == FulfillmentStatus::Fulfilled),
            refused => assert!(!sent && not_now(refused), "{terms:?} {minor}"),
        }
    }
}

#[test]
fn what_was_to_be_paid_by_hand_is_paid_by_card_instead() {
    let shop = CardShop::new();
    shop.world.configure(|it| {
        it.payment_terms.insert(GatewayName::manual(), PaymentTerms::default());
    });
    let order = shop.world.buy(&[(shop.shirt, 1)]).id;
    let by_card = pay_by_card(&shop, order, Reply::Capture);
    assert_eq!(shop.gateway.kept(by_card), 1_999);
    let statuses = shop.world.seen(order).payments.into_iter().map(|payment| payment.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [PaymentStatus::Voided, PaymentStatus::Paid]);
}
