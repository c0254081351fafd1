//! Shopify product exports, imported into a shop.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

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
    inventory::Reason,
    money::Money,
    secret::Secret,
    shop::Shop,
    store::{MemoryStore, MovementFilter, PageRequest, ProductRef},
    text::{Label, Slug, TaxClass},
};
use commerce_http::import::{
    Counts, Ending, Finding, Options, Severity, StopCause, Stopped, Summary, Update, import_file,
    run,
    shopify::{Encoding, ShopifyReader},
};
use pollster::block_on;
use serde_json::json;

const FIXTURE: &str = include_str!("data/shopify.csv");

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
fn an_edited_file_changes_what_was_edited_and_nothing_else() {
    let shop = open();
    import(&shop, FIXTURE);
    let before = HANDLES.map(|handle| product(&shop, handle));
    let position = commits(&shop);
    let edits = [
        ("MUG-RED,310,shopify,0,deny,manual,12.50", "MUG-RED,310,shopify,9,deny,manual,13.50"),
        ("Oak cutting board,", "Oak breadboard,"),
        ("Moss,,,200 cm,,,SCARF-MOSS-200", "Moss,,,210 cm,,,SCARF-MOSS-200"),
        ("TENT-1,1360", "TENT-ONE,1360"),
        (
            "Herringbone,,,,,,BLANKET,1417.47615625,shopify,6",
            "Herringbone,,,,,,BLANKET,1417.47615625,shopify,5",
        ),
        ("\"Compass, lid open\"", "Compass"),
    ];
    let mut file = FIXTURE.to_owned();
    for (old, new) in edits {
        assert!(file.contains(old), "{old}");
        file = file.replacen(old, new, 1);
    }
    let (summary, _) = import(&shop, &file);
    assert_eq!(summary.products, counts(0, 6, 4, 0));
    assert_eq!(summary.variants, counts(0, 4, 17, 0), "the board's title follows the product's");
    assert_eq!((summary.stock_set, summary.variants_left), (2, 0));
    assert_eq!(commits(&shop), position + 6);

    let [mug, board, scarf, tent, notebook, voucher, apron, compass, kettle, blanket] =
        HANDLES.map(|handle| product(&shop, handle));
    let [mug_0, board_0, scarf_0, tent_0, rest @ ..] = &before;
    assert_eq!((&mug.variants[0], &mug.variants[2]), (&mug_0.variants[0], &mug_0.variants[2]));
    assert_eq!(mug.version, mug_0.version, "only a variant and its stock changed");
    assert_eq!(mug.variants[1].price.unwrap().minor(), 1350);
    assert_eq!(mug.variants[1].available, Some(9));
    assert_eq!(mug.variants[1].version, mug_0.variants[1].version.next());
    assert_eq!((&*board.title, &*board.variants[0].title), ("Oak breadboard", "Oak breadboard"));
    assert_eq!(board.images, board_0.images);
    assert_eq!(scarf.variants.len(), 4, "a renamed option is known by the SKU");
    assert_eq!(&*scarf.variants[1].options[1], "210 cm");
    assert_eq!(scarf.variants[1].id, scarf_0.variants[1].id);
    assert_eq!((&*tent.variants[0].sku, tent.variants[0].id), ("TENT-ONE", tent_0.variants[0].id));
    assert_eq!(compass.images[0].alt.as_deref(), Some("Compass"));
    assert_eq!(compass.images[0].id, rest[3].images[0].id);
    assert_eq!(compass.variants, rest[3].variants);
    assert_eq!(blanket.version, rest[5].version);
    assert_eq!(on_hand(&shop, "wool-blanket"), [5, 9]);
    assert_eq!([notebook, voucher, apron, kettle], [0, 1, 2, 4].map(|at| rest[at].clone()));
}

#[test]
fn what_the_file_does_not_say_stays() {
    let shop = open();
    let system = Caller::system();
    import(&shop, FIXTURE);
    let mug = product(&shop, "harbour-enamel-mug");
    let patch = PatchProduct {
        featured: Some(true),
        tax_class: Some(TaxClass::new("reduced").unwrap()),
        metadata: Some(json!({ "own": 1, "shopify_category": "old" }).as_object().unwrap().clone()),
        ..PatchProduct::default()
    };
    block_on(shop.patch_product(&system, mug.id, &patch, None)).unwrap();
    let url = "https://own.example/a.png".parse().unwrap();
    let image = CreateImage { url, alt: None, position: Some(0) };
    block_on(shop.add_image(&system, mug.id, &image, None)).unwrap();
    let own = CreateVariant {
        options: vec![Label::new("Gold").unwrap()],
        ..CreateVariant::new("MUG-GOLD", Money::new(9900, Currency::USD)).unwrap()
    };
    block_on(shop.create_variant(&system, mug.id, &own)).unwrap();
    let patch = PatchVariant {
        low_stock_threshold: Some(2),
        price: Some(Money::new(1100, Currency::EUR)),
        compare_at_price: Some(Some(Money::new(1200, Currency::EUR))),
        ..PatchVariant::default()
    };
    block_on(shop.patch_variant(&system, mug.variants[0].id, &patch, None)).unwrap();

    let (summary, _) = import(&shop, FIXTURE);
    assert_eq!((summary.products, summary.variants_left), (counts(0, 1, 9, 0), 1));
    assert_eq!(summary.images_left, 1);
    let mug = product(&shop, "harbour-enamel-mug");
    assert!(mug.featured);
    assert_eq!(&*mug.tax_class, "reduced");
    assert_eq!(mug.metadata["own"], 1);
    assert!(mug.metadata["shopify_category"].as_str().unwrap().starts_with("Home"));
    assert_eq!(mug.images.len(), 5);
    assert_eq!(files(&mug.images[4].url), "a");
    assert_eq!(&*mug.variants[3].sku, "MUG-GOLD");
    assert_eq!(mug.variants[0].low_stock_threshold, Some(2));
    assert_eq!(mug.variants[0].prices[1].compare_at, Some(Money::new(1200, Currency::EUR)));
    let position = commits(&shop);
    import(&shop, FIXTURE);
    assert_eq!(commits(&shop), position);

    // An absent column leaves what an empty cell clears.
    let file = "Handle,Title,Vendor,Variant Price\nharbour-enamel-mug,Mug,,1\n";
    assert_eq!(import(&shop, file).0.products.failed, 1, "it has options and they have none");
    let file = "Handle,Title,Option1 Name,Option1 Value,Vendor,Variant Price\n\
                harbour-enamel-mug,Mug,Colour,Cream,,1\n";
    import(&shop, file);
    let after = product(&shop, "harbour-enamel-mug");
    assert_eq!((after.vendor, &*after.title), (None, "Mug"));
    assert_eq!((after.product_type, after.tags), (mug.product_type, mug.tags));
    assert_eq!(after.seo, mug.seo);
    assert_eq!(after.description, mug.description);
    assert_eq!(after.status, ProductStatus::Active);
    assert_eq!(after.variants.len(), 4);
    let cream = after.variants.iter().find(|v| &*v.title == "Cream").unwrap();
    assert_eq!((&*cream.sku, cream.price.unwrap().minor()), ("MUG-CREAM", 100));
    assert_eq!(cream.compare_at_price, mug.variants[2].compare_at_price);
    assert_eq!(cream.cost, mug.variants[2].cost);
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

#[test]
fn a_dry_run_writes_nothing_and_says_what_the_import_would() {
    let again = "\nmerino-scarf,,,,,,,,,Sand,,,150 cm,,,MUG-BLUE,180,shopify,3,deny,manual,49.00,,true,true,,,,,,,,,,,g,,,\n\
                 merino-scarf,,,,,,,,,Lone,,,,,,,180,shopify,3,deny,manual,49.00,,true,true,,,,,,,,,,,g,,,\n";
    let file = format!("{}{again}", FIXTURE.trim_end());
    for file in [FIXTURE, &file] {
        for repeated_skus in [RepeatedSkus::Derive, RepeatedSkus::Refuse] {
            let shop = open();
            let options = Options { repeated_skus, ..Options::default() };
            let dry = Options { dry_run: true, ..options.clone() };
            let (mut first, told) = import_with(&shop, file, &dry);
            assert_eq!(commits(&shop), 1);
            assert!(HANDLES.iter().all(|handle| find(&shop, handle).is_none()));
            assert!(first.dry_run);
            first.dry_run = false;
            let (real, found) = import_with(&shop, file, &options);
            assert_eq!((told, first), (found, real));
            let position = commits(&shop);
            let (mut second, told) = import_with(&shop, file, &dry);
            second.dry_run = false;
            let (real, found) = import_with(&shop, file, &options);
            assert_eq!((told, second), (found, real));
            assert_eq!(commits(&shop), position);
        }
    }
}

#[test]
fn the_first_in_the_file_keeps_a_repeated_sku() {
    let file = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n\
                a,A,Size,S,ONE,1\na,,,M,ONE,1\nb,B,,,ONE,1\nc,C,,,TWO,1\n";
    let shop = open();
    for _ in 0..2 {
        let (summary, findings) = import(&shop, file);
        assert_eq!((summary.skus_repeated, summary.products.failed), (2, 0));
        let detail = |sku: &str| format!("another variant has this SKU; this one is {sku:?}");
        let column = || "SKU".to_owned();
        assert_eq!(said(&findings), [(3, column(), detail("a/M")), (4, column(), detail("b"))]);
        assert_eq!(
            (skus(&shop, "a"), skus(&shop, "b")),
            (vec!["ONE".into(), "a/M".into()], vec!["b".into()])
        );
    }
    let shop = open();
    let refuse = Options { repeated_skus: RepeatedSkus::Refuse, ..Options::default() };
    for lines in [&[3][..], &[2, 3]] {
        let (summary, findings) = import_with(&shop, file, &refuse);
        assert_eq!(summary.products.failed, 1, "`a` is refused whole, so `b` comes first");
        assert!(findings.iter().all(|f| f.detail == "\"ONE\" is in use"), "{findings:?}");
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), lines);
        assert!(find(&shop, "a").is_none());
        assert_eq!(skus(&shop, "b"), ["ONE"]);
    }
    let (_, findings) = import(&shop, "Handle,Title,Price,SKU\nd,D,1,c2\nc2,C,1,\n");
    let detail = "\"c2\" is in use".to_owned();
    assert_eq!(said(&findings), [(3, "SKU".to_owned(), detail)], "a derived one may be in use too");
    // A SKU that the back office gave stays, as the file has none of its own for the variant.
    let shop = open();
    import(&shop, file);
    let patch = PatchVariant { sku: Some("B-1".parse().unwrap()), ..PatchVariant::default() };
    let id = product(&shop, "b").variants[0].id;
    block_on(shop.patch_variant(&Caller::system(), id, &patch, None)).unwrap();
    assert_eq!(import(&shop, file).0.products, counts(0, 0, 3, 0));
    assert_eq!(skus(&shop, "b"), ["B-1"]);
}

#[test]
fn what_is_wrong_is_reported_and_the_rest_arrives() {
    let (alt, long) = ("x".repeat(512), "x".repeat(513));
    let body = "y".repeat(524_289);
    let file = format!(
        "Handle,Title,Body (HTML),Variant Price,Cost per item,Variant Grams,Image Src,Image Alt Text\n\
         good,Good,,1,,,https://a.example/a.png,{alt}\n\
         a,A,,1.005,0.0001,,,\n\
         b,B,,1,,,https://a.example/b.png,{long}\n\
         c,C,{body},1,,,,\n\
         d,D,,1,,100000001,,\n\
         ™,E,,1,,,,\n\
         f,F,,free,,,,\n\
         last,Last,,1,,,,\n"
    );
    let shop = open();
    let (summary, findings) = import(&shop, &file);
    assert_eq!((summary.products, summary.errors), (counts(2, 0, 0, 6), 7));
    let said = said(&findings);
    let places: Vec<_> = said.iter().map(|(line, column, _)| (*line, column.as_str())).collect();
    assert_eq!(
        places,
        [
            (3, "Variant Price"),
            (3, "Cost per item"),
            (4, "Image Alt Text"),
            (5, "Body (HTML)"),
            (6, "Variant Grams"),
            (7, "Handle"),
            (8, "Variant Price"),
        ]
    );
    assert!(said[0].2.contains("USD"), "{}", said[0].2);
    assert!(said[2].2.contains("512"), "{}", said[2].2);
    assert!(said[3].2.contains("524,288"), "{}", said[3].2);
    assert_eq!(findings[0].value.as_deref(), Some("1.005"));
    assert_eq!(findings[3].value.as_deref().unwrap().chars().count(), 61);
    assert_eq!(product(&shop, "good").images[0].alt.as_deref(), Some(&*alt));
    assert!(find(&shop, "last").is_some());
    for handle in ["a", "b", "c", "d", "f"] {
        assert!(find(&shop, handle).is_none(), "{handle}");
    }
}

#[test]
fn prices_are_in_the_currency_that_is_named() {
    let shop = open();
    let file = "Handle,Title,Price,Compare-at price\na,A,1200.00,1500\nb,B,12.50,\n";
    let yen = Options { currency: Some(Currency::JPY), ..Options::default() };
    let (summary, findings) = import_with(&shop, file, &yen);
    assert_eq!(summary.products, counts(1, 0, 0, 1));
    assert_eq!((findings[0].line, findings[0].value.as_deref()), (3, Some("12.50")));
    assert_eq!(summary.shop_currency, Currency::USD);
    import(&shop, "Handle,Title,Price,Compare-at price\na,A,8.50,\n");
    let prices = &product(&shop, "a").variants[0].prices;
    assert_eq!(prices[0].amount, Money::new(1200, Currency::JPY));
    assert_eq!(prices[0].compare_at, Some(Money::new(1500, Currency::JPY)));
    assert_eq!(prices[1].amount, Money::new(850, Currency::USD));
}

#[test]
fn stock_is_never_below_zero_nor_below_what_orders_hold() {
    let shop = open();
    let file = |quantity: i64| {
        format!(
            "Handle,Title,Price,Variant Inventory Tracker,Variant Inventory Qty\nmug,Mug,5,shopify,{quantity}\n"
        )
    };
    let (_, findings) = import(&shop, file(-3));
    assert_eq!((findings.len(), on_hand(&shop, "mug")), (1, vec![0]));
    import(&shop, file(5));
    let variant = product(&shop, "mug").variants[0].id;
    let made = block_on(shop.create_cart(&Caller::anonymous(), &CreateCart::default())).unwrap();
    let secret: Secret = made.token.as_ref().unwrap().parse().unwrap();
    let guest = Caller::guest(&secret);
    let line = AddLine::new(variant, 3).unwrap();
    block_on(shop.add_line(&guest, made.cart.id, &line)).unwrap();
    let patch = serde_json::from_value(json!({
        "email": "a@example.com",
        "shipping_address": { "name": "A", "line1": "Street 1", "city": "Berlin", "country": "DE" },
    }));
    block_on(shop.patch_cart(&guest, made.cart.id, &patch.unwrap())).unwrap();
    block_on(shop.place_order(&guest, made.cart.id, &PlaceOrder::default())).unwrap();
    let (summary, findings) = import(&shop, file(2).replace("Mug", "Cup"));
    assert_eq!((summary.stock_held, summary.products), (1, counts(0, 1, 0, 0)));
    assert_eq!((findings[0].severity, findings[0].line), (Severity::Warning, 2));
    assert_eq!(findings[0].detail, "orders hold 3 units; the stock of 5 was left");
    assert_eq!(&*product(&shop, "mug").title, "Cup", "the rest of the product arrives");
    import(&shop, file(3));
    assert_eq!(product(&shop, "mug").variants[0].available, Some(0));
}

#[test]
fn a_file_in_latin_1_is_read_as_such() {
    let file = b"Handle,Title,Price\nkettle,Kupferschmiede S\xfcd,1\nbowl,Bowl,1\n";
    let shop = open();
    let (summary, findings) = import(&shop, file);
    assert_eq!(summary.products, counts(1, 0, 0, 1));
    assert!(findings[0].detail.contains("Windows-1252"), "{}", findings[0]);
    let options = Options { encoding: Encoding::Windows1252, ..Options::default() };
    let (summary, _) = import_with(&shop, file, &options);
    assert_eq!(summary.products, counts(1, 0, 1, 0));
    assert_eq!(&*product(&shop, "kettle").title, "Kupferschmiede Süd");
}

#[test]
fn rows_that_stand_apart_join_their_product() {
    let head =
        "Handle,Title,Vendor,Option1 Name,Option1 Value,SKU,Price,Inventory quantity,Image Src\n";
    let file = format!(
        "{head}a,A,Maker,Size,S,A-S,1,4,https://a.example/1.png\n\
         b,B,,,,B,1,,\n\
         a,,,,M,A-M,2,5,https://a.example/2.png\n\
         a,,,,S,A-S,9,,\n\
         b,B again,Other,,,B,7,,https://a.example/b.png\n"
    );
    let shop = open();
    let mut views = Vec::new();
    for round in 0..3 {
        let (summary, findings) = import(&shop, &file);
        let expected = if round == 0 { counts(2, 0, 0, 0) } else { counts(0, 0, 2, 0) };
        assert_eq!(summary.products, expected);
        assert_eq!((summary.variants_left, summary.images_left), (0, 0));
        let lines: Vec<_> = findings.iter().map(|f| (f.line, f.severity)).collect();
        assert_eq!(lines, [(5, Severity::Error), (6, Severity::Error), (6, Severity::Warning)]);
        views.push(["a", "b"].map(|handle| product(&shop, handle)));
    }
    let [a, b] = &views[0];
    assert_eq!(views[0], views[2]);
    assert_eq!(skus(&shop, "a"), ["A-S", "A-M"]);
    assert_eq!(a.variants[0].price.unwrap().minor(), 100);
    assert_eq!(on_hand(&shop, "a"), [4, 5]);
    assert_eq!(a.images.len(), 2);
    assert_eq!(a.vendor.as_deref(), Some("Maker"), "further rows clear nothing");
    assert_eq!((&*b.title, b.images.len()), ("B", 1));
    let edited = file.replace("A-M,2,5", "A-M,3,6");
    assert_eq!(import(&shop, &edited).0.variants, counts(0, 1, 2, 2));
    assert_eq!(product(&shop, "a").variants[1].price.unwrap().minor(), 300);

    // If the first rows did not arrive, the others cannot; nor do they clear what is stored.
    let broken = format!("{head}a,A,Maker,Size,S,A-S,1.001,4,\nb,B,,,,B,1,,\na,,,,L,A-L,2,5,\n");
    let empty = open();
    let (summary, findings) = import(&empty, &broken);
    assert_eq!(summary.products, counts(1, 0, 0, 2));
    assert!(findings[1].detail.contains("did not arrive"), "{}", findings[1]);
    import(&shop, &broken);
    assert_eq!(product(&shop, "a").vendor.as_deref(), Some("Maker"));
    assert_eq!(skus(&shop, "a"), ["A-S", "A-M", "A-L"]);
}

#[test]
fn handles_become_slugs() {
    let shop = open();
    let file = "Handle,Title,Price\nRed-Shirt™,Shirt,1\nüber-cup,Cup,1\nred-shirt,Other,1\n";
    for _ in 0..2 {
        let (summary, findings) = import(&shop, file);
        assert_eq!(summary.products.failed, 1);
        assert_eq!((findings[0].line, findings[0].column.as_deref()), (4, Some("Handle")));
        let shirt = product(&shop, "red-shirt");
        assert_eq!(
            (&*shirt.title, &shirt.metadata["shopify_handle"]),
            ("Shirt", &json!("Red-Shirt™"))
        );
        assert!(product(&shop, "über-cup").metadata.is_empty());
    }
}

#[test]
fn options_must_fit_the_variants_that_are_not_in_the_file() {
    let shop = open();
    import(
        &shop,
        "Handle,Title,Option1 Name,Option1 Value,SKU,Price\na,A,Size,S,S1,1\na,,,M,S2,1\n",
    );
    let head = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,SKU,Price\n";
    let (summary, findings) = import(&shop, format!("{head}a,A,Size,S,Colour,Red,S1,1\n"));
    assert_eq!(summary.products.failed, 1);
    assert_eq!(findings[0].column.as_deref(), Some("Option1 Name"));
    assert!(findings[0].detail.contains("S2"), "{}", findings[0]);
    let both = format!("{head}a,A,Size,S,Colour,Red,S1,1\na,,,M,,Red,S2,1\n");
    assert_eq!(import(&shop, both).0.variants, counts(0, 2, 0, 0));
    assert_eq!(product(&shop, "a").variants[1].options.len(), 2);
}

/// An input that breaks in the middle.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room)? {
            0 => Err(io::Error::other("the disk is gone")),
            length => Ok(length),
        }
    }
}

#[test]
fn an_import_that_stops_says_so_and_goes_on_next_time() {
    let shop = open();
    let cut = FIXTURE.find("voucher").unwrap();
    let (done, _) = try_import(&shop, Broken(&FIXTURE.as_bytes()[..cut]), &Options::default());
    let stopped = done.unwrap_err();
    assert!(matches!(stopped.cause, StopCause::Read(_)), "{stopped}");
    assert_eq!(stopped.summary.products.created, 4);
    assert_eq!(import(&shop, FIXTURE).0.products, counts(6, 0, 4, 0));

    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let unopened = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    let (done, _) = try_import(&unopened, FIXTURE.as_bytes(), &Options::default());
    assert!(matches!(done.unwrap_err().cause, StopCause::Shop { .. }));
}

#[test]
fn a_file_is_imported_with_a_report() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let shop = open();
    let folder = std::env::temp_dir().join(format!("import-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("shop.csv");
    let import = |options: &Options, is_terminal| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let done = import_file(&shop, &path, options, &mut out, &mut err, is_terminal);
        let ending = block_on(is_send(done)).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ending, text(out), text(err))
    };
    let (ending, _, err) = import(&Options::default(), false);
    assert_eq!(ending, Ending::Stopped);
    assert!(err.starts_with("error: ") && err.contains("shop.csv"), "{err}");
    std::fs::write(&path, "Name,Price\nx,1\n").unwrap();
    let (ending, _, err) = import(&Options::default(), false);
    assert!(ending == Ending::Stopped && err.contains("no column Handle"), "{err}");

    std::fs::write(&path, FIXTURE).unwrap();
    let dry = Options { dry_run: true, ..Options::default() };
    let (ending, out, err) = import(&dry, false);
    assert_eq!(ending, Ending::Complete);
    assert!(out.starts_with("Dry run: nothing was written."), "{out}");
    assert!(out.contains("products: 10 created, 0 updated, 0 unchanged, 0 failed"), "{out}");
    assert!(out.contains("  \"Google Shopping / Condition\": 1\n"), "{out}");
    assert!(err.lines().all(|line| line.starts_with("warning: line ")), "{err}");
    assert!(!err.contains('\x1b'));
    let (_, _, err) = import(&Options::default(), true);
    assert!(err.contains("100 %") && err.ends_with("\r\x1b[K"), "{err:?}");

    std::fs::write(&path, format!("{FIXTURE}bad,Bad,,,,,\n")).unwrap();
    let (ending, out, err) = import(&Options::default(), false);
    assert_eq!(ending, Ending::Partial);
    assert!(out.contains("10 unchanged, 1 failed"), "{out}");
    assert!(err.lines().last().unwrap().starts_with("error: line 31, product \"bad\""), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}
