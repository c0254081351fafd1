//! Lists of products: filters, orders and pages.

use super::{
    Bench,
    make::{Make, at, commit, eur, label, level},
    read::pages,
};
use crate::{
    catalog::{Backorder, Price, Product, ProductStatus, Variant},
    currency::Currency,
    id::ProductId,
    inventory::Location,
    money::Money,
    store::{PageRequest, ProductFilter, ProductInputs, ProductQuery, ProductSort},
};

fn query(filter: ProductFilter) -> ProductQuery {
    ProductQuery {
        filter,
        currency: Currency::EUR,
        sort: Some(ProductSort::CreatedAt),
        descending: false,
        page: PageRequest::first(100),
    }
}

/// All products of a query, read so many at a time.
pub(super) async fn listed(t: &Bench<'_>, query: &ProductQuery, limit: usize) -> Vec<ProductId> {
    let store = t.store();
    let items = pages(limit, |page| {
        let query = ProductQuery { page, ..query.clone() };
        async move { store.products(&query).await.unwrap() }
    });
    items.await.iter().map(|inputs: &ProductInputs| inputs.product.id).collect()
}

/// Fails unless a filter finds just these of the products.
async fn finds(t: &Bench<'_>, filter: ProductFilter, expected: &[&Product]) {
    let mut expected: Vec<_> = expected.iter().map(|product| product.id).collect();
    expected.sort_unstable();
    let mut found = listed(t, &query(filter.clone()), 2).await;
    found.sort_unstable();
    assert_eq!(found, expected, "with {filter:?}");
}

async fn insert_all(t: &Bench<'_>, products: &[Product]) {
    let mut commit = commit();
    for product in products {
        commit.insert(product.clone());
    }
    t.commit(&commit).await;
}

fn any() -> ProductFilter {
    ProductFilter::default()
}

pub(super) async fn filter_by_status(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [ProductStatus::Draft, ProductStatus::Active, ProductStatus::Archived]
        .map(|status| Product { status, ..make.product() });
    insert_all(t, &all).await;
    finds(t, any(), &[&all[0], &all[1], &all[2]]).await;
    for product in &all {
        finds(t, ProductFilter { status: Some(product.status), ..any() }, &[product]).await;
    }
}

pub(super) async fn filter_by_any_of_some_categories(t: &Bench<'_>) {
    let mut make = Make::new();
    let [a, b, c] = [make.category(), make.category(), make.category()];
    for category in [&a, &b, &c] {
        t.insert(category.clone()).await;
    }
    let all = [vec![], vec![a.id], vec![b.id, a.id], vec![b.id]]
        .map(|categories| Product { categories, ..make.product() });
    insert_all(t, &all).await;
    let of = |ids: &[_]| ProductFilter { categories: Some(ids.to_vec()), ..any() };
    finds(t, of(&[a.id]), &[&all[1], &all[2]]).await;
    finds(t, of(&[b.id]), &[&all[2], &all[3]]).await;
    finds(t, of(&[b.id, a.id, b.id]), &[&all[1], &all[2], &all[3]]).await;
    finds(t, of(&[c.id]), &[]).await;
    finds(t, of(&[]), &[]).await;
}

pub(super) async fn filter_by_tag_without_regard_to_case(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [&["Sömmer", "sale"][..], &["SÖMMER"], &["sömmerkleid"], &[]].map(|tags| Product {
        tags: tags.iter().map(|tag| label(tag)).collect(),
        ..make.product()
    });
    insert_all(t, &all).await;
    let tagged = |tag| ProductFilter { tag: Some(label(tag)), ..any() };
    finds(t, tagged("sömmer"), &[&all[0], &all[1]]).await;
    finds(t, tagged("SÖMMER"), &[&all[0], &all[1]]).await;
    finds(t, tagged("Sale"), &[&all[0]]).await;
    finds(t, tagged("sommer"), &[]).await;
}

pub(super) async fn filter_by_vendor_without_regard_to_case(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [Some("Österreich"), Some("ÖSTERREICH"), Some("Öster"), None]
        .map(|vendor| Product { vendor: vendor.map(label), ..make.product() });
    insert_all(t, &all).await;
    let made_by = |vendor| ProductFilter { vendor: Some(label(vendor)), ..any() };
    finds(t, made_by("österreich"), &[&all[0], &all[1]]).await;
    finds(t, made_by("ÖSTER"), &[&all[2]]).await;
    finds(t, made_by("%"), &[]).await;
}

pub(super) async fn filter_by_type_without_regard_to_case(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [Some("Übermantel"), Some("ÜBERMANTEL"), None]
        .map(|kind| Product { product_type: kind.map(label), ..make.product() });
    insert_all(t, &all).await;
    let of = |kind| ProductFilter { product_type: Some(label(kind)), ..any() };
    finds(t, of("übermantel"), &[&all[0], &all[1]]).await;
    finds(t, of("Mantel"), &[]).await;
}

pub(super) async fn filter_by_being_shown_off(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [true, false].map(|featured| Product { featured, ..make.product() });
    insert_all(t, &all).await;
    finds(t, ProductFilter { featured: Some(true), ..any() }, &[&all[0]]).await;
    finds(t, ProductFilter { featured: Some(false), ..any() }, &[&all[1]]).await;
}

/// A product with one variant at each price; the last flag says whether it is active.
async fn priced(t: &Bench<'_>, make: &mut Make, prices: &[(i64, Currency, bool)]) -> Product {
    let product = make.product();
    let mut commit = commit();
    commit.insert(product.clone());
    for (minor, currency, active) in prices {
        let prices = vec![Price { amount: Money::new(*minor, *currency), compare_at: None }];
        commit.insert(Variant { prices, active: *active, ..make.variant(&product) });
    }
    t.commit(&commit).await;
    product
}

/// Products at 0, 500, 1,000 and 1,000 to 3,000 euros, and one without a price in euros.
async fn shop_of_prices(t: &Bench<'_>, make: &mut Make) -> [Product; 5] {
    use Currency::{EUR, USD};
    [
        priced(t, make, &[(0, EUR, true)]).await,
        priced(t, make, &[(900, EUR, true), (500, EUR, true), (100, EUR, false)]).await,
        priced(t, make, &[(1_000, EUR, true), (1, USD, true)]).await,
        priced(t, make, &[(3_000, EUR, true), (1_000, EUR, true)]).await,
        priced(t, make, &[(700, USD, true), (200, EUR, false)]).await,
    ]
}

pub(super) async fn filter_by_the_lowest_price_of_active_variants(t: &Bench<'_>) {
    let mut make = Make::new();
    let [free, five, ten, more, none] = shop_of_prices(t, &mut make).await;
    let at_least = |min| ProductFilter { min_price: Some(min), ..any() };
    let at_most = |max| ProductFilter { max_price: Some(max), ..any() };
    let between = |min, max| ProductFilter { max_price: Some(max), ..at_least(min) };
    finds(t, any(), &[&free, &five, &ten, &more, &none]).await;
    finds(t, at_least(500), &[&five, &ten, &more]).await;
    finds(t, at_least(501), &[&ten, &more]).await;
    finds(t, at_least(1_001), &[]).await;
    finds(t, at_most(500), &[&free, &five]).await;
    finds(t, at_most(499), &[&free]).await;
    finds(t, at_most(1_000), &[&free, &five, &ten, &more]).await;
    finds(t, between(1_000, 1_000), &[&ten, &more]).await;
    finds(t, between(1_000, 999), &[]).await;
}

pub(super) async fn honour_a_price_of_zero(t: &Bench<'_>) {
    let mut make = Make::new();
    let [free, five, ten, more, _] = shop_of_prices(t, &mut make).await;
    finds(t, ProductFilter { max_price: Some(0), ..any() }, &[&free]).await;
    finds(t, ProductFilter { min_price: Some(0), ..any() }, &[&free, &five, &ten, &more]).await;
    finds(t, ProductFilter { max_price: Some(-1), ..any() }, &[]).await;
}

pub(super) async fn compare_prices_in_one_currency(t: &Bench<'_>) {
    let mut make = Make::new();
    let [_, _, ten, _, none] = shop_of_prices(t, &mut make).await;
    let filter = ProductFilter { max_price: Some(700), ..any() };
    let in_dollars = ProductQuery { currency: Currency::USD, ..query(filter.clone()) };
    let mut found = listed(t, &in_dollars, 100).await;
    found.sort_unstable();
    assert_eq!(found, [ten.id, none.id]);
    let in_yen = ProductQuery { currency: Currency::JPY, ..query(filter) };
    assert_eq!(listed(t, &in_yen, 100).await, []);
}

pub(super) async fn filter_by_what_can_be_bought_now(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let closed = Location { active: false, ..make.location() };
    t.insert(closed.clone()).await;
    let stocked = async |make: &mut Make, variant: Variant, place: &Location, counts| {
        let (on_hand, held) = counts;
        let product = make.product();
        let variant = Variant { product_id: product.id, ..variant };
        let mut commit = commit();
        commit.stock(make.stock_move(level(variant.id, place.id), on_hand, held));
        commit.insert(variant);
        commit.insert(product.clone());
        t.commit(&commit).await;
        product
    };
    let (open, product) = (&shelf.location, &shelf.product);
    let plain = make.variant(product);
    let available = stocked(&mut make, plain, open, (5, 4)).await;
    let plain = make.variant(product);
    let held = stocked(&mut make, plain, open, (5, 5)).await;
    let plain = make.variant(product);
    let elsewhere = stocked(&mut make, plain, &closed, (5, 0)).await;
    let inactive = Variant { active: false, ..make.variant(product) };
    let inactive = stocked(&mut make, inactive, open, (5, 0)).await;
    let untracked = Variant { track_inventory: false, ..make.variant(product) };
    let untracked = stocked(&mut make, untracked, open, (0, 0)).await;
    let backorder = Variant { backorder: Backorder::Allow, ..make.variant(product) };
    let backorder = stocked(&mut make, backorder, open, (0, 0)).await;
    let retired = Variant { active: false, track_inventory: false, ..make.variant(product) };
    let retired = stocked(&mut make, retired, open, (0, 0)).await;
    let bare = make.product();
    t.insert(bare.clone()).await;
    let wanted = |yes| ProductFilter { in_stock: Some(yes), ..any() };
    finds(t, wanted(true), &[&available, &untracked, &backorder]).await;
    finds(t, wanted(false), &[&held, &elsewhere, &inactive, &retired, &bare, &shelf.product]).await;
    t.replace(&Location { active: true, ..closed.clone() }).await;
    finds(t, wanted(true), &[&available, &untracked, &backorder, &elsewhere]).await;
    t.replace(&closed).await;
    finds(t, wanted(true), &[&available, &untracked, &backorder]).await;
}

pub(super) async fn follow_stock_as_it_moves(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let wanted = |yes| ProductFilter { in_stock: Some(yes), ..any() };
    for (on_hand, held, in_stock) in
        [(3, 0, true), (0, 3, false), (0, -1, true), (-1, 0, false), (-2, -2, false), (1, 0, true)]
    {
        t.stock(make.stock_move(shelf.key(), on_hand, held)).await;
        finds(t, wanted(in_stock), &[&shelf.product]).await;
        finds(t, wanted(!in_stock), &[]).await;
    }
}

pub(super) async fn combine_all_filters(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let category = make.category();
    t.insert(category.clone()).await;
    let product = Product {
        title: label("Red shirt"),
        categories: vec![category.id],
        tags: vec![label("new")],
        vendor: Some(label("Acme")),
        product_type: Some(label("Shirt")),
        featured: true,
        ..make.product()
    };
    let variant = make.variant(&product);
    let mut commit = commit();
    commit.insert(product.clone());
    commit.stock(make.stock_move(level(variant.id, shelf.location.id), 1, 0));
    commit.insert(variant);
    t.commit(&commit).await;
    let all = ProductFilter {
        similar: false,
        status: Some(ProductStatus::Active),
        categories: Some(vec![category.id]),
        tag: Some(label("NEW")),
        vendor: Some(label("ACME")),
        product_type: Some(label("shirt")),
        text: Some("red".to_owned()),
        min_price: Some(1_999),
        max_price: Some(1_999),
        in_stock: Some(true),
        featured: Some(true),
    };
    finds(t, all.clone(), &[&product]).await;
    for but_one in [
        ProductFilter { status: Some(ProductStatus::Draft), ..all.clone() },
        ProductFilter { categories: Some(vec![make.id()]), ..all.clone() },
        ProductFilter { tag: Some(label("old")), ..all.clone() },
        ProductFilter { vendor: Some(label("Other")), ..all.clone() },
        ProductFilter { product_type: Some(label("Hat")), ..all.clone() },
        ProductFilter { text: Some("blue".to_owned()), ..all.clone() },
        ProductFilter { min_price: Some(2_000), ..all.clone() },
        ProductFilter { max_price: Some(1_998), ..all.clone() },
        ProductFilter { in_stock: Some(false), ..all.clone() },
        ProductFilter { featured: Some(false), ..all.clone() },
    ] {
        finds(t, but_one, &[]).await;
    }
}

/// Fails unless the products come in this order, in pages of every size, and turned round.
async fn sorted(t: &Bench<'_>, sort: ProductSort, expected: &[ProductId]) {
    let ascending = ProductQuery { sort: Some(sort), ..query(any()) };
    let descending = ProductQuery { descending: true, ..ascending.clone() };
    let mut turned = expected.to_vec();
    turned.reverse();
    for limit in [1, 3, 100] {
        let found = listed(t, &ascending, limit).await;
        assert_eq!(found, expected, "by {sort:?}, {limit} at a time");
        let found = listed(t, &descending, limit).await;
        assert_eq!(found, turned, "by {sort:?}, turned round, {limit} at a time");
    }
}

pub(super) async fn come_by_the_time_they_were_made(t: &Bench<'_>) {
    let mut make = Make::new();
    let times = [5, 1, 3, 1, -4, 3, 3, 0];
    let mut all = times.map(|n| Product { created_at: at(n), ..make.product() });
    insert_all(t, &all).await;
    all.sort_by_key(|product| (product.created_at, product.id));
    sorted(t, ProductSort::CreatedAt, &all.map(|product| product.id)).await;
}

pub(super) async fn come_by_price_those_without_one_as_dearest(t: &Bench<'_>) {
    let mut make = Make::new();
    let [free, five, ten, more, none] = shop_of_prices(t, &mut make).await;
    let bare = make.product();
    t.insert(bare.clone()).await;
    let top = priced(t, &mut make, &[(Money::MINOR_MAX, Currency::EUR, true)]).await;
    let expected = [free.id, five.id, ten.id, more.id, top.id, none.id, bare.id];
    sorted(t, ProductSort::Price, &expected).await;
}

pub(super) async fn come_by_title_in_lower_case_byte_by_byte(t: &Bench<'_>) {
    let mut make = Make::new();
    let titles =
        ["zebra", "Äpfel", "apple", "Zebra", "APPLE 2", "Éclair", "10", "9", "😀", "ÄPFEL", "_"];
    let mut all = titles.map(|title| Product { title: label(title), ..make.product() });
    insert_all(t, &all).await;
    all.sort_by_key(|product| (product.title.to_lowercase(), product.id));
    sorted(t, ProductSort::Title, &all.map(|product| product.id)).await;
}

pub(super) async fn follow_a_changed_price(t: &Bench<'_>) {
    let mut make = Make::new();
    let (a, b) = (make.product(), make.product());
    let (of_a, of_b) = (make.variant(&a), make.variant(&b));
    for product in [&a, &b] {
        t.insert(product.clone()).await;
    }
    t.insert(of_a.clone()).await;
    t.insert(of_b.clone()).await;
    let at_price = |variant: &Variant, minor| Variant {
        prices: vec![Price { amount: eur(minor), compare_at: None }],
        ..variant.clone()
    };
    t.replace(&at_price(&of_a, 5_000)).await;
    sorted(t, ProductSort::Price, &[b.id, a.id]).await;
    t.replace(&Variant { active: false, ..at_price(&of_b, 1) }).await;
    sorted(t, ProductSort::Price, &[a.id, b.id]).await;
    let mut commit = commit();
    commit.remove(&t.read(&of_a).await);
    t.commit(&commit).await;
    t.replace(&at_price(&of_b, 9)).await;
    sorted(t, ProductSort::Price, &[b.id, a.id]).await;
}

pub(super) async fn count_all_only_if_asked(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> = (0..7).map(|n| Product { featured: n < 5, ..make.product() }).collect();
    insert_all(t, &all).await;
    let mut query = query(ProductFilter { featured: Some(true), ..any() });
    query.page = PageRequest { limit: 2, after: None, total: false };
    let first = t.store().products(&query).await.unwrap();
    assert_eq!(first.total, None);
    query.page = PageRequest { limit: 2, after: first.next, total: true };
    let second = t.store().products(&query).await.unwrap();
    assert_eq!(second.total, Some(5), "all that match, not only what is left");
    assert_eq!(second.items.len(), 2);
}

pub(super) async fn end_where_they_end(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> = (0..6).map(|_| make.product()).collect();
    insert_all(t, &all).await;
    for (limit, more) in [(5, true), (6, false), (7, false)] {
        let mut query = query(any());
        query.page.limit = limit;
        let page = t.store().products(&query).await.unwrap();
        assert_eq!(page.items.len(), limit.min(6));
        assert_eq!(page.next.is_some(), more, "with {limit} of 6");
    }
    let none = t.store().products(&query(ProductFilter { featured: Some(true), ..any() })).await;
    let none = none.unwrap();
    assert_eq!((none.items, none.next), (Vec::new(), None));
}

pub(super) async fn give_each_item_once_while_others_come_and_go(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> =
        (0..9).map(|n| Product { created_at: at(n * 10), ..make.product() }).collect();
    insert_all(t, &all).await;
    let mut query = query(any());
    query.page.limit = 3;
    let first = t.store().products(&query).await.unwrap();
    let before = Product { created_at: at(5), ..make.product() };
    let after = Product { created_at: at(75), ..make.product() };
    let mut commit = commit();
    commit.insert(before);
    commit.insert(after.clone());
    // The last item of the page that was read, where the next one begins, and one of the next.
    commit.remove(&t.read(&all[2]).await);
    commit.remove(&t.read(&all[4]).await);
    t.commit(&commit).await;
    let mut found: Vec<_> = first.items.iter().map(|inputs| inputs.product.id).collect();
    let mut next = first.next;
    while let Some(cursor) = next {
        query.page.after = Some(cursor);
        let page = t.store().products(&query).await.unwrap();
        found.extend(page.items.iter().map(|inputs| inputs.product.id));
        assert!(found.len() < 20, "the pages never end");
        next = page.next;
    }
    let expected: Vec<_> = [0, 1, 2, 3, 5, 6, 7].iter().map(|place| all[*place].id).collect();
    assert_eq!(found, [&expected[..], &[after.id, all[8].id]].concat());
}

pub(super) async fn have_each_product_whole(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let second = Variant { position: 1, active: false, ..make.variant(&shelf.product) };
    t.insert(second).await;
    let other = make.product();
    t.insert(other.clone()).await;
    let page = t.store().products(&query(any())).await.unwrap();
    assert_eq!(page.items.len(), 2);
    for item in page.items {
        assert_eq!(item, t.product(item.product.id).await);
    }
}

pub(super) async fn lose_a_product_that_was_removed(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> = (0..3).map(|_| make.product()).collect();
    insert_all(t, &all).await;
    let mut commit = commit();
    commit.remove(&t.read(&all[1]).await);
    t.commit(&commit).await;
    sorted(t, ProductSort::CreatedAt, &[all[0].id, all[2].id]).await;
}
