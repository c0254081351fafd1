//! What has some words is found in whichever way is short, and it is the same in each: a list with words
//! is that without them, less what has them not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;

use commerce_core::{
    currency::Currency::EUR,
    id::Id,
    store::{
        CustomerQuery, Page, PageRequest, ProductFilter, ProductQuery, ProductSort, Queries,
        StoreResult,
    },
};
use commerce_sqlx::PgStore;
use common::{
    Schema, block_on,
    many::copies,
    run,
    shop::{sell, shop},
    store,
};
use uuid::Uuid;

/// Products, and customers, by their numbers from 1; the last are the oldest.
const MANY: u128 = 1_000;

/// Whether a product has some words in its description.
type Have = fn(u128) -> bool;

/// Some words, and which of the products have them.
const WORDS: [(&str, Have); 12] = [
    ("common", |_| true),
    ("fift", |n| n % 5 == 0),
    ("common fifth", |n| n % 5 == 0),
    ("rare", |n| n % 300 == 7),
    ("common rare", |n| n % 300 == 7),
    ("rare old", |n| n % 300 == 7 && n > 300),
    // So many that they are not looked at one by one.
    ("common old", |n| n > 300),
    ("old fifth", |n| n > 300 && n % 5 == 0),
    ("common nowhere", |_| false),
    ("recent", |n| n <= 15),
    ("outdated", |n| n > 950),
    ("nowhere", |_| false),
];

const ID: &str = "lpad(to_hex(n), 32, '0')::uuid";
const DESCRIBED: &str = "'common:3' || CASE WHEN n % 5 = 0 THEN ' fifth:3' ELSE '' END
    || CASE WHEN n % 300 = 7 THEN ' rare:3' ELSE '' END
    || CASE WHEN n <= 15 THEN ' recent:3' ELSE '' END
    || CASE WHEN n > 300 THEN ' old:3' ELSE '' END
    || CASE WHEN n > 950 THEN ' outdated:3' ELSE '' END";

/// A shop with many products, of which some have no price in euros, and as many customers.
fn fill() -> (PgStore, Schema) {
    let (store, schema) = store();
    let shop = shop(store.clone());
    sell(&shop, "A", 1_000);
    let mut admin = schema.connect();
    let mut copy = |table, values: &[_]| {
        run(&mut admin, &copies(table, usize::try_from(MANY).unwrap(), values));
    };
    let priced_in = "CASE n % 10 WHEN 0 THEN '' WHEN 1 THEN 'USD' ELSE 'EUR' END";
    // As many words of names as of descriptions, in the oldest products alone.
    let words = format!(
        "{DESCRIBED} || CASE WHEN n > 950 THEN ' =common:1A' ELSE '' END
            || CASE WHEN n % 4 = 0 THEN ' =brand:1A' ELSE ' brand:3' END"
    );
    copy(
        "commerce_products",
        &[
            ("id", ID),
            ("slug", "'slug-' || n"),
            ("title_key", "'title ' || n * 7 % 101"),
            ("featured", "n % 3 = 0"),
            ("vendor_key", "'vendor ' || n % 4"),
            ("created_at", "o.created_at - n * interval '1 s'"),
            ("priced_in", priced_in),
            ("words", &words),
        ],
    );
    copy("commerce_product_prices", &[("product_id", ID), ("amount", "n * 11 % 503")]);
    let text = format!(
        "DELETE FROM commerce_product_prices AS l USING commerce_products AS p
            WHERE p.id = l.product_id AND p.priced_in = '';
        UPDATE commerce_product_prices AS l SET currency = 'USD'
            FROM commerce_products AS p WHERE p.id = l.product_id AND p.priced_in = 'USD';
        DELETE FROM commerce_products WHERE slug NOT LIKE 'slug-%';
        INSERT INTO commerce_customers (id, version, email_verified, provider_references,
            created_at, updated_at, own_words)
            SELECT {ID}, 1, false, '{{}}', now() - n * interval '1 s', now(), {DESCRIBED}
            FROM generate_series(1, {MANY}) AS n;
        ANALYZE"
    );
    run(&mut admin, &text);
    (store, schema)
}

/// The numbers of all items of a list, read so many at a time.
fn all<T>(
    limit: usize,
    mut read: impl FnMut(PageRequest) -> StoreResult<Page<T>>,
    id: impl Fn(&T) -> Uuid,
) -> Vec<u128> {
    let mut numbers = Vec::new();
    let mut page = PageRequest { total: true, ..PageRequest::first(limit) };
    loop {
        let found = read(page.clone()).unwrap();
        numbers.extend(found.items.iter().map(|item| id(item).as_u128()));
        let Some(next) = found.next else {
            assert_eq!(found.total, Some(u64::try_from(numbers.len()).unwrap()));
            return numbers;
        };
        page.after = Some(next);
    }
}

fn products(
    store: &PgStore,
    filter: &ProductFilter,
    sort: Option<ProductSort>,
    descending: bool,
    limit: usize,
) -> Vec<u128> {
    let read = |page| {
        let filter = filter.clone();
        block_on(store.products(&ProductQuery { filter, currency: EUR, sort, descending, page }))
    };
    all(limit, read, |found| found.product.value.id.uuid())
}

#[test]
fn words_leave_of_a_list_what_has_them() {
    let (store, _schema) = fill();
    let filters = [
        ProductFilter::default(),
        ProductFilter { featured: Some(false), ..ProductFilter::default() },
        ProductFilter {
            vendor: Some("Vendor 3".parse().unwrap()),
            min_price: Some(100),
            max_price: Some(400),
            ..ProductFilter::default()
        },
    ];
    for filter in filters {
        for sort in [ProductSort::CreatedAt, ProductSort::Title, ProductSort::Price] {
            for descending in [false, true] {
                let list = products(&store, &filter, Some(sort), descending, 100);
                for (words, have) in WORDS {
                    let filter = ProductFilter { text: Some(words.to_owned()), ..filter.clone() };
                    let found = products(&store, &filter, Some(sort), descending, 7);
                    let wanted: Vec<_> = list.iter().copied().filter(|n| have(*n)).collect();
                    assert_eq!(found, wanted, "{words} by {sort:?}, {descending}, {filter:?}");
                }
            }
        }
    }
}

#[test]
fn a_search_ranks_the_newest_and_the_newest_by_name() {
    let (store, _schema) = fill();
    for (words, have) in WORDS {
        let filter = ProductFilter { text: Some(words.to_owned()), ..ProductFilter::default() };
        let found = products(&store, &filter, None, false, 30);
        let mut wanted: Vec<u128> = (1..=MANY).filter(|n| have(*n)).take(200).collect();
        if words == "common" {
            wanted.extend(951..=MANY);
        }
        let [found, wanted] = [found, wanted].map(HashSet::<u128>::from_iter);
        assert_eq!(found, wanted, "{words}");
    }
    // Fifty of the newest have it in their names, and so do many older ones: the best come first.
    let filter = ProductFilter { text: Some("brand".to_owned()), ..ProductFilter::default() };
    let found = products(&store, &filter, None, false, 30);
    let named = (1..=MANY).filter(|n| n % 4 == 0).take(200);
    let others = (1..=200).filter(|n| n % 4 != 0);
    let by_id = |numbers: &mut dyn Iterator<Item = u128>| {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers
    };
    let wanted = [by_id(&mut { named }), by_id(&mut { others })].concat();
    assert_eq!(found, wanted);
}

#[test]
fn words_leave_of_customers_those_who_have_them() {
    let (store, _schema) = fill();
    for (words, have) in WORDS {
        let text = Some(words.to_owned());
        let read = |page| block_on(store.customers(&CustomerQuery { text: text.clone(), page }));
        let found = all(7, read, |customer| customer.value.id.uuid());
        let wanted: Vec<_> = (1..=MANY).filter(|n| have(*n)).collect();
        assert_eq!(found, wanted, "{words}");
    }
}
