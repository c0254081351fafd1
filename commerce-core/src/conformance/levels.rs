//! Stock levels: moved, never written, and always within their bounds.

use super::{
    Bench,
    make::{Make, commit, level},
};
use crate::{
    catalog::Variant,
    inventory::{LevelKey, Shortage, StockLevel, StockMove},
    store::{Commit, CommitError, RecordKey},
};

const MAX: i64 = StockLevel::UNITS_MAX;

fn moves(make: &mut Make, key: LevelKey, moves: &[(i64, i64)]) -> Commit {
    let mut commit = commit();
    for (on_hand, held) in moves {
        commit.stock(make.stock_move(key, *on_hand, *held));
    }
    commit
}

/// A commit that would leave a level's bounds.
async fn short(t: &Bench<'_>, commit: &Commit) -> Shortage {
    match t.refused(commit).await {
        CommitError::Short(shortage) => shortage,
        other => panic!("expected a level to be short, found {other:?}"),
    }
}

pub(super) async fn move_by_differences(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    for (change, expected) in [
        ((5, 0), (5, 0)),
        ((0, 3), (5, 3)),
        ((-1, -1), (4, 2)),
        ((7, 0), (11, 2)),
        ((0, -2), (11, 0)),
    ] {
        t.commit(&moves(&mut make, key, &[change])).await;
        assert_eq!(t.counts(key).await, expected, "after a move of {change:?}");
    }
}

pub(super) async fn nothing_is_available_below_zero(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let key = shelf.key();
    for change in [(0, 4), (-4, 0), (-2, 2), (-6, -2)] {
        short(t, &moves(&mut make, key, &[change])).await;
        assert_eq!(t.counts(key).await, (5, 2), "after a move of {change:?} was refused");
    }
}

pub(super) async fn the_last_unit_can_be_held(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let key = shelf.key();
    t.commit(&moves(&mut make, key, &[(0, 3)])).await;
    assert_eq!(t.counts(key).await, (5, 5));
    short(t, &moves(&mut make, key, &[(0, 1)])).await;
    t.commit(&moves(&mut make, key, &[(-5, -5)])).await;
    assert_eq!(t.counts(key).await, (0, 0));
    short(t, &moves(&mut make, key, &[(-1, 0)])).await;
}

pub(super) async fn no_more_is_released_than_is_held(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let key = shelf.key();
    short(t, &moves(&mut make, key, &[(0, -3)])).await;
    t.commit(&moves(&mut make, key, &[(0, -2)])).await;
    assert_eq!(t.counts(key).await, (5, 0));
    short(t, &moves(&mut make, key, &[(0, -1)])).await;
    short(t, &moves(&mut make, key, &[(5, -1)])).await;
}

pub(super) async fn a_place_has_room_for_so_many(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    short(t, &moves(&mut make, key, &[(MAX + 1, 0)])).await;
    short(t, &moves(&mut make, key, &[(i64::MAX, 0)])).await;
    t.commit(&moves(&mut make, key, &[(MAX, 0)])).await;
    t.commit(&moves(&mut make, key, &[(0, MAX)])).await;
    assert_eq!(t.counts(key).await, (MAX, MAX));
    short(t, &moves(&mut make, key, &[(1, 0)])).await;
    short(t, &moves(&mut make, key, &[(0, i64::MAX)])).await;
    short(t, &moves(&mut make, key, &[(i64::MIN, i64::MIN)])).await;
}

pub(super) async fn a_shortage_says_which_and_by_how_much(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let other = make.location();
    t.insert(other.clone()).await;
    let key = shelf.key();
    let expected = |level, wanted, available| Shortage { level, wanted, available };
    let found = short(t, &moves(&mut make, key, &[(0, 4)])).await;
    assert_eq!(found, expected(key, 4, 3));
    let found = short(t, &moves(&mut make, key, &[(0, 2), (-2, 0)])).await;
    assert_eq!(found, expected(key, 4, 3));
    let empty = level(shelf.variant.id, other.id);
    let found = short(t, &moves(&mut make, empty, &[(-1, 0)])).await;
    assert_eq!(found, expected(empty, 1, 0));
}

pub(super) async fn moves_of_one_level_count_as_one(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    // Each of these fits only together with the others, in whichever order.
    t.commit(&moves(&mut make, key, &[(-5, 0), (0, 2), (9, 0)])).await;
    assert_eq!(t.counts(key).await, (4, 2));
    t.commit(&moves(&mut make, key, &[(0, -5), (MAX, 0), (-MAX, 0), (0, 4)])).await;
    assert_eq!(t.counts(key).await, (4, 1));
}

pub(super) async fn two_lines_of_one_level_do_not_oversell(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let key = shelf.key();
    let found = short(t, &moves(&mut make, key, &[(0, 3), (0, 3)])).await;
    assert_eq!((found.wanted, found.available), (6, 5));
    assert_eq!(t.counts(key).await, (5, 0));
    t.commit(&moves(&mut make, key, &[(0, 3), (0, 2)])).await;
    assert_eq!(t.counts(key).await, (5, 5));
}

pub(super) async fn huge_moves_are_summed_exactly(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    let huge = [(i64::MAX, 0), (i64::MAX, 0), (-i64::MAX, 0), (-i64::MAX, 0), (7, 0)];
    t.commit(&moves(&mut make, key, &huge)).await;
    assert_eq!(t.counts(key).await, (7, 0));
    let rows = t.ledger(key.variant_id, None).await;
    let sum: i128 = rows.iter().map(|row| i128::from(row.delta)).sum();
    assert_eq!(sum, 7, "the ledger does not sum to the level");
    let held = [(0, i64::MAX), (0, i64::MAX), (0, -i64::MAX), (0, -i64::MAX), (0, 8)];
    short(t, &moves(&mut make, key, &held)).await;
}

pub(super) async fn places_and_variants_have_their_own(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let place = make.location();
    let variant = make.variant(&shelf.product);
    t.insert(place.clone()).await;
    t.insert(variant.clone()).await;
    let keys = [
        shelf.key(),
        level(shelf.variant.id, place.id),
        level(variant.id, shelf.location.id),
        level(variant.id, place.id),
    ];
    let mut commit = commit();
    for (count, key) in (1..).zip(keys) {
        commit.stock(make.stock_move(key, count * 10, count));
    }
    t.commit(&commit).await;
    for (count, key) in (1..).zip(keys) {
        assert_eq!(t.counts(key).await, (count * 10, count));
    }
    short(t, &moves(&mut make, keys[0], &[(0, 10)])).await;
    t.commit(&moves(&mut make, keys[3], &[(0, 10)])).await;
}

pub(super) async fn one_short_level_stops_all(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let variants: Vec<_> = (0..5).map(|_| make.variant(&shelf.product)).collect();
    let mut filled = commit();
    for variant in &variants {
        filled.insert(variant.clone());
        filled.stock(make.stock_move(level(variant.id, shelf.location.id), 5, 0));
    }
    t.commit(&filled).await;
    for greedy in 0..variants.len() {
        let mut taken = commit();
        for (place, variant) in variants.iter().enumerate() {
            let wanted = if place == greedy { 6 } else { 1 };
            taken.stock(make.stock_move(level(variant.id, shelf.location.id), 0, wanted));
        }
        let found = short(t, &taken).await;
        assert_eq!(found.level.variant_id, variants[greedy].id);
        for Variant { id, .. } in &variants {
            assert_eq!(t.counts(level(*id, shelf.location.id)).await, (5, 0));
        }
    }
}

fn counted(change: StockMove, expected: i64) -> StockMove {
    StockMove { expected_on_hand: Some(expected), ..change }
}

pub(super) async fn one_can_be_set_if_it_is_as_it_was_read(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let key = shelf.key();
    for stale in [0, 4, 6] {
        let mut commit = commit();
        commit.stock(counted(make.stock_move(key, 1, 0), stale));
        match t.refused(&commit).await {
            CommitError::Conflict(RecordKey::Variant(id)) if id == key.variant_id => {}
            other => panic!("expected a conflict of the variant, found {other:?}"),
        }
    }
    assert_eq!(t.counts(key).await, (5, 2));
    let mut commit = commit();
    commit.stock(counted(make.stock_move(key, -3, 0), 5));
    t.commit(&commit).await;
    assert_eq!(t.counts(key).await, (2, 2));
    assert!(matches!(t.refused(&commit).await, CommitError::Conflict(_)));
}

pub(super) async fn one_that_never_was_is_as_one_of_zero(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    assert_eq!(t.sellable(key.variant_id).await.levels, [], "nothing was there yet");
    let mut first = commit();
    first.stock(counted(make.stock_move(key, 5, 0), 0));
    t.commit(&first).await;
    t.commit(&moves(&mut make, key, &[(-5, 0)])).await;
    let mut again = commit();
    again.stock(counted(make.stock_move(key, 4, 0), 0));
    t.commit(&again).await;
    assert_eq!(t.counts(key).await, (4, 0));
}

pub(super) async fn moves_that_expect_different_levels_are_malformed(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let key = shelf.key();
    for (a, b) in [(Some(5), None), (None, Some(5)), (Some(5), Some(6))] {
        let mut commit = commit();
        for expected_on_hand in [a, b] {
            let change = make.stock_move(key, 1, 0);
            commit.stock(StockMove { expected_on_hand, ..change });
        }
        let error = t.refused(&commit).await;
        assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    }
    assert_eq!(t.counts(key).await, (5, 0));
}

pub(super) async fn the_same_stock_is_read_everywhere(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 9, 4).await;
    let place = make.location();
    t.insert(place.clone()).await;
    t.commit(&moves(&mut make, level(shelf.variant.id, place.id), &[(3, 1)])).await;
    let cart =
        crate::cart::Cart { lines: vec![make.cart_line(shelf.variant.id, 1)], ..make.cart() };
    t.insert(cart.clone()).await;
    let mut expected = vec![
        StockLevel { on_hand: 9, held: 4, ..StockLevel::zero(shelf.key()) },
        StockLevel { on_hand: 3, held: 1, ..StockLevel::zero(level(shelf.variant.id, place.id)) },
    ];
    expected.sort_by_key(|level| level.location_id);
    let store = t.store();
    assert_eq!(t.sellable(shelf.variant.id).await.levels, expected, "of a variant, by location");
    let found = store.sellables(&[shelf.variant.id]).await.unwrap();
    assert_eq!(found[0].levels, expected, "of several variants, by location");
    let found = store.checkout_inputs(cart.id, &[]).await.unwrap().expect("the cart is there");
    assert_eq!(found.sellables[0].levels, expected, "of a cart, by location");
    let mut levels = t.product(shelf.product.id).await.levels;
    levels.sort_by_key(|level| level.location_id);
    assert_eq!(levels, expected, "of a product");
}
