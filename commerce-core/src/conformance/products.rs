//! Reads of products, variants and categories.

use super::{
    Bench,
    make::{Make, commit, label, level, sku, slug, url},
};
use crate::{
    catalog::{Image, Product, ProductStatus, Sellable, Variant},
    id::VariantId,
    inventory::Location,
    shop::Shop,
    store::{CategoryRef, ProductRef, VariantRef},
    text::TaxClass,
};

pub(super) async fn are_found_by_id_and_slug(t: &Bench<'_>) {
    let mut make = Make::new();
    let products = [make.product(), make.product(), make.product()];
    for product in &products {
        t.insert(product.clone()).await;
        t.insert(make.variant(product)).await;
    }
    for product in &products {
        let by_id = t.product(product.id).await;
        let by_slug = t.store().product(&ProductRef::Slug(product.slug.clone())).await.unwrap();
        assert_eq!(*by_id.product.value, *product);
        assert_eq!(by_id.variants.len(), 1);
        assert_eq!(by_slug, Some(by_id));
    }
}

pub(super) async fn are_found_by_their_new_slug_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let product = make.product();
    let category = make.category();
    t.insert(product.clone()).await;
    t.insert(category.clone()).await;
    t.replace(&Product { slug: slug("new"), ..product.clone() }).await;
    t.replace(&crate::catalog::Category { slug: slug("new"), ..category.clone() }).await;
    let store = t.store();
    assert_eq!(store.product(&ProductRef::Slug(product.slug)).await.unwrap(), None);
    assert!(store.product(&ProductRef::Slug(slug("new"))).await.unwrap().is_some());
    assert_eq!(store.category(&CategoryRef::Slug(category.slug)).await.unwrap(), None);
    assert!(store.category(&CategoryRef::Slug(slug("new"))).await.unwrap().is_some());
}

pub(super) async fn are_read_in_every_status(t: &Bench<'_>) {
    let mut make = Make::new();
    for status in [ProductStatus::Draft, ProductStatus::Active, ProductStatus::Archived] {
        let product = Product { status, ..make.product() };
        let variant = Variant { active: false, ..make.variant(&product) };
        t.insert(product.clone()).await;
        t.insert(variant.clone()).await;
        let found = t.product(product.id).await;
        assert_eq!((found.product.status, found.variants.len()), (status, 1));
        assert_eq!(t.sellable(variant.id).await.status, status);
    }
}

pub(super) async fn have_their_variants_by_position_then_id(t: &Bench<'_>) {
    let mut make = Make::new();
    let (product, other) = (make.product(), make.product());
    t.insert(product.clone()).await;
    t.insert(other.clone()).await;
    let mut variants: Vec<_> = [3, 0, 2, 0, 1, 0, u32::MAX]
        .map(|position| Variant { position, ..make.variant(&product) })
        .into();
    variants.reverse();
    let mut commit = commit();
    for variant in &variants {
        commit.insert(variant.clone());
        commit.insert(make.variant(&other));
    }
    t.commit(&commit).await;
    variants.sort_by_key(|variant| (variant.position, variant.id));
    let found = t.product(product.id).await;
    let found: Vec<_> = found.variants.iter().map(|variant| variant.value.as_ref()).collect();
    assert_eq!(found, variants.iter().collect::<Vec<_>>());
    variants[0].position = 9;
    t.replace(&variants[0]).await;
    let found = t.product(product.id).await;
    assert_eq!(found.variants[5].id, variants[0].id, "a variant that was moved");
    assert_eq!(found.variants[5].version.get(), 2);
}

pub(super) async fn have_as_many_variants_as_they_may(t: &Bench<'_>) {
    let mut make = Make::new();
    let product = make.product();
    let mut commit = commit();
    commit.insert(product.clone());
    for position in (0..u32::try_from(Product::VARIANTS_MAX).unwrap()).rev() {
        commit.insert(Variant { position, ..make.variant(&product) });
    }
    t.commit(&commit).await;
    let found = t.product(product.id).await.variants;
    assert_eq!(found.len(), Product::VARIANTS_MAX);
    assert!(found.is_sorted_by_key(|variant| variant.position));
}

pub(super) async fn lose_a_variant_that_was_removed(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let second = make.variant(&shelf.product);
    t.insert(second.clone()).await;
    let mut commit = commit();
    commit.remove(&t.read(&shelf.variant).await);
    t.commit(&commit).await;
    let found = t.product(shelf.product.id).await.variants;
    assert_eq!(found.iter().map(|variant| variant.id).collect::<Vec<_>>(), [second.id]);
}

pub(super) async fn come_with_the_stock_of_their_own_variants(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let other = make.product();
    let (second, foreign) = (make.variant(&shelf.product), make.variant(&other));
    t.insert(other).await;
    t.insert(second.clone()).await;
    t.insert(foreign.clone()).await;
    let mut commit = commit();
    for (variant, count) in [(&second, 7), (&foreign, 99)] {
        commit.stock(make.stock_move(level(variant.id, shelf.location.id), count, 0));
    }
    t.commit(&commit).await;
    let found = t.product(shelf.product.id).await;
    let mut counts: Vec<_> = found.levels.iter().map(|level| level.on_hand).collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 7]);
    assert_eq!(found.levels_of(second.id)[0].on_hand, 7);
}

pub(super) async fn come_with_the_shop_as_it_is(t: &Bench<'_>) {
    let mut make = Make::new();
    let (product, shop, location) = (make.product(), make.shop(), make.location());
    let beside = async |by: ProductRef| t.store().product_with_setup(&by).await.unwrap();
    t.insert(product.clone()).await;
    t.insert(make.variant(&product)).await;
    assert!(beside(ProductRef::Id(product.id)).await.is_none(), "there is no shop yet");
    t.insert(shop.clone()).await;
    t.insert(location.clone()).await;
    for (name, active) in [("Shop", true), ("Renamed", false)] {
        t.replace(&Shop { name: label(name), ..shop.clone() }).await;
        t.replace(&Location { active, ..location.clone() }).await;
        for by in [ProductRef::Id(product.id), ProductRef::Slug(product.slug.clone())] {
            let (setup, found) = beside(by).await.expect("both are there");
            assert_eq!(found, t.product(product.id).await);
            assert_eq!(*setup.shop.name, *name);
            assert_eq!(setup.locations.iter().map(|it| it.active).collect::<Vec<_>>(), [active]);
        }
    }
    assert!(beside(ProductRef::Id(make.id())).await.is_none());
}

pub(super) async fn a_variant_is_found_by_id_and_sku(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let second = make.variant(&shelf.product);
    t.insert(second.clone()).await;
    for variant in [&shelf.variant, &second] {
        let by_id = t.sellable(variant.id).await;
        let by_sku = t.store().variant(&VariantRef::Sku(variant.sku.clone())).await.unwrap();
        assert_eq!(*by_id.variant.value, *variant);
        assert_eq!(by_sku, Some(by_id));
    }
    t.replace(&Variant { sku: sku("new"), ..second.clone() }).await;
    assert_eq!(t.store().variant(&VariantRef::Sku(second.sku)).await.unwrap(), None);
    let found = t.store().variant(&VariantRef::Sku(sku("new"))).await.unwrap();
    assert_eq!(found.map(|found| found.variant.id), Some(second.id));
}

pub(super) async fn a_variant_comes_with_what_selling_it_needs(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let product = Product {
        title: label("Shirt"),
        tax_class: TaxClass::new("reduced").unwrap(),
        status: ProductStatus::Archived,
        ..shelf.product.clone()
    };
    t.replace(&product).await;
    let found = t.sellable(shelf.variant.id).await;
    let expected = Sellable::new(&product, t.read(&shelf.variant).await, found.levels.clone());
    assert_eq!(found, expected, "what selling needs is the product's as it is now");
    assert_eq!(found.levels.len(), 1);
}

pub(super) async fn a_variant_is_shown_by_its_own_image_or_the_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut image = |path: &str| Image { id: make.id(), url: url(path), alt: None };
    let images = vec![image("/first"), image("/second"), image("/third")];
    let mut product = Product { images: images.clone(), ..make.product() };
    let plain = make.variant(&product);
    let own = Variant { image_id: Some(images[2].id), ..make.variant(&product) };
    t.insert(product.clone()).await;
    t.insert(plain.clone()).await;
    t.insert(own.clone()).await;
    let image = async |id| t.sellable(id).await.image.map(|image| image.to_string());
    assert_eq!(image(own.id).await.as_deref(), Some("/third"));
    assert_eq!(image(plain.id).await.as_deref(), Some("/first"));
    product.images.remove(2);
    product.images.swap(0, 1);
    t.replace(&product).await;
    assert_eq!(image(own.id).await.as_deref(), Some("/second"), "its own image is gone");
    assert_eq!(image(plain.id).await.as_deref(), Some("/second"), "another image is first");
    product.images.clear();
    t.replace(&product).await;
    assert_eq!(image(own.id).await, None);
}

pub(super) async fn several_variants_come_each_once(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let other = make.product();
    let (second, third) = (make.variant(&shelf.product), make.variant(&other));
    t.insert(other).await;
    t.insert(second.clone()).await;
    t.insert(third.clone()).await;
    let (a, b, c) = (shelf.variant.id, second.id, third.id);
    let missing: VariantId = make.id();
    let store = t.store();
    for wanted in [&[a, b, c][..], &[c, a], &[b, b, missing, b, a, a], &[missing]] {
        let mut found = store.sellables(wanted).await.unwrap();
        found.sort_by_key(|sellable| sellable.variant.id);
        let mut expected: Vec<_> = wanted.to_vec();
        expected.retain(|id| *id != missing);
        expected.sort_unstable();
        expected.dedup();
        let mut sellables = Vec::new();
        for id in expected {
            sellables.push(t.sellable(id).await);
        }
        assert_eq!(found, sellables, "of {wanted:?}");
    }
}

pub(super) async fn thousands_of_variants_are_read_at_once(t: &Bench<'_>) {
    let mut make = Make::new();
    let product = make.product();
    let mut commit = commit();
    commit.insert(product.clone());
    let mut ids = Vec::new();
    for _ in 0..4_000 {
        let variant = make.variant(&product);
        ids.push(variant.id);
        commit.insert(variant);
    }
    t.commit(&commit).await;
    let mut found: Vec<_> = t.store().sellables(&ids).await.unwrap();
    found.sort_by_key(|sellable| sellable.variant.id);
    ids.sort_unstable();
    assert_eq!(found.iter().map(|sellable| sellable.variant.id).collect::<Vec<_>>(), ids);
}

pub(super) async fn all_categories_are_read(t: &Bench<'_>) {
    let mut make = Make::new();
    let top = make.category();
    let mut all = vec![top.clone()];
    let mut commit = commit();
    commit.insert(top.clone());
    for _ in 0..300 {
        let category = make.full_category(&top);
        commit.insert(category.clone());
        all.push(category);
    }
    t.commit(&commit).await;
    let mut found = t.store().categories().await.unwrap();
    found.sort_by_key(|category| category.id);
    all.sort_by_key(|category| category.id);
    let found: Vec<_> = found.iter().map(|category| category.value.as_ref()).collect();
    assert_eq!(found, all.iter().collect::<Vec<_>>());
    let by_slug = t.store().category(&CategoryRef::Slug(all[7].slug.clone())).await.unwrap();
    let by_id = t.store().category(&CategoryRef::Id(all[7].id)).await.unwrap();
    assert_eq!(by_slug.as_ref().map(|category| category.id), Some(all[7].id));
    assert_eq!(by_slug, by_id);
}
