//! How an order goes on after checkout.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use commerce_core::{
    access::Caller,
    catalog::{Backorder, CreateVariant},
    error::Rejection,
    inputs::Clock,
    inventory::PatchLocation,
    money::Money,
    order::{
        CancelOrder, CancelReason, Deliver, FulfillmentStatus, OrderStatus, OrderView, PaymentTerms,
    },
    payment::{CapturePayment, CapturePolicy, CreateRefund, PaymentStatus, VoidPayment},
    store::{OrderFilter, OrderQuery, OrderRef, PageRequest},
    text::GatewayName,
    version::Version,
};
use pollster::block_on;
use support::*;

fn terms(w: &World, terms: PaymentTerms) {
    w.configure(|shop| shop.payment_terms = BTreeMap::from([(GatewayName::manual(), terms)]));
}

fn statuses(order: &OrderView) -> (OrderStatus, PaymentStatus, FulfillmentStatus) {
    (order.status, order.payment_status, order.fulfillment_status)
}

#[test]
fn the_life_of_a_paid_order() {
    use FulfillmentStatus as F;
    use PaymentStatus as P;
    let w = World::new();
    let [shirt, hat] = [w.sell("SHIRT", 1999, 5), w.sell("HAT", 500, 5)];
    let order = w.buy(&[(shirt, 2), (hat, 1)]);
    let id = order.id;
    assert_eq!(statuses(&order), (OrderStatus::Pending, P::Pending, F::Unfulfilled));
    assert_eq!(order.expires_at, Some(w.now().saturating_add(Duration::from_secs(7 * 86_400))));
    assert!(not_now(w.fulfill_all(id)), "it is not paid");
    assert!(not_now(w.deliver(id)), "nothing was sent");
    let paid = w.capture(id).unwrap();
    assert_eq!(statuses(&paid), (OrderStatus::Confirmed, P::Paid, F::Unfulfilled));
    assert_eq!((paid.paid_total, paid.expires_at), (eur(4498), None));
    assert!(not_now(w.capture(id)), "it is paid already");
    assert!(not_now(w.cancel(id)), "it is paid: refund first");
    let [shirts, hats] = [paid.lines[0].id, paid.lines[1].id];
    let sent = w.fulfill(id, &parts(&[(shirts, 1)])).unwrap();
    assert_eq!(statuses(&sent), (OrderStatus::Processing, P::Paid, F::Partial));
    assert_eq!(w.stock(shirt), (4, 1, 3));
    assert!(not_now(w.fulfill(id, &parts(&[(shirts, 2)]))), "one of them was sent already");
    assert_eq!(invalid(w.fulfill(id, &parts(&[(shirts, 3)]))), ["/lines/0/quantity"]);
    let twice = parts(&[(hats, 1), (hats, 1)]);
    assert_eq!(invalid(w.fulfill(id, &twice)), ["/lines/1/line_id"]);
    let sent = w.fulfill_all(id).unwrap();
    assert_eq!(statuses(&sent), (OrderStatus::Shipped, P::Paid, F::Fulfilled));
    assert_eq!((w.stock(shirt), w.stock(hat)), ((3, 0, 3), (4, 0, 4)));
    assert!(not_now(w.fulfill_all(id)), "all of it was sent");
    let second = Deliver { fulfillment_id: Some(sent.fulfillments[1].id) };
    let deliver = |request| block_on(w.shop.deliver_order(&w.system, id, request, None));
    assert_eq!(deliver(second).unwrap().status, OrderStatus::Shipped);
    assert!(not_now(deliver(second)), "it has arrived already");
    let stray =
        Deliver { fulfillment_id: Some("ful_00000000000000000000000000000007".parse().unwrap()) };
    assert_eq!(refused(deliver(stray)), Rejection::NotFound { what: "fulfillment" });
    let delivered = w.deliver(id).unwrap();
    assert_eq!(statuses(&delivered), (OrderStatus::Delivered, P::Paid, F::Fulfilled));
    let happened: Vec<_> = delivered.history.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(
        happened,
        [
            "order.placed",
            "order.paid",
            "order.fulfilled",
            "order.fulfilled",
            "order.delivered",
            "order.delivered"
        ]
    );
    let refunded = w.refund(id, &CreateRefund::default()).unwrap();
    assert_eq!(statuses(&refunded), (OrderStatus::Refunded, P::Refunded, F::Fulfilled));
    assert_eq!(w.stock(shirt), (3, 0, 3), "a refund brings no goods back");
}

#[test]
fn what_cannot_be_done_to_a_cancelled_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 2)]);
    let request = CancelOrder {
        note: Some("Changed their mind".parse().unwrap()),
        ..CancelOrder::new(CancelReason::Customer)
    };
    let cancelled =
        block_on(w.shop.cancel_order(&w.system, order.id, &request, None)).unwrap().output;
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    assert_eq!(cancelled.cancel_reason, Some(CancelReason::Customer));
    assert_eq!((cancelled.note, cancelled.cancel_note), (None, request.note));
    assert_eq!((cancelled.payment_status, cancelled.expires_at), (PaymentStatus::Voided, None));
    assert_eq!(w.stock(shirt), (5, 0, 5));
    for refusal in [w.cancel(order.id), w.capture(order.id), w.fulfill_all(order.id)] {
        assert!(not_now(refusal));
    }
    assert!(not_now(w.deliver(order.id)));
    assert!(not_now(w.refund(order.id, &refund_of(1))));
    w.days(1_000);
    assert_eq!(w.sweep().0, 0);
    assert_eq!(w.seen(order.id).version, cancelled.version);
}

#[test]
fn an_order_lapses_at_its_deadline_and_not_before() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 5)]);
    let deadline = order.expires_at.unwrap();
    w.clock.set(deadline.saturating_sub(Duration::from_millis(1)));
    assert_eq!(w.sweep().0, 0);
    w.clock.set(deadline);
    assert_eq!((w.sweep().0, w.sweep().0), (1, 0));
    let lapsed = w.seen(order.id);
    assert_eq!(lapsed.cancel_reason, Some(CancelReason::Expired));
    assert_eq!(w.stock(shirt), (5, 0, 5));
    assert!(not_now(w.capture(order.id)), "the money came too late");
    w.buy(&[(shirt, 5)]);
}

#[test]
fn a_paid_order_never_lapses_and_one_paid_at_the_last_moment_is_paid() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 5)]);
    w.clock.set(order.expires_at.unwrap());
    w.capture(order.id).unwrap();
    w.days(5_000);
    assert_eq!(w.sweep().0, 0);
    assert_eq!(w.stock(shirt), (5, 5, 0));
    w.refund(order.id, &refund_of(1)).unwrap();
    w.days(5_000);
    assert_eq!(w.sweep().0, 0, "some of its money is still here");
    assert_eq!(w.seen(order.id).status, OrderStatus::Confirmed);
}

#[test]
fn an_order_paid_on_delivery_is_sent_first_and_lapses_only_if_it_is_not() {
    let w = World::new();
    terms(&w, PaymentTerms::OnDelivery { days: 3 });
    let policy = CapturePolicy::OnFulfillment;
    w.configure(|shop| shop.capture = BTreeMap::from([(GatewayName::manual(), policy)]));
    let shirt = w.sell("SHIRT", 1999, 5);
    let [sent, idle] = [w.buy(&[(shirt, 2)]), w.buy(&[(shirt, 1)])];
    assert_eq!(sent.status, OrderStatus::Confirmed);
    let line = sent.lines[0].id;
    let part = w.fulfill(sent.id, &parts(&[(line, 1)])).unwrap();
    assert_eq!((part.status, part.expires_at), (OrderStatus::Processing, None));
    assert_eq!(part.paid_total, eur(0), "whoever brings it takes the money, and says so");
    w.days(3);
    assert_eq!(w.sweep().0, 1);
    assert_eq!(w.seen(idle.id).status, OrderStatus::Cancelled);
    w.fulfill_all(sent.id).unwrap();
    assert_eq!(w.deliver(sent.id).unwrap().status, OrderStatus::Delivered);
    assert_eq!(w.capture(sent.id).unwrap().payment_status, PaymentStatus::Paid);
    assert!(not_now(w.cancel(sent.id)), "it was sent");
}

#[test]
fn terms_are_those_of_the_day_the_order_was_placed() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 1)]);
    terms(&w, PaymentTerms::OnDelivery { days: 1 });
    w.days(2);
    assert_eq!(w.sweep().0, 0);
    assert!(not_now(w.fulfill_all(order.id)));
}

#[test]
fn an_order_refunded_whole_gives_its_stock_back_and_is_sent_no_more() {
    let w = World::new();
    let later = CreateVariant {
        backorder: Backorder::Allow,
        ..CreateVariant::new("LATER", eur(1000)).unwrap()
    };
    let (shirt, later) = (w.sell("SHIRT", 1999, 5), w.sell_as(later, 1));
    let order = w.buy(&[(shirt, 3), (later, 2)]);
    w.capture(order.id).unwrap();
    w.fulfill(order.id, &parts(&[(order.lines[0].id, 1)])).unwrap();
    w.refund(order.id, &refund_of(1)).unwrap();
    assert_eq!((w.stock(shirt), w.stock(later)), ((4, 2, 2), (1, 1, 0)));
    let refunded = w.refund(order.id, &CreateRefund::default()).unwrap();
    assert_eq!(refunded.lines[1].backordered, 0);
    assert_eq!((w.stock(shirt), w.stock(later)), ((4, 0, 4), (1, 0, 1)));
    assert!(not_now(w.fulfill_all(order.id)));
    assert!(not_now(w.refund(order.id, &CreateRefund::default())));
    assert!(not_now(w.cancel(order.id)), "nothing of it is left to send");
    w.days(1_000);
    assert_eq!(w.sweep().0, 0);
}

#[test]
fn a_paid_order_is_refunded_then_cancelled() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 3)]);
    w.capture(order.id).unwrap();
    w.refund(order.id, &refund_of(5997)).unwrap();
    let cancelled = w.cancel(order.id).unwrap();
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    assert_eq!(cancelled.payment_status, PaymentStatus::Refunded);
    assert_eq!((cancelled.paid_total, cancelled.refunded_total), (eur(5997), eur(5997)));
    assert_eq!(w.stock(shirt), (5, 0, 5));
}

#[test]
fn refunds_by_units_come_to_what_was_paid_for_them_and_no_more() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 3333, 9);
    let cart = w.draft();
    w.add_at(cart, shirt, 3, 3334).unwrap();
    let order = w.place(&w.system, cart).unwrap().output.order;
    w.capture(order.id).unwrap();
    let line = order.lines[0].id;
    let units = |n| w.refund(order.id, &refund_units(&[(line, n)]));
    for n in 1..=3 {
        let after = units(1).unwrap();
        assert_eq!((after.refunded_total, after.lines[0].refunded), (eur(3334 * n), n));
    }
    assert_eq!(w.seen(order.id).payment_status, PaymentStatus::Refunded);
    assert!(not_now(units(1)));
}

#[test]
fn refunds_that_make_no_sense_are_refused_and_nothing_is_given_back() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let order = w.buy(&[(shirt, 2)]);
    assert!(not_now(w.refund(order.id, &refund_of(1))), "nothing was paid");
    w.capture(order.id).unwrap();
    let line = order.lines[0].id;
    let stray = "line_00000000000000000000000000000007".parse().unwrap();
    let both = CreateRefund { amount: Some(eur(1)), ..refund_units(&[(line, 1)]) };
    let dollars = Money::new(1, commerce_core::currency::Currency::USD);
    let other = CreateRefund { amount: Some(dollars), ..CreateRefund::default() };
    for (request, pointer) in [
        (refund_of(0), "/amount"),
        (refund_of(-5), "/amount"),
        (other, "/amount"),
        (both, "/lines"),
        (refund_units(&[(line, 1), (line, 1)]), "/lines/1/line_id"),
        (refund_units(&[(stray, 1)]), "/lines/0/line_id"),
    ] {
        assert_eq!(invalid(w.refund(order.id, &request)), [pointer]);
    }
    assert!(not_now(w.refund(order.id, &refund_units(&[(line, 3)]))), "more than was sold");
    assert!(not_now(w.refund(order.id, &refund_of(3999))), "more than was paid");
    w.refund(order.id, &refund_of(3000)).unwrap();
    assert!(not_now(w.refund(order.id, &refund_units(&[(line, 1)]))), "more than is left");
    assert_eq!(w.seen(order.id).refunded_total, eur(3000));
}

#[test]
fn units_that_came_back_are_put_somewhere_or_not_taken_back() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let order = w.buy(&[(shirt, 3)]);
    w.capture(order.id).unwrap();
    w.fulfill_all(order.id).unwrap();
    let back = |request| CreateRefund { restock: true, ..request };
    // Which ones came back is not said.
    for request in [refund_of(1999), CreateRefund::default()] {
        assert_eq!(invalid(w.refund(order.id, &back(request))), ["/restock"]);
    }
    let units = back(refund_units(&[(order.lines[0].id, 2)]));
    let active = |active| {
        let patch = PatchLocation { active: Some(active), ..PatchLocation::default() };
        block_on(w.shop.patch_location(&w.system, w.main_location(), &patch, None)).unwrap();
    };
    active(false);
    let nowhere = refused(w.refund(order.id, &units));
    assert_eq!(nowhere, Rejection::NotFound { what: "location" });
    assert_eq!(w.seen(order.id).refunded_total, eur(0));
    active(true);
    assert_eq!(w.refund(order.id, &units).unwrap().refunded_total, eur(2 * 1999));
    assert_eq!(w.stock(shirt), (8, 0, 8));
}

#[test]
fn captures_and_voids_that_make_no_sense_are_refused() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let order = w.buy(&[(shirt, 2)]);
    let capture = |minor| {
        let part = CapturePayment { amount: Some(eur(minor)), payment_id: None };
        block_on(w.shop.capture(&w.system, order.id, &part, None))
    };
    for nothing in [0, -1] {
        assert_eq!(invalid(capture(nothing)), ["/amount"]);
    }
    assert!(not_now(capture(3999)), "more than is to be paid");
    capture(3997).unwrap();
    assert!(not_now(capture(2)), "more than is left");
    capture(1).unwrap();
    let void = block_on(w.shop.void(&w.system, order.id, &VoidPayment::default(), None));
    assert!(not_now(void), "it has brought money");
    assert_eq!(w.seen(order.id).paid_total, eur(3998));
}

#[test]
fn what_came_back_goes_on_the_shelf_once_and_what_never_left_does_not() {
    // So many of five are sent and so many called off; of so many the money is given back in each
    // step, and if they came back so many are put on the shelf.
    for (sent, off, steps) in [
        (3, 0, &[(2, false, 0), (3, true, 1)][..]),
        (3, 0, &[(4, true, 3), (1, true, 0)]),
        (2, 3, &[(2, true, 2), (3, true, 0)]),
        (2, 3, &[(5, true, 2)]),
    ] {
        let w = World::new();
        let shirt = w.sell("SHIRT", 1999, 9);
        let order = w.buy(&[(shirt, 5)]);
        let line = order.lines[0].id;
        w.capture(order.id).unwrap();
        w.fulfill(order.id, &parts(&[(line, sent)])).unwrap();
        if off > 0 {
            w.cancel_units(order.id, &[(line, off)]).unwrap();
        }
        for (units, restock, back) in steps {
            let before = w.stock(shirt).0;
            let request = CreateRefund { restock: *restock, ..refund_units(&[(line, *units)]) };
            w.refund(order.id, &request).unwrap();
            assert_eq!(w.stock(shirt).0 - before, *back, "{sent} {off} {steps:?}");
        }
    }
}

#[test]
fn all_units_can_be_refunded_though_cash_was_rounded_down() {
    let w = World::new();
    w.configure(|shop| shop.pricing.cash_increment = Some(eur(5)));
    let shirt = w.sell("SHIRT", 1001, 9);
    let order = w.buy(&[(shirt, 2)]);
    assert_eq!((order.total, order.rounding), (eur(2000), eur(-2)));
    w.capture(order.id).unwrap();
    let refunded = w.refund(order.id, &refund_units(&[(order.lines[0].id, 2)])).unwrap();
    assert_eq!((refunded.refunded_total, refunded.status), (eur(2000), OrderStatus::Refunded));
}

#[test]
fn a_clock_that_is_put_back_puts_nothing_out_of_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, cart) = w.guest();
    w.days(1);
    let added = w.add(&guest, cart, shirt, 1).unwrap();
    let back = w.now().saturating_sub(Duration::from_secs(10 * 86_400));
    w.clock.set(back);
    let later = w.add(&guest, cart, shirt, 1).unwrap();
    assert_eq!((later.updated_at, later.expires_at), (added.updated_at, added.expires_at));
    w.ready(&guest, cart);
    w.days(10);
    let order = w.place(&guest, cart).unwrap().output.order;
    w.clock.set(back);
    w.capture(order.id).unwrap();
    let sent = w.fulfill_all(order.id).unwrap();
    assert!(sent.history.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(sent.updated_at >= sent.placed_at);
    assert!(w.clock.now() < sent.placed_at);
}

#[test]
fn a_stale_version_is_refused_and_changes_nothing() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let order = w.buy(&[(shirt, 2)]);
    let stale = Some(Version::new(9));
    let id = order.id;
    let capture = block_on(w.shop.capture(&w.system, id, &CapturePayment::default(), stale))
        .map(|done| done.output);
    let request = CancelOrder::default();
    let cancel = block_on(w.shop.cancel_order(&w.system, id, &request, stale));
    for refusal in [capture, cancel.map(|done| done.output)] {
        assert!(matches!(refused(refusal), Rejection::VersionMismatch { .. }));
    }
    assert_eq!(w.seen(id), order);
    block_on(w.shop.capture(&w.system, id, &CapturePayment::default(), Some(order.version)))
        .unwrap();
}

#[test]
fn only_the_back_office_moves_an_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, order) = w.buy_as_guest(&[(shirt, 2)]);
    for who in [guest, Caller::anonymous(), w.customer("a@example.com").0] {
        let id = order.id;
        let all = [
            block_on(w.shop.capture(&who, id, &CapturePayment::default(), None)),
            block_on(w.shop.refund(&who, id, &refund_of(1), None)),
            block_on(w.shop.cancel_order(&who, id, &CancelOrder::default(), None)),
            block_on(w.shop.fulfill_order(&who, id, &parts(&[]), None)),
            block_on(w.shop.deliver_order(&who, id, Deliver { fulfillment_id: None }, None)),
        ];
        for refusal in all {
            assert_eq!(refused(refusal), Rejection::Forbidden);
        }
    }
    assert_eq!(w.seen(order.id), order);
}

#[test]
fn orders_are_found_by_number_status_customer_and_time() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 90);
    let first = w.buy(&[(shirt, 1)]);
    w.days(1);
    let second = w.buy(&[(shirt, 2)]);
    w.capture(second.id).unwrap();
    let by_number = block_on(w.shop.order(&w.system, &OrderRef::Number(first.number.clone())));
    assert_eq!(by_number.unwrap(), first);
    let list = |filter: OrderFilter| -> Vec<_> {
        let query = OrderQuery { filter, page: PageRequest::first(10) };
        let page = block_on(w.shop.orders(&w.system, &query)).unwrap();
        page.items.iter().map(|order| order.id).collect()
    };
    assert_eq!(list(OrderFilter::default()), [second.id, first.id]);
    let filter = OrderFilter { status: Some(OrderStatus::Pending), ..OrderFilter::default() };
    assert_eq!(list(filter), [first.id]);
    let filter = OrderFilter { placed_from: Some(second.placed_at), ..OrderFilter::default() };
    assert_eq!(list(filter), [second.id]);
    let filter = OrderFilter { placed_before: Some(second.placed_at), ..OrderFilter::default() };
    assert_eq!(list(filter), [first.id]);
    let email = Some("ADA@example.com".parse().unwrap());
    assert_eq!(list(OrderFilter { email, ..OrderFilter::default() }).len(), 2);
}
