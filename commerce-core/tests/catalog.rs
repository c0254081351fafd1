//! Products and categories, kept by the back office.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use commerce_core::{
    Commerce, Done, Error,
    access::Caller,
    catalog::{
        Category, CreateCategory, CreateImage, CreateProduct, CreateVariant, PatchCategory,
        PatchImage, PatchProduct, ProductStatus, ProductView,
    },
    currency::Currency,
    error::Rejection,
    id::{CategoryId, Moment},
    inputs::{SeededIds, SteppedClock},
    inventory::CreateLocation,
    money::Money,
    shop::Shop,
    store::{CategoryRef, MemoryStore, ProductRef},
    text::{IdempotencyKey, Label},
    time::Timestamp,
    version::Versioned,
};
use pollster::block_on;
use serde_json::{Value, json};

async fn open() -> (Commerce, Caller) {
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    shop.open(Shop::new("Test", Currency::EUR).unwrap()).await.unwrap();
    (shop, Caller::system())
}

fn patch(fields: Value) -> PatchProduct {
    serde_json::from_value(fields).unwrap()
}

async fn create(shop: &Commerce, fields: Value) -> Result<Done<ProductView>, Error> {
    let request: CreateProduct = serde_json::from_value(fields).unwrap();
    shop.create_product(&Caller::system(), &request).await
}

async fn category(shop: &Commerce, title: &str, parent: Option<CategoryId>) -> Versioned<Category> {
    let request = CreateCategory { parent_id: parent, ..CreateCategory::new(title).unwrap() };
    shop.create_category(&Caller::system(), &request).await.unwrap().output
}

fn pointer<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome.unwrap_err().rejection() {
        Some(Rejection::Invalid(errors)) => errors[0].pointer.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_answer_says_at_which_version_a_record_is() {
    block_on(async {
        let (shop, caller) = open().await;
        let keyed = caller.clone().with_key(IdempotencyKey::new("k").unwrap());
        let request = CreateCategory::new("Shirts").unwrap();
        let made = shop.create_category(&keyed, &request).await.unwrap();
        let again = shop.create_category(&keyed, &request).await.unwrap();
        assert_eq!((made.version.get(), again.replayed), (1, true));
        assert_eq!(made.output, again.output);
        let hide = PatchCategory { active: Some(false), ..PatchCategory::default() };
        for version in [2, 2] {
            let changed = shop.patch_category(&caller, made.id, &hide, None).await.unwrap();
            assert_eq!(changed.version.get(), version);
        }
        let place = CreateLocation { name: Label::new("B").unwrap(), priority: 1, active: true };
        assert_eq!(shop.create_location(&caller, &place).await.unwrap().version.get(), 1);
        let old = shop.shop().await.unwrap();
        let new = Shop { name: Label::new("Other").unwrap(), ..(*old.value).clone() };
        let put = shop.put_shop(&caller, &new, Some(old.version)).await.unwrap();
        assert_eq!(put.version, old.version.next());
    });
}

#[test]
fn images_are_added_changed_moved_and_removed() {
    block_on(async {
        let (shop, caller) = open().await;
        let product = create(
            &shop,
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
        let product = shop.add_image(&caller, id, &image, None).await.unwrap();
        let [b, a] = [&product.images[0], &product.images[1]];
        assert_eq!((b.url.as_str(), a.url.as_str()), ("/b.jpg", "/a.jpg"));
        assert_eq!(product.variants[0].image_id, Some(a.id));
        let change: PatchImage =
            serde_json::from_value(json!({ "alt": null, "position": 9 })).unwrap();
        let product = shop.patch_image(&caller, id, b.id, &change, None).await.unwrap();
        assert_eq!(product.images.iter().map(|i| i.id).collect::<Vec<_>>(), [a.id, b.id]);
        assert_eq!(product.images[1].alt, None);
        // A variant is not shown by a picture that is gone.
        let product = shop.remove_image(&caller, id, a.id, None).await.unwrap();
        assert_eq!(product.variants[0].image_id, None);
        let read = shop.product(&caller, &ProductRef::Id(id), None).await.unwrap();
        assert_eq!(read, product.output);
        let gone = shop.patch_image(&caller, id, a.id, &change, None).await.unwrap_err();
        assert_eq!(gone.rejection(), Some(&Rejection::NotFound { what: "image" }));
    });
}

#[test]
fn a_variant_without_options_bears_the_title_of_its_product() {
    block_on(async {
        let (shop, caller) = open().await;
        let made = create(&shop, json!({ "title": "Shirt", "variants": [{ "sku": "A" }] })).await;
        let id = made.unwrap().id;
        let change = patch(json!({ "title": "Blouse" }));
        let product = shop.patch_product(&caller, id, &change, None).await.unwrap();
        assert_eq!(product.variants[0].title.as_str(), "Blouse");
        assert_eq!(product.variants[0].version.get(), 2);
        let read = shop.product(&caller, &ProductRef::Id(id), None).await.unwrap();
        assert_eq!(read, product.output);
    });
}

#[test]
fn a_product_stands_in_categories_that_exist() {
    block_on(async {
        let (shop, caller) = open().await;
        let shirts = category(&shop, "Shirts", None).await;
        let nowhere: CategoryId = Moment::new(Timestamp::UNIX_EPOCH, [9; 16]).id();
        let both = json!([shirts.id, nowhere]);
        let refused = create(&shop, json!({ "title": "A", "categories": both })).await;
        assert_eq!(pointer(refused), "/categories/1");
        let made = create(&shop, json!({ "title": "A", "categories": [shirts.id] })).await;
        let id = made.unwrap().id;
        let change = patch(json!({ "categories": both }));
        assert_eq!(pointer(shop.patch_product(&caller, id, &change, None).await), "/categories/1");
        // Once the category is gone, the product is in it no more.
        shop.remove_category(&caller, shirts.id, None).await.unwrap();
        let read = shop.product(&caller, &ProductRef::Id(id), None).await.unwrap();
        assert_eq!((read.categories.len(), read.version.get()), (0, 2));
    });
}

#[test]
fn products_point_to_products_that_exist() {
    block_on(async {
        let (shop, caller) = open().await;
        let other = create(&shop, json!({ "title": "B" })).await.unwrap();
        let nowhere: commerce_core::id::ProductId =
            Moment::new(Timestamp::UNIX_EPOCH, [9; 16]).id();
        let to = |id| json!([{ "product_id": id, "relation": "accessory" }]);
        let refused = create(&shop, json!({ "title": "A", "related": to(nowhere) })).await;
        assert_eq!(pointer(refused), "/related/0/product_id");
        let made = create(&shop, json!({ "title": "A", "related": to(other.id) })).await.unwrap();
        let change = patch(json!({ "related": to(nowhere) }));
        let refused = shop.patch_product(&caller, made.id, &change, None).await;
        assert_eq!(pointer(refused), "/related/0/product_id");
    });
}

#[test]
fn what_is_below_a_hidden_category_is_hidden() {
    block_on(async {
        let (shop, caller) = open().await;
        let top = category(&shop, "Clothes", None).await;
        let middle = category(&shop, "Shirts", Some(top.id)).await;
        let below = category(&shop, "T-Shirts", Some(middle.id)).await;
        let guest = Caller::anonymous();
        let seen = async |caller: &Caller| {
            let seen = shop.categories(caller).await.unwrap();
            seen.iter().map(|category| category.title.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(seen(&guest).await, ["Clothes", "Shirts", "T-Shirts"]);
        let hide = PatchCategory { active: Some(false), ..PatchCategory::default() };
        shop.patch_category(&caller, middle.id, &hide, None).await.unwrap();
        assert_eq!(seen(&guest).await, ["Clothes"]);
        assert_eq!(seen(&caller).await.len(), 3);
        let hidden = shop.category(&guest, &CategoryRef::Id(below.id)).await.unwrap_err();
        assert_eq!(hidden.rejection(), Some(&Rejection::NotFound { what: "category" }));
        assert!(shop.category(&caller, &CategoryRef::Id(below.id)).await.is_ok());
    });
}

#[test]
fn a_product_of_many_variants_knows_the_stock_of_each() {
    block_on(async {
        let (shop, caller) = open().await;
        let variants: Vec<_> = (0..50)
            .map(|index| json!({ "sku": format!("S-{index}"), "options": [index.to_string()] }))
            .collect();
        let fields =
            json!({ "title": "Shirt", "options": [{ "name": "Size" }], "variants": variants });
        let product = create(&shop, fields).await.unwrap();
        let units: Vec<_> =
            product.variants.iter().zip(1..).map(|(variant, count)| (variant.id, count)).collect();
        shop.receive_stock(&caller, None, &units, None).await.unwrap();
        let read = shop.product(&caller, &ProductRef::Id(product.id), None).await.unwrap();
        let available: Vec<_> = read.variants.iter().map(|v| v.available.unwrap()).collect();
        assert_eq!(available, (1..=50).collect::<Vec<i64>>());
    });
}

#[test]
fn only_the_back_office_sees_what_a_variant_cost() {
    block_on(async {
        let (shop, caller) = open().await;
        let variant = CreateVariant {
            cost: Some(Money::new(700, Currency::EUR)),
            ..CreateVariant::new("A", Money::new(1999, Currency::EUR)).unwrap()
        };
        let request = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![variant],
            ..CreateProduct::new("Shirt").unwrap()
        };
        let id = shop.create_product(&caller, &request).await.unwrap().id;
        let cost = async |caller: &Caller| {
            let product = shop.product(caller, &ProductRef::Id(id), None).await.unwrap();
            product.variants[0].cost.map(Money::minor)
        };
        assert_eq!(cost(&caller).await, Some(700));
        assert_eq!(cost(&Caller::anonymous()).await, None);
    });
}

#[test]
fn a_category_is_not_moved_too_deep_for_what_is_below_it() {
    block_on(async {
        let (shop, caller) = open().await;
        let top = category(&shop, "0", None).await;
        let mut deepest = top.clone();
        for level in 1..Category::DEPTH_MAX {
            deepest = category(&shop, &level.to_string(), Some(deepest.id)).await;
        }
        let other = category(&shop, "Other", None).await;
        let below = PatchCategory { parent_id: Some(Some(other.id)), ..PatchCategory::default() };
        assert_eq!(pointer(shop.patch_category(&caller, top.id, &below, None).await), "/parent_id");
        // What has nothing below it may go one level above the last.
        assert!(shop.patch_category(&caller, deepest.id, &below, None).await.is_ok());
    });
}
