//! What placing an order promises.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

mod support;

use std::collections::BTreeMap;

use commerce_core::{
    cart::{CreateCart, PatchCart},
    catalog::{Backorder, CreateVariant, PatchVariant},
    checkout::PlaceOrder,
    error::Rejection,
    inventory::{Allocate, PatchLocation, Placement, StockLevel},
    order::{Order, OrderStatus, PaymentTerms},
    payment::PaymentStatus,
    pricing::{ShippingMethod, ShippingRate, TaxRate, TaxTable},
    shop::Shop,
    store::{Commit, OrderRef},
    text::GatewayName,
};
use pollster::block_on;
use support::*;

fn flat(price: i64) -> ShippingMethod {
    ShippingMethod {
        id: "ship_00000000000000000000000000000001".parse().unwrap(),
        name: "Parcel".parse().unwrap(),
        rate: ShippingRate::Flat { price: eur(price) },
        countries: vec!["DE".parse().unwrap()],
        tax_class: None,
        active: true,
    }
}

fn tax(rate: &str, country: &str) -> TaxRate {
    TaxRate {
        id: "tax_00000000000000000000000000000001".parse().unwrap(),
        label: "Tax".parse().unwrap(),
        class: None,
        country: Some(country.parse().unwrap()),
        region: None,
        rate: rate.parse().unwrap(),
        compound: false,
        replaces_country: false,
    }
}

fn expecting(total: i64) -> PlaceOrder {
    PlaceOrder { expected_total: Some(eur(total)), ..PlaceOrder::default() }
}

fn holds(w: &World, order: &commerce_core::order::OrderView) -> Vec<Vec<(String, i64)>> {
    let inputs = block_on(w.shop.store().order(&OrderRef::Id(order.id))).unwrap().unwrap();
    let locations = block_on(w.shop.locations(&w.system)).unwrap();
    let name = |id| locations.iter().find(|l| l.id == id).unwrap().name.to_string();
    let of = |line: &commerce_core::order::OrderLine| {
        line.holds.iter().map(|hold| (name(hold.location_id), hold.quantity)).collect()
    };
    inputs.order.lines.iter().map(of).collect()
}

fn at(name: &str, units: i64) -> (String, i64) {
    (name.to_owned(), units)
}

#[test]
fn an_order_freezes_what_was_agreed() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 2)]);
    let patch = PatchVariant {
        price: Some(eur(1)),
        sku: Some("OTHER".parse().unwrap()),
        active: Some(false),
        ..PatchVariant::default()
    };
    block_on(w.shop.patch_variant(&w.system, shirt, &patch, None)).unwrap();
    let product = order.lines[0].product_id;
    block_on(w.shop.archive_product(&w.system, product, None)).unwrap();
    assert_eq!(w.seen(order.id), order);
    assert_eq!((order.total, order.lines[0].sku.as_str()), (eur(3998), "SHIRT"));
    w.capture(order.id).unwrap();
    assert_eq!(w.fulfill_all(order.id).unwrap().status, OrderStatus::Shipped);
}

#[test]
fn stock_comes_from_the_first_location_that_has_it_and_a_line_may_be_split() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 2);
    let [near, far] = [w.location("Near", -1), w.location("Far", 5)];
    w.set_stock(shirt, 3, Some(near));
    w.set_stock(shirt, 4, Some(far));
    let order = w.buy(&[(shirt, 6)]);
    assert_eq!(holds(&w, &order), [[at("Near", 3), at("Main", 2), at("Far", 1)]]);
    assert_eq!((w.stock_at(shirt, far), w.stock(shirt)), ((4, 1), (9, 6, 3)));
    w.capture(order.id).unwrap();
    w.fulfill_all(order.id).unwrap();
    assert_eq!((w.stock_at(shirt, far), w.stock(shirt)), ((3, 0), (3, 0, 3)));
}

#[test]
fn two_lines_of_one_variant_take_from_the_same_stock() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 2);
    w.set_stock(shirt, 3, Some(w.location("Far", 5)));
    let cart = w.draft();
    w.add(&w.system, cart, shirt, 1).unwrap();
    w.add_at(cart, shirt, 4, 500).unwrap();
    let order = w.place(&w.system, cart).unwrap().output.order;
    assert_eq!(holds(&w, &order), [vec![at("Main", 1)], vec![at("Main", 1), at("Far", 3)]]);
    assert_eq!((order.total, w.stock(shirt)), (eur(3999), (5, 5, 0)));
}

#[test]
fn stock_that_went_since_it_was_put_in_the_cart_is_refused_and_nothing_is_written() {
    let w = World::new();
    let [shirt, hat] = [w.sell("SHIRT", 1999, 5), w.sell("HAT", 900, 5)];
    let (guest, cart) = w.guest();
    w.add(&guest, cart, hat, 5).unwrap();
    w.add(&guest, cart, shirt, 5).unwrap();
    w.ready(&guest, cart);
    w.buy(&[(shirt, 1)]);
    let before = w.position();
    assert_eq!(short(w.place(&guest, cart)), (5, 4));
    assert_eq!((w.position(), w.stock(hat)), (before, (5, 0, 5)));
}

#[test]
fn a_backorder_takes_what_there_is_and_waits_for_the_rest() {
    let w = World::new();
    let later = CreateVariant {
        backorder: Backorder::Allow,
        ..CreateVariant::new("LATER", eur(100)).unwrap()
    };
    let later = w.sell_as(later, 3);
    let order = w.buy(&[(later, 5)]);
    assert_eq!((order.lines[0].backordered, w.stock(later)), (2, (3, 3, 0)));
    w.capture(order.id).unwrap();
    let line = order.lines[0].id;
    assert_eq!(short(w.fulfill_all(order.id)), (2, 0));
    assert_eq!(w.stock(later), (3, 3, 0));
    w.fulfill(order.id, &parts(&[(line, 3)])).unwrap();
    w.set_stock(later, 1, None);
    assert_eq!(short(w.fulfill_all(order.id)), (2, 1));
    let after = w.fulfill(order.id, &parts(&[(line, 1)])).unwrap();
    assert_eq!((after.lines[0].backordered, w.stock(later)), (1, (0, 0, 0)));
    w.set_stock(later, 4, None);
    let after = w.fulfill_all(order.id).unwrap();
    assert_eq!((after.status, after.lines[0].backordered), (OrderStatus::Shipped, 0));
    assert_eq!(w.stock(later), (3, 0, 3));
}

#[test]
fn what_is_not_counted_is_sold_without_stock() {
    let w = World::new();
    let file =
        CreateVariant { track_inventory: false, ..CreateVariant::new("FILE", eur(100)).unwrap() };
    let file = w.list(file);
    let order = w.buy(&[(file, 7)]);
    w.capture(order.id).unwrap();
    assert_eq!(w.fulfill_all(order.id).unwrap().status, OrderStatus::Shipped);
    assert_eq!((order.lines[0].backordered, w.stock(file)), (0, (0, 0, 0)));
}

/// Strategies that break their contract.
#[derive(Debug, Clone, Copy)]
enum Rogue {
    Greedy,
    Lazy,
    Twice,
    Negative,
    Elsewhere,
}

impl Allocate for Rogue {
    fn allocate(&self, wanted: i64, levels: &[StockLevel]) -> Vec<Placement> {
        let of =
            |level: &StockLevel, quantity| Placement { location_id: level.location_id, quantity };
        match self {
            Self::Greedy => levels.iter().map(|level| of(level, i64::MAX)).collect(),
            Self::Lazy => Vec::new(),
            Self::Twice => levels.iter().flat_map(|l| [of(l, wanted), of(l, wanted)]).collect(),
            Self::Negative => levels.iter().map(|level| of(level, -wanted)).collect(),
            Self::Elsewhere => {
                let location_id = "loc_00000000000000000000000000000007".parse().unwrap();
                vec![Placement { location_id, quantity: wanted }]
            }
        }
    }
}

#[test]
fn a_strategy_that_breaks_its_contract_neither_oversells_nor_refuses_what_there_is() {
    for rogue in [Rogue::Greedy, Rogue::Lazy, Rogue::Twice, Rogue::Negative, Rogue::Elsewhere] {
        let w = World::new().with(|shop| shop.with_strategy(rogue));
        let later = CreateVariant {
            backorder: Backorder::Allow,
            ..CreateVariant::new("LATER", eur(100)).unwrap()
        };
        let later = w.sell_as(later, 2);
        w.set_stock(later, 2, Some(w.location("Far", 5)));
        let order = w.buy(&[(later, 3)]);
        assert_eq!((w.stock(later), order.lines[0].backordered), ((4, 3, 1), 0), "{rogue:?}");
        let more = w.buy(&[(later, 4)]);
        assert_eq!((w.stock(later), more.lines[0].backordered), ((4, 4, 0), 3), "{rogue:?}");
        for id in [order.id, more.id] {
            w.capture(id).unwrap();
        }
        w.fulfill_all(order.id).unwrap();
        w.set_stock(later, 10, None);
        let sent = w.fulfill_all(more.id).unwrap();
        assert_eq!(sent.lines[0].backordered, 0, "{rogue:?}");
        assert_eq!(w.stock(later), (7, 0, 7), "{rogue:?}");
    }
}

#[test]
fn a_total_that_the_customer_did_not_agree_to_is_refused() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    let patch = PatchVariant { price: Some(eur(2500)), ..PatchVariant::default() };
    block_on(w.shop.patch_variant(&w.system, shirt, &patch, None)).unwrap();
    let place = |total| block_on(w.shop.place_order(&guest, cart, &expecting(total)));
    let changed = Rejection::PriceChanged { expected: eur(1999), actual: eur(2500) };
    assert_eq!(refused(place(1999)), changed);
    let dollars = commerce_core::money::Money::new(2500, commerce_core::currency::Currency::USD);
    let request = PlaceOrder { expected_total: Some(dollars), ..PlaceOrder::default() };
    let placed = block_on(w.shop.place_order(&guest, cart, &request));
    assert!(matches!(refused(placed), Rejection::PriceChanged { .. }));
    assert_eq!(place(2500).unwrap().order.total, eur(2500));
}

#[test]
fn a_storefront_must_say_who_and_where_and_how_and_the_back_office_need_not() {
    let w = World::new();
    w.configure(|shop| shop.shipping_methods = vec![flat(500)]);
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    assert_eq!(refused(w.place(&guest, cart)), Rejection::CartEmpty);
    w.add(&guest, cart, shirt, 1).unwrap();
    let all = ["/email", "/shipping_address", "/shipping_method"];
    assert_eq!(invalid(w.place(&guest, cart)), all);
    let needed = |nowhere: bool| match refused(w.place(&guest, cart)) {
        Rejection::Invalid(errors) => {
            assert_eq!((errors.len(), &*errors[0].pointer), (1, "/shipping_method"));
            assert_eq!(errors[0].detail.contains("none of the shop's serves"), nowhere);
        }
        other => panic!("{other:?}"),
    };
    for (country, nowhere) in [("DE", false), ("FR", true)] {
        w.ready_in(&guest, cart, country);
        needed(nowhere);
    }
    let patch = PatchCart { shipping_method: Some(Some(flat(500).id)), ..PatchCart::default() };
    w.patch(&guest, cart, &patch).unwrap();
    assert_eq!(invalid(w.place(&guest, cart)), ["/shipping_method"], "it does not go to France");
    w.ready_in(&guest, cart, "DE");
    assert_eq!(w.place(&guest, cart).unwrap().order.total, eur(2499));
    let drafted = w.draft();
    w.add(&w.system, drafted, shirt, 1).unwrap();
    let order = w.place(&w.system, drafted).unwrap().output.order;
    assert_eq!((order.email, order.total), (None, eur(1999)));
}

#[test]
fn a_shop_whose_shipping_methods_are_all_off_sends_nothing() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    w.configure(|shop| shop.shipping_methods = vec![flat(500)]);
    let patch = PatchCart { shipping_method: Some(Some(flat(500).id)), ..PatchCart::default() };
    w.patch(&guest, cart, &patch).unwrap();
    w.configure(|shop| shop.shipping_methods[0].active = false);
    assert_eq!(invalid(w.place(&guest, cart)), ["/shipping_method"]);
    let none = PatchCart { shipping_method: Some(None), ..PatchCart::default() };
    w.patch(&guest, cart, &none).unwrap();
    assert_eq!(invalid(w.place(&guest, cart)), ["/shipping_method"]);
}

#[test]
fn nobody_saves_a_tax_by_not_saying_where_they_are() {
    let w = World::new();
    w.configure(|shop| shop.taxes = TaxTable::new([tax("0.2", "DE")]).unwrap());
    let file = CreateVariant {
        requires_shipping: false,
        ..CreateVariant::new("FILE", eur(1000)).unwrap()
    };
    let file = w.sell_as(file, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, file, 1).unwrap();
    let patch =
        PatchCart { email: Some(Some("ada@example.com".parse().unwrap())), ..PatchCart::default() };
    w.patch(&guest, cart, &patch).unwrap();
    assert_eq!(invalid(w.place(&guest, cart)), ["/billing_address"]);
    let patch = PatchCart { billing_address: Some(Some(address("DE"))), ..PatchCart::default() };
    w.patch(&guest, cart, &patch).unwrap();
    assert_eq!(w.place(&guest, cart).unwrap().order.total, eur(1200));
}

#[test]
fn only_gateways_that_the_shop_takes_can_pay() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    w.ready(&guest, cart);
    let other = PlaceOrder::paid_by(GatewayName::new("barter").unwrap());
    let placed = block_on(w.shop.place_order(&guest, cart, &other));
    assert_eq!(invalid(placed), ["/payment/gateway"]);
    let barter = GatewayName::new("barter").unwrap();
    let terms = PaymentTerms::default();
    w.configure(|shop| shop.payment_terms = BTreeMap::from([(barter, terms)]));
    assert_eq!(invalid(w.place(&guest, cart)), ["/payment/gateway"]);
    assert_eq!(w.stock(shirt), (5, 0, 5));
}

#[test]
fn an_order_with_nothing_to_pay_is_paid_at_once_and_never_lapses() {
    let w = World::new();
    let gift = w.sell("GIFT", 0, 5);
    let (guest, cart) = w.guest();
    w.add(&guest, cart, gift, 1).unwrap();
    w.ready(&guest, cart);
    let placed = w.place(&guest, cart).unwrap().output;
    assert_eq!((placed.payment, placed.order.payments.len()), (None, 0));
    let order = placed.order;
    assert_eq!((order.payment_status, order.expires_at), (PaymentStatus::Paid, None));
    assert_eq!(order.status, OrderStatus::Confirmed);
    w.days(1_000);
    w.sweep();
    assert!(not_now(w.capture(order.id)));
    assert_eq!(w.fulfill_all(order.id).unwrap().status, OrderStatus::Shipped);
}

#[test]
fn a_draft_may_cost_nothing_or_another_price_and_lists_what_was_set() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let cart = w.draft();
    w.add_at(cart, shirt, 2, 0).unwrap();
    w.add_at(cart, shirt, 1, 750).unwrap();
    let order = w.place(&w.system, cart).unwrap().output.order;
    assert_eq!(order.total, eur(750));
    let totals: Vec<_> = order.lines.iter().map(|line| line.total.minor()).collect();
    assert_eq!(totals, [0, 750]);
}

#[test]
fn an_order_number_that_is_taken_is_replaced_by_another() {
    // The same seed gives the same numbers, so the first shop tells what the second will draw.
    let first = World::new();
    let order = first.buy(&[(first.sell("SHIRT", 1999, 5), 1)]);
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let theirs = block_on(first.shop.store().order(&OrderRef::Id(order.id))).unwrap().unwrap();
    let squatter = Order {
        id: "ord_00000000000000000000000000000007".parse().unwrap(),
        cart_id: "cart_00000000000000000000000000000007".parse().unwrap(),
        ..theirs.order.value.as_ref().clone()
    };
    let mut commit = Commit::at(w.now());
    commit.insert(squatter);
    block_on(w.shop.store().commit(&commit)).unwrap();
    let placed = w.buy(&[(shirt, 1)]);
    assert_ne!(placed.number, order.number);
    assert_eq!(w.stock(shirt), (5, 1, 4));
}

#[test]
fn stock_released_to_an_inactive_location_cannot_be_bought() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 5)]);
    let off = PatchLocation { active: Some(false), ..PatchLocation::default() };
    block_on(w.shop.patch_location(&w.system, w.main_location(), &off, None)).unwrap();
    w.cancel(order.id).unwrap();
    assert_eq!(w.stock(shirt), (5, 0, 0));
    let (guest, cart) = w.guest();
    assert_eq!(short(w.add(&guest, cart, shirt, 1)), (1, 0));
}

#[test]
fn what_an_inactive_location_holds_can_still_be_sent() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let order = w.buy(&[(shirt, 5)]);
    let off = PatchLocation { active: Some(false), ..PatchLocation::default() };
    block_on(w.shop.patch_location(&w.system, w.main_location(), &off, None)).unwrap();
    w.capture(order.id).unwrap();
    w.fulfill_all(order.id).unwrap();
    assert_eq!(w.stock(shirt), (0, 0, 0));
}

#[test]
fn an_order_from_more_places_than_one_commit_can_name_is_refused_and_no_fault() {
    let w = World::new();
    let variants: Vec<_> =
        (0..1_000).map(|n| w.list(CreateVariant::new(format!("S{n}"), eur(1)).unwrap())).collect();
    for n in 0..21 {
        let location = w.location(&format!("L{n}"), n);
        let units: Vec<_> = variants.iter().map(|id| (*id, 1)).collect();
        block_on(w.shop.receive_stock(&w.system, Some(location), &units, None)).unwrap();
    }
    let line = |id: &_| commerce_core::cart::AddLine::new(*id, 21).unwrap();
    let request =
        CreateCart { lines: variants.iter().map(line).collect(), ..CreateCart::default() };
    let cart = block_on(w.shop.create_cart(&w.system, &request)).unwrap().cart.id;
    assert_eq!(invalid(w.place(&w.system, cart)), [""]);
}

// Two tiny shops, to the cent.

/// 15 % tax; sending costs 10 and nothing from 100 on.
fn first_shop(shop: &mut Shop) {
    let rate = ShippingRate::FreeFrom { price: eur(10_00), threshold: eur(100_00) };
    shop.taxes = TaxTable::new([tax("0.15", "DE")]).unwrap();
    shop.shipping_methods = vec![ShippingMethod { rate, ..flat(0) }];
}

/// 8 % tax, and nothing is charged for sending.
fn second_shop(shop: &mut Shop) {
    shop.taxes = TaxTable::new([tax("0.08", "DE")]).unwrap();
}

#[test]
fn two_tiny_shops_to_the_cent() {
    type Case = (fn(&mut Shop), &'static [(i64, i64)], [i64; 4]);
    // Lines of price and units; subtotal, shipping, tax, total.
    let cases: [Case; 8] = [
        (first_shop, &[(19_99, 2)], [39_98, 10_00, 6_00, 55_98]),
        (first_shop, &[(99_99, 1)], [99_99, 10_00, 15_00, 124_99]),
        (first_shop, &[(50_00, 2)], [100_00, 0, 15_00, 115_00]),
        (first_shop, &[(33_33, 3), (1, 1)], [100_00, 0, 15_00, 115_00]),
        (first_shop, &[(10, 1), (10, 1), (10, 1)], [30, 10_00, 6, 10_36]),
        (second_shop, &[(19_99, 2)], [39_98, 0, 3_20, 43_18]),
        (second_shop, &[(6, 1), (6, 1)], [12, 0, 0, 12]),
        (second_shop, &[(249_99, 4), (5_49, 7)], [1_038_39, 0, 83_07, 1_121_46]),
    ];
    for (configure, lines, [subtotal, shipping, taxes, total]) in cases {
        let w = World::new();
        w.configure(configure);
        let (guest, cart) = w.guest();
        for (n, (price, units)) in lines.iter().enumerate() {
            let variant = w.sell(&format!("S{n}"), *price, 1_000);
            w.add(&guest, cart, variant, *units).unwrap();
        }
        w.ready(&guest, cart);
        let shop = block_on(w.shop.shop()).unwrap();
        let method = shop.shipping_methods.first().map(|method| method.id);
        let patch = PatchCart { shipping_method: Some(method), ..PatchCart::default() };
        let view = w.patch(&guest, cart, &patch).unwrap();
        let amounts = [view.subtotal, view.shipping_total, view.tax_total, view.total];
        let expected = [subtotal, shipping, taxes, total].map(eur);
        assert_eq!(amounts, expected, "{lines:?}");
        for line in &view.lines {
            let parts: i64 = line.adjustments.iter().map(|part| part.amount.minor()).sum();
            assert_eq!(line.subtotal.minor() + parts, line.total.minor());
        }
        let placed = block_on(w.shop.place_order(&guest, cart, &expecting(total))).unwrap();
        let order = &placed.order;
        let amounts = [order.subtotal, order.shipping_total, order.tax_total, order.total];
        assert_eq!(amounts, expected);
        assert_eq!(placed.payment.as_ref().unwrap().amount, eur(total));
    }
}
