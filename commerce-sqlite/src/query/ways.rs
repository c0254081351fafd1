//! A list is the same whichever index it is found by: a small shop would only ever see one of them.

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{CreateCategory, CreateProduct, PatchProduct, ProductStatus},
    currency::Currency,
    id::CategoryId,
    search,
    shop::Shop,
    store::{Cursor, PageRequest, ProductFilter, ProductQuery, ProductSort},
    text::Label,
};
use pollster::block_on;
use rusqlite::Connection;
use serde_json::json;

use super::product::{Narrow, by};
use crate::{SqliteStore, SystemClock, SystemIds};

const PRODUCTS: usize = 120;

fn label(text: &str) -> Option<Label> {
    Some(Label::new(text).unwrap())
}

/// Fills a shop with products of all kinds, and changes some of them.
fn fill(shop: &Commerce) -> [CategoryId; 2] {
    let system = &Caller::system();
    block_on(shop.open(Shop::new("Ways", Currency::EUR).unwrap())).unwrap();
    let category = |title: &str| {
        let request: CreateCategory = serde_json::from_value(json!({ "title": title })).unwrap();
        block_on(shop.create_category(system, &request)).unwrap().id
    };
    let categories = [category("Shirts"), category("Shoes")];
    let in_categories = |number: usize| -> Vec<CategoryId> {
        let each = categories.iter().zip([number % 2, number % 3]);
        each.filter(|(_, rest)| *rest == 0).map(|(id, _)| *id).collect()
    };
    for number in 0..PRODUCTS {
        let currency = ["EUR", "USD"][number % 5 / 4];
        let price = |amount: usize| json!({ "amount": amount, "currency": currency });
        let request: CreateProduct = serde_json::from_value(json!({
            "title": format!("Linen {}", number * 7 % 13),
            "slug": format!("linen-{number}"),
            "description": (["Soft to the skin", "A soft-serve, so to say", ""][number % 3]),
            "status": (["active", "draft", "active", "archived"][number % 4]),
            "vendor": format!("Vendor {}", number % 3),
            "product_type": format!("Type {}", number % 2),
            "tags": (["red", "blue"][number % 2..]),
            "featured": number % 7 < 3,
            "categories": in_categories(number),
            "options": [{ "name": "Size" }],
            "variants": [
                { "sku": format!("A{number}"), "options": ["S"], "prices": [
                    { "amount": price(100 * (number % 11)) }
                ], "active": number % 6 > 0 },
                { "sku": format!("B{number}"), "options": ["L"], "prices": [
                    { "amount": price(500) }
                ], "track_inventory": number % 2 == 0 },
            ],
        }))
        .unwrap();
        let made = block_on(shop.create_product(system, &request)).unwrap();
        if number % 10 < 3 {
            let change = PatchProduct {
                status: Some(ProductStatus::Active),
                categories: Some(in_categories(number + 1)),
                ..PatchProduct::default()
            };
            block_on(shop.patch_product(system, made.id, &change, None)).unwrap();
        }
    }
    categories
}

/// All pages of a list that is found by one index.
fn listed(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
) -> Vec<Cursor> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let mut keys = by(connection, &query, narrow, chosen).unwrap();
        let more = keys.len() > query.page.limit;
        keys.truncate(query.page.limit);
        query.page.after = keys.last().cloned();
        all.extend(keys);
        if !more {
            return all;
        }
    }
}

#[test]
fn every_index_finds_the_same_products_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = Commerce::new(SqliteStore::open(&path).unwrap(), SystemClock, SystemIds);
    let [shirts, shoes] = fill(&shop);
    let connection = Connection::open(&path).unwrap();
    let narrowed = [
        ProductFilter { categories: Some(vec![shirts]), ..ProductFilter::default() },
        ProductFilter { categories: Some(vec![shirts, shoes]), ..ProductFilter::default() },
        ProductFilter { tag: label("Blue"), ..ProductFilter::default() },
        ProductFilter { vendor: label("vendor 1"), ..ProductFilter::default() },
        ProductFilter { product_type: label("TYPE 1"), ..ProductFilter::default() },
        ProductFilter { featured: Some(true), ..ProductFilter::default() },
        ProductFilter { min_price: Some(300), ..ProductFilter::default() },
        ProductFilter { max_price: Some(400), tag: label("red"), ..ProductFilter::default() },
        ProductFilter { text: Some("lin".to_owned()), ..ProductFilter::default() },
        ProductFilter { text: Some("linen sof".to_owned()), ..ProductFilter::default() },
        ProductFilter { text: Some("red a10".to_owned()), ..ProductFilter::default() },
        ProductFilter {
            categories: Some(vec![shoes]),
            tag: label("blue"),
            vendor: label("Vendor 0"),
            ..ProductFilter::default()
        },
    ];
    let further = [
        ProductFilter::default(),
        ProductFilter { status: Some(ProductStatus::Active), ..ProductFilter::default() },
        ProductFilter { in_stock: Some(true), ..ProductFilter::default() },
        ProductFilter { min_price: Some(200), max_price: Some(500), ..ProductFilter::default() },
    ];
    let mut found = 0;
    for filter in &narrowed {
        for others in &further {
            let filter = ProductFilter {
                status: others.status,
                in_stock: others.in_stock,
                min_price: others.min_price.or(filter.min_price),
                max_price: others.max_price.or(filter.max_price),
                ..filter.clone()
            };
            let words = filter.text.as_deref().map(search::query).unwrap_or_default();
            for sort in [ProductSort::CreatedAt, ProductSort::Title, ProductSort::Price] {
                for descending in [false, true] {
                    let query = ProductQuery {
                        filter: filter.clone(),
                        currency: Currency::EUR,
                        sort: Some(sort),
                        descending,
                        page: PageRequest::first(7),
                    };
                    let narrow = Narrow::all(&query, &words);
                    let by_order = listed(&connection, &query, &narrow, None);
                    found += by_order.len();
                    for chosen in 0..narrow.len() {
                        let by_filter = listed(&connection, &query, &narrow, Some(chosen));
                        assert_eq!(by_order, by_filter, "{query:?} by {:?}", narrow[chosen]);
                    }
                }
            }
        }
    }
    assert!(found > 1_000, "{found}");
}
