//! Products, variants and the tree of categories.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    catalog::{
        Category, CreateCategory, CreateProduct, CreateVariant, ImageFields, PatchCategory,
        PatchProduct, PatchVariant, ProductStatus,
    },
    error::Rejection,
    id::CategoryId,
    store::{CategoryRef, PageRequest, ProductFilter, ProductQuery, ProductRef, ProductSort},
};
use pollster::block_on;
use support::{faults::Shared, *};

fn category(w: &World, title: &str, parent_id: Option<CategoryId>) -> Category {
    let request = CreateCategory { parent_id, ..CreateCategory::new(title).unwrap() };
    block_on(w.shop.create_category(&w.system, &request)).unwrap().output.value.as_ref().clone()
}

fn under(parent: Option<CategoryId>) -> PatchCategory {
    PatchCategory { parent_id: Some(parent), ..PatchCategory::default() }
}

fn shift(
    w: &World,
    id: CategoryId,
    to: Option<CategoryId>,
) -> Result<Category, commerce_core::Error> {
    block_on(w.shop.patch_category(&w.system, id, &under(to), None))
        .map(|done| done.output.value.as_ref().clone())
}

#[test]
fn the_tree_has_no_circles_and_bounded_depth() {
    let w = World::new();
    let a = category(&w, "A", None).id;
    let b = category(&w, "B", Some(a)).id;
    let c = category(&w, "C", Some(b)).id;
    for to in [a, b, c] {
        assert_eq!(invalid(shift(&w, a, Some(to))), ["/parent_id"]);
    }
    let mut deep = category(&w, "D0", None).id;
    let top = deep;
    for n in 1..Category::DEPTH_MAX - 2 {
        deep = category(&w, &format!("D{n}"), Some(deep)).id;
    }
    // 30 levels: with A, B and C below them it would be 33.
    assert_eq!(invalid(shift(&w, a, Some(deep))), ["/parent_id"]);
    shift(&w, b, Some(deep)).unwrap();
    assert_eq!(invalid(shift(&w, top, Some(a))), ["/parent_id"]);
    shift(&w, b, None).unwrap();
    shift(&w, top, Some(a)).unwrap();
}

/// A shop, and the same one for somebody who goes first when told.
fn two() -> (World, Shared, World) {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let other = World::over(store.sound(), 2);
    (w, store, other)
}

#[test]
fn two_moves_at_once_make_no_circle() {
    let (w, store, other) = two();
    let [a, b] = ["A", "B"].map(|title| category(&w, title, None).id);
    let c = category(&w, "C", Some(b)).id;
    store.before_next_commit(move || {
        shift(&other, b, Some(a)).unwrap();
    });
    assert_eq!(invalid(shift(&w, a, Some(c))), ["/parent_id"]);
    let tree = block_on(w.shop.categories(&w.system)).unwrap();
    assert!(tree.iter().all(|category| category.ancestors(&tree).is_ok()));
}

#[test]
fn a_category_that_others_are_below_stays_even_if_they_came_just_now() {
    let below = |parent_id| CreateCategory {
        parent_id: Some(parent_id),
        ..CreateCategory::new("Child").unwrap()
    };
    let (w, store, other) = two();
    let parent = category(&w, "Parent", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.create_category(&other.system, &below(parent))).unwrap();
    });
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));

    let (w, store, other) = two();
    let [parent, stray] = ["Parent", "Stray"].map(|title| category(&w, title, None).id);
    store.before_next_commit(move || {
        shift(&other, stray, Some(parent)).unwrap();
    });
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));

    let (w, store, other) = two();
    let parent = category(&w, "Parent", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.remove_category(&other.system, parent, None)).unwrap();
    });
    let made = block_on(w.shop.create_category(&w.system, &below(parent)));
    assert_eq!(invalid(made), ["/parent_id"]);

    let w = World::new();
    let parent = category(&w, "Parent", None).id;
    let child = category(&w, "Child", Some(parent)).id;
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));
    block_on(w.shop.remove_category(&w.system, child, None)).unwrap();
    block_on(w.shop.remove_category(&w.system, parent, None)).unwrap();
    let gone = block_on(w.shop.category(&w.system, &CategoryRef::Id(parent)));
    assert_eq!(refused(gone), Rejection::NotFound { what: "category" });
}

#[test]
fn shop_clients_see_active_categories_below_active_ones() {
    let w = World::new();
    let a = category(&w, "A", None).id;
    let b = category(&w, "B", Some(a)).id;
    let off = PatchCategory { active: Some(false), ..PatchCategory::default() };
    block_on(w.shop.patch_category(&w.system, a, &off, None)).unwrap();
    let anyone = Caller::anonymous();
    assert!(block_on(w.shop.categories(&anyone)).unwrap().is_empty());
    let absent = Rejection::NotFound { what: "category" };
    assert_eq!(refused(block_on(w.shop.category(&anyone, &CategoryRef::Id(b)))), absent);
    assert_eq!(block_on(w.shop.categories(&w.system)).unwrap().len(), 2);
}

#[test]
fn a_product_is_in_categories_that_there_are() {
    let w = World::new();
    let a = category(&w, "A", None).id;
    let unknown: CategoryId = "cat_00000000000000000000000000000007".parse().unwrap();
    let product = |categories| CreateProduct { categories, ..CreateProduct::new("P").unwrap() };
    let refusal = block_on(w.shop.create_product(&w.system, &product(vec![a, unknown])));
    assert_eq!(invalid(refusal), ["/categories/1"]);
    let made = block_on(w.shop.create_product(&w.system, &product(vec![a]))).unwrap();
    let patch =
        |categories| PatchProduct { categories: Some(categories), ..PatchProduct::default() };
    let refusal = block_on(w.shop.patch_product(&w.system, made.id, &patch(vec![unknown]), None));
    assert_eq!(invalid(refusal), ["/categories/0"]);
    block_on(w.shop.remove_category(&w.system, a, None)).unwrap();
    let title = PatchProduct { title: Some("Q".parse().unwrap()), ..PatchProduct::default() };
    block_on(w.shop.patch_product(&w.system, made.id, &title, None)).unwrap();
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
fn skus_slugs_and_options_are_one_products_alone() {
    let w = World::new();
    w.sell("SHIRT", 1, 1);
    let taken = |request: &CreateProduct| match refused(block_on(
        w.shop.create_product(&w.system, request),
    )) {
        Rejection::Taken { what, .. } => what,
        other => panic!("{other:?}"),
    };
    let variant = |sku| CreateVariant::new(sku, eur(1)).unwrap();
    assert_eq!(taken(&CreateProduct::new("Shirt").unwrap()), "slug");
    let with = |variants| CreateProduct { variants, ..CreateProduct::new("Other").unwrap() };
    assert_eq!(taken(&with(vec![variant("SHIRT")])), "sku");
    assert_eq!(taken(&with(vec![variant("A"), variant("B")])), "options");
    block_on(w.shop.create_product(&w.system, &with(vec![variant("shirt")]))).unwrap();
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
fn drafts_and_costs_are_the_back_offices() {
    let w = World::new();
    let variant =
        CreateVariant { cost: Some(eur(1)), ..CreateVariant::new("SHIRT", eur(2)).unwrap() };
    let hidden = CreateVariant { active: false, ..CreateVariant::new("HAT", eur(2)).unwrap() };
    let request = CreateProduct { variants: vec![variant], ..CreateProduct::new("P").unwrap() };
    let made = block_on(w.shop.create_product(&w.system, &request)).unwrap();
    assert_eq!(made.variants[0].cost, Some(eur(1)));
    let by = ProductRef::Id(made.id);
    let anyone = Caller::anonymous();
    let absent = Rejection::NotFound { what: "product" };
    assert_eq!(refused(block_on(w.shop.product(&anyone, &by, None))), absent);
    let active = PatchProduct { status: Some(ProductStatus::Active), ..PatchProduct::default() };
    block_on(w.shop.patch_product(&w.system, made.id, &active, None)).unwrap();
    let seen = block_on(w.shop.product(&anyone, &by, None)).unwrap();
    assert_eq!((seen.variants.len(), seen.variants[0].cost), (1, None));
    let json = serde_json::to_string(&seen).unwrap();
    assert!(!json.contains("\"cost\""));
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
