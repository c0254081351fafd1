//! Calling off what is not yet sent: the whole of an order, its rest, or some units.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use commerce_core::{
    catalog::{Backorder, CreateVariant},
    order::{CancelOrder, CancelReason, FulfillmentStatus, OrderStatus, OrderView, PaymentTerms},
    payment::{CreateRefund, PaymentStatus},
    pricing::{ShippingMethod, ShippingRate},
    text::{GatewayName, Note},
};
use support::*;

fn on_delivery(w: &World) {
    let terms = PaymentTerms::OnDelivery { days: 3 };
    w.configure(|shop| shop.payment_terms = BTreeMap::from([(GatewayName::manual(), terms)]));
}

/// Sent, called off, backordered and refunded.
fn counts(order: &OrderView) -> Vec<(i64, i64, i64, i64)> {
    let lines = order.lines.iter();
    lines.map(|l| (l.fulfilled, l.cancelled, l.backordered, l.refunded)).collect()
}

fn happened(order: &OrderView) -> Vec<&str> {
    order.history.iter().map(|entry| entry.event.as_str()).collect()
}

#[test]
fn the_rest_of_a_partly_sent_order_is_called_off_and_its_stock_comes_back() {
    let w = World::new();
    let [shirt, hat] = [w.sell("SHIRT", 1999, 5), w.sell("HAT", 500, 5)];
    let order = w.buy(&[(shirt, 3), (hat, 2)]);
    let [shirts, _] = [order.lines[0].id, order.lines[1].id];
    w.capture(order.id).unwrap();
    w.fulfill(order.id, &parts(&[(shirts, 1)])).unwrap();
    assert_eq!((w.stock(shirt), w.stock(hat)), ((4, 2, 2), (5, 2, 3)));
    let rest = w.cancel(order.id).unwrap();
    assert_eq!(counts(&rest), [(1, 2, 0, 0), (0, 2, 0, 0)]);
    assert_eq!((w.stock(shirt), w.stock(hat)), ((4, 0, 4), (5, 0, 5)));
    assert_eq!(
        (rest.status, rest.fulfillment_status),
        (OrderStatus::Shipped, FulfillmentStatus::Fulfilled)
    );
    assert_eq!((rest.cancelled_at, rest.payment_status), (None, PaymentStatus::Paid));
    assert_eq!(happened(&rest)[3..], ["order.partially_cancelled"]);
    assert_eq!((rest.total, rest.paid_total), (order.total, order.total), "as it was agreed");
    assert!(not_now(w.cancel(order.id)), "nothing of it is left");
    assert!(not_now(w.fulfill_all(order.id)), "nothing of it is left");
    assert!(not_now(w.fulfill(order.id, &parts(&[(shirts, 1)]))), "nothing of the line is left");
    assert_eq!(w.deliver(order.id).unwrap().status, OrderStatus::Delivered);
    let lines: Vec<_> = rest.lines.iter().map(|l| (l.id, l.cancelled)).collect();
    let refunded = w.refund(order.id, &refund_units(&lines)).unwrap();
    assert_eq!(refunded.refunded_total, eur(2 * 1999 + 2 * 500));
    assert_eq!(counts(&refunded), [(1, 2, 0, 2), (0, 2, 0, 2)]);
    assert_eq!(refunded.status, OrderStatus::Delivered);
}

#[test]
fn named_units_are_called_off_and_the_others_are_sent() {
    let w = World::new();
    let [shirt, hat] = [w.sell("SHIRT", 1999, 5), w.sell("HAT", 500, 5)];
    let order = w.buy(&[(shirt, 3), (hat, 2)]);
    let [shirts, hats] = [order.lines[0].id, order.lines[1].id];
    w.capture(order.id).unwrap();
    let stray = "line_00000000000000000000000000000007".parse().unwrap();
    for (lines, pointer) in [
        (&[(shirts, 4)][..], "/lines/0/quantity"),
        (&[(hats, 1), (hats, 1)], "/lines/1/line_id"),
        (&[(stray, 1)], "/lines/0/line_id"),
    ] {
        assert_eq!(invalid(w.cancel_units(order.id, lines)), [pointer]);
    }
    let some = w.cancel_units(order.id, &[(shirts, 1), (hats, 2)]).unwrap();
    assert_eq!(some.status, OrderStatus::Confirmed);
    assert_eq!(counts(&some), [(0, 1, 0, 0), (0, 2, 0, 0)]);
    assert_eq!((w.stock(shirt), w.stock(hat)), ((5, 2, 3), (5, 0, 5)));
    assert!(
        not_now(w.cancel_units(order.id, &[(shirts, 3)])),
        "one of them was called off already"
    );
    let sent = w.fulfill_all(order.id).unwrap();
    assert_eq!((sent.status, sent.fulfillments[0].lines.len()), (OrderStatus::Shipped, 1));
    assert_eq!((w.stock(shirt), w.stock(hat)), ((3, 0, 3), (5, 0, 5)));
}

#[test]
fn an_order_that_waits_for_its_money_is_called_off_whole_or_not_at_all() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 3)]);
    let line = order.lines[0].id;
    assert!(not_now(w.cancel_units(order.id, &[(line, 1)])), "it would be asked for too much");
    assert_eq!(w.seen(order.id), order);
    let whole = w.cancel_units(order.id, &[(line, 3)]).unwrap();
    assert_eq!(
        (whole.status, whole.payment_status),
        (OrderStatus::Cancelled, PaymentStatus::Voided)
    );
    assert_eq!(counts(&whole), [(0, 3, 0, 0)]);
    assert_eq!(happened(&whole), ["order.placed", "order.cancelled"]);
    assert_eq!(w.stock(shirt), (5, 0, 5));
}

#[test]
fn an_order_with_money_is_not_called_off_whole_unit_by_unit() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 3)]);
    let line = order.lines[0].id;
    w.capture(order.id).unwrap();
    w.cancel_units(order.id, &[(line, 2)]).unwrap();
    assert!(not_now(w.cancel_units(order.id, &[(line, 1)])), "refund it first");
    assert!(not_now(w.cancel(order.id)), "refund it first");
    assert_eq!(w.stock(shirt), (5, 1, 4));
    w.refund(order.id, &CreateRefund::default()).unwrap();
    assert_eq!(w.stock(shirt), (5, 0, 5));
    assert_eq!(w.cancel(order.id).unwrap().status, OrderStatus::Cancelled);
}

#[test]
fn what_is_paid_on_delivery_is_called_off_in_part_and_refunded_once_it_was_paid() {
    let w = World::new();
    on_delivery(&w);
    let shirt = w.sell("SHIRT", 1999, 9);
    let [unsent, sent] = [w.buy(&[(shirt, 3)]), w.buy(&[(shirt, 3)])];
    let reduced = w.cancel_units(unsent.id, &[(unsent.lines[0].id, 1)]).unwrap();
    assert_eq!((reduced.status, reduced.expires_at), (OrderStatus::Confirmed, unsent.expires_at));
    w.fulfill(sent.id, &parts(&[(sent.lines[0].id, 2)])).unwrap();
    let rest = w.cancel(sent.id).unwrap();
    assert_eq!((rest.status, rest.payment_status), (OrderStatus::Shipped, PaymentStatus::Pending));
    assert_eq!(w.stock(shirt), (7, 2, 5));
    assert!(not_now(w.refund(sent.id, &refund_units(&[(sent.lines[0].id, 1)]))), "not paid yet");
    w.capture(sent.id).unwrap();
    let refunded = w.refund(sent.id, &refund_units(&[(sent.lines[0].id, 1)])).unwrap();
    assert_eq!((refunded.paid_total, refunded.refunded_total), (eur(3 * 1999), eur(1999)));
    w.days(3);
    assert_eq!(w.sweep().0, 1, "what was not sent in time lapses, reduced or not");
    assert_eq!(w.seen(unsent.id).status, OrderStatus::Cancelled);
    assert_eq!(w.stock(shirt), (7, 0, 7));
}

#[test]
fn units_that_are_refunded_before_they_are_sent_are_called_off() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 5)]);
    let line = order.lines[0].id;
    let refund = |n| w.refund(order.id, &refund_units(&[(line, n)])).unwrap();
    w.capture(order.id).unwrap();
    let one = refund(1);
    assert_eq!((counts(&one), w.stock(shirt)), (vec![(0, 1, 0, 1)], (5, 4, 1)));
    assert_eq!(happened(&one)[2..], ["order.refunded", "order.partially_cancelled"]);
    w.fulfill(order.id, &parts(&[(line, 2)])).unwrap();
    // Of a line that was sent in part, what was sent counts as refunded first.
    let three = refund(2);
    assert_eq!((counts(&three), w.stock(shirt)), (vec![(2, 1, 0, 3)], (3, 2, 1)));
    let four = refund(1);
    assert_eq!((counts(&four), w.stock(shirt)), (vec![(2, 2, 0, 4)], (3, 1, 2)));
    // What was called off before is not called off again.
    w.cancel_units(order.id, &[(line, 1)]).unwrap();
    let five = refund(1);
    assert_eq!((counts(&five), w.stock(shirt)), (vec![(2, 3, 0, 5)], (3, 0, 3)));
    assert_eq!((five.refunded_total, five.status), (five.paid_total, OrderStatus::Refunded));
}

#[test]
fn an_order_whose_goods_are_all_refunded_unsent_is_cancelled() {
    let w = World::new();
    w.configure(|shop| {
        shop.shipping_methods = vec![ShippingMethod {
            id: "ship_00000000000000000000000000000001".parse().unwrap(),
            name: "Parcel".parse().unwrap(),
            rate: ShippingRate::Flat { price: eur(490) },
            countries: vec![],
            tax_class: None,
            active: true,
        }];
    });
    let shirt = w.sell("SHIRT", 1999, 5);
    let cart = w.draft();
    w.add(&w.system, cart, shirt, 2).unwrap();
    let parcel = commerce_core::cart::PatchCart {
        shipping_address: Some(Some(address("DE"))),
        shipping_method: Some(Some("ship_00000000000000000000000000000001".parse().unwrap())),
        ..Default::default()
    };
    w.patch(&w.system, cart, &parcel).unwrap();
    let order = w.place(&w.system, cart).unwrap().output.order;
    assert_eq!(order.total, eur(2 * 1999 + 490));
    w.capture(order.id).unwrap();
    let after = w.refund(order.id, &refund_units(&[(order.lines[0].id, 2)])).unwrap();
    assert_eq!(
        (after.status, after.payment_status),
        (OrderStatus::Cancelled, PaymentStatus::PartiallyRefunded)
    );
    assert_eq!(happened(&after)[2..], ["order.refunded", "order.cancelled"]);
    assert_eq!(w.stock(shirt), (5, 0, 5));
    let rest = w.refund(order.id, &CreateRefund::default()).unwrap();
    assert_eq!((rest.status, rest.refunded_total), (OrderStatus::Cancelled, rest.paid_total));
}

#[test]
fn units_that_are_waited_for_are_called_off_first_then_those_of_the_last_place() {
    let w = World::new();
    let far = w.location("Far", 9);
    let later = CreateVariant {
        backorder: Backorder::Allow,
        ..CreateVariant::new("LATER", eur(1000)).unwrap()
    };
    let later = w.sell_as(later, 2);
    w.set_stock(later, 2, Some(far));
    let order = w.buy(&[(later, 6)]);
    let line = order.lines[0].id;
    w.capture(order.id).unwrap();
    let main = w.main_location();
    let held = || (w.stock_at(later, main).1, w.stock_at(later, far).1);
    let cancel = |n| w.cancel_units(order.id, &[(line, n)]).unwrap().lines[0].backordered;
    assert_eq!((cancel(1), held()), (1, (2, 2)));
    assert_eq!((cancel(2), held()), (0, (2, 1)));
    assert_eq!((cancel(2), held()), (0, (1, 0)));
    w.fulfill_all(order.id).unwrap();
    assert_eq!(w.stock(later), (3, 0, 3));
}

#[test]
fn refunds_of_units_called_off_one_by_one_sum_to_what_was_paid() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1, 90);
    let cart = w.draft();
    w.add_at(cart, shirt, 7, 333).unwrap();
    w.configure(|shop| shop.pricing.cash_increment = Some(eur(5)));
    let order = w.place(&w.system, cart).unwrap().output.order;
    assert_eq!((order.total, order.rounding), (eur(2330), eur(-1)));
    let line = order.lines[0].id;
    w.capture(order.id).unwrap();
    w.fulfill(order.id, &parts(&[(line, 1)])).unwrap();
    for _ in 0..6 {
        w.cancel_units(order.id, &[(line, 1)]).unwrap();
        w.refund(order.id, &refund_units(&[(line, 1)])).unwrap();
    }
    let last = w.refund(order.id, &refund_units(&[(line, 1)])).unwrap();
    assert_eq!((last.refunded_total, last.status), (last.paid_total, OrderStatus::Refunded));
}

#[test]
fn what_the_back_office_notes_of_a_cancellation_is_not_for_the_customer() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 3).unwrap();
    w.ready(&guest, cart);
    let ring = commerce_core::cart::PatchCart {
        note: Some(Some("Please ring".parse().unwrap())),
        ..Default::default()
    };
    w.patch(&guest, cart, &ring).unwrap();
    let order = w.place(&guest, cart).unwrap().output.order;
    w.capture(order.id).unwrap();
    let noted = |n, note: &str| CancelOrder {
        reason: CancelReason::Fraud,
        note: Some(Note::new(note).unwrap()),
        ..cancel_units(&[(order.lines[0].id, n)])
    };
    w.cancel_as(order.id, &noted(1, "Looks odd")).unwrap();
    let twice = w.cancel_as(order.id, &noted(1, "Very odd")).unwrap();
    assert_eq!(twice.note, Some("Please ring".parse().unwrap()));
    assert_eq!(twice.cancel_note, Some("Looks odd\nVery odd".parse().unwrap()));
    assert_eq!(twice.cancel_reason, Some(CancelReason::Fraud));
    assert_eq!(w.seen(order.id), twice);
    let theirs = w.order(&guest, order.id).unwrap();
    assert!(theirs.payments[0].operations.is_empty() && !twice.payments[0].operations.is_empty());
    let payments = theirs.payments.clone();
    assert_eq!(theirs, OrderView { cancel_note: None, payments, ..twice });
    assert!(!serde_json::to_string(&theirs).unwrap().contains("odd"));
}
