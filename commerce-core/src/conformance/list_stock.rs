//! Lists of stock.

use super::{
    Bench,
    make::{Make, commit, level, sku},
    read::pages,
};
use crate::{
    catalog::Variant,
    id::{LocationId, VariantId},
    inventory::Location,
    store::{StockFilter, StockItem},
};

async fn listed(t: &Bench<'_>, filter: &StockFilter, limit: usize) -> Vec<StockItem> {
    let store = t.store();
    pages(limit, |page| async move { store.stock(filter, &page).await.unwrap() }).await
}

/// Fails unless a filter finds these variants, by SKU, in pages of every size.
async fn finds(t: &Bench<'_>, filter: StockFilter, expected: &[&Variant]) {
    let mut expected = expected.to_vec();
    expected.sort_by_key(|variant| variant.sku.clone());
    let expected: Vec<_> = expected.iter().map(|variant| variant.sku.to_string()).collect();
    for limit in [1, 3, 100] {
        let found = listed(t, &filter, limit).await;
        let found: Vec<_> = found.iter().map(|item| item.variant.sku.to_string()).collect();
        assert_eq!(found, expected, "with {filter:?}, {limit} at a time");
    }
}

fn any() -> StockFilter {
    StockFilter::default()
}

fn low() -> StockFilter {
    StockFilter { low: true, ..any() }
}

async fn put(
    t: &Bench<'_>,
    make: &mut Make,
    variant: VariantId,
    place: LocationId,
    counts: (i64, i64),
) {
    t.stock(make.stock_move(level(variant, place), counts.0, counts.1)).await;
}

pub(super) async fn comes_by_sku_byte_by_byte(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let skus = ["b", "B", "a-10", "a-9", "Ä", "z", "10", "~", "a"];
    let variants = skus.map(|text| Variant { sku: sku(text), ..make.variant(&shelf.product) });
    let mut commit = commit();
    for variant in &variants {
        commit.insert(variant.clone());
    }
    t.commit(&commit).await;
    let mut all: Vec<_> = variants.iter().collect();
    all.push(&shelf.variant);
    finds(t, any(), &all).await;
}

pub(super) async fn is_that_of_tracked_variants(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let untracked = Variant { track_inventory: false, ..make.variant(&shelf.product) };
    let inactive = Variant { active: false, ..make.variant(&shelf.product) };
    t.insert(untracked.clone()).await;
    t.insert(inactive.clone()).await;
    put(t, &mut make, untracked.id, shelf.location.id, (5, 0)).await;
    finds(t, any(), &[&shelf.variant, &inactive]).await;
}

pub(super) async fn has_every_level_by_location(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let places: Vec<Location> = (0..4).map(|_| make.full_location()).collect();
    for place in places.iter().rev() {
        t.insert(place.clone()).await;
        put(t, &mut make, shelf.variant.id, place.id, (7, 7)).await;
    }
    let found = listed(t, &any(), 100).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].variant, t.read(&shelf.variant).await);
    assert_eq!(found[0].levels, t.sellable(shelf.variant.id).await.levels);
    assert_eq!(found[0].levels.len(), 5);
    assert!(found[0].levels.is_sorted_by_key(|level| level.location_id));
}

pub(super) async fn of_a_place_leaves_out_what_never_was_there(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let place = make.location();
    let (sold_out, never) = (make.variant(&shelf.product), make.variant(&shelf.product));
    t.insert(place.clone()).await;
    t.insert(sold_out.clone()).await;
    t.insert(never).await;
    put(t, &mut make, shelf.variant.id, place.id, (2, 0)).await;
    put(t, &mut make, sold_out.id, place.id, (3, 0)).await;
    put(t, &mut make, sold_out.id, place.id, (-3, 0)).await;
    let there = StockFilter { location_id: Some(place.id), ..any() };
    finds(t, there.clone(), &[&shelf.variant, &sold_out]).await;
    for item in listed(t, &there, 100).await {
        assert_eq!(item.levels.len(), 1, "of that place alone");
        assert_eq!(item.levels[0].location_id, place.id);
    }
    finds(t, StockFilter { location_id: Some(shelf.location.id), ..any() }, &[&shelf.variant])
        .await;
    finds(t, StockFilter { location_id: Some(make.id()), ..any() }, &[]).await;
}

pub(super) async fn of_a_sku_is_that_one_to_the_letter(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let [upper, lower, longer] = ["A-1", "a-1", "A-10"]
        .map(|text| Variant { sku: sku(text), ..make.variant(&shelf.product) });
    let untracked =
        Variant { sku: sku("U"), track_inventory: false, ..make.variant(&shelf.product) };
    for variant in [&upper, &lower, &longer, &untracked] {
        t.insert(variant.clone()).await;
    }
    let place = make.location();
    t.insert(place.clone()).await;
    put(t, &mut make, upper.id, place.id, (3, 0)).await;
    let of = |text| StockFilter { sku: Some(sku(text)), ..any() };
    finds(t, of("A-1"), &[&upper]).await;
    finds(t, of("a-1"), &[&lower]).await;
    finds(t, of("A"), &[]).await;
    finds(t, of("U"), &[]).await;
    finds(t, StockFilter { location_id: Some(place.id), ..of("A-1") }, &[&upper]).await;
    finds(t, StockFilter { location_id: Some(place.id), ..of("a-1") }, &[]).await;
    finds(t, StockFilter { low: true, ..of("A-1") }, &[]).await;
}

pub(super) async fn that_is_low_is_below_the_threshold(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut variant = async |threshold, counts| {
        let low_stock_threshold = threshold;
        let variant = Variant { low_stock_threshold, ..make.variant(&shelf.product) };
        t.insert(variant.clone()).await;
        if counts != (0, 0) {
            put(t, &mut make, variant.id, shelf.location.id, counts).await;
        }
        variant
    };
    let below = variant(5, (4, 0)).await;
    let _at = variant(5, (5, 0)).await;
    let promised = variant(5, (9, 5)).await;
    let _none = variant(0, (0, 0)).await;
    let empty = variant(1, (0, 0)).await;
    finds(t, low(), &[&below, &promised, &empty]).await;
}

pub(super) async fn that_is_low_counts_active_places_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let (open, closed) = (make.location(), Location { active: false, ..make.location() });
    t.insert(open.clone()).await;
    t.insert(closed.clone()).await;
    let variant =
        |make: &mut Make| Variant { low_stock_threshold: 5, ..make.variant(&shelf.product) };
    let (spread, elsewhere) = (variant(&mut make), variant(&mut make));
    t.insert(spread.clone()).await;
    t.insert(elsewhere.clone()).await;
    put(t, &mut make, spread.id, shelf.location.id, (3, 0)).await;
    put(t, &mut make, spread.id, open.id, (2, 0)).await;
    put(t, &mut make, elsewhere.id, shelf.location.id, (4, 0)).await;
    put(t, &mut make, elsewhere.id, closed.id, (100, 0)).await;
    finds(t, low(), &[&elsewhere]).await;
    // What is low is low in the whole shop, wherever one looks.
    let low_at = |id| StockFilter { location_id: Some(id), ..low() };
    finds(t, low_at(shelf.location.id), &[&elsewhere]).await;
    finds(t, low_at(closed.id), &[&elsewhere]).await;
    finds(t, low_at(open.id), &[]).await;
    t.replace(&Location { active: true, ..closed }).await;
    finds(t, low(), &[]).await;
}

pub(super) async fn that_is_low_follows_a_commit_that_does_both(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let place = shelf.location.id;
    let variant = |make: &mut Make, low_stock_threshold| Variant {
        low_stock_threshold,
        ..make.variant(&shelf.product)
    };
    let [touched, raised, lowered] = [5, 1, 9].map(|threshold| variant(&mut make, threshold));
    for (it, units) in [(&touched, 5), (&raised, 5), (&lowered, 1)] {
        t.insert(it.clone()).await;
        put(t, &mut make, it.id, place, (units, 0)).await;
    }
    finds(t, low(), &[&lowered]).await;

    let mut both = commit();
    both.touch(&t.read(&touched).await);
    let new = Variant { low_stock_threshold: 9, ..raised.clone() };
    both.replace(&t.read(&raised).await, new);
    let new = Variant { low_stock_threshold: 2, ..lowered.clone() };
    both.replace(&t.read(&lowered).await, new);
    let added = variant(&mut make, 3);
    both.insert(added.clone());
    for (it, units) in [(&touched, -1), (&raised, 3), (&lowered, 1), (&added, 2)] {
        both.stock(make.stock_move(level(it.id, place), units, 0));
    }
    t.commit(&both).await;
    finds(t, low(), &[&touched, &raised, &added]).await;
}

pub(super) async fn is_counted_only_if_asked(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    for _ in 0..4 {
        t.insert(make.variant(&shelf.product)).await;
    }
    for (total, expected) in [(false, None), (true, Some(5))] {
        let page = crate::store::PageRequest { limit: 2, after: None, total };
        let found = t.store().stock(&any(), &page).await.unwrap();
        assert_eq!((found.items.len(), found.total), (2, expected));
    }
}
