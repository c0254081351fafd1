//! A file of products arrives on every store as on every other: what is found in it, and what is there then.

use commerce_core::{currency::Currency, shop::Shop};
use commerce_http::import::{Options, Update, run, shopify::ShopifyReader};
use pollster::block_on;

use super::support::shop::TestShop;

const FILE: &str = include_str!("../data/shopify.csv");

/// Imports a file, and tells what was found and what it came to.
fn import(shop: &TestShop, file: &str) {
    let options = Options::default();
    let reader = ShopifyReader::with_encoding(file.as_bytes(), options.encoding).unwrap();
    let done = block_on(run(&shop.commerce, reader, &options, |update| {
        if let Update::Found(finding) = update {
            shop.tell(&finding.to_string());
        }
    }));
    shop.tell(&format!("{:?}", done.unwrap()));
}

/// Asks for all that has arrived.
fn look(shop: &TestShop) {
    let products = shop.office("GET", "/products?limit=100&sort=created_at&total=true", None);
    assert_eq!(products.json()["total"], 10);
    for product in products.json()["items"].as_array().unwrap() {
        shop.office("GET", &format!("/products/{}", product["slug"].as_str().unwrap()), None);
        for variant in product["variants"].as_array().unwrap() {
            let id = variant["id"].as_str().unwrap();
            shop.office("GET", &format!("/variants/{id}/stock_movements"), None);
        }
    }
    shop.office("GET", "/stock?limit=100", None);
    shop.office("GET", "/products/search?q=mug", None);
}

#[test]
fn a_file_arrives_is_changed_and_arrives_again() {
    let shop = TestShop::with(Shop::new("Test", Currency::USD).unwrap(), |commerce| commerce);
    import(&shop, FILE);
    look(&shop);
    // Nothing is new, and then some is.
    import(&shop, FILE);
    let edited = FILE.replace("MUG-BLUE", "MUG-NAVY").replace("Oak cutting board", "Ash board");
    assert_ne!(edited, FILE);
    import(&shop, &edited);
    look(&shop);
}
