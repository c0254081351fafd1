//! What others are told, by which operation, and once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    cart::{CreateCart, PatchCart},
    catalog::{CreateCategory, CreateVariant, PatchProduct, PatchVariant, ProductStatus},
    customer::{CreateCustomer, PatchCustomer},
    event::Event,
    inventory::PatchLocation,
    payment::CreateRefund,
    store::{PageRequest, StockFilter, VariantRef},
};
use pollster::block_on;
use support::{
    faults::{Fault, Shared},
    *,
};

#[test]
fn every_operation_tells_what_it_did_once() {
    let w = World::new();
    let told = |expected: &[&str], act: &mut dyn FnMut()| {
        assert_eq!(w.events_of(act), expected);
    };
    let mut shirt = None;
    told(&["product.created"], &mut || {
        shirt = Some(w.list(CreateVariant::new("SHIRT", eur(1999)).unwrap()));
    });
    let shirt = shirt.unwrap();
    let product = block_on(w.shop.variant(&w.system, &VariantRef::Id(shirt))).unwrap().product_id;
    let price = PatchVariant { price: Some(eur(2000)), ..PatchVariant::default() };
    let patch = |patch: &PatchProduct| {
        block_on(w.shop.patch_product(&w.system, product, patch, None)).unwrap();
    };
    let status = |status| PatchProduct { status: Some(status), ..PatchProduct::default() };
    let reprice = || drop(block_on(w.shop.patch_variant(&w.system, shirt, &price, None)).unwrap());
    told(&["product.updated"], &mut || reprice());
    told(&[], &mut || reprice());
    told(&["product.archived"], &mut || patch(&status(ProductStatus::Archived)));
    told(&[], &mut || patch(&status(ProductStatus::Archived)));
    told(&["product.updated"], &mut || patch(&status(ProductStatus::Active)));
    told(&["category.updated"], &mut || {
        let request = CreateCategory::new("C").unwrap();
        block_on(w.shop.create_category(&w.system, &request)).unwrap();
    });

    told(&["stock.changed"], &mut || w.set_stock(shirt, 7, None));
    told(&[], &mut || w.set_stock(shirt, 7, None));
    told(&["stock.changed"], &mut || {
        block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(-1, None))).unwrap();
    });
    told(&["shop.updated"], &mut || w.configure(|shop| shop.limits.cart_idle_days = 5));
    told(&[], &mut || w.configure(|shop| shop.limits.cart_idle_days = 5));
    told(&["shop.updated"], &mut || {
        w.location("Far", 9);
    });

    let mut made = None;
    told(&["cart.created"], &mut || made = Some(w.guest()));
    let (guest, cart) = made.unwrap();
    told(&["cart.updated"], &mut || drop(w.add(&guest, cart, shirt, 2).unwrap()));
    told(&[], &mut || drop(w.add(&guest, cart, shirt, 20).unwrap_err()));
    told(&["cart.updated"], &mut || w.ready(&guest, cart));
    let mut placed = None;
    told(&["order.placed", "cart.completed", "stock.changed", "stock.low"], &mut || {
        placed = Some(w.place(&guest, cart).unwrap().output.order);
    });
    let id = placed.unwrap().id;
    told(&[], &mut || drop(w.place(&guest, cart).unwrap_err()));
    told(&["payment.updated", "order.paid"], &mut || drop(w.capture(id).unwrap()));
    told(&[], &mut || drop(w.capture(id).unwrap_err()));
    let line = w.seen(id).lines[0].id;
    let one = parts(&[(line, 1)]);
    told(&["order.fulfilled", "stock.changed"], &mut || drop(w.fulfill(id, &one).unwrap()));
    told(&["order.fulfilled", "stock.changed"], &mut || drop(w.fulfill_all(id).unwrap()));
    told(&["order.delivered"], &mut || drop(w.deliver(id).unwrap()));
    told(&["payment.updated", "order.refunded"], &mut || {
        w.refund(id, &refund_of(1)).unwrap();
    });
    told(&["order.refunded"], &mut || drop(w.refund(id, &refund_of(1)).unwrap()));
    told(&["payment.updated", "order.refunded"], &mut || {
        w.refund(id, &CreateRefund::default()).unwrap();
    });

    let other = w.buy(&[(shirt, 3)]);
    told(&["payment.updated", "order.cancelled", "stock.changed"], &mut || {
        w.cancel(other.id).unwrap();
    });
    let other = w.buy(&[(shirt, 3)]);
    let line = other.lines[0].id;
    w.capture(other.id).unwrap();
    let reduced = ["order.partially_cancelled", "stock.changed"];
    told(&reduced, &mut || drop(w.cancel_units(other.id, &[(line, 1)]).unwrap()));
    let one = refund_units(&[(line, 1)]);
    told(&["payment.updated", "order.refunded"], &mut || drop(w.refund(other.id, &one).unwrap()));
    told(&["order.refunded", "order.partially_cancelled", "stock.changed"], &mut || {
        w.refund(other.id, &one).unwrap();
    });
    let all = ["payment.updated", "order.refunded", "order.partially_cancelled", "stock.changed"];
    told(&all, &mut || {
        w.refund(other.id, &CreateRefund::default()).unwrap();
    });
    told(&["order.cancelled"], &mut || drop(w.cancel(other.id).unwrap()));
    w.buy(&[(shirt, 3)]);
    let (guest, idle) = w.guest();
    let (ada, mut id) = (w.customer("ada@example.com"), None);
    told(&["cart.created", "cart.merged"], &mut || {
        block_on(w.shop.merge_cart(&ada.0, &guest, idle)).unwrap();
    });
    let (guest, again) = w.guest();
    told(&["cart.updated", "cart.merged"], &mut || {
        block_on(w.shop.merge_cart(&ada.0, &guest, again)).unwrap();
    });
    w.days(6);
    told(&["cart.expired"], &mut || assert_eq!(w.sweep(), (0, 1)));
    w.days(1);
    told(&["payment.updated", "order.cancelled", "stock.changed"], &mut || {
        assert_eq!(w.sweep(), (1, 0));
    });
    told(&[], &mut || assert_eq!(w.sweep(), (0, 0)));
    told(&["customer.updated"], &mut || {
        let made = block_on(w.shop.create_customer(&w.system, &CreateCustomer::default()));
        id = Some(made.unwrap().id);
    });
    told(&[], &mut || {
        let patch = PatchCustomer::default();
        block_on(w.shop.patch_customer(&w.system, id.unwrap(), &patch, None)).unwrap();
    });
    told(&["customer.erased"], &mut || {
        block_on(w.shop.erase_customer(&w.system, id.unwrap(), None)).unwrap();
    });
}

#[test]
fn a_replay_and_a_failed_commit_tell_nothing() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    let keyed = guest.with_key(key("k"));
    store.fail_once(Fault::Unavailable);
    assert!(w.events_of(|| w.place(&keyed, cart).unwrap_err()).is_empty());
    let told = ["order.placed", "cart.completed", "stock.changed"];
    assert_eq!(w.events_of(|| w.place(&keyed, cart).unwrap()), told);
    assert!(w.events_of(|| w.place(&keyed, cart).unwrap()).is_empty());
    store.fail_once(Fault::LostAfter);
    let patch = PatchCart::default();
    let request = CreateCart::default();
    let keyed = Caller::anonymous().with_key(key("a-key-that-is-long-enough"));
    let made = || block_on(w.shop.create_cart(&keyed, &request)).unwrap();
    assert_eq!(w.events_of(made), ["cart.created"]);
    assert!(w.events_of(|| w.patch(&guest_of(&made()), made().cart.id, &patch)).len() == 1);
}

fn guest_of(made: &commerce_core::CreatedCart) -> Caller {
    Caller::guest(&made.token.as_ref().unwrap().parse().unwrap())
}

#[test]
fn the_events_of_an_operation_are_one_entry_of_the_outbox() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 5).unwrap();
    w.ready(&guest, cart);
    let before = w.position();
    let order = w.place(&guest, cart).unwrap().output.order;
    let commits = w.commits_after(before);
    assert_eq!(commits.len(), 1);
    let location_id = w.main_location();
    let level = |on_hand, held| Event::StockChanged {
        variant_id: shirt,
        location_id,
        on_hand,
        held,
        available: on_hand - held,
    };
    assert_eq!(
        commits[0],
        [
            Event::OrderPlaced {
                order_id: order.id,
                number: order.number.clone(),
                cart_id: cart,
                customer_id: None,
                total: eur(5 * 1999),
            },
            Event::CartCompleted { cart_id: cart, order_id: order.id },
            level(9, 5),
            Event::StockLow { variant_id: shirt, available: 4, threshold: 5 },
        ]
    );
}

#[test]
fn low_stock_is_told_when_the_threshold_is_passed_and_not_again() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 7);
    let low = |act: &dyn Fn()| w.events_of(act).contains(&"stock.low".to_owned());
    let buy = |n| drop(w.buy(&[(shirt, n)]));
    assert!(!low(&|| buy(2)), "5 are left, which is not fewer than 5");
    assert!(low(&|| buy(1)));
    assert!(!low(&|| buy(1)));
    assert!(!low(&|| w.set_stock(shirt, 20, None)));
    assert!(low(&|| w.set_stock(shirt, 5, None)));
}

#[test]
fn low_stock_is_told_of_what_the_report_lists() {
    let w = World::new();
    let far = w.location("Far", 9);
    let shirt = w.sell("SHIRT", 1999, 3);
    w.set_stock(shirt, 4, Some(far));
    let told = |act: &dyn Fn()| w.events_of(act).contains(&"stock.low".to_owned());
    let listed = || {
        let filter = StockFilter { low: true, ..StockFilter::default() };
        let page = block_on(w.shop.stock(&w.system, &filter, &PageRequest::first(9))).unwrap();
        page.items.iter().any(|item| item.variant_id == shirt)
    };
    let active = |active| {
        let patch = PatchLocation { active: Some(active), ..PatchLocation::default() };
        block_on(w.shop.patch_location(&w.system, far, &patch, None)).unwrap();
    };
    let adjust = |delta, at| {
        block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(delta, at))).unwrap();
    };
    // Three and four of a threshold of five: each place is short, and the two together are not.
    assert_eq!((told(&|| drop(w.buy(&[(shirt, 2)]))), listed()), (false, false));
    assert_eq!((told(&|| adjust(-1, Some(far))), listed()), (true, true));
    assert_eq!((told(&|| adjust(-1, None)), listed()), (false, true));
    assert_eq!((told(&|| adjust(2, None)), listed()), (false, false));
    assert_eq!((told(&|| active(false)), listed()), (false, true), "nothing moved");
    assert_eq!((told(&|| adjust(-1, None)), listed()), (false, true), "it was low before");
    assert_eq!((told(&|| adjust(4, None)), listed()), (false, false));
    assert_eq!((told(&|| adjust(-3, Some(far))), listed()), (false, false), "far is closed");
    assert_eq!((told(&|| w.set_stock(shirt, 4, None)), listed()), (true, true));
    // Stock that is not counted is never low.
    let patch = PatchVariant { track_inventory: Some(false), ..PatchVariant::default() };
    block_on(w.shop.patch_variant(&w.system, shirt, &patch, None)).unwrap();
    w.set_stock(shirt, 40, None);
    assert_eq!((told(&|| w.set_stock(shirt, 2, None)), listed()), (false, false));
}

#[test]
fn those_who_sell_at_once_from_two_places_tell_low_stock_once() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let far = w.location("Far", 9);
    let shirt = w.sell("SHIRT", 1999, 3);
    w.set_stock(shirt, 3, Some(far));
    let before = w.position();
    let other = World::over(store.sound(), 2);
    store.before_next_commit(move || {
        block_on(other.shop.adjust_stock(&other.system, shirt, &adjustment(-1, Some(far))))
            .unwrap();
    });
    // Neither read what the other took: five were left for each of them.
    block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(-1, None))).unwrap();
    let lows: Vec<_> = w.commits_after(before).into_iter().flatten().collect();
    let low = Event::StockLow { variant_id: shirt, available: 4, threshold: 5 };
    let lows: Vec<_> = lows.iter().filter(|event| name_of(event) == "stock.low").collect();
    assert_eq!(lows, [&low]);
}

#[test]
fn every_event_is_documented() {
    let names = |text: &str, before: &str, after: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(before));
        let mut names: Vec<_> =
            lines.filter_map(|line| Some(line.split_once(after)?.0.to_owned())).collect();
        names.sort();
        names
    };
    let events = names(include_str!("../src/event.rs"), "#[serde(rename = \"", "\")]");
    let documented = names(include_str!("../../docs/events.md"), "| `", "` |");
    assert!(events.len() > 20, "{events:?}");
    assert_eq!(documented, events);
}
