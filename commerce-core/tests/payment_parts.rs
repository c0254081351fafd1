//! Orders of which a payment brings a part, and what that allows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    checkout::PlaceOrder,
    error::Rejection,
    gateway::{ProviderStatus, Reply},
    id::{OrderId, PaymentId},
    inventory::{AdjustStock, Reason},
    order::{FulfillmentStatus, OrderView, PaymentTerms},
    payment::{CapturePayment, CreateRefund, PaymentChoice, PaymentStatus},
    text::GatewayName,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, waits},
    eur, not_now, refund_of, refund_units,
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

/// An order of which one card paid so much and another the rest.
fn paid_in_two(shop: &CardShop, first: i64) -> (OrderId, [PaymentId; 2]) {
    let (order, payment) = shop.order(Reply::Authorize);
    capture(shop, order, first);
    let rest = pay_by_card(shop, order, Reply::Capture);
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::Paid);
    (order, [payment, rest])
}

fn amount_of(payment: PaymentId, minor: i64) -> CreateRefund {
    CreateRefund { payment_id: Some(payment), ..refund_of(minor) }
}

#[test]
fn what_two_payments_brought_is_given_back_payment_by_payment() {
    let shop = CardShop::new();
    let start = shop.world.stock(shop.shirt);
    let (order, [first, rest]) = paid_in_two(&shop, 700);
    shop.world.fulfill_all(order).unwrap();
    let line = shop.world.seen(order).lines[0].id;
    let units = CreateRefund { restock: true, ..refund_units(&[(line, 1)]) };
    let why = format!(
        "no payment of it alone has 19.99 EUR left to refund: refund an amount of each, 7.00 EUR of \
         {first}, 12.99 EUR of {rest}"
    );
    for request in [&units, &refund_of(1_999)] {
        let refused = support::refused(shop.world.refund(order, request));
        assert_eq!(refused, Rejection::transition("order", &*why));
    }
    // All that is left is that of one payment, the latest first.
    shop.world.refund(order, &CreateRefund::default()).unwrap();
    assert_eq!((shop.gateway.kept(first), shop.gateway.kept(rest)), (700, 0));
    let back = shop.world.refund(order, &amount_of(first, 700)).unwrap();
    assert_eq!((back.payment_status, back.refunded_total), (PaymentStatus::Refunded, back.total));
    // What came back is put on the shelf by hand.
    let returned = AdjustStock::new(1, Reason::Returned);
    let adjusted = shop.world.shop.adjust_stock(&shop.world.system, shop.shirt, &returned);
    block_on(adjusted).unwrap();
    assert_eq!(shop.world.stock(shop.shirt), start);
}

#[test]
fn what_was_not_sent_is_called_off_once_all_payments_are_given_back() {
    let shop = CardShop::new();
    let start = shop.world.stock(shop.shirt);
    let (order, payments) = paid_in_two(&shop, 700);
    for (payment, minor) in payments.into_iter().zip([700, 1_299]) {
        assert_ne!(shop.world.stock(shop.shirt), start);
        shop.world.refund(order, &amount_of(payment, minor)).unwrap();
    }
    assert_eq!(shop.world.stock(shop.shirt), start);
    assert!(shop.world.seen(order).cancelled_at.is_none());
}

#[test]
fn units_that_two_payments_paid_are_called_off_and_given_back_by_amounts() {
    let shop = CardShop::new();
    let mug = shop.world.sell("MUG", 500, 9);
    let (guest, cart) = shop.world.guest();
    shop.world.add(&guest, cart, shop.shirt, 1).unwrap();
    shop.world.add(&guest, cart, mug, 1).unwrap();
    shop.world.ready(&guest, cart);
    shop.gateway.script([Reply::Authorize]);
    let request = PlaceOrder::paid_by(card());
    let placed = block_on(shop.world.shop.place_order(&guest, cart, &request)).unwrap();
    let (order, first) = (placed.order.id, placed.payment.as_ref().unwrap().id);
    capture(&shop, order, 1_200);
    let rest = pay_by_card(&shop, order, Reply::Capture);
    let shirt = placed.order.lines.iter().find(|line| line.total == eur(1_999)).unwrap().id;
    support::refused(shop.world.refund(order, &refund_units(&[(shirt, 1)])));
    shop.world.cancel_units(order, &[(shirt, 1)]).unwrap();
    shop.world.refund(order, &amount_of(first, 700)).unwrap();
    shop.world.refund(order, &amount_of(rest, 1_299)).unwrap();
    let sent = shop.world.fulfill_all(order).unwrap();
    assert_eq!((sent.paid_total, sent.refunded_total), (eur(2_499), eur(1_999)));
    assert_eq!(shop.world.stock(mug).0, 8);
    let kept = [first, rest].map(|id| shop.gateway.kept(id));
    assert_eq!(kept, [500, 0]);
}
