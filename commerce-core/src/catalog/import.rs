//! A product as another system has it: what importing it makes of what is stored.

mod decide;
mod known;
mod metadata;
mod plan;
mod skus;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{PatchProduct, PatchVariant};
use crate::{
    id::{ProductId, VariantId},
    shop::Setup,
    store::ProductInputs,
    text::{AltText, Label, Prose, Sku, Slug, Url},
};

type Metadata = serde_json::Map<String, serde_json::Value>;

/// A product as another system has it. What it does not say stays as it is stored, and what is
/// stored and not in it, such as a further variant or picture, stays too.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportProduct {
    /// By which the product is found; it is made if there is none.
    pub slug: Slug,
    /// What becomes of a product that there is.
    pub existing: Existing,
    /// What becomes of a SKU that another variant has.
    pub repeated_skus: RepeatedSkus,
    /// Whether the stock of variants that there are is left alone, whatever is said of it.
    pub keep_stock: bool,
    /// What is said of the product; a title, if it is to be made. Slug, options and
    /// variants are not read.
    pub fields: PatchProduct,
    /// What a new product begins with where `fields` says nothing.
    pub fields_if_new: PatchProduct,
    /// The title for search engines, if it is said.
    pub seo_title: Option<Option<Label>>,
    /// The description for search engines, if it is said.
    pub seo_description: Option<Option<Prose>>,
    /// What is said of the metadata, merged into it as RFC 7396 says: objects member by member,
    /// and `null` removes.
    pub metadata: Metadata,
    /// The names of the options, if they are said.
    pub options: Option<Vec<Label>>,
    /// The pictures, the first one first; the address tells which is which.
    pub images: Vec<ImportImage>,
    /// The variants in their order, no two with the same options.
    pub variants: Vec<ImportVariant>,
}

/// What importing does to a product that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Existing {
    /// Everything that is said comes true.
    #[default]
    Update,
    /// Only variants and pictures are taken, as further ones: new ones come after those that are
    /// there.
    Extend,
}

/// What importing does with a SKU that another variant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RepeatedSkus {
    /// The variant keeps the SKU that it is stored with; a new one gets its derived SKU.
    #[default]
    Derive,
    /// The product is refused.
    Refuse,
}

/// A picture as another system has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportImage {
    /// Where it is.
    pub url: Url,
    /// What it shows, if that is said.
    pub alt: Option<Option<AltText>>,
}

/// A variant as another system has it. The options tell which stored variant it is or, where none
/// has them and all variants are said, the SKU or, if an option was added or dropped, those that are
/// left.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportVariant {
    /// The values of the product's options, in their order.
    pub options: Vec<Label>,
    /// Its SKU, if it has one.
    pub sku: Option<Sku>,
    /// The SKU of a new variant without one that it may have.
    pub sku_derived: Sku,
    /// What else is said of it. SKU, options, picture and position are not read.
    pub fields: PatchVariant,
    /// What a new variant begins with where `fields` says nothing.
    pub fields_if_new: PatchVariant,
    /// The picture that shows it, if it is said; it joins the product's if it is not among them.
    pub image: Option<Option<Url>>,
    /// What is said of the metadata, merged as that of the product.
    pub metadata: Metadata,
    /// The units that the shop has in all, if they are said, from 0. They are set where it has some or,
    /// if no location has any, at the first one; several locations with another sum are left alone.
    pub on_hand: Option<i64>,
}

/// What was done to a product or a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was so already.
    Unchanged,
}

/// What importing a product came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The product.
    pub product_id: ProductId,
    /// What was done to the product itself, its options, pictures and texts.
    pub outcome: ImportOutcome,
    /// What was done to each of the variants, in the order of the request.
    pub variants: Vec<ImportedVariant>,
    /// How many further variants the product has. They were left alone.
    pub variants_left: usize,
    /// How many pictures are new.
    pub images_created: usize,
    /// How many of the pictures were there.
    pub images_found: usize,
    /// How many further pictures the product has. They were left, after the others.
    pub images_left: usize,
}

/// What importing a variant came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedVariant {
    /// The variant.
    pub variant_id: VariantId,
    /// What was done to it, apart from its stock.
    pub outcome: ImportOutcome,
    /// Its SKU now.
    pub sku: Sku,
    /// How it came to that SKU.
    pub sku_origin: SkuOrigin,
    /// What was done to its stock.
    pub stock: ImportedStock,
}

/// How an imported variant came to its SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkuOrigin {
    /// It is the one that the other system has.
    Given,
    /// The other system has none.
    Missing,
    /// Another variant has the one that the other system has.
    Repeated,
}

/// What importing did to a variant's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportedStock {
    /// Nothing was said of it, or it was so already.
    Unchanged,
    /// It was set.
    Set,
    /// It was left alone, as the units would be fewer than orders hold.
    Held {
        /// The units that are there.
        on_hand: i64,
        /// Those of them that are promised to orders.
        held: i64,
    },
    /// It was left alone, as it is not said which location the difference is of: several have some,
    /// or one that is not active.
    Spread {
        /// The units that are there, in all locations.
        on_hand: i64,
    },
}

/// What is read to decide an import.
#[derive(Debug, Clone)]
pub struct ImportInputs {
    /// The shop's configuration and locations.
    pub setup: Setup,
    /// What is stored under the slug.
    pub product: Option<ProductInputs>,
    /// Those of the variants' SKUs that variants of other products have.
    pub skus_taken: HashSet<Sku>,
}

impl ImportProduct {
    /// A product of which nothing is said yet.
    pub fn new(slug: Slug) -> Self {
        Self {
            slug,
            existing: Existing::default(),
            repeated_skus: RepeatedSkus::default(),
            keep_stock: false,
            fields: PatchProduct::default(),
            fields_if_new: PatchProduct::default(),
            seo_title: None,
            seo_description: None,
            metadata: Metadata::new(),
            options: None,
            images: Vec::new(),
            variants: Vec::new(),
        }
    }
}

impl ImportVariant {
    /// Whether a new variant would have a price.
    fn has_price(&self) -> bool {
        let priced = |patch: &PatchVariant| {
            patch.price.is_some() || patch.prices.as_ref().is_some_and(|prices| !prices.is_empty())
        };
        priced(&self.fields) || priced(&self.fields_if_new)
    }
}
