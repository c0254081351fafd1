//! A product: what a shop describes and shows; what it sells are the product's variants.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::Hash,
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{CreateVariant, PatchOption, PatchVariant, ProductOption};
use crate::{
    decimal::exact,
    error::{FieldError, Rejection},
    id::{CategoryId, ImageId, Moment, ProductId, VariantId},
    patch::{patch, set},
    text::{AltText, Label, Prose, Slug, TaxClass, Url},
    time::Timestamp,
};

/// Whether a product can be seen and bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// Being prepared: only the back office sees it.
    #[default]
    Draft,
    /// For sale.
    Active,
    /// No longer for sale. Old orders keep their own copy of what they need.
    Archived,
}

impl ProductStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

/// A typed property of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case", deny_unknown_fields)]
pub enum AttributeValue {
    /// A text.
    Text(Prose),
    /// A number, in JSON as a string, which is exact: `"1.50"`.
    Number(#[serde(deserialize_with = "exact")] Decimal),
    /// Yes or no.
    Boolean(bool),
}

/// A picture of a product. Its place in the product's list is its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Where it is.
    pub url: Url,
    /// What it shows, for those who cannot see it.
    pub alt: Option<AltText>,
}

/// An image as a request describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageFields {
    /// Where it is.
    pub url: Url,
    /// What it shows, for those who cannot see it.
    #[serde(default)]
    pub alt: Option<AltText>,
}

/// Adds an image to a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateImage {
    /// Where it is.
    pub url: Url,
    /// What it shows, for those who cannot see it.
    #[serde(default)]
    pub alt: Option<AltText>,
    /// Its place among the product's images, from 0; after the others if absent or beyond them.
    #[serde(default)]
    pub position: Option<u32>,
}

patch! {
    /// Changes an image of a product: what is absent stays, what is null is cleared.
    pub struct PatchImage {
        /// Where it is.
        pub url: Option<Url>,
        /// What it shows, for those who cannot see it.
        pub alt: Option<Option<AltText>>,
        /// Its place among the product's images, from 0; after the others if beyond them.
        pub position: Option<u32>,
    }
}

/// What search engines are told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Seo {
    /// The title, if another than the product's.
    #[serde(default)]
    pub title: Option<Label>,
    /// The description, if another than the product's.
    #[serde(default)]
    pub description: Option<Prose>,
}

/// How one product relates to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Similar.
    Related,
    /// Goes with it.
    Accessory,
    /// Bought with it.
    CrossSell,
    /// Better than it.
    UpSell,
}

/// A pointer from a product to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// The other product.
    pub product_id: ProductId,
    /// How the two relate.
    pub relation: Relation,
}

/// What a shop describes and shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses on the web; unique.
    pub slug: Slug,
    /// Its name for people.
    pub title: Label,
    /// Its description, plain or HTML. The shop's pages must clean it before they show it.
    pub description: Prose,
    /// A sentence or two.
    pub short_description: Option<Prose>,
    /// Whether it can be seen and bought.
    pub status: ProductStatus,
    /// Who makes it.
    pub vendor: Option<Label>,
    /// What kind of thing it is.
    pub product_type: Option<Label>,
    /// Words to find it by, without repetition.
    pub tags: Vec<Label>,
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
    /// The categories it is found in, without repetition.
    pub categories: Vec<CategoryId>,
    /// The products it points to.
    pub related: Vec<Related>,
    /// Whatever the shop wants to keep with it, such as its numbers in other systems. Only the back
    /// office sees it; what customers are to see are `attributes`.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Makes a product, with its variants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// Its name for people.
    pub title: Label,
    /// Its name in addresses on the web; made from the title if absent.
    #[serde(default)]
    pub slug: Option<Slug>,
    /// Its description, plain or HTML.
    #[serde(default = "Prose::empty")]
    pub description: Prose,
    /// A sentence or two.
    #[serde(default)]
    pub short_description: Option<Prose>,
    /// Whether it can be seen and bought; a draft if absent.
    #[serde(default)]
    pub status: ProductStatus,
    /// Who makes it.
    #[serde(default)]
    pub vendor: Option<Label>,
    /// What kind of thing it is.
    #[serde(default)]
    pub product_type: Option<Label>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<Label>,
    /// The properties in which its variants differ.
    #[serde(default)]
    pub options: Vec<ProductOption>,
    /// Further typed properties, by name.
    #[serde(default)]
    pub attributes: BTreeMap<Label, AttributeValue>,
    /// Its pictures, the first one first.
    #[serde(default)]
    pub images: Vec<ImageFields>,
    /// What search engines are told.
    #[serde(default)]
    pub seo: Seo,
    /// Whether the shop shows it off.
    #[serde(default)]
    pub featured: bool,
    /// How it is taxed.
    #[serde(default = "TaxClass::standard")]
    pub tax_class: TaxClass,
    /// Whether it is a gift card.
    #[serde(default)]
    pub gift_card: bool,
    /// The categories it is found in.
    #[serde(default)]
    pub categories: Vec<CategoryId>,
    /// The products it points to.
    #[serde(default)]
    pub related: Vec<Related>,
    /// Whatever the shop wants to keep with it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What is sold of it; the values of their options follow the order of `options`.
    #[serde(default)]
    pub variants: Vec<CreateVariant>,
}

patch! {
    /// Changes a product: what is absent stays, what is null is cleared.
    pub struct PatchProduct {
        /// Its name for people.
        pub title: Option<Label>,
        /// Its name in addresses on the web.
        pub slug: Option<Slug>,
        /// Its description, plain or HTML.
        pub description: Option<Prose>,
        /// A sentence or two.
        pub short_description: Option<Option<Prose>>,
        /// Whether it can be seen and bought.
        pub status: Option<ProductStatus>,
        /// Who makes it.
        pub vendor: Option<Option<Label>>,
        /// What kind of thing it is.
        pub product_type: Option<Option<Label>>,
        /// Words to find it by: all of them.
        pub tags: Option<Vec<Label>>,
        /// The properties in which its variants differ: all of them, in their order. The values of its
        /// variants follow: those of an option that is left out are dropped.
        pub options: Option<Vec<PatchOption>>,
        /// Changes of its variants, by id, which come true together with all else.
        pub variants: Option<BTreeMap<VariantId, PatchVariant>>,
        /// Further typed properties, by name: all of them.
        pub attributes: Option<BTreeMap<Label, AttributeValue>>,
        /// What search engines are told.
        pub seo: Option<Seo>,
        /// Whether the shop shows it off.
        pub featured: Option<bool>,
        /// How it is taxed.
        pub tax_class: Option<TaxClass>,
        /// Whether it is a gift card.
        pub gift_card: Option<bool>,
        /// The categories it is found in: all of them.
        pub categories: Option<Vec<CategoryId>>,
        /// The products it points to: all of them.
        pub related: Option<Vec<Related>>,
        /// Whatever the shop wants to keep with it: all of it.
        pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    }
}

impl CreateProduct {
    /// A draft with a title and nothing else.
    ///
    /// ```
    /// use commerce_core::{catalog::{CreateProduct, CreateVariant, ProductStatus}, currency::Currency, money::Money};
    /// let shirt = CreateProduct {
    ///     status: ProductStatus::Active,
    ///     variants: vec![CreateVariant::new("SHIRT-M", Money::new(1999, Currency::EUR))?],
    ///     ..CreateProduct::new("Shirt")?
    /// };
    /// # Ok::<(), commerce_core::text::TextError>(())
    /// ```
    ///
    /// # Errors
    /// When the title breaks the rules of a [`Label`].
    pub fn new(title: impl AsRef<str>) -> Result<Self, crate::text::TextError> {
        Label::new(title).map(Self::titled)
    }

    /// Refuses variants that have something in common which only one may have.
    pub(crate) fn check_variants(&self) -> Result<(), Rejection> {
        let mut errors = Vec::new();
        let max = Product::VARIANTS_MAX;
        if self.variants.len() > max {
            errors.push(FieldError::new("/variants", format!("must have at most {max} entries")));
        }
        let pointer = |field: &'static str| move |index| format!("/variants/{index}/{field}");
        let skus = self.variants.iter().map(|variant| &variant.sku);
        errors.extend(repeated(skus.enumerate(), pointer("sku")));
        let options = self.variants.iter().map(|variant| &variant.options);
        errors.extend(repeated(options.enumerate(), pointer("options")));
        Rejection::unless_valid(errors)
    }

    /// A draft with a title and nothing else.
    pub fn titled(title: Label) -> Self {
        Self {
            title,
            slug: None,
            description: Prose::empty(),
            short_description: None,
            status: ProductStatus::default(),
            vendor: None,
            product_type: None,
            tags: Vec::new(),
            options: Vec::new(),
            attributes: BTreeMap::new(),
            images: Vec::new(),
            seo: Seo::default(),
            featured: false,
            tax_class: TaxClass::standard(),
            gift_card: false,
            categories: Vec::new(),
            related: Vec::new(),
            metadata: serde_json::Map::new(),
            variants: Vec::new(),
        }
    }
}

impl Product {
    /// The most variants of one product.
    pub const VARIANTS_MAX: usize = 2_048;
    /// The most options of one product.
    pub const OPTIONS_MAX: usize = 8;
    /// The most images of one product.
    pub const IMAGES_MAX: usize = 250;
    /// The most tags of one product.
    pub const TAGS_MAX: usize = 250;
    /// The most attributes of one product.
    pub const ATTRIBUTES_MAX: usize = 250;
    /// The most categories of one product.
    pub const CATEGORIES_MAX: usize = 250;
    /// The most products that one points to.
    pub const RELATED_MAX: usize = 250;
    /// The slugs that no product has: in addresses such as `/products/search` they mean something else.
    pub const SLUGS_RESERVED: [&str; 1] = ["search"];
    /// The most bytes of metadata, written as JSON.
    pub const METADATA_BYTES_MAX: usize = 65_536;

    /// The product that a request describes, without its variants.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound.
    pub fn create(request: &CreateProduct, moment: &mut Moment) -> Result<Self, Rejection> {
        let Some(slug) = request.slug.clone().or_else(|| Slug::suggest(&request.title)) else {
            return Err(Rejection::invalid("/slug", "is needed, as the title suggests none"));
        };
        let product = Self {
            id: moment.id(),
            slug,
            title: request.title.clone(),
            description: request.description.clone(),
            short_description: request.short_description.clone(),
            status: request.status,
            vendor: request.vendor.clone(),
            product_type: request.product_type.clone(),
            tags: distinct(&request.tags),
            options: request.options.clone(),
            attributes: request.attributes.clone(),
            images: request.images.iter().map(|image| image.with_id(moment.id())).collect(),
            seo: request.seo.clone(),
            featured: request.featured,
            tax_class: request.tax_class.clone(),
            gift_card: request.gift_card,
            categories: distinct(&request.categories),
            related: distinct(&request.related),
            metadata: request.metadata.clone(),
            created_at: moment.now(),
            updated_at: moment.now(),
        };
        product.check()?;
        Ok(product)
    }

    /// The product after a change, without its variants, which may have to follow.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound.
    pub fn patch(&self, patch: PatchProduct, now: Timestamp) -> Result<Self, Rejection> {
        let mut product = self.clone();
        set(&mut product.title, patch.title);
        set(&mut product.slug, patch.slug);
        set(&mut product.description, patch.description);
        set(&mut product.short_description, patch.short_description);
        set(&mut product.status, patch.status);
        set(&mut product.vendor, patch.vendor);
        set(&mut product.product_type, patch.product_type);
        set(&mut product.tags, patch.tags.map(|tags| distinct(&tags)));
        let named = |option: PatchOption| ProductOption { name: option.name };
        let options = patch.options.map(|options| options.into_iter().map(named).collect());
        set(&mut product.options, options);
        set(&mut product.attributes, patch.attributes);
        set(&mut product.seo, patch.seo);
        set(&mut product.featured, patch.featured);
        set(&mut product.tax_class, patch.tax_class);
        set(&mut product.gift_card, patch.gift_card);
        set(&mut product.categories, patch.categories.map(|ids| distinct(&ids)));
        set(&mut product.related, patch.related.map(|related| distinct(&related)));
        set(&mut product.metadata, patch.metadata);
        product.check()?;
        product.touch(self, now);
        Ok(product)
    }

    /// Notes the time of a change, if there is one.
    pub(crate) fn touch(&mut self, old: &Self, now: Timestamp) {
        if self != old {
            self.updated_at = now.max(old.updated_at);
        }
    }

    /// Whether shop clients may see it.
    pub fn is_visible(&self) -> bool {
        self.status == ProductStatus::Active
    }

    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let mut errors = Vec::new();
        let mut bound = |pointer: &str, len: usize, max: usize| {
            if len > max {
                errors.push(FieldError::new(pointer, format!("must have at most {max} entries")));
            }
        };
        bound("/tags", self.tags.len(), Self::TAGS_MAX);
        bound("/options", self.options.len(), Self::OPTIONS_MAX);
        bound("/attributes", self.attributes.len(), Self::ATTRIBUTES_MAX);
        bound("/images", self.images.len(), Self::IMAGES_MAX);
        bound("/categories", self.categories.len(), Self::CATEGORIES_MAX);
        bound("/related", self.related.len(), Self::RELATED_MAX);
        // Whoever looks for a product by its slug must find it.
        if Self::SLUGS_RESERVED.contains(&self.slug.as_str()) {
            let detail = format!("must not be {:?}, which means something else", self.slug);
            errors.push(FieldError::new("/slug", detail));
        }
        if self.slug.parse::<ProductId>().is_ok() {
            errors.push(FieldError::new("/slug", "must not look like the id of a product"));
        }
        let names: BTreeSet<_> = self.options.iter().map(|option| &option.name).collect();
        if names.len() != self.options.len() {
            errors.push(FieldError::new("/options", "must have different names"));
        }
        if self.related.iter().any(|related| related.product_id == self.id) {
            errors.push(FieldError::new("/related", "must not name the product itself"));
        }
        check_metadata(&self.metadata, &mut errors);
        Rejection::unless_valid(errors)
    }
}

impl ImageFields {
    /// The image under an id.
    pub fn with_id(&self, id: ImageId) -> Image {
        Image { id, url: self.url.clone(), alt: self.alt.clone() }
    }
}

/// Refuses metadata that is too large.
pub(crate) fn check_metadata(
    metadata: &serde_json::Map<String, serde_json::Value>,
    errors: &mut Vec<FieldError>,
) {
    let max = Product::METADATA_BYTES_MAX;
    if !metadata.is_empty() && crate::json::encode(metadata).is_ok_and(|json| json.len() > max) {
        errors.push(FieldError::new("/metadata", format!("must have at most {max} bytes")));
    }
}

/// What is wrong with values that must all differ: each that was there before, at its own place.
pub(super) fn repeated<P, T: Eq + Hash>(
    values: impl Iterator<Item = (P, T)>,
    pointer: impl Fn(P) -> String,
) -> impl Iterator<Item = FieldError> {
    let mut seen = HashSet::new();
    let again = values.filter_map(move |(place, value)| (!seen.insert(value)).then_some(place));
    again.map(move |place| FieldError::new(pointer(place), "must differ from those before it"))
}

/// The values in their order, each only at its first place.
pub(crate) fn distinct<T: Clone + Ord>(values: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    values.iter().filter(|value| seen.insert(*value)).cloned().collect()
}
