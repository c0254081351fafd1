//! What others are told, by which operation, and once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    cart::{CreateCart, PatchCart},
    catalog::{CreateCategory, CreateVariant, PatchProduct, PatchVariant, ProductStatus},
    customer::{CreateCustomer, PatchCustomer},
    event::Event,
    payment::CreateRefund,
    store::VariantRef,
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
    told(&["order.placed", "stock.changed", "stock.low"], &mut || {
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
    let told = ["order.placed", "stock.changed"];
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
            level(9, 5),
            Event::StockLow { variant_id: shirt, location_id, available: 4, threshold: 5 },
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
