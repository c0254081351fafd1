//! A small demo shop: invented goods, taxes of three countries, and three ways of shipping.

use std::collections::HashMap;

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{
        CreateCategory, ImageFields, ImportImage, ImportProduct, ImportVariant, PatchProduct,
        PatchVariant, ProductStatus,
    },
    error::Rejection,
    id::CategoryId,
    shop::Shop,
    store::{CategoryRef, PageRequest, ProductFilter, ProductQuery, ProductRef, ProductSort},
    text::{Label, Sku, Slug},
    version::Version,
};
use serde::Deserialize;

/// Why the demo shop is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The demo that the program brings along cannot be read.
    #[error("what it is made of cannot be read")]
    Data(#[from] serde_json::Error),
    /// The shop refuses or fails.
    #[error("the shop refused it")]
    Shop(#[from] Error),
}

impl From<Rejection> for DemoError {
    fn from(rejection: Rejection) -> Self {
        Self::Shop(rejection.into())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Demo {
    shop: Shop,
    categories: Vec<DemoCategory>,
    products: Vec<DemoProduct>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoCategory {
    slug: Slug,
    title: Label,
    parent: Option<Slug>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoProduct {
    slug: Slug,
    categories: Vec<Slug>,
    #[serde(default)]
    options: Vec<Label>,
    #[serde(default)]
    images: Vec<ImageFields>,
    fields: PatchProduct,
    variants: Vec<DemoVariant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoVariant {
    sku: Sku,
    #[serde(default)]
    options: Vec<Label>,
    on_hand: Option<i64>,
    fields: PatchVariant,
}

/// Loads the demo into a new shop, which takes over its settings; does nothing to one that somebody
/// has set up or put products into. What was cut short goes on where it ended.
///
/// # Errors
/// [`DemoError`].
pub async fn load(commerce: &Commerce) -> Result<(), DemoError> {
    loop {
        match try_load(commerce).await {
            // Another server that loads it at the same time was faster. It goes on from what is there,
            // and each time that is more.
            Err(DemoError::Shop(
                Error::Contention
                | Error::Rejected(Rejection::VersionMismatch { .. } | Rejection::Taken { .. }),
            )) => {}
            ended => return ended,
        }
    }
}

async fn try_load(commerce: &Commerce) -> Result<(), DemoError> {
    let Demo { shop, categories, products } = serde_json::from_str(include_str!("demo.json"))?;
    let found = commerce.shop().await?;
    if *found.value != shop {
        if found.version != Version::FIRST || has_products(commerce, &shop).await? {
            tracing::info!("the shop is in use already; the demo is not loaded");
            return Ok(());
        }
        commerce.put_shop(&Caller::system(), &shop, Some(found.version)).await?;
    }
    let mut ids = HashMap::new();
    for category in categories {
        let slug = category.slug.clone();
        ids.insert(slug, place_category(commerce, category, &ids).await?);
    }
    for product in products {
        place_product(commerce, product, &ids).await?;
    }
    Ok(())
}

async fn has_products(commerce: &Commerce, shop: &Shop) -> Result<bool, Error> {
    let query = ProductQuery {
        filter: ProductFilter::default(),
        currency: shop.currency,
        sort: Some(ProductSort::CreatedAt),
        descending: false,
        page: PageRequest::first(1),
    };
    Ok(!commerce.products(&Caller::system(), &query).await?.items.is_empty())
}

async fn place_category(
    commerce: &Commerce,
    category: DemoCategory,
    ids: &HashMap<Slug, CategoryId>,
) -> Result<CategoryId, DemoError> {
    let DemoCategory { slug, title, parent } = category;
    let by = CategoryRef::Slug(slug.clone());
    if let Some(found) = commerce.store().category(&by).await.map_err(Error::from)? {
        return Ok(found.id);
    }
    let parent_id = parent.and_then(|parent| ids.get(&parent).copied());
    let title = title.as_str();
    let request = CreateCategory::new(title).map_err(|e| Rejection::invalid("/title", e))?;
    let request = CreateCategory { slug: Some(slug), parent_id, ..request };
    Ok(commerce.create_category(&Caller::system(), &request).await?.output.id)
}

/// Puts a product and its stock into the shop in one commit, unless it is there.
async fn place_product(
    commerce: &Commerce,
    product: DemoProduct,
    ids: &HashMap<Slug, CategoryId>,
) -> Result<(), DemoError> {
    let by = ProductRef::Slug(product.slug.clone());
    if commerce.store().product(&by).await.map_err(Error::from)?.is_some() {
        return Ok(());
    }
    let categories = product.categories.iter().filter_map(|slug| ids.get(slug).copied()).collect();
    let variants = product.variants.into_iter().map(|variant| ImportVariant {
        options: variant.options,
        sku_derived: variant.sku.clone(),
        sku: Some(variant.sku),
        fields: variant.fields,
        fields_if_new: PatchVariant::default(),
        image: None,
        metadata: serde_json::Map::new(),
        on_hand: variant.on_hand,
    });
    let images = product.images.into_iter();
    let request = ImportProduct {
        fields: PatchProduct {
            status: Some(ProductStatus::Active),
            categories: Some(categories),
            ..product.fields
        },
        options: Some(product.options),
        images: images.map(|image| ImportImage { url: image.url, alt: Some(image.alt) }).collect(),
        variants: variants.collect(),
        ..ImportProduct::new(product.slug)
    };
    commerce.import_product(&Caller::system(), &request).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use commerce_core::{id::VariantId, inventory::SetStock};

    use super::*;

    async fn products(commerce: &Commerce) -> Vec<commerce_core::catalog::ProductView> {
        let query = ProductQuery {
            filter: ProductFilter::default(),
            currency: commerce_core::currency::Currency::EUR,
            sort: Some(ProductSort::Title),
            descending: false,
            page: PageRequest::first(100),
        };
        commerce.products(&Caller::anonymous(), &query).await.unwrap().items
    }

    #[tokio::test]
    async fn the_demo_is_loaded_once() {
        let app = crate::app::tests::app().await;
        let commerce = app.commerce();
        load(commerce).await.unwrap();
        let first = products(commerce).await;
        assert_eq!(first.len(), 12);
        for product in &first {
            assert!(product.price_range.is_some(), "{} has no price", product.slug);
            assert!(!product.categories.is_empty(), "{} is in no category", product.slug);
            assert!(!product.description.is_empty(), "{} is not described", product.slug);
        }
        assert!(commerce.shop().await.unwrap().shipping_methods.len() >= 3);
        // Stock that was changed since stays so, and nothing comes twice.
        let id: VariantId = first.first().unwrap().variants.first().unwrap().id;
        let stock: SetStock = serde_json::from_str(r#"{"on_hand": 1}"#).unwrap();
        commerce.set_stock(&Caller::system(), id, &stock).await.unwrap();
        load(commerce).await.unwrap();
        assert_eq!(products(commerce).await.len(), 12);
        assert_eq!(commerce.stock_of(&Caller::system(), id).await.unwrap().on_hand, 1);
    }

    #[tokio::test]
    async fn a_shop_in_use_is_left_alone() {
        let app = crate::app::tests::app().await;
        let commerce = app.commerce();
        let found = commerce.shop().await.unwrap();
        let name = Label::new("My own").unwrap();
        let own = Shop { name, ..found.value.as_ref().clone() };
        commerce.put_shop(&Caller::system(), &own, None).await.unwrap();
        load(commerce).await.unwrap();
        assert_eq!(*commerce.shop().await.unwrap().value, own);
        assert!(products(commerce).await.is_empty());
    }
}
