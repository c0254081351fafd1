//! What somebody mistypes is found by names like it, if the database can tell; if not, all else works.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{CreateProduct, ProductStatus},
    currency::Currency,
    store::{PageRequest, ProductFilter, ProductQuery},
};
use commerce_sqlx::{OpenOptions, PgStore};
use common::{Server, block_on, number, run, shop::shop};
use sqlx::postgres::PgConnectOptions;

fn options() -> OpenOptions {
    PgStore::options().schema("shop").allow_data_loss()
}

fn make(shop: &Commerce, title: &str, vendor: Option<&str>, status: ProductStatus) {
    let product = CreateProduct {
        status,
        vendor: vendor.map(|vendor| vendor.parse().unwrap()),
        ..CreateProduct::new(title).unwrap()
    };
    block_on(shop.create_product(&Caller::system(), &product)).unwrap();
}

/// The titles that a search finds, read so many at a time, and how many it says that there are.
fn found(shop: &Commerce, text: &str, limit: usize) -> (Vec<String>, u64) {
    let mut query = ProductQuery {
        filter: ProductFilter {
            text: Some(text.to_owned()),
            similar: true,
            ..ProductFilter::default()
        },
        currency: Currency::EUR,
        sort: None,
        descending: false,
        page: PageRequest { total: true, ..PageRequest::first(limit) },
    };
    let mut titles = Vec::new();
    loop {
        let page = block_on(shop.products(&Caller::anonymous(), &query)).unwrap();
        titles.extend(page.items.iter().map(|product| product.title.to_string()));
        let Some(next) = page.next else { return (titles, page.total.unwrap()) };
        query.page.after = Some(next);
    }
}

#[test]
fn names_like_a_mistyped_word_are_found_if_the_database_can_tell() {
    let server = Server::start("");
    let mut admin = server.connect();
    run(&mut admin, "CREATE ROLE shop LOGIN; CREATE SCHEMA shop AUTHORIZATION shop");
    let address: PgConnectOptions = server.address.parse().unwrap();
    let address = address.username("shop");
    let open = || block_on(options().open_with(address.clone())).unwrap();

    // Neither is the extension there, nor may the shop install it.
    let store = open();
    let without = shop(store.clone());
    for (title, vendor) in [
        ("Linen Shirt", None),
        ("Linen Trousers", None),
        ("Steel Lamp", Some("Söderström")),
        ("100 % wool", None),
    ] {
        make(&without, title, vendor, ProductStatus::Active);
    }
    make(&without, "Linen Draft", None, ProductStatus::Draft);
    assert_eq!(found(&without, "linnen", 20), (vec![], 0));
    assert_eq!(found(&without, "linen", 20).1, 2);
    block_on(store.close());
    let installed = "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'";
    assert_eq!(number(&mut admin, installed), 0);

    // Somebody else has installed it, wherever that may be.
    run(&mut admin, "CREATE SCHEMA \"Else where\"; CREATE EXTENSION pg_trgm SCHEMA \"Else where\"");
    let store = open();
    let shop_too = shop(store.clone());
    assert_eq!(found(&shop_too, "linnen", 20), (vec![], 0), "its schema is closed");
    block_on(store.close());
    run(&mut admin, "GRANT USAGE ON SCHEMA \"Else where\" TO shop");
    let with = shop(open());
    for limit in [1, 20] {
        for (typed, titles) in [
            ("linnen", &["Linen Trousers", "Linen Shirt"][..]),
            ("trowsers linen", &["Linen Trousers"]),
            ("LINNEN shrit", &["Linen Shirt"]),
            ("soderstrom", &["Steel Lamp"]),
            ("steal", &["Steel Lamp"]),
            ("qqqqq", &[]),
            ("linnen qqqqq", &[]),
            // Where something matches, nothing else is told.
            ("linen sh", &["Linen Shirt"]),
            ("lamp", &["Steel Lamp"]),
            ("100", &["100 % wool"]),
            ("% '\\", &["100 % wool", "Steel Lamp", "Linen Trousers", "Linen Shirt"]),
        ] {
            let count = u64::try_from(titles.len()).unwrap();
            let titles = titles.iter().map(|title| (*title).to_owned()).collect();
            assert_eq!(found(&with, typed, limit), (titles, count), "{typed}");
        }
    }

    // Whoever may, installs it; several shops of one database share it.
    run(&mut admin, "CREATE DATABASE other");
    let address: PgConnectOptions = server.address.parse().unwrap();
    let address = address.database("other");
    for schema in ["one", "two"] {
        let store = block_on(options().schema(schema).open_with(address.clone())).unwrap();
        let shop = shop(store);
        make(&shop, "Linen Shirt", None, ProductStatus::Active);
        assert_eq!(found(&shop, "linnen", 20).1, 1, "{schema}");
    }
}
