//! Products, their variants and pictures, kept by the back office.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use commerce_core::{
    Commerce, Done, Error,
    access::Caller,
    catalog::{
        CreateCategory, CreateImage, CreateProduct, CreateVariant, ImageFields, PatchCategory,
        PatchImage, PatchProduct, PatchVariant, Product, ProductOption, ProductStatus, ProductView,
        Related, Relation,
    },
    currency::Currency,
    error::Rejection,
    event::Event,
    id::{Moment, ProductId},
    inventory::CreateLocation,
    money::Money,
    shop::Shop,
    store::{
        OrderFilter, OrderQuery, PageRequest, ProductFilter, ProductQuery, ProductRef, ProductSort,
        StockFilter, VariantRef,
    },
    text::{IdempotencyKey, Label, Sku, Slug},
    time::Timestamp,
};
use pollster::block_on;
use serde_json::{Value, json};
use support::*;

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn events(w: &World) -> Vec<Event> {
    w.commits_after(0).into_iter().flatten().collect()
}

fn patch(fields: Value) -> PatchProduct {
    serde_json::from_value(fields).unwrap()
}

async fn make(shop: &Commerce, fields: Value) -> Result<Done<ProductView>, Error> {
    let request: CreateProduct = serde_json::from_value(fields).unwrap();
    shop.create_product(&Caller::system(), &request).await
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

fn create(w: &World, product: &CreateProduct) -> ProductView {
    block_on(w.shop.create_product(&w.system, product)).unwrap().output
}

#[test]
fn no_amount_is_past_the_bound_of_money() {
    let w = World::new();
    let most = Money::MINOR_MAX;
    for minor in [most + 1, i64::MAX, -1, i64::MIN] {
        for pointer in ["/price", "/compare_at_price", "/cost"] {
            let mut request = shirt();
            let variant = &mut request.variants[0];
            match pointer {
                "/price" => variant.price = Some(eur(minor)),
                "/compare_at_price" => variant.compare_at_price = Some(eur(minor)),
                _ => variant.cost = Some(eur(minor)),
            }
            let refusal = refused(block_on(w.shop.create_product(&w.system, &request)));
            let Rejection::Invalid(errors) = &refusal else { panic!("{refusal:?}") };
            assert_eq!(errors[0].pointer, format!("/variants/0{pointer}"), "{minor}");
        }
    }
    let mut dearest = shirt();
    dearest.variants[0].price = Some(eur(most));
    assert_eq!(create(&w, &dearest).price_range.unwrap().max, eur(most));
}

#[test]
fn a_page_has_as_many_items_as_it_may_or_is_refused() {
    let w = World::new();
    create(&w, &shirt());
    for limit in [0, PageRequest::LIMIT_MAX + 1, usize::MAX] {
        let page = PageRequest { limit, ..PageRequest::first(1) };
        let query = OrderQuery { filter: OrderFilter::default(), page: page.clone() };
        let out_of_bounds = Rejection::invalid("/limit", "must be from 1 to 100");
        assert_eq!(refused(block_on(w.shop.orders(&w.system, &query))), out_of_bounds);
        let filter = StockFilter::default();
        assert_eq!(refused(block_on(w.shop.stock(&w.system, &filter, &page))), out_of_bounds);
    }
}

#[test]
fn names_are_unique_and_the_slug_comes_from_the_title() {
    let w = World::new();
    let made = create(&w, &shirt());
    assert_eq!(&*made.slug, "shirt");
    let taken = |request: &CreateProduct| match block_on(w.shop.create_product(&w.system, request))
        .unwrap_err()
    {
        Error::Rejected(Rejection::Taken { what, value }) => (what, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(taken(&shirt()).0, "sku");
    let other = CreateProduct { variants: Vec::new(), ..shirt() };
    assert_eq!(taken(&other), ("slug", "shirt".to_owned()));
    let nameless = CreateProduct::new("…").unwrap();
    assert_eq!(invalid(block_on(w.shop.create_product(&w.system, &nameless))), ["/slug"]);
    // SKUs differ by case; the same options twice in a product do not go.
    let slug = Some(Slug::new("other").unwrap());
    let mut other = CreateProduct { slug, ..shirt() };
    other.variants[0].sku = Sku::new("shirt-s").unwrap();
    other.variants[1].sku = Sku::new("shirt-m").unwrap();
    let made = create(&w, &other);
    let mut again = other.variants[1].clone();
    again.sku = Sku::new("third").unwrap();
    let again = block_on(w.shop.create_variant(&w.system, made.id, &again, None));
    assert!(matches!(refused(again), Rejection::Taken { what: "options", .. }));
    assert_eq!(events(&w).len(), 3, "what is refused leaves nothing");
}

#[test]
fn what_stands_twice_in_one_product_is_pointed_at() {
    let w = World::new();
    let mut twice = shirt();
    twice.variants.push(twice.variants[0].clone());
    let pointers = || invalid(block_on(w.shop.create_product(&w.system, &twice)));
    assert_eq!(pointers(), ["/variants/2/sku", "/variants/2/options"]);
    assert_eq!(events(&w).len(), 1, "what is refused leaves nothing but the location");
    let made = create(&w, &shirt());
    let [a, b] = [made.variants[0].id, made.variants[1].id];
    let new = PatchVariant { sku: Some(Sku::new("NEW").unwrap()), ..PatchVariant::default() };
    let variants = Some([(a, new.clone()), (b, new)].into());
    let patch = PatchProduct { variants, ..PatchProduct::default() };
    let refused = invalid(block_on(w.shop.patch_product(&w.system, made.id, &patch, None)));
    assert_eq!(refused, [format!("/variants/{b}/sku")]);
}

#[test]
fn a_slug_that_no_address_would_lead_to_is_refused() {
    let w = World::new();
    let made = create(&w, &shirt());
    let like_an_id = made.id.to_string();
    for slug in ["search", &like_an_id] {
        let slug = Slug::new(slug).unwrap();
        let product =
            CreateProduct { slug: Some(slug.clone()), ..CreateProduct::new("A").unwrap() };
        assert_eq!(invalid(block_on(w.shop.create_product(&w.system, &product))), ["/slug"]);
        let patch = PatchProduct { slug: Some(slug), ..PatchProduct::default() };
        let patched = w.shop.patch_product(&w.system, made.id, &patch, None);
        assert_eq!(invalid(block_on(patched)), ["/slug"]);
    }
    let titled = CreateProduct::new("Search!").unwrap();
    assert_eq!(invalid(block_on(w.shop.create_product(&w.system, &titled))), ["/slug"]);
    create(&w, &CreateProduct::new("Search light").unwrap());
}

#[test]
fn a_variant_has_a_value_for_each_option_and_no_impossible_amounts() {
    let w = World::new();
    let mut product = shirt();
    product.variants[0].options.clear();
    product.variants[1].options.push(label("Red"));
    assert_eq!(
        invalid(block_on(w.shop.create_product(&w.system, &product))),
        ["/variants/0/options"]
    );
    let made = create(&w, &shirt());
    let id = made.variants[0].id;
    let patch = |patch: serde_json::Value| {
        let patch: PatchVariant = serde_json::from_value(patch).unwrap();
        block_on(w.shop.patch_variant(&w.system, id, &patch, None))
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
        invalid(block_on(w.shop.patch_variant(&w.system, id, &wrong, None))),
        ["/options", "/price", "/cost", "/weight_grams", "/low_stock_threshold"]
    );
    assert_eq!(invalid(patch(json!({ "weight_grams": 100_000_001 }))), ["/weight_grams"]);
    let other = create(
        &w,
        &CreateProduct {
            images: serde_json::from_value(json!([{ "url": "/a.png" }])).unwrap(),
            ..CreateProduct::new("Other").unwrap()
        },
    );
    let foreign = json!({ "image_id": other.images[0].id });
    assert_eq!(invalid(patch(foreign)), ["/image_id"], "another product's picture");
    let view = block_on(w.shop.variant(&w.system, &VariantRef::Id(id))).unwrap();
    assert_eq!(view, made.variants[0]);
}

#[test]
fn absent_leaves_and_null_clears() {
    let w = World::new();
    let product = CreateProduct {
        vendor: Some(label("Maker")),
        short_description: Some("Short".parse().unwrap()),
        tags: vec![label("a"), label("b"), label("a")],
        ..shirt()
    };
    let made = create(&w, &product);
    assert_eq!(made.tags.len(), 2, "each tag once");
    let patch = |text: &str| {
        let patch: PatchProduct = serde_json::from_str(text).unwrap();
        block_on(w.shop.patch_product(&w.system, made.id, &patch, None)).unwrap().output
    };
    let same = patch("{}");
    assert_eq!(same, made, "no version, no time, no event");
    assert_eq!(events(&w).len(), 2);
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
    block_on(w.shop.patch_variant(&w.system, id, &both, None)).unwrap();
    let eur_too =
        PatchVariant { compare_at_price: Some(Some(eur(2999))), ..PatchVariant::default() };
    block_on(w.shop.patch_variant(&w.system, id, &eur_too, None)).unwrap();
    let one = PatchVariant {
        price: Some(eur(1500)),
        compare_at_price: Some(None),
        ..PatchVariant::default()
    };
    let view = block_on(w.shop.patch_variant(&w.system, id, &one, None)).unwrap().output;
    let compare_at: Vec<_> = view.prices.iter().map(|price| price.compare_at.is_some()).collect();
    assert_eq!(compare_at, [false, true], "beside a price it is that price's");
    let all = PatchVariant { compare_at_price: Some(None), ..PatchVariant::default() };
    let view = block_on(w.shop.patch_variant(&w.system, id, &all, None)).unwrap().output;
    assert!(view.prices.iter().all(|price| price.compare_at.is_none()));
}

#[test]
fn bounds_are_kept_and_every_one_that_is_not_is_named() {
    let w = World::new();
    let labels = |count: usize| (0..count).map(|i| label(&format!("l{i}"))).collect::<Vec<_>>();
    let mut product = CreateProduct {
        tags: labels(Product::TAGS_MAX + 1),
        options: labels(9).into_iter().map(|name| ProductOption { name }).collect(),
        ..CreateProduct::new("Shirt").unwrap()
    };
    product.metadata.insert("x".to_owned(), "y".repeat(Product::METADATA_BYTES_MAX).into());
    assert_eq!(
        invalid(block_on(w.shop.create_product(&w.system, &product))),
        ["/tags", "/options", "/metadata"]
    );
    product.tags.pop();
    product.metadata.clear();
    product.options.truncate(2);
    product.options[1] = product.options[0].clone();
    assert_eq!(
        invalid(block_on(w.shop.create_product(&w.system, &product))),
        ["/options"],
        "two have the same name"
    );
    product.options.pop();
    let made = create(&w, &product);
    let own = Related { product_id: made.id, relation: Relation::UpSell };
    let patch = PatchProduct { related: Some(vec![own]), ..PatchProduct::default() };
    let answer = block_on(w.shop.patch_product(&w.system, made.id, &patch, None));
    assert_eq!(invalid(answer), ["/related"]);
}

#[test]
fn an_archived_product_is_seen_by_the_back_office_alone() {
    let w = World::new();
    let made = create(&w, &shirt());
    let guest = Caller::anonymous();
    let by = ProductRef::Id(made.id);
    assert!(block_on(w.shop.product(&guest, &by, None)).is_ok());
    block_on(w.shop.archive_product(&w.system, made.id, None)).unwrap();
    block_on(w.shop.archive_product(&w.system, made.id, None)).unwrap();
    let archived = |event: &&Event| matches!(event, Event::ProductArchived { .. });
    assert_eq!(events(&w).iter().filter(archived).count(), 1);
    let hidden = block_on(w.shop.product(&guest, &by, None)).unwrap_err();
    assert!(matches!(hidden.rejection(), Some(Rejection::NotFound { .. })));
    let sku = VariantRef::Sku(Sku::new("SHIRT-S").unwrap());
    assert!(block_on(w.shop.variant(&guest, &sku)).is_err());
    let seen = block_on(w.shop.product(&w.system, &by, None)).unwrap();
    assert_eq!((seen.status, seen.variants.len()), (ProductStatus::Archived, 2));
    let forbidden = block_on(w.shop.create_product(&guest, &shirt())).unwrap_err();
    assert!(matches!(forbidden.rejection(), Some(Rejection::Forbidden)));
}

#[test]
fn an_answer_says_at_which_version_a_record_is() {
    block_on(async {
        let w = World::new();
        let (shop, caller) = (&w.shop, &w.system);
        let keyed = caller.clone().with_key(IdempotencyKey::new("k").unwrap());
        let request = CreateCategory::new("Shirts").unwrap();
        let made = shop.create_category(&keyed, &request).await.unwrap();
        let again = shop.create_category(&keyed, &request).await.unwrap();
        assert_eq!((made.version.get(), again.replayed), (1, true));
        assert_eq!(made.output, again.output);
        let hide = PatchCategory { active: Some(false), ..PatchCategory::default() };
        for version in [2, 2] {
            let changed = shop.patch_category(caller, made.id, &hide, None).await.unwrap();
            assert_eq!(changed.version.get(), version);
        }
        let place = CreateLocation { name: Label::new("B").unwrap(), priority: 1, active: true };
        assert_eq!(shop.create_location(caller, &place).await.unwrap().version.get(), 1);
        let old = shop.shop().await.unwrap();
        let new = Shop { name: Label::new("Other").unwrap(), ..(*old.value).clone() };
        let put = shop.put_shop(caller, &new, Some(old.version)).await.unwrap();
        assert_eq!(put.version, old.version.next());
    });
}

#[test]
fn images_are_added_changed_moved_and_removed() {
    block_on(async {
        let w = World::new();
        let (shop, caller) = (&w.shop, &w.system);
        let product = make(
            shop,
            json!({
                "title": "Shirt",
                "images": [{ "url": "/a.jpg" }],
                "variants": [{ "sku": "A", "image": 0 }],
            }),
        )
        .await
        .unwrap();
        let id = product.id;
        let image: CreateImage =
            serde_json::from_value(json!({ "url": "/b.jpg", "alt": "B", "position": 0 })).unwrap();
        let product = shop.add_image(caller, id, &image, None).await.unwrap();
        let [b, a] = [&product.images[0], &product.images[1]];
        assert_eq!((b.url.as_str(), a.url.as_str()), ("/b.jpg", "/a.jpg"));
        assert_eq!(product.variants[0].image_id, Some(a.id));
        let change: PatchImage =
            serde_json::from_value(json!({ "alt": null, "position": 9 })).unwrap();
        let product = shop.patch_image(caller, id, b.id, &change, None).await.unwrap();
        assert_eq!(product.images.iter().map(|i| i.id).collect::<Vec<_>>(), [a.id, b.id]);
        assert_eq!(product.images[1].alt, None);
        // A variant is not shown by a picture that is gone.
        let product = shop.remove_image(caller, id, a.id, None).await.unwrap();
        assert_eq!(product.variants[0].image_id, None);
        let read = shop.product(caller, &ProductRef::Id(id), None).await.unwrap();
        assert_eq!(read, product.output);
        let gone = shop.patch_image(caller, id, a.id, &change, None).await.unwrap_err();
        assert_eq!(gone.rejection(), Some(&Rejection::NotFound { what: "image" }));
    });
}

#[test]
fn a_variant_without_options_bears_the_title_of_its_product() {
    block_on(async {
        let w = World::new();
        let (shop, caller) = (&w.shop, &w.system);
        let made = make(shop, json!({ "title": "Shirt", "variants": [{ "sku": "A" }] })).await;
        let id = made.unwrap().id;
        let change = patch(json!({ "title": "Blouse" }));
        let product = shop.patch_product(caller, id, &change, None).await.unwrap();
        assert_eq!(product.variants[0].title.as_str(), "Blouse");
        assert_eq!(product.variants[0].version.get(), 2);
        let read = shop.product(caller, &ProductRef::Id(id), None).await.unwrap();
        assert_eq!(read, product.output);
    });
}

#[test]
fn products_point_to_products_that_exist() {
    block_on(async {
        let w = World::new();
        let (shop, caller) = (&w.shop, &w.system);
        let other = make(shop, json!({ "title": "B" })).await.unwrap();
        let nowhere: ProductId = Moment::new(Timestamp::UNIX_EPOCH, [9; 16]).id();
        let to = |id| json!([{ "product_id": id, "relation": "accessory" }]);
        let refused = make(shop, json!({ "title": "A", "related": to(nowhere) })).await;
        assert_eq!(invalid(refused), ["/related/0/product_id"]);
        let made = make(shop, json!({ "title": "A", "related": to(other.id) })).await.unwrap();
        let change = patch(json!({ "related": to(nowhere) }));
        let refused = shop.patch_product(caller, made.id, &change, None).await;
        assert_eq!(invalid(refused), ["/related/0/product_id"]);
    });
}

#[test]
fn a_product_of_many_variants_knows_the_stock_of_each() {
    block_on(async {
        let w = World::new();
        let (shop, caller) = (&w.shop, &w.system);
        let variants: Vec<_> = (0..50)
            .map(|index| json!({ "sku": format!("S-{index}"), "options": [index.to_string()] }))
            .collect();
        let fields =
            json!({ "title": "Shirt", "options": [{ "name": "Size" }], "variants": variants });
        let product = make(shop, fields).await.unwrap();
        let units: Vec<_> =
            product.variants.iter().zip(1..).map(|(variant, count)| (variant.id, count)).collect();
        shop.receive_stock(caller, None, &units, None).await.unwrap();
        let read = shop.product(caller, &ProductRef::Id(product.id), None).await.unwrap();
        let available: Vec<_> = read.variants.iter().map(|v| v.available.unwrap()).collect();
        assert_eq!(available, (1..=50).collect::<Vec<i64>>());
    });
}

#[test]
fn a_variant_can_be_changed_after_its_picture_was_removed() {
    let w = World::new();
    let image = ImageFields { url: "/a.jpg".parse().unwrap(), alt: None };
    let shown = CreateVariant { image: Some(0), ..CreateVariant::new("S", eur(1)).unwrap() };
    let request = CreateProduct {
        images: vec![image],
        variants: vec![shown],
        ..CreateProduct::new("P").unwrap()
    };
    let made = block_on(w.shop.create_product(&w.system, &request)).unwrap();
    let (id, variant, image) = (made.id, made.variants[0].id, made.images[0].id);
    block_on(w.shop.remove_image(&w.system, id, image, None)).unwrap();
    let price = PatchVariant { price: Some(eur(2)), ..PatchVariant::default() };
    let after = block_on(w.shop.patch_variant(&w.system, variant, &price, None)).unwrap();
    assert_eq!((after.price, after.image_id), (Some(eur(2)), None));
    let stale = PatchVariant { image_id: Some(Some(image)), ..PatchVariant::default() };
    let refusal = block_on(w.shop.patch_variant(&w.system, variant, &stale, None));
    assert_eq!(invalid(refusal), ["/image_id"]);
}

#[test]
fn products_sort_by_price_and_page_without_gaps_or_repeats() {
    let w = World::new();
    for n in 0..25 {
        w.sell(&format!("S{n:02}"), n % 7, n % 3);
    }
    for (sort, descending) in [
        (ProductSort::Price, false),
        (ProductSort::Price, true),
        (ProductSort::Title, false),
        (ProductSort::CreatedAt, true),
    ] {
        let mut query = ProductQuery {
            filter: ProductFilter::default(),
            currency: EUR,
            sort: Some(sort),
            descending,
            page: PageRequest::first(4),
        };
        let mut seen = Vec::new();
        loop {
            let page = block_on(w.shop.products(&Caller::anonymous(), &query)).unwrap();
            seen.extend(page.items.iter().map(|product| product.id));
            match page.next {
                Some(next) => query.page.after = Some(next),
                None => break,
            }
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (25, 25));
    }
}

#[test]
fn drafts_costs_and_notes_are_the_back_offices() {
    let w = World::new();
    let metadata = json!({ "supplier": 7 }).as_object().unwrap().clone();
    let variant = CreateVariant {
        cost: Some(eur(1)),
        low_stock_threshold: 3,
        metadata: metadata.clone(),
        ..CreateVariant::new("SHIRT", eur(2)).unwrap()
    };
    let hidden = CreateVariant { active: false, ..CreateVariant::new("HAT", eur(2)).unwrap() };
    let request =
        CreateProduct { metadata, variants: vec![variant], ..CreateProduct::new("P").unwrap() };
    let made = block_on(w.shop.create_product(&w.system, &request)).unwrap();
    assert_eq!(made.variants[0].cost, Some(eur(1)));
    assert_eq!(made.variants[0].low_stock_threshold, Some(3));
    assert_eq!((made.metadata.len(), made.variants[0].metadata.len()), (1, 1));
    let by = ProductRef::Id(made.id);
    let anyone = Caller::anonymous();
    let absent = Rejection::NotFound { what: "product" };
    assert_eq!(refused(block_on(w.shop.product(&anyone, &by, None))), absent);
    let active = PatchProduct { status: Some(ProductStatus::Active), ..PatchProduct::default() };
    block_on(w.shop.patch_product(&w.system, made.id, &active, None)).unwrap();
    let seen = block_on(w.shop.product(&anyone, &by, None)).unwrap();
    assert_eq!((seen.variants.len(), seen.variants[0].cost), (1, None));
    let json = serde_json::to_string(&seen).unwrap();
    for kept in ["\"cost\"", "threshold", "supplier"] {
        assert!(!json.contains(kept), "{kept}");
    }
    let by = VariantRef::Id(made.variants[0].id);
    let seen = block_on(w.shop.variant(&anyone, &by)).unwrap();
    assert!(seen.metadata.is_empty() && seen.low_stock_threshold.is_none());
    w.list(hidden);
    let query = ProductQuery {
        filter: ProductFilter { status: Some(ProductStatus::Draft), ..ProductFilter::default() },
        currency: EUR,
        sort: None,
        descending: false,
        page: PageRequest::first(10),
    };
    let found = block_on(w.shop.products(&anyone, &query)).unwrap();
    assert!(found.items.iter().all(|product| product.status == ProductStatus::Active));
    let hat = found.items.iter().find(|product| product.title.as_str() == "HAT").unwrap();
    assert!(hat.variants.is_empty());
}
