//! The ledger of physical stock.

use super::{
    Bench,
    make::{Make, at, commit, level},
    read::pages,
};
use crate::{
    id::{LocationId, VariantId},
    inventory::{Movement, Reason, StockMove},
    store::{Commit, MovementFilter},
    text::Note,
};

async fn listed(
    t: &Bench<'_>,
    variant_id: VariantId,
    location_id: Option<LocationId>,
    limit: usize,
) -> Vec<Movement> {
    let store = t.store();
    let filter = &MovementFilter { variant_id, location_id };
    pages(limit, |page| async move { store.movements(filter, &page).await.unwrap() }).await
}

pub(super) async fn have_every_field_of_their_move(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let order = make.order();
    t.insert(order.clone()).await;
    let reasons = [
        Reason::Received,
        Reason::Sold,
        Reason::Returned,
        Reason::Counted,
        Reason::Damaged,
        Reason::Adjusted,
    ];
    let mut expected = Vec::new();
    for (n, reason) in (0..).zip(reasons) {
        let full = n % 2 == 0;
        let change = StockMove {
            reason,
            order_id: full.then_some(order.id),
            note: full.then(|| Note::new("nach\ngezählt 😀").unwrap()),
            ..make.stock_move(shelf.key(), 5 - 2 * n, 0)
        };
        let mut commit = Commit::at(at(n));
        commit.stock(change.clone());
        t.commit(&commit).await;
        expected.push(Movement {
            id: change.movement_id,
            variant_id: shelf.variant.id,
            location_id: shelf.location.id,
            delta: 5 - 2 * n,
            reason,
            order_id: change.order_id,
            note: change.note,
            at: at(n),
        });
    }
    expected.reverse();
    assert_eq!(t.ledger(shelf.variant.id, None).await, expected);
}

pub(super) async fn are_there_for_units_that_come_or_go_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    t.stock(make.stock_move(shelf.key(), 0, 3)).await;
    t.stock(make.stock_move(shelf.key(), 0, -1)).await;
    assert_eq!(t.ledger(shelf.variant.id, None).await.len(), 1, "a hold is not in the ledger");
    t.stock(make.stock_move(shelf.key(), -2, -2)).await;
    let deltas: Vec<_> =
        t.ledger(shelf.variant.id, None).await.iter().map(|row| row.delta).collect();
    assert_eq!(deltas, [-2, 5]);
}

pub(super) async fn are_there_one_for_each_move(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut commit = commit();
    for delta in [3, 4, -2] {
        commit.stock(make.stock_move(shelf.key(), delta, 0));
    }
    t.commit(&commit).await;
    let mut deltas: Vec<_> =
        t.ledger(shelf.variant.id, None).await.iter().map(|row| row.delta).collect();
    deltas.sort_unstable();
    assert_eq!(deltas, [-2, 3, 4], "moves of one level are one move, but each is a row");
}

pub(super) async fn sum_to_the_units_on_hand(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let place = make.location();
    t.insert(place.clone()).await;
    let keys = [shelf.key(), level(shelf.variant.id, place.id)];
    let mut bits = 7_u64;
    for _ in 0..300 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delta = |shift: u32| i64::try_from((bits >> shift) % 21).unwrap() - 10;
        let mut commit = commit();
        commit.stock(make.stock_move(keys[usize::from(bits >> 63 == 1)], delta(33), delta(41)));
        commit.stock(make.stock_move(keys[usize::from(bits >> 62 & 1 == 1)], delta(49), 0));
        // Some of these are refused, and must leave no row.
        let _ = t.store().commit(&commit).await;
    }
    for key in keys {
        let rows = t.ledger(key.variant_id, Some(key.location_id)).await;
        let sum: i64 = rows.iter().map(|row| row.delta).sum();
        let level = t.level(key).await;
        assert_eq!(sum, level.on_hand, "the level can be computed from the ledger");
        assert!(0 <= level.held && level.held <= level.on_hand, "{level:?}");
        assert!(!rows.is_empty());
    }
}

pub(super) async fn of_a_refused_commit_are_not_there(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let mut commit = commit();
    commit.stock(make.stock_move(shelf.key(), 3, 0));
    commit.insert(shelf.product.clone());
    t.refused(&commit).await;
    assert_eq!(t.ledger(shelf.variant.id, None).await.len(), 1);
}

pub(super) async fn come_the_newest_first_page_by_page(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut expected = Vec::new();
    for n in [5, 1, 3, 1, 9, 3, 3, 0, 7, 7] {
        let change = make.stock_move(shelf.key(), 1, 0);
        expected.push((at(n), change.movement_id));
        let mut commit = Commit::at(at(n));
        commit.stock(change);
        t.commit(&commit).await;
    }
    expected.sort_unstable();
    expected.reverse();
    for limit in [1, 3, 100] {
        let found = listed(t, shelf.variant.id, None, limit).await;
        let found: Vec<_> = found.iter().map(|row| (row.at, row.id)).collect();
        assert_eq!(found, expected, "{limit} at a time");
    }
}

pub(super) async fn are_those_of_a_variant_and_a_place(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let (place, variant) = (make.location(), make.variant(&shelf.product));
    t.insert(place.clone()).await;
    t.insert(variant.clone()).await;
    for (variant_id, location_id, delta) in [
        (shelf.variant.id, shelf.location.id, 1),
        (shelf.variant.id, place.id, 2),
        (variant.id, shelf.location.id, 3),
        (variant.id, place.id, 4),
    ] {
        t.stock(make.stock_move(level(variant_id, location_id), delta, 0)).await;
    }
    let deltas = async |variant_id, location_id| {
        let rows = listed(t, variant_id, location_id, 1).await;
        let mut deltas: Vec<_> = rows.iter().map(|row| row.delta).collect();
        deltas.sort_unstable();
        deltas
    };
    assert_eq!(deltas(shelf.variant.id, None).await, [1, 2]);
    assert_eq!(deltas(variant.id, None).await, [3, 4]);
    assert_eq!(deltas(variant.id, Some(place.id)).await, [4]);
    assert_eq!(deltas(shelf.variant.id, Some(shelf.location.id)).await, [1]);
    assert_eq!(deltas(make.id(), None).await, [0_i64; 0]);
    assert_eq!(deltas(variant.id, Some(make.id())).await, [0_i64; 0]);
}
