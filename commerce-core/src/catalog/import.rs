//! A product as another system has it: what importing it makes of what is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    CreateProduct, CreateVariant, Image, ImageFields, PatchProduct, PatchVariant, Product,
    ProductOption, ProductStatus, Variant, product::distinct,
};
use crate::{
    error::{FieldError, Rejection},
    event::Event,
    id::{ImageId, LocationId, Moment, ProductId, VariantId},
    inventory::{LevelKey, LowStock, Reason, SetStock, StockLevel, first},
    shop::Setup,
    store::{Commit, Decision, ProductInputs},
    text::{Label, Prose, Sku, Slug, Url},
    version::Versioned,
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
    /// What is said of the product; a title, if it is to be made. The slug is not read.
    pub fields: PatchProduct,
    /// What a new product begins with where `fields` says nothing.
    pub fields_if_new: PatchProduct,
    /// The title for search engines, if it is said.
    pub seo_title: Option<Option<Label>>,
    /// The description for search engines, if it is said.
    pub seo_description: Option<Option<Prose>>,
    /// What is said of the metadata, merged into it as RFC 7396 says: objects member by member,
    /// and `null` removes.
    pub metadata: serde_json::Map<String, serde_json::Value>,
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
    pub alt: Option<Option<Label>>,
}

/// A variant as another system has it. The options tell which stored variant it is or, where none
/// has them and all variants are said, the SKU.
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
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The units at the shop's first location, if they are said, from 0.
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

    /// Decides what is to be written, in one commit, for what is said to be true; nothing, if it is
    /// so already.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound, pointers as in this request;
    /// [`Rejection::NotFound`] when there is stock and no location for it.
    pub fn decide(
        &self,
        inputs: &ImportInputs,
        moment: &mut Moment,
    ) -> Result<Decision<Imported>, Rejection> {
        let stored = inputs.product.as_ref();
        self.check()?;
        let (product, images) = self.product(stored, moment)?;
        let mut commit = Commit::at(moment.now());
        let mut plan = Plan::new(self, inputs, product, &mut commit)?;
        let mut errors = Vec::new();
        let mut variants = Vec::with_capacity(self.variants.len());
        for (index, variant) in self.variants.iter().enumerate() {
            match plan.variant(index, variant, moment) {
                Ok(imported) => variants.push(imported),
                Err(rejection) => match rejection.within(&format!("/variants/{index}")) {
                    Rejection::Invalid(more) => errors.extend(more),
                    other => return Err(other),
                },
            }
        }
        Rejection::unless_valid(errors)?;
        let Plan { product, matches, .. } = plan;
        let variants_left = stored.map_or(0, |s| s.variants.len()) - matches.stored_len();
        self.write_product(stored, &product, &variants, &mut commit);
        let outcome = match stored {
            None => ImportOutcome::Created,
            Some(stored) if *stored.product.value == product => ImportOutcome::Unchanged,
            Some(_) => ImportOutcome::Updated,
        };
        let output = Imported {
            product_id: product.id,
            outcome,
            variants,
            variants_left,
            images_created: images.created,
            images_found: images.found,
            images_left: images.left,
        };
        Ok(Decision { output, commit })
    }

    fn check(&self) -> Result<(), Rejection> {
        let mut errors = Vec::new();
        let mut seen = HashSet::new();
        for (index, variant) in self.variants.iter().enumerate() {
            if !seen.insert(&variant.options) {
                let pointer = format!("/variants/{index}/options");
                errors.push(FieldError::new(pointer, "must differ from those of the others"));
            }
        }
        Rejection::unless_valid(errors)
    }

    /// The product as it is to be.
    fn product(
        &self,
        stored: Option<&ProductInputs>,
        moment: &mut Moment,
    ) -> Result<(Product, ImageCounts), Rejection> {
        let now = moment.now();
        let new;
        let old: &Product = match stored {
            Some(stored) => &stored.product,
            None => {
                let Some(title) = self.fields.title.clone() else {
                    return Err(Rejection::invalid("/fields/title", "is needed for a new product"));
                };
                let slug = Some(self.slug.clone());
                let request = CreateProduct { slug, ..CreateProduct::titled(title) };
                new = Product::create(&request, moment)?.patch(self.fields_if_new.clone(), now)?;
                &new
            }
        };
        let said = stored.is_none() || self.existing == Existing::Update;
        let mut product = if said {
            let mut patch = PatchProduct { slug: None, ..self.fields.clone() };
            if !self.metadata.is_empty() {
                let metadata = patch.metadata.get_or_insert_with(|| old.metadata.clone());
                merge(metadata, &self.metadata);
            }
            let mut product = old.patch(patch, now)?;
            crate::patch::set(&mut product.seo.title, self.seo_title.clone());
            crate::patch::set(&mut product.seo.description, self.seo_description.clone());
            if let Some(names) = &self.options {
                product.options =
                    names.iter().map(|name| ProductOption { name: name.clone() }).collect();
            }
            product
        } else {
            old.clone()
        };
        let counts = self.place_images(&mut product.images, said, moment);
        product.check()?;
        product.touch(old, now);
        Ok((product, counts))
    }

    /// Puts the pictures in their order: those of the request, then what else is there.
    fn place_images(
        &self,
        images: &mut Vec<Image>,
        first: bool,
        moment: &mut Moment,
    ) -> ImageCounts {
        let mut rest: Vec<Image> = std::mem::take(images);
        let mut by_url: HashMap<Url, usize> = HashMap::new();
        for (index, image) in rest.iter().enumerate() {
            by_url.entry(image.url.clone()).or_insert(index);
        }
        let mut created = 0;
        let mut place = |url: &Url, alt: Option<Option<Label>>| -> Option<ImageId> {
            if let Some(image) = by_url.get(url).and_then(|index| rest.get_mut(*index)) {
                crate::patch::set(&mut image.alt, alt);
                return Some(image.id);
            }
            let id = moment.id();
            let fields = ImageFields { url: url.clone(), alt: alt.flatten() };
            by_url.insert(url.clone(), rest.len());
            rest.push(fields.with_id(id));
            created += 1;
            Some(id)
        };
        let own = self.images.iter().filter_map(|image| place(&image.url, image.alt.clone()));
        let own: Vec<ImageId> = own.collect();
        let shown = self.variants.iter().filter_map(|variant| variant.image.as_ref()?.as_ref());
        let shown: Vec<ImageId> = shown.filter_map(|url| place(url, None)).collect();
        let named = distinct(&own.iter().chain(&shown).copied().collect::<Vec<_>>());
        let left = rest.len() - named.len();
        if first {
            let place: HashMap<ImageId, usize> =
                named.iter().enumerate().map(|(place, id)| (*id, place)).collect();
            rest.sort_by_key(|image| place.get(&image.id).copied().unwrap_or(usize::MAX));
        }
        *images = rest;
        ImageCounts { created, found: named.len() - created, left }
    }

    fn write_product(
        &self,
        stored: Option<&ProductInputs>,
        product: &Product,
        variants: &[ImportedVariant],
        commit: &mut Commit,
    ) {
        let product_id = product.id;
        let Some(stored) = stored else {
            commit.event(Event::ProductCreated { product_id });
            commit.insert(product.clone());
            return;
        };
        let old = &stored.product;
        let changed = *old.value != *product;
        if changed
            && product.status == ProductStatus::Archived
            && old.status != ProductStatus::Archived
        {
            commit.event(Event::ProductArchived { product_id });
        } else if changed || variants.iter().any(|v| v.outcome != ImportOutcome::Unchanged) {
            commit.event(Event::ProductUpdated { product_id });
        }
        commit.replace(old, product.clone());
    }
}

#[derive(Debug, Clone, Copy)]
struct ImageCounts {
    created: usize,
    found: usize,
    left: usize,
}

/// Which stored variant each of the request's is.
struct Matches<'a> {
    stored: Vec<Option<&'a Versioned<Variant>>>,
}

impl<'a> Matches<'a> {
    fn new(request: &ImportProduct, stored: &'a [Versioned<Variant>]) -> Self {
        let by_options: HashMap<&[Label], &Versioned<Variant>> =
            stored.iter().map(|variant| (variant.options.as_slice(), variant)).collect();
        let mut matches: Vec<_> = request
            .variants
            .iter()
            .map(|variant| by_options.get(variant.options.as_slice()).copied())
            .collect();
        // A variant whose options were renamed is known by its SKU. Where only a part of the variants
        // is said, the one with the SKU may as well be another that is not.
        if request.existing == Existing::Extend {
            return Self { stored: matches };
        }
        let mut taken: BTreeSet<VariantId> = matches.iter().flatten().map(|v| v.id).collect();
        let by_sku: HashMap<&Sku, &Versioned<Variant>> =
            stored.iter().map(|variant| (&variant.sku, variant)).collect();
        for (found, variant) in matches.iter_mut().zip(&request.variants) {
            if found.is_none() {
                let same = variant.sku.as_ref().and_then(|sku| by_sku.get(sku)).copied();
                *found = same.filter(|same| taken.insert(same.id));
            }
        }
        Self { stored: matches }
    }

    fn of(&self, index: usize) -> Option<&'a Versioned<Variant>> {
        self.stored.get(index).copied().flatten()
    }

    fn stored_len(&self) -> usize {
        self.stored.iter().flatten().count()
    }
}

/// An import half decided: the product is known, the variants come one by one.
struct Plan<'a> {
    request: &'a ImportProduct,
    inputs: &'a ImportInputs,
    product: Product,
    images: HashMap<Url, ImageId>,
    matches: Matches<'a>,
    /// The stored SKUs of this product.
    skus: HashMap<&'a Sku, VariantId>,
    /// The SKUs that variants of the request have got so far.
    skus_given: HashSet<Sku>,
    levels: BTreeMap<LevelKey, StockLevel>,
    location_id: Option<LocationId>,
    /// The next place after all variants that there are.
    position_next: u32,
    commit: &'a mut Commit,
}

impl<'a> Plan<'a> {
    fn new(
        request: &'a ImportProduct,
        inputs: &'a ImportInputs,
        product: Product,
        commit: &'a mut Commit,
    ) -> Result<Self, Rejection> {
        let stored = inputs.product.as_ref();
        let variants = stored.map_or(&[][..], |stored| &stored.variants);
        let matches = Matches::new(request, variants);
        let known: BTreeSet<_> = matches.stored.iter().flatten().map(|v| v.id).collect();
        if request.variants.len() + variants.len() - known.len() > Product::VARIANTS_MAX {
            let detail = format!("a product has at most {} variants", Product::VARIANTS_MAX);
            return Err(Rejection::invalid("/variants", detail));
        }
        let count = product.options.len();
        let mut left = variants.iter().filter(|variant| !known.contains(&variant.id));
        if let Some(odd) = left.find(|variant| variant.options.len() != count) {
            let detail = format!(
                "must be {} in number, as those of the variant {}, which is stored and not here",
                odd.options.len(),
                odd.sku
            );
            return Err(Rejection::invalid("/options", detail));
        }
        let images = product.images.iter().rev().map(|i| (i.url.clone(), i.id)).collect();
        let levels = stored.map_or(&[][..], |stored| &stored.levels);
        Ok(Self {
            request,
            inputs,
            product,
            images,
            skus: variants.iter().map(|variant| (&variant.sku, variant.id)).collect(),
            skus_given: HashSet::new(),
            levels: levels.iter().map(|level| (level.key(), *level)).collect(),
            location_id: first(&inputs.setup.locations).map(|location| location.id),
            position_next: variants.iter().map(|v| v.position + 1).max().unwrap_or(0),
            matches,
            commit,
        })
    }

    fn variant(
        &mut self,
        index: usize,
        request: &ImportVariant,
        moment: &mut Moment,
    ) -> Result<ImportedVariant, Rejection> {
        let stored = self.matches.of(index);
        let (sku, sku_origin) = self.sku(request, stored)?;
        let now = moment.now();
        let new;
        let old: &Variant =
            match stored {
                Some(stored) => stored,
                None => {
                    let create = CreateVariant {
                        options: request.options.clone(),
                        ..CreateVariant::of(sku.clone())
                    };
                    new = Variant::create(&create, &self.product, self.position_next, moment)?
                        .patch(request.fields_if_new.clone(), &self.product, now)?;
                    &new
                }
            };
        let mut patch = PatchVariant {
            sku: Some(sku.clone()),
            options: Some(request.options.clone()),
            image_id: request
                .image
                .as_ref()
                .map(|url| url.as_ref().and_then(|url| self.images.get(url).copied())),
            position: match self.request.existing {
                Existing::Update => u32::try_from(index).ok(),
                Existing::Extend => None,
            },
            ..request.fields.clone()
        };
        if !request.metadata.is_empty() {
            let metadata = patch.metadata.get_or_insert_with(|| old.metadata.clone());
            merge(metadata, &request.metadata);
        }
        let variant = old.patch(patch, &self.product, now)?;
        self.position_next = self.position_next.max(variant.position.saturating_add(1));
        let stock = self.stock(request, stored.is_none(), &variant, moment)?;
        let outcome = match stored {
            None => ImportOutcome::Created,
            Some(stored) if *stored.value == variant => ImportOutcome::Unchanged,
            Some(_) => ImportOutcome::Updated,
        };
        let variant_id = variant.id;
        match (outcome, stored) {
            (ImportOutcome::Updated, Some(stored)) => {
                self.commit.replace(stored, variant);
            }
            (ImportOutcome::Created, _) => {
                self.commit.insert(variant);
            }
            _ => {}
        }
        Ok(ImportedVariant { variant_id, outcome, sku, sku_origin, stock })
    }

    /// The SKU that a variant gets: its own, unless another variant has it.
    fn sku(
        &mut self,
        request: &ImportVariant,
        stored: Option<&Versioned<Variant>>,
    ) -> Result<(Sku, SkuOrigin), Rejection> {
        let id = stored.map(|variant| variant.id);
        let free = |sku: &Sku| {
            !self.inputs.skus_taken.contains(sku)
                && !self.skus_given.contains(sku)
                && self.skus.get(sku).is_none_or(|owner| Some(*owner) == id)
        };
        let taken = |sku: &Sku| Rejection::invalid("/sku", format!("{sku:?} is in use"));
        let origin = match &request.sku {
            None => SkuOrigin::Missing,
            Some(sku) if free(sku) => SkuOrigin::Given,
            Some(sku) if self.request.repeated_skus == RepeatedSkus::Refuse => {
                return Err(taken(sku));
            }
            Some(_) => SkuOrigin::Repeated,
        };
        let sku = match (origin, &request.sku, stored) {
            (SkuOrigin::Given, Some(sku), _) => sku,
            (_, _, Some(stored)) => &stored.sku,
            _ if free(&request.sku_derived) => &request.sku_derived,
            _ => return Err(taken(&request.sku_derived)),
        };
        self.skus_given.insert(sku.clone());
        Ok((sku.clone(), origin))
    }

    fn stock(
        &mut self,
        request: &ImportVariant,
        is_new: bool,
        variant: &Variant,
        moment: &mut Moment,
    ) -> Result<ImportedStock, Rejection> {
        let Some(on_hand) = request.on_hand else { return Ok(ImportedStock::Unchanged) };
        let Some(location_id) = self.location_id else {
            return Err(Rejection::NotFound { what: "location" });
        };
        let key = LevelKey { variant_id: variant.id, location_id };
        let level = self.levels.get(&key).copied().unwrap_or(StockLevel::zero(key));
        if (0..level.held).contains(&on_hand) {
            return Ok(ImportedStock::Held { on_hand: level.on_hand, held: level.held });
        }
        let reason = if is_new { Reason::Received } else { Reason::Counted };
        let set = SetStock { location: None, on_hand, reason, note: None };
        match set.decide(&level, moment)? {
            None => Ok(ImportedStock::Unchanged),
            Some(change) => {
                self.commit.stock(change);
                let places = &self.inputs.setup.locations;
                let levels = places.iter().filter_map(|place| {
                    let (variant_id, location_id) = (variant.id, place.id);
                    self.levels.get(&LevelKey { variant_id, location_id })
                });
                self.commit.watch(LowStock::of(variant, levels, places));
                Ok(ImportedStock::Set)
            }
        }
    }
}

/// Merges a patch into an object by RFC 7396: objects member by member, `null` removes.
fn merge(target: &mut Metadata, patch: &Metadata) {
    use serde_json::Value;
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(patch) => {
                let member = target.entry(name).or_insert_with(|| Metadata::new().into());
                if !member.is_object() {
                    *member = Metadata::new().into();
                }
                if let Value::Object(object) = member {
                    merge(object, patch);
                }
            }
            value => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7396, appendix A: the cases whose documents and patches are objects.
    #[test]
    fn metadata_is_merged_as_published() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (document, patch, expected) in cases {
            let mut merged = document.as_object().unwrap().clone();
            merge(&mut merged, patch.as_object().unwrap());
            assert_eq!(serde_json::Value::Object(merged), expected, "{document} {patch}");
        }
    }
}
