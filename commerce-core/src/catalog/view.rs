//! The catalogue as shop clients and the back office see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    AttributeValue, Backorder, Dimensions, Image, Price, Product, ProductOption, ProductStatus,
    Related, Seo, Variant,
};
use crate::{
    currency::Currency,
    id::{CategoryId, ImageId, ProductId, VariantId},
    inventory::{Location, StockLevel, available},
    money::Money,
    store::ProductInputs,
    text::{Label, Prose, Sku, Slug, TaxClass},
    time::Timestamp,
    version::{Version, Versioned},
};

type Metadata = serde_json::Map<String, serde_json::Value>;

/// A product as it is seen, with its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductView {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses on the web.
    pub slug: Slug,
    /// Its name for people.
    pub title: Label,
    /// Its description, plain or HTML.
    pub description: Prose,
    /// A sentence or two.
    pub short_description: Option<Prose>,
    /// Whether it can be seen and bought.
    pub status: ProductStatus,
    /// Who makes it.
    pub vendor: Option<Label>,
    /// What kind of thing it is.
    pub product_type: Option<Label>,
    /// Words to find it by.
    pub tags: Vec<Label>,
    /// The categories it is found in.
    pub categories: Vec<CategoryId>,
    /// The properties in which its variants differ.
    pub options: Vec<ProductOption>,
    /// Further typed properties, by name.
    pub attributes: BTreeMap<Label, AttributeValue>,
    /// Its pictures, the first one first.
    pub images: Vec<Image>,
    /// What search engines are told.
    pub seo: Seo,
    /// Whether the shop shows it off.
    pub featured: bool,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// Whether it is a gift card.
    pub gift_card: bool,
    /// The products it points to.
    pub related: Vec<Related>,
    /// Whatever the shop keeps with it; empty for all but the back office.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What is sold of it.
    pub variants: Vec<VariantView>,
    /// From the lowest to the highest price of an active variant; absent if there is none.
    pub price_range: Option<PriceRange>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was written.
    pub version: Version,
}

/// From the lowest to the highest price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceRange {
    /// The lowest.
    pub min: Money,
    /// The highest.
    pub max: Money,
}

/// A variant as it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VariantView {
    /// Its id.
    pub id: VariantId,
    /// The product that it is a variant of.
    pub product_id: ProductId,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its options in a phrase.
    pub title: Label,
    /// The values of the product's options, in their order.
    pub options: Vec<Label>,
    /// The price of one unit in the currency asked for; absent if it is not sold in it.
    pub price: Option<Money>,
    /// What it cost before.
    pub compare_at_price: Option<Money>,
    /// Its prices in all currencies.
    pub prices: Vec<Price>,
    /// What one unit cost the shop; only the back office sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// What one packed unit weighs, in grams.
    pub weight_grams: i64,
    /// How large one packed unit is.
    pub dimensions: Option<Dimensions>,
    /// Its GTIN, EAN, UPC or ISBN.
    pub barcode: Option<Label>,
    /// Whether its stock is counted.
    pub track_inventory: bool,
    /// Whether more may be sold than is available.
    pub backorder: Backorder,
    /// The units that can be bought now; `null` if they are not counted.
    pub available: Option<i64>,
    /// The shop is told once fewer units than this are available; only the back office sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_threshold: Option<i64>,
    /// Whether it is sent to the customer.
    pub requires_shipping: bool,
    /// Whether it is taxed.
    pub taxable: bool,
    /// The code of its kind of goods for a tax service.
    pub tax_code: Option<Label>,
    /// Whether it is for sale.
    pub active: bool,
    /// The picture of the product that shows it.
    pub image_id: Option<ImageId>,
    /// Its place among the product's variants, from 0.
    pub position: u32,
    /// Whatever the shop keeps with it; empty for all but the back office.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was written.
    pub version: Version,
}

/// For whom something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Audience {
    /// The currency of the prices.
    pub(crate) currency: Currency,
    /// Whether what only the back office sees is shown.
    pub(crate) back_office: bool,
}

impl Audience {
    fn metadata(self, all: &Metadata) -> Metadata {
        if self.back_office { all.clone() } else { Metadata::new() }
    }
}

impl ProductView {
    pub(crate) fn new(
        inputs: &ProductInputs,
        locations: &[Versioned<Location>],
        audience: Audience,
    ) -> Self {
        let product: &Product = &inputs.product;
        let prices = || inputs.prices(audience.currency);
        let levels = inputs.levels_by_variant();
        let money = |minor| Money::new(minor, audience.currency);
        Self {
            id: product.id,
            slug: product.slug.clone(),
            title: product.title.clone(),
            description: product.description.clone(),
            short_description: product.short_description.clone(),
            status: product.status,
            vendor: product.vendor.clone(),
            product_type: product.product_type.clone(),
            tags: product.tags.clone(),
            categories: product.categories.clone(),
            options: product.options.clone(),
            attributes: product.attributes.clone(),
            images: product.images.clone(),
            seo: product.seo.clone(),
            featured: product.featured,
            tax_class: product.tax_class.clone(),
            gift_card: product.gift_card,
            related: product.related.clone(),
            metadata: audience.metadata(&product.metadata),
            variants: inputs
                .variants
                .iter()
                .filter(|variant| variant.active || audience.back_office)
                .map(|variant| {
                    VariantView::new(variant, levels.of(variant.id), locations, audience)
                })
                .collect(),
            price_range: prices()
                .min()
                .zip(prices().max())
                .map(|(min, max)| PriceRange { min: money(min), max: money(max) }),
            created_at: product.created_at,
            updated_at: product.updated_at,
            version: inputs.product.version,
        }
    }
}

impl VariantView {
    pub(crate) fn new(
        variant: &Versioned<Variant>,
        levels: &[StockLevel],
        locations: &[Versioned<Location>],
        audience: Audience,
    ) -> Self {
        let price = variant.price(audience.currency);
        Self {
            id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku.clone(),
            title: variant.title.clone(),
            options: variant.options.clone(),
            price: price.map(|price| price.amount),
            compare_at_price: price.and_then(|price| price.compare_at),
            prices: variant.prices.clone(),
            cost: variant.cost.filter(|_| audience.back_office),
            weight_grams: variant.grams,
            dimensions: variant.dimensions,
            barcode: variant.barcode.clone(),
            track_inventory: variant.track_inventory,
            backorder: variant.backorder,
            available: variant.track_inventory.then(|| available(levels, locations)),
            low_stock_threshold: audience.back_office.then_some(variant.low_stock_threshold),
            requires_shipping: variant.requires_shipping,
            taxable: variant.taxable,
            tax_code: variant.tax_code.clone(),
            active: variant.active,
            image_id: variant.image_id,
            position: variant.position,
            metadata: audience.metadata(&variant.metadata),
            created_at: variant.created_at,
            updated_at: variant.updated_at,
            version: variant.version,
        }
    }
}
