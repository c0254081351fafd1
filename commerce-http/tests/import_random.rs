//! Random exports, imported: what the file says is what the shop has, and saying it again changes
//! nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{ProductStatus, ProductView},
    currency::Currency,
    inputs::{SeededIds, SteppedClock},
    shop::Shop,
    store::{MemoryStore, ProductRef},
    text::Slug,
};
use commerce_http::import::{
    Finding, Options, Summary, Update, run,
    shopify::{ShopifyReader, derive_sku},
};
use pollster::block_on;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Product {
    title: String,
    body: String,
    tags: Vec<String>,
    status: Option<&'static str>,
    options: usize,
    variants: Vec<Variant>,
    images: Vec<(u8, Option<String>)>,
    /// From which variant on its rows stand at the end of the file.
    apart: usize,
}

#[derive(Debug, Clone)]
struct Variant {
    cents: u32,
    sku: Option<String>,
    quantity: Option<i64>,
    milligrams: u32,
    tracked: bool,
}

const HEADER: [&str; 14] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Tags",
    "Status",
    "Option1 Name",
    "Option2 Name",
    "Option1 Value",
    "Option2 Value",
    "Variant SKU",
    "Variant Price",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Grams",
];

fn variant() -> impl Strategy<Value = Variant> {
    (
        0..100_000_u32,
        prop::option::of("[A-F]|product-[01](/0)?"),
        prop::option::of(-2..9_i64),
        0..5_000_u32,
        any::<bool>(),
    )
        .prop_map(|(cents, sku, quantity, milligrams, tracked)| Variant {
            cents,
            sku,
            quantity,
            milligrams,
            tracked,
        })
}

fn product() -> impl Strategy<Value = Product> {
    let text = "[a-zé\",<>']([a-zé \",<>'\n]{0,20}[a-zé\",<>'])?";
    let label = "[a-zé\",<>']([a-zé \",<>']{0,8}[a-zé\",<>'])?";
    (
        label,
        prop::option::of(text),
        prop::collection::btree_set("[a-z]([a-z ]{0,5}[a-z])?", 0..4),
        prop::option::of(prop::sample::select(&["active", "draft", "archived", "unlisted"][..])),
        0..3_usize,
        prop::collection::vec(variant(), 1..5),
        prop::collection::vec((0..6_u8, prop::option::of(label)), 0..4),
        1..6_usize,
    )
        .prop_map(|(title, body, tags, status, options, mut variants, mut images, apart)| {
            variants.truncate(if options == 0 { 1 } else { 4 });
            let mut seen = HashSet::new();
            images.retain(|(image, _)| seen.insert(*image));
            let body = body.unwrap_or_default();
            let tags = tags.into_iter().collect();
            Product { title, body, tags, status, options, variants, images, apart }
        })
}

fn handle(index: usize) -> String {
    format!("product-{index}")
}

fn option_values(product: &Product, index: usize) -> Vec<String> {
    [index.to_string(), format!("{}, \"{index}\"", index % 2)][..product.options].to_vec()
}

/// The variants in the order of the file, by product and place in it.
fn file_order(products: &[Product]) -> Vec<(usize, usize)> {
    let part = |late: bool| {
        products.iter().enumerate().flat_map(move |(p, product)| {
            let all = 0..product.variants.len();
            all.filter(move |v| (*v >= product.apart) == late).map(move |v| (p, v))
        })
    };
    part(false).chain(part(true)).collect()
}

fn write(products: &[Product]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<_> = HEADER.to_vec();
    header.extend(["Image Src", "Image Alt Text"]);
    writer.write_record(&header).unwrap();
    for (p, v) in file_order(products) {
        let product = &products[p];
        let variant = &product.variants[v];
        let mut row = vec![String::new(); header.len()];
        row[0] = handle(p);
        if v == 0 {
            row[1] = product.title.clone();
            row[2] = product.body.clone();
            row[3] = product.tags.join(", ");
            row[4] = product.status.unwrap_or_default().to_owned();
            for (at, name) in ["Size", "Colour"][..product.options].iter().enumerate() {
                row[5 + at] = (*name).to_owned();
            }
        }
        for (at, value) in option_values(product, v).into_iter().enumerate() {
            row[7 + at] = value;
        }
        row[9] = variant.sku.clone().unwrap_or_default();
        row[10] = format!("{}.{:02}", variant.cents / 100, variant.cents % 100);
        row[11] = if variant.tracked { "shopify".to_owned() } else { String::new() };
        row[12] = variant.quantity.map(|n| n.to_string()).unwrap_or_default();
        row[13] = format!("{}.{:03}", variant.milligrams / 1000, variant.milligrams % 1000);
        let images = if v == 0 { &product.images[..] } else { &[] };
        if let Some((image, alt)) = images.first() {
            row[14] = url(*image);
            row[15] = alt.clone().unwrap_or_default();
        }
        writer.write_record(&row).unwrap();
        for (image, alt) in images.iter().skip(1) {
            let mut row = vec![String::new(); header.len()];
            row[0] = handle(p);
            row[14] = url(*image);
            row[15] = alt.clone().unwrap_or_default();
            writer.write_record(&row).unwrap();
        }
    }
    writer.into_inner().unwrap()
}

fn url(image: u8) -> String {
    format!("https://images.shop.example/{image}.png?v=1,2")
}

fn open() -> Commerce {
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Test", Currency::USD).unwrap())).unwrap();
    shop
}

fn import(shop: &Commerce, file: &[u8], dry_run: bool) -> (Summary, Vec<Finding>) {
    let mut findings = Vec::new();
    let options = Options { dry_run, ..Options::default() };
    let summary = block_on(run(shop, ShopifyReader::new(file).unwrap(), &options, |update| {
        if let Update::Found(finding) = update {
            findings.push(finding.clone());
        }
    }));
    // What is said of products that are imported once more at the end is said then.
    findings.sort_by_key(|finding| finding.line);
    (summary.unwrap(), findings)
}

fn find(shop: &Commerce, index: usize) -> Option<ProductView> {
    let by = ProductRef::Slug(Slug::new(handle(index)).unwrap());
    block_on(shop.product(&Caller::system(), &by, None)).ok()
}

fn commits(shop: &Commerce) -> usize {
    block_on(shop.store().outbox(0, usize::MAX)).unwrap().len()
}

/// Whether the shop has what the file says, SKUs apart.
fn check(shop: &Commerce, index: usize, product: &Product) -> Result<(), TestCaseError> {
    let view = find(shop, index).unwrap();
    prop_assert_eq!(&*view.title, &product.title);
    prop_assert_eq!(&*view.description, &product.body);
    let tags: Vec<_> = view.tags.iter().map(|tag| tag.to_string()).collect();
    prop_assert_eq!(&tags, &product.tags);
    let status = match product.status {
        None | Some("active") => ProductStatus::Active,
        Some("archived") => ProductStatus::Archived,
        _ => ProductStatus::Draft,
    };
    prop_assert_eq!(view.status, status);
    prop_assert_eq!(view.options.len(), product.options);
    for (place, (image, alt)) in product.images.iter().enumerate() {
        prop_assert_eq!(&*view.images[place].url, &url(*image));
        prop_assert_eq!(view.images[place].alt.as_deref(), alt.as_deref());
    }
    for (place, variant) in product.variants.iter().enumerate() {
        let values = option_values(product, place);
        let same = |v: &&commerce_core::catalog::VariantView| {
            v.options.iter().map(|o| o.to_string()).eq(values.iter().cloned())
        };
        let found = view.variants.iter().find(same).unwrap();
        prop_assert_eq!(found.price.unwrap().minor(), i64::from(variant.cents));
        prop_assert_eq!(found.track_inventory, variant.tracked);
        prop_assert_eq!(found.weight_grams, i64::from((variant.milligrams + 500) / 1000));
        if let Some(quantity) = variant.quantity {
            let stock = block_on(shop.stock_of(&Caller::system(), found.id)).unwrap();
            prop_assert_eq!(stock.on_hand, quantity.max(0));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_the_file_says_is_what_the_shop_has(
        products in prop::collection::vec(product(), 1..6),
        edited in prop::collection::vec(product(), 6),
    ) {
        let shop = open();
        let file = write(&products);
        let (mut told, warnings) = import(&shop, &file, true);
        prop_assert_eq!(commits(&shop), 1);
        told.dry_run = false;
        let (done, findings) = import(&shop, &file, false);
        prop_assert_eq!(&told, &done);
        prop_assert_eq!(&warnings, &findings);

        // A SKU that is given may be the derived one of a later variant: nothing else can fail.
        let failed: HashSet<String> =
            findings.iter().filter(|f| f.detail.ends_with("is in use")).map(|f| f.handle.clone().unwrap()).collect();
        let mut owners = HashSet::new();
        for (p, v) in file_order(&products) {
            let product = &products[p];
            if failed.contains(&handle(p)) {
                continue;
            }
            check(&shop, p, product)?;
            if !failed.is_empty() {
                continue;
            }
            let given = product.variants[v].sku.clone().filter(|sku| !owners.contains(sku));
            let sku = given.unwrap_or_else(|| derive_sku(&handle(p), &option_values(product, v)));
            prop_assert!(owners.insert(sku.clone()));
            let view = find(&shop, p).unwrap();
            prop_assert!(view.variants.iter().any(|variant| *variant.sku == *sku), "{}", sku);
        }

        let position = commits(&shop);
        let before: Vec<_> = (0..products.len()).map(|p| find(&shop, p)).collect();
        let (again, same) = import(&shop, &file, false);
        prop_assert_eq!(commits(&shop), position);
        prop_assert_eq!(again.products.unchanged, done.products.created);
        prop_assert_eq!(&same, &findings);
        let after: Vec<_> = (0..products.len()).map(|p| find(&shop, p)).collect();
        prop_assert_eq!(after, before);

        if failed.is_empty() {
            // Everything is edited but what tells products and variants apart.
            let edited: Vec<_> = products.iter().zip(edited).map(|(old, new)| {
                let mut product = Product { options: old.options, variants: old.variants.clone(), apart: old.apart, ..new };
                for (variant, new) in product.variants.iter_mut().zip(new.variants) {
                    *variant = Variant { sku: variant.sku.clone(), ..new };
                }
                product
            }).collect();
            let file = write(&edited);
            let skus = |shop: &Commerce| -> Vec<_> {
                (0..products.len()).flat_map(|p| find(shop, p).unwrap().variants).map(|v| (v.id, v.sku)).collect()
            };
            let kept = skus(&shop);
            let (summary, _) = import(&shop, &file, false);
            prop_assert_eq!(summary.variants.created + summary.products.failed, 0);
            for (p, product) in edited.iter().enumerate() {
                check(&shop, p, product)?;
            }
            prop_assert_eq!(skus(&shop), kept);
            let position = commits(&shop);
            import(&shop, &file, false);
            prop_assert_eq!(commits(&shop), position);
        }
    }
}
