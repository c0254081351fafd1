//! The mistakes of other shops, each refused here by a test of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::Barrier;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart, PatchCart},
    catalog::{Backorder, CreateProduct, CreateVariant, ProductOption, ProductStatus},
    checkout::PlaceOrder,
    error::Rejection,
    id::{CartId, VariantId},
    inputs::SeededIds,
    inventory::PatchLocation,
    store::{PageRequest, ProductFilter, ProductQuery, StockFilter},
};
use pollster::block_on;
use serde_json::json;
use support::{faults::Shared, *};

fn filled(w: &World, lines: &[(VariantId, i64)]) -> (Caller, CartId) {
    let (guest, cart) = w.guest();
    for (variant, units) in lines {
        w.add(&guest, cart, *variant, *units).unwrap();
    }
    w.ready(&guest, cart);
    (guest, cart)
}

fn place_at_once(w: &World, carts: &[(Caller, CartId)]) -> Vec<bool> {
    let barrier = Barrier::new(carts.len());
    std::thread::scope(|scope| {
        let run = |(who, cart): &(Caller, CartId)| {
            let (barrier, who, cart) = (&barrier, who.clone(), *cart);
            scope.spawn(move || {
                barrier.wait();
                w.place(&who, cart).is_ok()
            })
        };
        let threads: Vec<_> = carts.iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn the_clients_price_is_not_believed() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let line = json!({ "variant_id": shirt, "quantity": 1,
        "unit_price": { "amount": 1, "currency": "EUR" } });
    let line: AddLine = serde_json::from_value(line).unwrap();
    let (guest, cart) = w.guest();
    assert_eq!(refused(block_on(w.shop.add_line(&guest, cart, &line, None))), Rejection::Forbidden);
    for field in ["price", "subtotal", "total", "discount", "tax_total", "adjustments"] {
        let line = json!({ "variant_id": shirt, "quantity": 1, field: 1 });
        assert!(serde_json::from_value::<AddLine>(line).is_err(), "{field}");
    }
    let order = w.buy(&[(shirt, 1)]);
    assert_eq!(order.total, eur(1999));
}

#[test]
fn the_clients_discount_is_not_believed() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    for field in ["discount_total", "discount", "adjustments", "total", "status", "customer_id"] {
        assert!(serde_json::from_value::<PatchCart>(json!({ field: 1 })).is_err(), "{field}");
    }
    let (guest, cart) = filled(&w, &[(shirt, 1)]);
    let codes = Some(vec!["100PERCENT".parse().unwrap()]);
    let patch = PatchCart { discount_codes: codes, ..PatchCart::default() };
    assert_eq!(w.patch(&guest, cart, &patch).unwrap().total, eur(1999));
    let cheap = PlaceOrder { expected_total: Some(eur(1)), ..PlaceOrder::default() };
    let placed = block_on(w.shop.place_order(&guest, cart, &cheap));
    assert!(matches!(refused(placed), Rejection::PriceChanged { .. }));
}

#[test]
fn the_sum_is_compared_with_the_stock_and_not_only_what_is_added() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 3).unwrap();
    assert_eq!(short(w.add(&guest, cart, shirt, 3)), (6, 5));
    let lines = vec![AddLine::new(shirt, 3).unwrap(), AddLine::new(shirt, 3).unwrap()];
    let request = CreateCart { lines, ..CreateCart::default() };
    assert_eq!(short(block_on(w.shop.create_cart(&Caller::anonymous(), &request))), (6, 5));
}

#[test]
fn the_variants_stock_goes_down_and_no_others() {
    let w = World::new();
    let variant = |sku: &str| CreateVariant {
        options: vec![sku.parse().unwrap()],
        ..CreateVariant::new(sku, eur(1999)).unwrap()
    };
    let request = CreateProduct {
        status: ProductStatus::Active,
        options: vec![ProductOption { name: "Size".parse().unwrap() }],
        variants: vec![variant("M"), variant("L")],
        ..CreateProduct::new("Shirt").unwrap()
    };
    let made = block_on(w.shop.create_product(&w.system, &request)).unwrap();
    let [m, l] = [0, 1].map(|n| made.variants[n].id);
    for id in [m, l] {
        w.set_stock(id, 5, None);
    }
    let order = w.buy(&[(l, 5)]);
    w.capture(order.id).unwrap();
    w.fulfill_all(order.id).unwrap();
    assert_eq!((w.stock(m), w.stock(l)), ((5, 0, 5), (0, 0, 0)));
    let (guest, cart) = w.guest();
    assert_eq!(short(w.add(&guest, cart, l, 1)), (1, 0));
    w.add(&guest, cart, m, 5).unwrap();
}

#[test]
fn two_lines_of_one_stock_item_do_not_oversell() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let cart = w.draft();
    w.add(&w.system, cart, shirt, 3).unwrap();
    assert_eq!(short(w.add_at(cart, shirt, 3, 1000)), (6, 5));
    w.add_at(cart, shirt, 2, 1000).unwrap();
    w.set_stock(shirt, 4, None);
    assert_eq!(short(w.place(&w.system, cart)), (5, 4));
    assert_eq!(w.stock(shirt), (4, 0, 4));
}

#[test]
fn stock_is_not_read_and_then_written() {
    // Somebody buys the last unit between what the checkout read and what it writes.
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 3);
    let (guest, cart) = filled(&w, &[(shirt, 2)]);
    let other = World::over(store.sound(), 2);
    store.before_next_commit(move || drop(other.buy(&[(shirt, 2)])));
    assert_eq!(short(w.place(&guest, cart)), (2, 1));
    assert_eq!(w.stock(shirt), (3, 2, 1));
    // A sale between what a count read and what it writes is not undone by the count.
    let other = World::over(store.sound(), 3);
    store.before_next_commit(move || {
        let order = other.buy(&[(shirt, 1)]);
        other.capture(order.id).unwrap();
        other.fulfill_all(order.id).unwrap();
    });
    w.set_stock(shirt, 10, None);
    assert_eq!(w.stock(shirt), (10, 2, 8));
}

#[test]
fn many_at_once_buy_what_there_is_and_no_more() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let carts: Vec<_> = (0..16).map(|_| filled(&w, &[(shirt, 1)])).collect();
    let placed = place_at_once(&w, &carts);
    assert_eq!(placed.iter().filter(|ok| **ok).count(), 5);
    assert_eq!(w.stock(shirt), (5, 5, 0));
}

#[test]
fn a_key_is_scoped_to_its_owner() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let [(ada, hers), (eve, other)] = [(); 2].map(|()| filled(&w, &[(shirt, 1)]));
    let ada = ada.with_key(key("same-key"));
    let eve = eve.with_key(key("same-key"));
    let first = w.place(&ada, hers).unwrap();
    let second = w.place(&eve, other).unwrap();
    assert!(!second.replayed && second.order.id != first.order.id);
    assert_eq!(refused(w.order(&eve, first.order.id)), Rejection::NotFound { what: "order" });
}

#[test]
fn two_equal_requests_do_not_both_pass() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 500);
    for round in 1..=20 {
        let (guest, cart) = filled(&w, &[(shirt, 1)]);
        let keyed = guest.with_key(key("twice"));
        let same = [(); 2].map(|()| (keyed.clone(), cart));
        assert_eq!(place_at_once(&w, &same), [true, true]);
        assert_eq!(w.stock(shirt).1, round);
    }
    // Without a key, too, a cart becomes one order.
    let cart = filled(&w, &[(shirt, 1)]);
    let placed = place_at_once(&w, &[cart.clone(), cart]);
    assert_eq!(placed.iter().filter(|ok| **ok).count(), 1);
}

#[test]
fn a_replay_does_not_differ_from_the_first_answer() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = filled(&w, &[(shirt, 1)]);
    let keyed = guest.with_key(key("k"));
    let first = w.place(&keyed, cart).unwrap().output;
    w.cancel(first.order.id).unwrap();
    w.days(1);
    let again = w.place(&keyed, cart).unwrap().output;
    let text = |placed| serde_json::to_string(placed).unwrap();
    assert_eq!(text(&again), text(&first));
}

#[test]
fn no_line_is_added_to_a_cart_that_is_checked_out() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = filled(&w, &[(shirt, 1)]);
    let other = Commerce::new(store.sound(), w.clock.clone(), SeededIds::new(2));
    let same = guest.clone();
    store.before_next_commit(move || {
        block_on(other.place_order(&same, cart, &PlaceOrder::default())).unwrap();
    });
    assert_eq!(refused(w.add(&guest, cart, shirt, 1)), Rejection::CartClosed);
    assert_eq!(refused(w.add(&guest, cart, shirt, 1)), Rejection::CartClosed);
    // And the other way about: a line that came just before is in the order.
    let (guest, cart) = filled(&w, &[(shirt, 1)]);
    let other = Commerce::new(store.sound(), w.clock.clone(), SeededIds::new(3));
    let same = guest.clone();
    store.before_next_commit(move || {
        let line = AddLine::new(shirt, 1).unwrap();
        block_on(other.add_line(&same, cart, &line, None)).unwrap();
    });
    let order = w.place(&guest, cart).unwrap().output.order;
    assert_eq!((order.total, w.stock(shirt)), (eur(2 * 1999), (5, 3, 2)));
}

#[test]
fn a_filter_of_nothing_is_a_filter() {
    let w = World::new();
    w.sell("GIFT", 0, 5);
    w.sell("SHIRT", 1999, 0);
    let list = |filter: ProductFilter| -> Vec<String> {
        let query = ProductQuery {
            filter,
            currency: EUR,
            sort: None,
            descending: false,
            page: PageRequest::first(10),
        };
        let page = block_on(w.shop.products(&Caller::anonymous(), &query)).unwrap();
        page.items.iter().map(|product| product.title.to_string()).collect()
    };
    let filter = ProductFilter::default;
    assert_eq!(list(ProductFilter { max_price: Some(0), ..filter() }), ["GIFT"]);
    assert_eq!(list(ProductFilter { min_price: Some(0), ..filter() }).len(), 2);
    assert_eq!(list(ProductFilter { min_price: Some(1), ..filter() }), ["SHIRT"]);
    assert_eq!(list(ProductFilter { in_stock: Some(false), ..filter() }), ["SHIRT"]);
    assert!(list(ProductFilter { categories: Some(vec![]), ..filter() }).is_empty());
    let nothing = ProductFilter { featured: Some(true), ..filter() };
    assert!(list(nothing).is_empty());
}

#[test]
fn available_counts_no_other_shops_or_other_locations_stock() {
    let (w, neighbour) = (World::new(), World::over(Shared::new(), 1));
    let shirt = w.sell("SHIRT", 1999, 2);
    // The same seed names the same variant in the other shop.
    assert_eq!(neighbour.sell("SHIRT", 1999, 50), shirt);
    let far = w.location("Far", 9);
    w.set_stock(shirt, 30, Some(far));
    let off = PatchLocation { active: Some(false), ..PatchLocation::default() };
    block_on(w.shop.patch_location(&w.system, far, &off, None)).unwrap();
    let (guest, cart) = w.guest();
    assert_eq!(short(w.add(&guest, cart, shirt, 3)), (3, 2));
    assert_eq!(w.stock(shirt), (32, 0, 2));
    let by = commerce_core::store::VariantRef::Id(shirt);
    assert_eq!(block_on(w.shop.variant(&guest, &by)).unwrap().available, Some(2));
    let low = StockFilter { low: true, ..StockFilter::default() };
    let report = block_on(w.shop.stock(&w.system, &low, &PageRequest::first(10))).unwrap();
    assert_eq!(report.items[0].available, 2, "2 are few, whatever else is far away");
}

#[test]
fn a_shortage_does_not_turn_into_a_backorder() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 2);
    let (guest, cart) = filled(&w, &[(shirt, 2)]);
    w.set_stock(shirt, 1, None);
    assert_eq!(short(w.place(&guest, cart)), (2, 1));
    let later = CreateVariant {
        backorder: Backorder::Allow,
        ..CreateVariant::new("LATER", eur(1)).unwrap()
    };
    let later = w.sell_as(later, 1);
    let order = w.buy(&[(later, 3)]);
    assert_eq!(order.lines[0].backordered, 2, "it is one only where the shop says so");
}

#[test]
fn carts_with_the_same_lines_in_opposite_order_do_not_deadlock() {
    let w = World::new();
    let [a, b] = ["A", "B"].map(|sku| w.sell(sku, 100, 1_000));
    for _ in 0..20 {
        let carts: Vec<_> = (0..8)
            .map(|n| {
                let lines = if n % 2 == 0 { [(a, 1), (b, 1)] } else { [(b, 1), (a, 1)] };
                filled(&w, &lines)
            })
            .collect();
        assert!(place_at_once(&w, &carts).into_iter().all(|placed| placed));
    }
    assert_eq!((w.stock(a), w.stock(b)), ((1_000, 160, 840), (1_000, 160, 840)));
}
