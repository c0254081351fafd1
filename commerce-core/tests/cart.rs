//! What a cart promises.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    cart::{AddLine, CartStatus, ChangeLine, CreateCart, MergeStrategy, PatchCart},
    catalog::{Backorder, CreateVariant, PatchProduct, PatchVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::PutAddress,
    error::Rejection,
    id::{CartId, ShippingMethodId, VariantId},
    inventory::PatchLocation,
    money::Money,
    pricing::{ShippingMethod, ShippingRate},
    store::{Purge, VariantRef},
    time::Timestamp,
};
use pollster::block_on;
use support::*;

fn method(name: &str, rate: ShippingRate) -> ShippingMethod {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    ShippingMethod {
        id: format!("ship_{digits:0>32}").parse().unwrap(),
        name: name.parse().unwrap(),
        rate,
        countries: vec![],
        tax_class: None,
        active: true,
    }
}

fn flat(name: &str, price: i64) -> ShippingMethod {
    method(name, ShippingRate::Flat { price: eur(price) })
}

fn by(method: Option<ShippingMethodId>) -> PatchCart {
    PatchCart { shipping_method: Some(method), ..PatchCart::default() }
}

fn units(view: &commerce_core::cart::CartView) -> Vec<(VariantId, i64)> {
    view.lines.iter().map(|line| (line.variant_id, line.quantity.get())).collect()
}

#[test]
fn units_of_one_variant_add_up_in_one_line_and_it_is_their_sum_that_is_checked() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 2).unwrap();
    let view = w.add(&guest, cart, shirt, 3).unwrap();
    assert_eq!(units(&view), [(shirt, 5)]);
    assert_eq!(view.total, eur(5 * 1999));
    assert_eq!(short(w.add(&guest, cart, shirt, 1)), (6, 5));
    assert_eq!(short(w.change(&guest, cart, view.lines[0].id, 6)), (6, 5));
    assert_eq!(units(&w.cart(&guest, cart).unwrap()), [(shirt, 5)]);
}

#[test]
fn lines_of_one_variant_at_different_prices_share_its_stock() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let cart = w.draft();
    w.add(&w.system, cart, shirt, 2).unwrap();
    w.add_at(cart, shirt, 2, 1000).unwrap();
    let view = w.add_at(cart, shirt, 1, 1000).unwrap();
    assert_eq!(units(&view), [(shirt, 2), (shirt, 3)]);
    assert_eq!(view.total, eur(2 * 1999 + 3 * 1000));
    assert_eq!(short(w.add(&w.system, cart, shirt, 1)), (6, 5));
    assert_eq!(short(w.add_at(cart, shirt, 1, 0)), (6, 5));
}

#[test]
fn fewer_units_can_always_be_had_even_of_what_has_run_out() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    let line = w.add(&guest, cart, shirt, 5).unwrap().lines[0].id;
    w.set_stock(shirt, 1, None);
    let view = w.change(&guest, cart, line, 3).unwrap();
    assert_eq!(view.problems.len(), 1);
    assert_eq!(short(w.change(&guest, cart, line, 4)), (4, 1));
    w.configure(|shop| shop.limits.line_quantity_max = 1);
    w.change(&guest, cart, line, 2).unwrap();
    assert!(w.change(&guest, cart, line, 1).unwrap().problems.is_empty());
}

#[test]
fn a_cart_shows_the_prices_of_the_moment() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 2).unwrap();
    let patch = PatchVariant { price: Some(eur(2500)), ..PatchVariant::default() };
    block_on(w.shop.patch_variant(&w.system, shirt, &patch, None)).unwrap();
    assert_eq!(w.cart(&guest, cart).unwrap().total, eur(5000));
}

#[test]
fn what_is_not_for_sale_is_refused_and_names_its_reason_in_the_cart() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    let off = PatchVariant { active: Some(false), ..PatchVariant::default() };
    block_on(w.shop.patch_variant(&w.system, shirt, &off, None)).unwrap();
    assert!(matches!(refused(w.add(&guest, cart, shirt, 1)), Rejection::NotForSale { .. }));
    let view = w.cart(&guest, cart).unwrap();
    assert_eq!((view.total, view.problems.len()), (eur(0), 1));
    w.ready(&guest, cart);
    assert!(matches!(refused(w.place(&guest, cart)), Rejection::NotForSale { .. }));
    w.change(&guest, cart, view.lines[0].id, 1).unwrap();

    let hidden = w.sell("HIDDEN", 1, 1);
    let found = block_on(w.shop.variant(&w.system, &VariantRef::Id(hidden))).unwrap();
    let draft = PatchProduct { status: Some(ProductStatus::Draft), ..PatchProduct::default() };
    block_on(w.shop.patch_product(&w.system, found.product_id, &draft, None)).unwrap();
    let absent = Rejection::NotFound { what: "variant" };
    assert_eq!(refused(w.add(&guest, cart, hidden, 1)), absent);
    let unknown: VariantId = "var_00000000000000000000000000000007".parse().unwrap();
    assert_eq!(refused(w.add(&guest, cart, unknown, 1)), absent);
}

#[test]
fn a_cart_holds_one_currency() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let request = CreateCart { currency: Some(Currency::USD), ..CreateCart::default() };
    let cart = block_on(w.shop.create_cart(&w.system, &request)).unwrap().cart.id;
    assert!(matches!(refused(w.add(&w.system, cart, shirt, 1)), Rejection::NotForSale { .. }));
    assert_eq!(invalid(w.add_at(cart, shirt, 1, 5)), ["/unit_price"]);
    let dollars = Money::new(5, Currency::USD);
    let line = AddLine { unit_price: Some(dollars), ..AddLine::new(shirt, 1).unwrap() };
    let view = block_on(w.shop.add_line(&w.system, cart, &line, None)).unwrap();
    assert_eq!(view.total, dollars);
}

#[test]
fn limits_of_lines_and_units_are_kept_however_units_come() {
    let w = World::new();
    w.configure(|shop| {
        shop.limits.lines_max = 2;
        shop.limits.line_quantity_max = 10;
    });
    let [a, b, c] = ["A", "B", "C"].map(|sku| w.sell(sku, 100, 1_000));
    let (guest, cart) = w.guest();
    assert_eq!(invalid(w.add(&guest, cart, a, 11)), ["/quantity"]);
    w.add(&guest, cart, a, 6).unwrap();
    assert_eq!(invalid(w.add(&guest, cart, a, 5)), ["/quantity"]);
    let line = w.add(&guest, cart, b, 1).unwrap().lines[1].id;
    assert_eq!(invalid(w.change(&guest, cart, line, 11)), ["/quantity"]);
    assert_eq!(invalid(w.add(&guest, cart, c, 1)), [""]);
    let lines: Vec<_> = [a, b, c].map(|id| AddLine::new(id, 1).unwrap()).into();
    let request = CreateCart { lines, ..CreateCart::default() };
    assert_eq!(invalid(block_on(w.shop.create_cart(&guest, &request))), ["/lines/2"]);
}

#[test]
fn removing_clearing_and_what_is_not_there() {
    let w = World::new();
    let [a, b] = ["A", "B"].map(|sku| w.sell(sku, 100, 10));
    let (guest, cart) = w.guest();
    w.add(&guest, cart, a, 1).unwrap();
    let view = w.add(&guest, cart, b, 2).unwrap();
    let line = view.lines[0].id;
    let view = block_on(w.shop.remove_line(&guest, cart, line, None)).unwrap();
    assert_eq!(units(&view), [(b, 2)]);
    let gone = Rejection::NotFound { what: "line" };
    assert_eq!(refused(block_on(w.shop.remove_line(&guest, cart, line, None))), gone);
    assert_eq!(refused(w.change(&guest, cart, line, 1)), gone);
    let view = block_on(w.shop.clear_cart(&guest, cart, None)).unwrap();
    assert_eq!((view.lines.len(), view.total), (0, eur(0)));
}

#[test]
fn a_change_that_is_meant_for_another_version_of_a_cart_is_refused() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    let old = w.cart(&guest, cart).unwrap().version;
    let line = w.add(&guest, cart, shirt, 1).unwrap().lines[0].id;
    w.ready(&guest, cart);
    let before = w.cart(&guest, cart).unwrap();
    let stale = |given| match given {
        Rejection::VersionMismatch { expected, actual } => {
            assert_eq!((expected, actual), (old, before.version));
        }
        other => panic!("{other:?}"),
    };
    let (expected, more) = (Some(old), AddLine::new(shirt, 1).unwrap());
    let one = ChangeLine { quantity: more.quantity };
    let (patch, order) = (PatchCart::default(), PlaceOrder::default());
    stale(refused(block_on(w.shop.add_line(&guest, cart, &more, expected))));
    stale(refused(block_on(w.shop.change_line(&guest, cart, line, &one, expected))));
    stale(refused(block_on(w.shop.remove_line(&guest, cart, line, expected))));
    stale(refused(block_on(w.shop.clear_cart(&guest, cart, expected))));
    stale(refused(block_on(w.shop.patch_cart(&guest, cart, &patch, expected))));
    stale(refused(block_on(w.shop.place_order_at(&guest, cart, &order, expected))));
    assert_eq!(w.cart(&guest, cart).unwrap(), before);

    let expected = Some(before.version);
    let guest = guest.with_key("place".parse().unwrap());
    let place = || block_on(w.shop.place_order_at(&guest, cart, &order, expected)).unwrap();
    let (placed, again) = (place(), place());
    assert_eq!((placed.replayed, again.replayed), (false, true));
    assert_eq!(placed.output, again.output);
}

#[test]
fn a_closed_cart_refuses_every_change() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 100);
    let (ada, _) = w.customer("ada@example.com");
    let filled = || {
        let (guest, cart) = w.guest();
        let line = w.add(&guest, cart, shirt, 1).unwrap().lines[0].id;
        w.ready(&guest, cart);
        (guest, cart, line)
    };
    let completed = filled();
    w.place(&completed.0, completed.1).unwrap();
    let merged = filled();
    block_on(w.shop.merge_cart(&ada, &merged.0, merged.1)).unwrap();
    let expired = filled();
    w.days(31);
    assert_eq!(w.sweep().1, 2, "the guest's cart and Ada's");
    let statuses = [CartStatus::Completed, CartStatus::Merged, CartStatus::Expired];
    for ((who, cart, line), status) in [completed, merged, expired].into_iter().zip(statuses) {
        assert_eq!(w.cart(&who, cart).unwrap().status, status);
        let closed = |refusal| assert_eq!(refusal, Rejection::CartClosed, "{status:?}");
        closed(refused(w.add(&who, cart, shirt, 1)));
        closed(refused(w.change(&who, cart, line, 2)));
        closed(refused(block_on(w.shop.remove_line(&who, cart, line, None))));
        closed(refused(block_on(w.shop.clear_cart(&who, cart, None))));
        closed(refused(w.patch(&who, cart, &PatchCart::default())));
        closed(refused(w.place(&who, cart)));
        closed(refused(block_on(w.shop.merge_cart(&ada, &who, cart))));
    }
}

#[test]
fn an_idle_cart_expires_and_one_in_use_does_not() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 100);
    let (guest, cart) = w.guest();
    let (_, idle) = w.guest();
    w.days(29);
    w.add(&guest, cart, shirt, 1).unwrap();
    w.days(1);
    assert_eq!(w.sweep(), (0, 1));
    assert_eq!(w.cart(&w.system, idle).unwrap().status, CartStatus::Expired);
    assert_eq!(w.cart(&guest, cart).unwrap().status, CartStatus::Open);
    w.days(29);
    assert_eq!((w.sweep(), w.sweep()), ((0, 1), (0, 0)));
    let now = w.now().saturating_add(std::time::Duration::from_secs(1));
    let all = Purge {
        outcomes_before: Timestamp::MIN,
        outbox_through: 0,
        carts_before: now,
        webhooks_before: Timestamp::MIN,
    };
    assert_eq!(block_on(w.shop.purge(&all)).unwrap(), 2);
    assert_eq!(refused(w.cart(&guest, cart)), Rejection::NotFound { what: "cart" });
}

#[test]
fn a_customer_has_one_open_cart_and_a_new_one_after_an_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 100);
    let (ada, id) = w.customer("ada@example.com");
    let absent = Rejection::NotFound { what: "cart" };
    assert_eq!(refused(block_on(w.shop.open_cart(&ada, id))), absent);
    let cart = w.cart_of(&ada);
    assert_eq!(w.cart_of(&ada), cart);
    assert_eq!(block_on(w.shop.open_cart(&ada, id)).unwrap().id, cart);
    w.add(&ada, cart, shirt, 1).unwrap();
    w.ready(&ada, cart);
    w.place(&ada, cart).unwrap();
    assert_ne!(w.cart_of(&ada), cart);
    let (eve, _) = w.customer("eve@example.com");
    assert_eq!(refused(block_on(w.shop.open_cart(&eve, id))), absent);
}

#[test]
fn a_cart_begins_with_what_its_customer_said_before() {
    let w = World::new();
    let (ada, id) = w.customer("ada@example.com");
    let put = |country, default_shipping, default_billing| {
        let address = address(country);
        let request = PutAddress { id: None, address, default_shipping, default_billing };
        block_on(w.shop.put_address(&ada, id, &request)).unwrap();
    };
    put("DE", false, false);
    put("FR", false, true);
    let made = block_on(w.shop.create_cart(&ada, &CreateCart::default())).unwrap();
    assert_eq!(made.cart.email, Some("ada@example.com".parse().unwrap()));
    assert_eq!(made.cart.shipping_address, Some(address("DE")));
    assert_eq!(made.cart.billing_address, Some(address("FR")));
    let request = CreateCart {
        customer_id: Some(id),
        shipping_address: Some(address("IT")),
        ..CreateCart::default()
    };
    let drafted = block_on(w.shop.create_cart(&w.system, &request)).unwrap();
    assert_eq!(drafted.cart.shipping_address, Some(address("IT")));
    assert_eq!(drafted.cart.email, made.cart.email);
}

#[test]
fn a_cart_cannot_be_made_for_nobody() {
    let w = World::new();
    let nobody = "cus_00000000000000000000000000000007".parse().unwrap();
    let absent = Rejection::NotFound { what: "customer" };
    let request = CreateCart { customer_id: Some(nobody), ..CreateCart::default() };
    assert_eq!(refused(block_on(w.shop.create_cart(&w.system, &request))), absent);
    let ghost = Caller::customer(nobody);
    assert_eq!(refused(block_on(w.shop.create_cart(&ghost, &CreateCart::default()))), absent);
    let (guest, _) = w.guest();
    assert_eq!(refused(block_on(w.shop.create_cart(&guest, &request))), Rejection::Forbidden);
}

#[test]
fn only_active_locations_can_be_bought_from() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let far = w.location("Far", 1);
    w.set_stock(shirt, 7, Some(far));
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 12).unwrap();
    let off = PatchLocation { active: Some(false), ..PatchLocation::default() };
    block_on(w.shop.patch_location(&w.system, far, &off, None)).unwrap();
    assert_eq!(short(w.add(&guest, cart, shirt, 1)), (13, 5));
    w.ready(&guest, cart);
    assert_eq!(short(w.place(&guest, cart)), (12, 5));
    assert_eq!(w.stock(shirt), (12, 0, 5));
}

#[test]
fn what_is_not_counted_or_may_be_backordered_is_never_short() {
    let w = World::new();
    let free =
        CreateVariant { track_inventory: false, ..CreateVariant::new("FILE", eur(100)).unwrap() };
    let later = CreateVariant {
        backorder: Backorder::Allow,
        ..CreateVariant::new("LATER", eur(100)).unwrap()
    };
    let (guest, cart) = w.guest();
    for variant in [w.list(free), w.sell_as(later, 1)] {
        w.add(&guest, cart, variant, 1_000).unwrap();
    }
    assert!(w.cart(&guest, cart).unwrap().problems.is_empty());
}

// Sign-in.

/// Carts of a customer and of a guest, with three variants of which there are 10, 10 and 3.
fn two_carts(strategy: MergeStrategy) -> (World, [VariantId; 3], [(Caller, CartId); 2]) {
    let w = World::new();
    w.configure(|shop| shop.cart_merge = strategy);
    let variants = [w.sell("A", 100, 10), w.sell("B", 100, 10), w.sell("C", 100, 3)];
    let (ada, _) = w.customer("ada@example.com");
    let theirs = w.cart_of(&ada);
    let (guest, cart) = w.guest();
    let [a, b, c] = variants;
    for (variant, own, new) in [(a, 4, 3), (b, 0, 2), (c, 2, 2)] {
        if own > 0 {
            w.add(&ada, theirs, variant, own).unwrap();
        }
        w.add(&guest, cart, variant, new).unwrap();
    }
    (w, variants, [(ada, theirs), (guest, cart)])
}

#[test]
fn carts_merge_by_the_shops_strategy() {
    for (strategy, expected) in [
        (MergeStrategy::Combine, vec![7, 3, 2]),
        (MergeStrategy::Larger, vec![4, 2, 2]),
        (MergeStrategy::KeepGuest, vec![3, 2, 2]),
        (MergeStrategy::KeepCustomer, vec![4, 2]),
    ] {
        let (w, [a, b, c], [(ada, theirs), (guest, cart)]) = two_carts(strategy);
        let merged = block_on(w.shop.merge_cart(&ada, &guest, cart)).unwrap();
        assert_eq!(merged.id, theirs);
        let of = |id| units(&merged).iter().find(|(v, _)| *v == id).map_or(0, |(_, n)| *n);
        let got: Vec<_> = [a, b, c].map(of).into_iter().filter(|n| *n > 0).collect();
        let mut sorted = (got, expected);
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "{strategy:?}");
        assert_eq!(w.cart(&guest, cart).unwrap().status, CartStatus::Merged);
        assert!(merged.problems.is_empty());
    }
}

#[test]
fn a_merge_takes_what_there_is_and_never_fails_for_want_of_stock_or_room() {
    let (w, [a, _, c], [(ada, _), (guest, cart)]) = two_carts(MergeStrategy::Combine);
    w.configure(|shop| shop.limits.lines_max = 2);
    w.set_stock(a, 5, None);
    let merged = block_on(w.shop.merge_cart(&ada, &guest, cart)).unwrap();
    assert_eq!(units(&merged), [(a, 5), (c, 3)]);
}

#[test]
fn a_merge_makes_the_customers_cart_in_the_guests_currency_and_keeps_what_the_guest_said() {
    let w = World::new();
    let method = flat("Parcel", 500);
    w.configure(|shop| shop.shipping_methods = vec![method.clone()]);
    let price =
        commerce_core::catalog::Price { amount: Money::new(900, Currency::USD), compare_at: None };
    let shirt = w.sell_as(
        CreateVariant { prices: vec![price], ..CreateVariant::new("SHIRT", eur(800)).unwrap() },
        5,
    );
    let (ada, id) = w.customer("ada@example.com");
    let request = CreateCart {
        currency: Some(Currency::USD),
        shipping_address: Some(address("US")),
        shipping_method: Some(method.id),
        note: Some("Ring twice".parse().unwrap()),
        ..CreateCart::default()
    };
    let made = block_on(w.shop.create_cart(&Caller::anonymous(), &request)).unwrap();
    let guest = Caller::guest(&made.token.as_ref().unwrap().parse().unwrap());
    w.add(&guest, made.cart.id, shirt, 2).unwrap();
    let codes = vec!["SPRING".parse().unwrap()];
    let patch = PatchCart { discount_codes: Some(codes.clone()), ..PatchCart::default() };
    w.patch(&guest, made.cart.id, &patch).unwrap();

    let merged = block_on(w.shop.merge_cart(&ada, &guest, made.cart.id)).unwrap();
    assert_eq!((merged.currency, merged.customer_id), (Currency::USD, Some(id)));
    assert_eq!(units(&merged), [(shirt, 2)]);
    assert_eq!(merged.shipping_address, Some(address("US")));
    assert_eq!(merged.shipping_method, Some(method.id));
    assert_eq!(merged.note, Some("Ring twice".parse().unwrap()));
    assert_eq!(merged.discount_codes, codes);
    assert_eq!(block_on(w.shop.open_cart(&ada, id)).unwrap().id, merged.id);
}

#[test]
fn a_merge_is_for_customers_and_for_carts_of_guests() {
    let (w, _, [(ada, theirs), (guest, cart)]) = two_carts(MergeStrategy::Combine);
    assert_eq!(refused(block_on(w.shop.merge_cart(&guest, &guest, cart))), Rejection::Forbidden);
    let absent = Rejection::NotFound { what: "cart" };
    let (other, _) = w.guest();
    assert_eq!(refused(block_on(w.shop.merge_cart(&ada, &other, cart))), absent);
    assert_eq!(refused(block_on(w.shop.merge_cart(&ada, &ada, theirs))), absent);
    let drafted = w.draft();
    assert_eq!(refused(block_on(w.shop.merge_cart(&ada, &w.system, drafted))), absent);
}

// Shipping.

#[test]
fn shipping_options_are_those_that_serve_the_cart_with_their_totals() {
    let w = World::new();
    let table = vec![commerce_core::pricing::WeightStep { up_to_grams: 1_000, price: eur(300) }];
    let french = ShippingMethod { countries: vec!["FR".parse().unwrap()], ..flat("French", 1) };
    let off = ShippingMethod { active: false, ..flat("Off", 1) };
    let light = method("Light", ShippingRate::ByWeight { steps: table });
    let free = ShippingRate::FreeFrom { price: eur(700), threshold: eur(5_000) };
    let methods = [flat("Flat", 500), light, method("Free", free), french, off];
    w.configure(|shop| shop.shipping_methods = methods.into());
    let shirt = w.sell_as(
        CreateVariant { weight_grams: 600, ..CreateVariant::new("SHIRT", eur(2_500)).unwrap() },
        5,
    );
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    let options = || -> Vec<(String, i64)> {
        let options = block_on(w.shop.shipping_options(&guest, cart)).unwrap();
        let option = |(method, view): &(ShippingMethod, commerce_core::cart::CartView)| {
            (method.name.to_string(), view.total.minor())
        };
        options.iter().map(option).collect()
    };
    let named = |name: &str, total| (name.to_owned(), total);
    assert_eq!(options(), [named("Flat", 3_000), named("Light", 2_800), named("Free", 3_200)]);
    w.add(&guest, cart, shirt, 1).unwrap();
    assert_eq!(options(), [named("Flat", 5_500), named("Free", 5_000)]);
}

#[test]
fn a_shipping_method_that_is_gone_is_a_problem_and_not_free() {
    let w = World::new();
    let method = flat("Parcel", 500);
    w.configure(|shop| shop.shipping_methods = vec![method.clone(), flat("Other", 900)]);
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    assert_eq!(invalid(w.place(&guest, cart)), ["/shipping_method"]);
    let view = w.patch(&guest, cart, &by(Some(method.id))).unwrap();
    assert_eq!(view.total, eur(2499));
    w.configure(|shop| shop.shipping_methods.retain(|other| other.id != method.id));
    assert_eq!(invalid(w.patch(&guest, cart, &by(Some(method.id)))), ["/shipping_method"]);
    assert_eq!(w.cart(&guest, cart).unwrap().problems.len(), 1);
    assert_eq!(invalid(w.place(&guest, cart)), ["/shipping_method"]);
    assert_eq!(w.patch(&guest, cart, &by(None)).unwrap().problems, []);
}

#[test]
fn a_large_cart_is_not_slow() {
    let w = World::new();
    let line = |n: usize| AddLine::new(w.sell(&format!("S{n}"), 100, 10), 1).unwrap();
    let lines: Vec<_> = (0..2_000).map(line).collect();
    let begun = std::time::Instant::now();
    let request = CreateCart { lines, ..CreateCart::default() };
    let made = block_on(w.shop.create_cart(&w.system, &request)).unwrap();
    let line = made.cart.lines[1_000].id;
    w.change(&w.system, made.cart.id, line, 2).unwrap();
    let placed = w.place(&w.system, made.cart.id).unwrap();
    assert_eq!(placed.order.total, eur(200_100));
    w.capture(placed.order.id).unwrap();
    w.fulfill_all(placed.order.id).unwrap();
    // A debug build on a slow machine takes about a second.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
