//! The catalogue: the rules of products, variants and categories, and importing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{
        Category, CreateCategory, CreateProduct, CreateVariant, Existing, ImportImage,
        ImportOutcome, ImportProduct, ImportVariant, ImportedStock, PatchCategory, PatchProduct,
        PatchVariant, Product, ProductOption, ProductStatus, ProductView, Related, Relation,
        SkuOrigin,
    },
    currency::Currency,
    error::Rejection,
    event::Event,
    id::CategoryId,
    inputs::{SeededIds, SteppedClock},
    money::Money,
    shop::Shop,
    store::{CategoryRef, MemoryStore, ProductRef, VariantRef},
    text::{Label, Sku, Slug},
};
use pollster::block_on;
use proptest::prelude::*;
use serde_json::json;

fn open() -> Commerce {
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    shop
}

fn system() -> Caller {
    Caller::system()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn events(shop: &Commerce) -> Vec<Event> {
    let entries = block_on(shop.store().outbox(0, usize::MAX)).unwrap();
    entries.into_iter().flat_map(|entry| entry.events).collect()
}

/// The places and reasons of a refusal.
fn invalid<T: std::fmt::Debug>(answer: Result<T, Error>) -> Vec<(String, String)> {
    match answer.unwrap_err() {
        Error::Rejected(Rejection::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn pointers<T: std::fmt::Debug>(answer: Result<T, Error>) -> Vec<String> {
    invalid(answer).into_iter().map(|(pointer, _)| pointer).collect()
}

fn shirt() -> CreateProduct {
    let variant = |sku: &str, size: &str| CreateVariant {
        options: vec![label(size)],
        ..CreateVariant::new(sku, eur(1999)).unwrap()
    };
    CreateProduct {
        status: ProductStatus::Active,
        options: vec![ProductOption { name: label("Size") }],
        variants: vec![variant("SHIRT-S", "S"), variant("SHIRT-M", "M")],
        ..CreateProduct::new("Shirt").unwrap()
    }
}

fn create(shop: &Commerce, product: &CreateProduct) -> ProductView {
    block_on(shop.create_product(&system(), product)).unwrap().output
}

#[test]
fn names_are_unique_and_the_slug_comes_from_the_title() {
    let shop = open();
    let made = create(&shop, &shirt());
    assert_eq!(&*made.slug, "shirt");
    let taken = |request: &CreateProduct| match block_on(shop.create_product(&system(), request))
        .unwrap_err()
    {
        Error::Rejected(Rejection::Taken { what, value }) => (what, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(taken(&shirt()).0, "sku");
    let other = CreateProduct { variants: Vec::new(), ..shirt() };
    assert_eq!(taken(&other), ("slug", "shirt".to_owned()));
    let nameless = CreateProduct::new("…").unwrap();
    assert_eq!(pointers(block_on(shop.create_product(&system(), &nameless))), ["/slug"]);
    // SKUs differ by case; the same options twice in a product do not go.
    let slug = Some(Slug::new("other").unwrap());
    let mut other = CreateProduct { slug, ..shirt() };
    other.variants[0].sku = Sku::new("shirt-s").unwrap();
    other.variants[1].sku = Sku::new("shirt-m").unwrap();
    other.variants[1].options = vec![label("S")];
    assert_eq!(taken(&other), ("options", "S".to_owned()));
    assert_eq!(events(&shop).len(), 2, "what is refused leaves nothing");
}

#[test]
fn a_variant_has_a_value_for_each_option_and_no_impossible_amounts() {
    let shop = open();
    let mut product = shirt();
    product.variants[0].options.clear();
    product.variants[1].options.push(label("Red"));
    assert_eq!(
        pointers(block_on(shop.create_product(&system(), &product))),
        ["/variants/0/options"]
    );
    let made = create(&shop, &shirt());
    let id = made.variants[0].id;
    let patch = |patch: serde_json::Value| {
        let patch: PatchVariant = serde_json::from_value(patch).unwrap();
        block_on(shop.patch_variant(&system(), id, &patch, None))
    };
    let wrong = PatchVariant {
        options: Some(vec![label("S"), label("Red")]),
        price: Some(eur(-1)),
        cost: Some(Some(eur(-1))),
        weight_grams: Some(-1),
        low_stock_threshold: Some(-1),
        ..PatchVariant::default()
    };
    assert_eq!(
        pointers(block_on(shop.patch_variant(&system(), id, &wrong, None))),
        ["/options", "/price", "/cost", "/weight_grams", "/low_stock_threshold"]
    );
    assert_eq!(pointers(patch(json!({ "weight_grams": 100_000_001 }))), ["/weight_grams"]);
    let other = create(
        &shop,
        &CreateProduct {
            images: serde_json::from_value(json!([{ "url": "/a.png" }])).unwrap(),
            ..CreateProduct::new("Other").unwrap()
        },
    );
    let foreign = json!({ "image_id": other.images[0].id });
    assert_eq!(pointers(patch(foreign)), ["/image_id"], "another product's picture");
    let view = block_on(shop.variant(&system(), &VariantRef::Id(id))).unwrap();
    assert_eq!(view, made.variants[0]);
}

#[test]
fn absent_leaves_and_null_clears() {
    let shop = open();
    let product = CreateProduct {
        vendor: Some(label("Maker")),
        short_description: Some("Short".parse().unwrap()),
        tags: vec![label("a"), label("b"), label("a")],
        ..shirt()
    };
    let made = create(&shop, &product);
    assert_eq!(made.tags.len(), 2, "each tag once");
    let patch = |text: &str| {
        let patch: PatchProduct = serde_json::from_str(text).unwrap();
        block_on(shop.patch_product(&system(), made.id, &patch, None)).unwrap().output
    };
    let same = patch("{}");
    assert_eq!(same, made, "no version, no time, no event");
    assert_eq!(events(&shop).len(), 2);
    let cleared = patch(r#"{ "vendor": null, "title": "Tee" }"#);
    assert_eq!((cleared.vendor, &*cleared.title), (None, "Tee"));
    assert_eq!(cleared.short_description, made.short_description);
    assert_eq!(&*cleared.slug, "shirt", "the address does not follow the title");
    assert!(serde_json::from_str::<PatchProduct>(r#"{ "title": null, "colour": 1 }"#).is_err());

    let id = made.variants[0].id;
    let both = PatchVariant {
        price: Some(Money::new(2500, Currency::USD)),
        compare_at_price: Some(Some(Money::new(3000, Currency::USD))),
        ..PatchVariant::default()
    };
    block_on(shop.patch_variant(&system(), id, &both, None)).unwrap();
    let eur_too =
        PatchVariant { compare_at_price: Some(Some(eur(2999))), ..PatchVariant::default() };
    block_on(shop.patch_variant(&system(), id, &eur_too, None)).unwrap();
    let one = PatchVariant {
        price: Some(eur(1500)),
        compare_at_price: Some(None),
        ..PatchVariant::default()
    };
    let view = block_on(shop.patch_variant(&system(), id, &one, None)).unwrap().output;
    let compare_at: Vec<_> = view.prices.iter().map(|price| price.compare_at.is_some()).collect();
    assert_eq!(compare_at, [false, true], "beside a price it is that price's");
    let all = PatchVariant { compare_at_price: Some(None), ..PatchVariant::default() };
    let view = block_on(shop.patch_variant(&system(), id, &all, None)).unwrap().output;
    assert!(view.prices.iter().all(|price| price.compare_at.is_none()));
}

#[test]
fn bounds_are_kept_and_every_one_that_is_not_is_named() {
    let shop = open();
    let labels = |count: usize| (0..count).map(|i| label(&format!("l{i}"))).collect::<Vec<_>>();
    let mut product = CreateProduct {
        tags: labels(Product::TAGS_MAX + 1),
        options: labels(9).into_iter().map(|name| ProductOption { name }).collect(),
        ..CreateProduct::new("Shirt").unwrap()
    };
    product.metadata.insert("x".to_owned(), "y".repeat(Product::METADATA_BYTES_MAX).into());
    assert_eq!(
        pointers(block_on(shop.create_product(&system(), &product))),
        ["/tags", "/options", "/metadata"]
    );
    product.tags.pop();
    product.metadata.clear();
    product.options.truncate(2);
    product.options[1] = product.options[0].clone();
    assert_eq!(
        invalid(block_on(shop.create_product(&system(), &product))),
        [("/options".to_owned(), "must have different names".to_owned())]
    );
    product.options.pop();
    let made = create(&shop, &product);
    let own = Related { product_id: made.id, relation: Relation::UpSell };
    let patch = PatchProduct { related: Some(vec![own]), ..PatchProduct::default() };
    let answer = block_on(shop.patch_product(&system(), made.id, &patch, None));
    assert_eq!(pointers(answer), ["/related"]);
}

#[test]
fn an_archived_product_is_seen_by_the_back_office_alone() {
    let shop = open();
    let made = create(&shop, &shirt());
    let guest = Caller::anonymous();
    let by = ProductRef::Id(made.id);
    assert!(block_on(shop.product(&guest, &by, None)).is_ok());
    block_on(shop.archive_product(&system(), made.id, None)).unwrap();
    block_on(shop.archive_product(&system(), made.id, None)).unwrap();
    let archived = |event: &&Event| matches!(event, Event::ProductArchived { .. });
    assert_eq!(events(&shop).iter().filter(archived).count(), 1);
    let hidden = block_on(shop.product(&guest, &by, None)).unwrap_err();
    assert!(matches!(hidden.rejection(), Some(Rejection::NotFound { .. })));
    let sku = VariantRef::Sku(Sku::new("SHIRT-S").unwrap());
    assert!(block_on(shop.variant(&guest, &sku)).is_err());
    let seen = block_on(shop.product(&system(), &by, None)).unwrap();
    assert_eq!((seen.status, seen.variants.len()), (ProductStatus::Archived, 2));
    let forbidden = block_on(shop.create_product(&guest, &shirt())).unwrap_err();
    assert!(matches!(forbidden.rejection(), Some(Rejection::Forbidden)));
}

fn category(shop: &Commerce, title: &str, parent_id: Option<CategoryId>) -> Category {
    let request = CreateCategory { parent_id, ..CreateCategory::new(title).unwrap() };
    block_on(shop.create_category(&system(), &request)).unwrap().output.value.as_ref().clone()
}

fn under(parent_id: Option<CategoryId>) -> PatchCategory {
    PatchCategory { parent_id: Some(parent_id), ..PatchCategory::default() }
}

#[test]
fn a_category_is_never_below_itself() {
    let shop = open();
    let a = category(&shop, "A", None);
    let b = category(&shop, "B", Some(a.id));
    let c = category(&shop, "C", Some(b.id));
    for below in [a.id, b.id, c.id] {
        let answer = block_on(shop.patch_category(&system(), a.id, &under(Some(below)), None));
        assert_eq!(pointers(answer), ["/parent_id"]);
    }
    let removed = block_on(shop.remove_category(&system(), b.id, None)).unwrap_err();
    assert!(matches!(removed.rejection(), Some(Rejection::InvalidTransition { .. })));
    block_on(shop.patch_category(&system(), b.id, &under(None), None)).unwrap();
    block_on(shop.patch_category(&system(), a.id, &under(Some(c.id)), None)).unwrap();
    let gone = CreateCategory { parent_id: Some(a.id), ..CreateCategory::new("D").unwrap() };
    block_on(shop.remove_category(&system(), a.id, None)).unwrap();
    assert_eq!(pointers(block_on(shop.create_category(&system(), &gone))), ["/parent_id"]);
    // Who hides a category hides what is below it.
    let hide = PatchCategory { active: Some(false), ..PatchCategory::default() };
    block_on(shop.patch_category(&system(), b.id, &hide, None)).unwrap();
    let guest = Caller::anonymous();
    assert!(block_on(shop.category(&guest, &CategoryRef::Id(c.id))).is_err());
    assert!(block_on(shop.categories(&guest)).unwrap().is_empty());
    assert_eq!(block_on(shop.categories(&system())).unwrap().len(), 2);
}

#[test]
fn the_tree_is_not_deeper_than_its_bound() {
    let shop = open();
    let mut parent = None;
    for level in 0..Category::DEPTH_MAX {
        parent = Some(category(&shop, &format!("Level {level}"), parent).id);
    }
    let deeper = CreateCategory { parent_id: parent, ..CreateCategory::new("More").unwrap() };
    assert_eq!(pointers(block_on(shop.create_category(&system(), &deeper))), ["/parent_id"]);
}

proptest! {
    #[test]
    fn no_moves_make_a_circle(moves in prop::collection::vec((0..6_usize, 0..7_usize), 0..30)) {
        let shop = open();
        let ids: Vec<_> = (0..6).map(|i| category(&shop, &format!("c{i}"), None).id).collect();
        let mut parents = [None; 6];
        for (child, parent) in moves {
            let to = ids.get(parent).copied();
            let mut above = to;
            let mut circle = false;
            while let Some(id) = above {
                circle |= id == ids[child];
                above = ids.iter().position(|other| *other == id).and_then(|at| parents[at]);
                if circle {
                    break;
                }
            }
            let answer = block_on(shop.patch_category(&system(), ids[child], &under(to), None));
            prop_assert_eq!(answer.is_err(), circle);
            if !circle {
                parents[child] = to;
            }
        }
        for category in block_on(shop.categories(&system())).unwrap() {
            let at = ids.iter().position(|id| *id == category.id).unwrap();
            prop_assert_eq!(category.parent_id, parents[at]);
        }
    }
}

fn imported_variant(sku: Option<&str>, size: &str, on_hand: Option<i64>) -> ImportVariant {
    ImportVariant {
        options: vec![label(size)],
        sku: sku.map(|sku| Sku::new(sku).unwrap()),
        sku_derived: Sku::new(format!("shirt/{size}")).unwrap(),
        fields: PatchVariant { price: Some(eur(999)), ..PatchVariant::default() },
        fields_if_new: PatchVariant::default(),
        image: None,
        metadata: serde_json::Map::new(),
        on_hand,
    }
}

fn imported_shirt() -> ImportProduct {
    ImportProduct {
        fields: PatchProduct { title: Some(label("Shirt")), ..PatchProduct::default() },
        options: Some(vec![label("Size")]),
        images: vec![ImportImage { url: "/a.png".parse().unwrap(), alt: None }],
        variants: vec![
            imported_variant(Some("S1"), "S", Some(3)),
            imported_variant(None, "M", None),
        ],
        ..ImportProduct::new(Slug::new("shirt").unwrap())
    }
}

#[test]
fn an_import_is_one_commit_and_the_same_again_is_none() {
    let shop = open();
    let request = imported_shirt();
    let previewed = block_on(shop.preview_import(&system(), &request, |_| false)).unwrap();
    assert_eq!(block_on(shop.store().outbox(0, 9)).unwrap().len(), 1, "nothing was written");
    let done = block_on(shop.import_product(&system(), &request)).unwrap().output;
    assert_eq!(done.outcome, ImportOutcome::Created);
    assert_eq!(previewed.variants.len(), done.variants.len());
    assert_eq!(done.variants[0].stock, ImportedStock::Set);
    assert_eq!(done.variants[1].sku_origin, SkuOrigin::Missing);
    assert_eq!(&*done.variants[1].sku, "shirt/M");
    let entries = block_on(shop.store().outbox(0, 9)).unwrap();
    assert_eq!(entries.len(), 2);
    assert!(matches!(entries[1].events[0], Event::ProductCreated { .. }));
    assert!(matches!(entries[1].events[1], Event::StockChanged { on_hand: 3, .. }));
    let again = block_on(shop.import_product(&system(), &request)).unwrap().output;
    assert_eq!(again.outcome, ImportOutcome::Unchanged);
    assert!(again.variants.iter().all(|v| v.outcome == ImportOutcome::Unchanged));
    assert_eq!(again.variants[0].stock, ImportedStock::Unchanged);
    assert_eq!(block_on(shop.store().outbox(0, 9)).unwrap().len(), 2);
}

#[test]
fn an_import_is_refused_whole_with_every_reason() {
    let shop = open();
    create(
        &shop,
        &CreateProduct {
            variants: vec![CreateVariant::new("S1", eur(1)).unwrap()],
            ..CreateProduct::new("Other").unwrap()
        },
    );
    let before = events(&shop).len();
    let mut request = imported_shirt();
    request.repeated_skus = commerce_core::catalog::RepeatedSkus::Refuse;
    request.variants[1].on_hand = Some(-1);
    let answer = block_on(shop.import_product(&system(), &request));
    assert_eq!(pointers(answer), ["/variants/0/sku", "/variants/1/on_hand"]);
    request.variants[1].options = request.variants[0].options.clone();
    let answer = block_on(shop.import_product(&system(), &request));
    assert_eq!(pointers(answer), ["/variants/1/options"]);
    let untitled = ImportProduct { fields: PatchProduct::default(), ..imported_shirt() };
    assert_eq!(pointers(block_on(shop.import_product(&system(), &untitled))), ["/fields/title"]);
    let guest = block_on(shop.import_product(&Caller::anonymous(), &imported_shirt()));
    assert!(matches!(guest.unwrap_err().rejection(), Some(Rejection::Forbidden)));
    assert_eq!(events(&shop).len(), before);
    // By default the variant with another's SKU gets its derived one.
    let done = block_on(shop.import_product(&system(), &imported_shirt())).unwrap().output;
    assert_eq!(done.variants[0].sku_origin, SkuOrigin::Repeated);
    assert_eq!(&*done.variants[0].sku, "shirt/S");
}

#[test]
fn further_variants_extend_a_product_and_change_nothing_else() {
    let shop = open();
    block_on(shop.import_product(&system(), &imported_shirt())).unwrap();
    let more = ImportProduct {
        existing: Existing::Extend,
        fields: PatchProduct { title: Some(label("Other")), ..PatchProduct::default() },
        options: Some(vec![label("Other")]),
        images: vec![ImportImage { url: "/b.png".parse().unwrap(), alt: None }],
        variants: vec![imported_variant(Some("S1"), "L", Some(1))],
        ..ImportProduct::new(Slug::new("shirt").unwrap())
    };
    let done = block_on(shop.import_product(&system(), &more)).unwrap().output;
    assert_eq!((done.variants_left, done.images_left, done.images_created), (2, 1, 1));
    let by = ProductRef::Slug(more.slug.clone());
    let view = block_on(shop.product(&system(), &by, None)).unwrap();
    assert_eq!((&*view.title, &*view.options[0].name), ("Shirt", "Size"));
    let skus: Vec<_> = view.variants.iter().map(|v| (&*v.sku, v.position)).collect();
    assert_eq!(skus, [("S1", 0), ("shirt/M", 1), ("shirt/L", 2)]);
    let again = block_on(shop.import_product(&system(), &more)).unwrap().output;
    assert_eq!(again.outcome, ImportOutcome::Unchanged);
    let again = block_on(shop.import_product(&system(), &imported_shirt())).unwrap().output;
    assert_eq!((again.outcome, again.variants_left), (ImportOutcome::Unchanged, 1));
}
