//! Stock: counted, received, adjusted and never below nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::CreateVariant,
    error::Rejection,
    id::VariantId,
    inputs::{SeededIds, SteppedClock},
    inventory::{AdjustStock, Movement, PatchLocation, Reason, SetStock, StockLevel},
    store::{Commit, MemoryStore, MovementFilter, PageRequest, StockFilter},
    time::Timestamp,
};
use pollster::block_on;
use support::*;

fn ledger(w: &World, variant: VariantId) -> Vec<Movement> {
    let filter = MovementFilter { variant_id: variant, location_id: None };
    let page = PageRequest::first(100);
    block_on(w.shop.stock_movements(&w.system, &filter, &page)).unwrap().items
}

#[test]
fn a_count_is_never_below_what_orders_hold() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    w.buy(&[(shirt, 3)]);
    let set = |n| block_on(w.shop.set_stock(&w.system, shirt, &count(n, None)));
    assert_eq!(invalid(set(2)), ["/on_hand"]);
    assert_eq!(invalid(set(-1)), ["/on_hand"]);
    assert_eq!(invalid(set(StockLevel::UNITS_MAX + 1)), ["/on_hand"]);
    assert_eq!(set(3).unwrap().available, 0);
    assert_eq!(w.stock(shirt), (3, 3, 0));
    assert_eq!(set(StockLevel::UNITS_MAX).unwrap().on_hand, StockLevel::UNITS_MAX);
}

#[test]
fn an_adjustment_is_never_below_what_is_available_nor_above_what_a_place_can_have() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    w.buy(&[(shirt, 3)]);
    let adjust = |n| block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(n, None)));
    assert_eq!(short(adjust(-3)), (3, 2));
    for bad in [0, i64::MIN, i64::MAX, StockLevel::UNITS_MAX + 1, StockLevel::UNITS_MAX] {
        assert_eq!(invalid(adjust(bad)), ["/delta"], "{bad}");
    }
    assert_eq!(adjust(-2).unwrap().on_hand, 3);
    assert_eq!(w.stock(shirt), (3, 3, 0));
}

#[test]
fn units_come_and_go_only_for_reasons_for_which_they_do() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    for reason in [Reason::Received, Reason::Returned, Reason::Sold, Reason::Damaged] {
        let comes = [Reason::Received, Reason::Returned].contains(&reason);
        let adjust = |delta| {
            let request = AdjustStock::new(delta, reason);
            block_on(w.shop.adjust_stock(&w.system, shirt, &request))
        };
        let set = |on_hand| {
            let request = SetStock { reason, ..SetStock::new(on_hand) };
            block_on(w.shop.set_stock(&w.system, shirt, &request))
        };
        let (right, wrong) = if comes { (1, -1) } else { (-1, 1) };
        assert_eq!(invalid(adjust(wrong)), ["/reason"]);
        assert_eq!(invalid(set(5 + wrong)), ["/reason"]);
        assert_eq!(adjust(right).unwrap().on_hand, 5 + right);
        assert_eq!(set(5 + 2 * right).unwrap().on_hand, 5 + 2 * right);
        set(5 + 2 * right).unwrap();
        block_on(w.shop.set_stock(&w.system, shirt, &count(5, None))).unwrap();
    }
    assert_eq!(ledger(&w, shirt).len(), 1 + 4 * 3);
}

#[test]
fn a_delivery_is_received_whole_or_not_at_all() {
    let w = World::new();
    let [shirt, hat] = [w.sell("SHIRT", 1999, 5), w.sell("HAT", 500, 0)];
    let receive =
        |units: &[(VariantId, i64)]| block_on(w.shop.receive_stock(&w.system, None, units, None));
    receive(&[(shirt, 2), (hat, 3), (shirt, 1)]).unwrap();
    assert_eq!((w.stock(shirt).0, w.stock(hat).0), (8, 3));
    let before = w.position();
    let unknown = "var_00000000000000000000000000000007".parse().unwrap();
    let absent = Rejection::NotFound { what: "variant" };
    assert_eq!(refused(receive(&[(shirt, 1), (unknown, 1)])), absent);
    assert_eq!(invalid(receive(&[(shirt, 1), (hat, 0)])), ["/1"]);
    assert_eq!(invalid(receive(&[(shirt, 1), (hat, StockLevel::UNITS_MAX)])), ["/1"]);
    let half = StockLevel::UNITS_MAX / 2;
    assert_eq!(invalid(receive(&[(hat, half), (shirt, 1), (hat, half)])), ["/2"]);
    assert_eq!(invalid(receive(&vec![(shirt, 1); Commit::MOVES_MAX + 1])), [""]);
    assert_eq!(w.position(), before);
    receive(&vec![(shirt, 1); Commit::MOVES_MAX]).unwrap();
    assert_eq!(w.stock(shirt).0, 8 + Commit::MOVES_MAX as i64);
}

#[test]
fn levels_are_the_sum_of_the_ledger() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let far = w.location("Far", 5);
    block_on(w.shop.receive_stock(&w.system, Some(far), &[(shirt, 4)], None)).unwrap();
    block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(-1, Some(far)))).unwrap();
    let order = w.buy(&[(shirt, 7)]);
    w.capture(order.id).unwrap();
    w.fulfill_all(order.id).unwrap();
    w.cancel(w.buy(&[(shirt, 1)]).id).unwrap();
    let rows = ledger(&w, shirt);
    assert_eq!(rows.iter().map(|row| row.delta).sum::<i64>(), w.stock(shirt).0);
    let at_far = rows.iter().filter(|row| row.location_id == far);
    assert_eq!(at_far.map(|row| row.delta).sum::<i64>(), w.stock_at(shirt, far).0);
    let sold: Vec<_> = rows.iter().filter(|row| row.reason == Reason::Sold).collect();
    assert_eq!(sold.iter().map(|row| row.delta).sum::<i64>(), -7);
    assert!(sold.iter().all(|row| row.order_id == Some(order.id)));
    assert_eq!(rows.len(), 5, "holds are not rows of the ledger");
}

#[test]
fn the_limit_of_a_page_is_looked_at_before_anything_is_read() {
    let store = MemoryStore::new();
    let nowhere = Commerce::new(store, SteppedClock::new(Timestamp::UNIX_EPOCH), SeededIds::new(1));
    let (system, page) = (Caller::system(), PageRequest { limit: 0, ..PageRequest::first(1) });
    let stock = block_on(nowhere.stock(&system, &StockFilter::default(), &page));
    assert_eq!(invalid(stock), ["/limit"]);
    let variant_id = "var_00000000000000000000000000000007".parse().unwrap();
    let filter = MovementFilter { variant_id, location_id: None };
    assert_eq!(invalid(block_on(nowhere.stock_movements(&system, &filter, &page))), ["/limit"]);
}

#[test]
fn available_counts_active_locations_and_nothing_else() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let far = w.location("Far", 5);
    w.set_stock(shirt, 7, Some(far));
    let off = |active| {
        let patch = PatchLocation { active: Some(active), ..PatchLocation::default() };
        block_on(w.shop.patch_location(&w.system, far, &patch, None)).unwrap();
    };
    assert_eq!(w.stock(shirt), (12, 0, 12));
    off(false);
    assert_eq!(w.stock(shirt), (12, 0, 5));
    off(true);
    w.buy(&[(shirt, 6)]);
    assert_eq!(w.stock(shirt), (12, 6, 6));
}

#[test]
fn the_report_of_low_stock_lists_what_is_below_its_threshold() {
    let w = World::new();
    let variant = |sku: &str, low_stock_threshold| CreateVariant {
        low_stock_threshold,
        ..CreateVariant::new(sku, eur(1)).unwrap()
    };
    let [a, b] = [w.sell_as(variant("A", 5), 5), w.sell_as(variant("B", 5), 4)];
    let c = w.sell_as(variant("C", 0), 0);
    let untracked = CreateVariant { track_inventory: false, ..variant("D", 5) };
    w.list(untracked);
    let low = || -> Vec<_> {
        let filter = StockFilter { low: true, ..StockFilter::default() };
        let page = PageRequest::first(10);
        let found = block_on(w.shop.stock(&w.system, &filter, &page)).unwrap();
        found.items.iter().map(|item| item.variant_id).collect()
    };
    assert_eq!(low(), [b]);
    w.buy(&[(a, 1)]);
    assert_eq!(low(), [a, b]);
    assert!(!low().contains(&c));
}

#[test]
fn stock_is_for_the_back_office() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (guest, _) = w.guest();
    for who in [guest, Caller::anonymous(), w.customer("a@example.com").0] {
        assert_eq!(refused(block_on(w.shop.stock_of(&who, shirt))), Rejection::Forbidden);
        let set = block_on(w.shop.set_stock(&who, shirt, &count(9, None)));
        assert_eq!(refused(set), Rejection::Forbidden);
        let adjust = block_on(w.shop.adjust_stock(&who, shirt, &adjustment(9, None)));
        assert_eq!(refused(adjust), Rejection::Forbidden);
        let receive = block_on(w.shop.receive_stock(&who, None, &[(shirt, 1)], None));
        assert_eq!(refused(receive), Rejection::Forbidden);
    }
}

#[test]
fn a_location_that_is_not_there_has_no_stock() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let nowhere = Some("loc_00000000000000000000000000000007".parse().unwrap());
    let absent = Rejection::NotFound { what: "location" };
    let set = block_on(w.shop.set_stock(&w.system, shirt, &count(9, nowhere)));
    assert_eq!(refused(set), absent);
    let adjust = block_on(w.shop.adjust_stock(&w.system, shirt, &adjustment(9, nowhere)));
    assert_eq!(refused(adjust), absent);
    let receive = block_on(w.shop.receive_stock(&w.system, nowhere, &[(shirt, 1)], None));
    assert_eq!(refused(receive), absent);
}
