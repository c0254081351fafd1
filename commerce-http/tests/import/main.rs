//! Shopify product exports, imported into a shop.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod edits;
#[allow(dead_code, reason = "only its busy moments are needed here")]
#[path = "../../../commerce-core/tests/support/faults.rs"]
mod faults;
mod findings;
mod names;
mod values;

use std::{
    io::{self, Read},
    sync::Arc,
};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{
        Backorder, CreateImage, CreateVariant, PatchProduct, PatchVariant, ProductStatus,
        ProductView, RepeatedSkus,
    },
    checkout::PlaceOrder,
    currency::Currency,
    error::Rejection,
    inputs::{SeededIds, SteppedClock},
    inventory::{CreateLocation, Reason, SetStock},
    money::Money,
    secret::Secret,
    shop::Shop,
    store::{MemoryStore, MovementFilter, PageRequest, ProductRef},
    text::{Label, Slug, TaxClass},
};
use commerce_http::import::{
    Counts, Ending, Finding, Options, Severity, ShopifyFile, StopCause, Stopped, Summary, Update,
    import_file, run,
    shopify::{Encoding, ShopifyReader},
};
use pollster::block_on;
use serde_json::json;

const FIXTURE: &str = include_str!("../data/shopify.csv");

const HANDLES: [&str; 10] = [
    "harbour-enamel-mug",
    "oak-cutting-board",
    "merino-scarf",
    "two-season-tent",
    "field-notebook",
    "voucher",
    "linen-apron",
    "brass-compass",
    "copper-kettle",
    "wool-blanket",
];

fn open() -> Commerce {
    let clock = Arc::new(SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Test", Currency::USD).unwrap())).unwrap();
    shop
}

fn try_import(
    shop: &Commerce,
    input: impl Read,
    options: &Options,
) -> (Result<Summary, Stopped>, Vec<Finding>) {
    let mut findings = Vec::new();
    let reader = ShopifyReader::with_encoding(input, options.encoding).unwrap();
    let done = block_on(run(shop, reader, options, |update| {
        if let Update::Found(finding) = update {
            findings.push(finding.clone());
        }
    }));
    (done, findings)
}

fn import_with(
    shop: &Commerce,
    file: impl AsRef<[u8]>,
    options: &Options,
) -> (Summary, Vec<Finding>) {
    let (done, findings) = try_import(shop, file.as_ref(), options);
    let summary = done.unwrap();
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
    assert_eq!((summary.errors, summary.warnings), (of(Severity::Error), of(Severity::Warning)));
    (summary, findings)
}

fn import(shop: &Commerce, file: impl AsRef<[u8]>) -> (Summary, Vec<Finding>) {
    import_with(shop, file, &Options::default())
}

fn find(shop: &Commerce, handle: &str) -> Option<ProductView> {
    let by = ProductRef::Slug(Slug::new(handle).unwrap());
    match block_on(shop.product(&Caller::system(), &by, None)) {
        Ok(view) => Some(view),
        Err(error) => {
            assert!(matches!(error.rejection(), Some(Rejection::NotFound { .. })), "{error}");
            None
        }
    }
}

fn product(shop: &Commerce, handle: &str) -> ProductView {
    find(shop, handle).unwrap()
}

fn skus(shop: &Commerce, handle: &str) -> Vec<String> {
    product(shop, handle).variants.iter().map(|variant| variant.sku.to_string()).collect()
}

fn on_hand(shop: &Commerce, handle: &str) -> Vec<i64> {
    let variants = product(shop, handle).variants;
    let stock = |id| block_on(shop.stock_of(&Caller::system(), id)).unwrap().on_hand;
    variants.iter().map(|variant| stock(variant.id)).collect()
}

/// How many entries the outbox has: one for each commit with an event.
fn commits(shop: &Commerce) -> usize {
    block_on(shop.store().outbox(0, usize::MAX)).unwrap().len()
}

fn counts(created: u64, updated: u64, unchanged: u64, failed: u64) -> Counts {
    Counts { created, updated, unchanged, failed }
}

/// The text of each finding, without its product and value.
fn said(findings: &[Finding]) -> Vec<(u64, String, String)> {
    let said = |f: &Finding| (f.line, f.column.clone().unwrap_or_default(), f.detail.clone());
    findings.iter().map(said).collect()
}

fn files(url: &str) -> &str {
    url.rsplit('/').next().unwrap().split('.').next().unwrap()
}

#[test]
fn everything_a_shop_needs_arrives() {
    let shop = open();
    let (summary, findings) = import(&shop, FIXTURE);
    assert_eq!(summary.products, counts(10, 0, 0, 0));
    assert_eq!(summary.variants, counts(21, 0, 0, 0));
    assert_eq!((summary.images_created, summary.rows), (10, 23));
    assert_eq!((summary.skus_missing, summary.skus_repeated), (2, 2));
    assert_eq!(summary.weights_rounded, 6);
    assert_eq!(summary.errors, 0, "{findings:?}");
    assert!(summary.unmapped.iter().any(|c| c.name == "Google Shopping / Condition"));
    assert_eq!(commits(&shop), 11, "the shop's own and one for each product");

    let mug = product(&shop, "harbour-enamel-mug");
    assert_eq!(&*mug.title, "Harbour enamel mug");
    assert!(
        mug.description.contains("</p>\n<ul>") && mug.description.contains("\"a little more\"")
    );
    assert_eq!(mug.vendor.as_deref(), Some("Nordlicht & Sons"));
    assert_eq!(mug.product_type.as_deref(), Some("Mugs"));
    assert_eq!(mug.tags.iter().map(|t| &**t).collect::<Vec<_>>(), ["enamel", "camping", "Kitchen"]);
    assert_eq!(mug.status, ProductStatus::Active);
    assert!(!mug.gift_card);
    assert_eq!(mug.seo.title.as_deref(), Some("Enamel mug for harbour and hearth"));
    assert_eq!(mug.seo.description.as_deref(), Some("Twice enamelled steel, three colours."));
    assert_eq!(mug.options.len(), 1);
    assert_eq!(&*mug.options[0].name, "Colour");
    let category = "Home & Garden > Kitchen & Dining > Tableware > Drinkware > Mugs";
    assert_eq!(serde_json::Value::Object(mug.metadata), json!({ "shopify_category": category }));
    let images: Vec<_> = mug.images.iter().map(|image| files(&image.url)).collect();
    assert_eq!(images, ["mug-all", "mug-blue", "mug-red", "mug-inside"]);
    assert_eq!(mug.images[1].alt.as_deref(), Some("Blue mug on a pier"));
    assert_eq!(mug.images[2].alt, None);

    let blue = &mug.variants[0];
    let usd = |minor| Money::new(minor, Currency::USD);
    assert_eq!((&*blue.sku, &*blue.title), ("MUG-BLUE", "Ink blue"));
    assert_eq!(blue.barcode.as_deref(), Some("4006381333931"));
    assert_eq!((blue.price, blue.compare_at_price), (Some(usd(1250)), None));
    assert_eq!((blue.cost, blue.weight_grams), (Some(usd(410)), 310));
    assert!(blue.track_inventory && blue.requires_shipping && blue.taxable && blue.active);
    assert_eq!((blue.backorder, blue.available), (Backorder::Deny, Some(40)));
    assert_eq!(blue.image_id, Some(mug.images[1].id));
    assert_eq!(
        serde_json::Value::Object(blue.metadata.clone()),
        json!({ "shopify_weight_unit": "g", "shopify_fulfillment_service": "manual" })
    );
    assert_eq!(mug.variants[1].image_id, Some(mug.images[2].id));
    assert_eq!(mug.variants[2].image_id, None);
    assert_eq!(mug.variants[2].compare_at_price, Some(usd(1250)));
    assert_eq!(mug.variants.iter().map(|v| v.position).collect::<Vec<_>>(), [0, 1, 2]);

    let board = &product(&shop, "oak-cutting-board").variants[0];
    assert_eq!((&*board.sku, board.options.len(), board.weight_grams), ("00417", 0, 2268));
    assert_eq!(board.tax_code.as_deref(), Some("P0000000"));
    assert_eq!(board.metadata["shopify_grams"], "2267.96185");
    assert_eq!(board.metadata["shopify_weight_unit"], "lb");
    assert_eq!(product(&shop, "brass-compass").variants[0].weight_grams, 121, "half up");

    assert_eq!(skus(&shop, "merino-scarf")[2], "merino-scarf/Rust/150 cm");
    assert_eq!(
        skus(&shop, "field-notebook"),
        ["NOTE-A6", "field-notebook/Black/Plain/A6", "NOTE-A5", "field-notebook/Kraft/Plain/A5"]
    );
    let notebook = product(&shop, "field-notebook");
    assert_eq!(&*notebook.variants[1].title, "Black / Plain / A6");

    let tent = product(&shop, "two-season-tent");
    assert_eq!(
        (tent.variants[1].backorder, tent.variants[1].available),
        (Backorder::Allow, Some(0))
    );

    let voucher = product(&shop, "voucher");
    assert!(voucher.gift_card);
    let voucher = &voucher.variants[1];
    assert!(!voucher.track_inventory && !voucher.requires_shipping && !voucher.taxable);
    assert_eq!(voucher.available, None);

    let status = |handle: &str| product(&shop, handle).status;
    assert_eq!(status("linen-apron"), ProductStatus::Draft);
    assert_eq!(product(&shop, "linen-apron").metadata["shopify_published"], false);
    assert_eq!(status("copper-kettle"), ProductStatus::Archived);
    assert_eq!(status("wool-blanket"), ProductStatus::Draft);
    assert_eq!(product(&shop, "wool-blanket").metadata["shopify_status"], "unlisted");

    let movements = MovementFilter { variant_id: blue.id, location_id: None };
    let page = PageRequest::first(10);
    let rows = block_on(shop.stock_movements(&Caller::system(), &movements, &page)).unwrap();
    assert_eq!((rows.items[0].reason, rows.items[0].delta), (Reason::Received, 40));
    assert_eq!(
        findings.iter().map(ToString::to_string).next().unwrap(),
        "line 17, product \"two-season-tent\", column \"Variant Inventory Qty\": stock is never \
         below zero; it arrives as 0 (found \"-4\")"
    );
    let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [17, 19, 29, 30]);
}

#[test]
fn importing_twice_changes_nothing() {
    let shop = open();
    let (first, warnings) = import(&shop, FIXTURE);
    let before = HANDLES.map(|handle| product(&shop, handle));
    let position = commits(&shop);
    let (again, same) = import(&shop, FIXTURE);
    assert_eq!(again.products, counts(0, 0, 10, 0));
    assert_eq!(again.variants, counts(0, 0, 21, 0));
    assert_eq!((again.images_created, again.stock_set), (0, 0));
    assert_eq!(
        (again.skus_missing, again.skus_repeated),
        (first.skus_missing, first.skus_repeated)
    );
    assert_eq!(commits(&shop), position);
    assert_eq!(HANDLES.map(|handle| product(&shop, handle)), before);
    assert_eq!(same, warnings);
}

#[test]
fn a_file_with_the_fewest_columns_makes_products_that_sell() {
    let shop = open();
    let (summary, _) = import(&shop, "Handle,Title,Price\nmug,Mug,12.50\n");
    assert_eq!((summary.products.created, summary.skus_missing), (1, 1));
    let mug = product(&shop, "mug");
    assert_eq!((mug.status, &*mug.variants[0].sku), (ProductStatus::Active, "mug"));
    assert!(!mug.variants[0].track_inventory);
    assert!(mug.variants[0].requires_shipping && mug.variants[0].taxable);
    import(&shop, "Handle,Title,Price,Inventory quantity\ncup,Cup,1,3\n");
    assert_eq!(product(&shop, "cup").variants[0].available, Some(3));
}
