//! The variants of an import, one by one.

use std::collections::{BTreeMap, HashMap};

use super::{
    Existing, ImportInputs, ImportOutcome, ImportProduct, ImportVariant, ImportedStock,
    ImportedVariant, SkuOrigin, known::Known, metadata::merge, skus,
};
use crate::{
    catalog::{CreateVariant, PatchVariant, Product, Variant},
    error::Rejection,
    id::{ImageId, LocationId, Moment},
    inventory::{LevelKey, Location, LowStock, Reason, SetStock, StockLevel, first},
    store::Commit,
    text::{Sku, Url},
    version::Versioned,
};

/// An import half decided: the product is known, the variants come one by one.
pub(super) struct Plan<'a> {
    request: &'a ImportProduct,
    pub(super) product: Product,
    images: HashMap<Url, ImageId>,
    pub(super) known: Known<'a>,
    /// The SKU of each variant of the request.
    skus: Vec<Result<(Sku, SkuOrigin), Rejection>>,
    /// Whether the product has other options than before.
    rearranged: bool,
    levels: BTreeMap<LevelKey, StockLevel>,
    locations: &'a [Versioned<Location>],
    /// The next place after all variants that there are.
    position_next: u32,
    commit: &'a mut Commit,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        request: &'a ImportProduct,
        inputs: &'a ImportInputs,
        product: Product,
        commit: &'a mut Commit,
    ) -> Result<Self, Rejection> {
        let stored = inputs.product.as_ref();
        let variants = stored.map_or(&[][..], |stored| &stored.variants);
        let known = Known::new(request, stored, &product)?;
        if request.variants.len() + known.left.len() > Product::VARIANTS_MAX {
            let detail = format!("a product has at most {} variants", Product::VARIANTS_MAX);
            return Err(Rejection::invalid("/variants", detail));
        }
        let images = product.images.iter().rev().map(|i| (i.url.clone(), i.id)).collect();
        let levels = stored.map_or(&[][..], |stored| &stored.levels);
        Ok(Self {
            request,
            rearranged: stored.is_some_and(|stored| stored.product.options != product.options),
            product,
            images,
            skus: skus::assign(request, inputs, &known),
            levels: levels.iter().map(|level| (level.key(), *level)).collect(),
            locations: &inputs.setup.locations,
            position_next: variants.iter().map(|v| v.position + 1).max().unwrap_or(0),
            known,
            commit,
        })
    }

    pub(super) fn variant(
        &mut self,
        index: usize,
        request: &ImportVariant,
        moment: &mut Moment,
    ) -> Result<ImportedVariant, Rejection> {
        let stored = self.known.of(index);
        let (sku, sku_origin) = match self.skus.get(index) {
            Some(assigned) => assigned.clone()?,
            None => return Err(Rejection::NotFound { what: "variant" }),
        };
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
                    if !request.has_price() {
                        return Err(Rejection::invalid("/price", "is needed for a new variant"));
                    }
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
        match stored {
            None => {
                self.commit.insert(variant);
            }
            Some(stored) => self.keep(stored, variant),
        }
        Ok(ImportedVariant { variant_id, outcome, sku, sku_origin, stock })
    }

    /// Writes the stored variants that the request does not have as they follow from the product.
    pub(super) fn keep_left(&mut self, moment: &Moment) {
        for (stored, options) in std::mem::take(&mut self.known.left) {
            let variant = stored.following(&self.product, options, moment.now());
            self.keep(stored, variant);
        }
    }

    /// Writes a stored variant, if it is another now. Whoever gives it other values meanwhile means
    /// those of the old options.
    fn keep(&mut self, stored: &Versioned<Variant>, variant: Variant) {
        if self.rearranged || *stored.value != variant {
            self.commit.replace(stored, variant);
        }
    }

    fn stock(
        &mut self,
        request: &ImportVariant,
        is_new: bool,
        variant: &Variant,
        moment: &mut Moment,
    ) -> Result<ImportedStock, Rejection> {
        let Some(on_hand) = request.on_hand else { return Ok(ImportedStock::Unchanged) };
        if self.request.keep_stock && !is_new {
            return Ok(ImportedStock::Unchanged);
        }
        let levels = self.locations.iter().filter_map(|place| {
            let (variant_id, location_id) = (variant.id, place.id);
            self.levels.get(&LevelKey { variant_id, location_id })
        });
        let levels: Vec<&StockLevel> = levels.collect();
        let there: Vec<&StockLevel> =
            levels.iter().copied().filter(|level| level.on_hand > 0).collect();
        let level = match there.as_slice() {
            [] => self.nothing_of(variant)?,
            [level] if self.is_active(level.location_id) => **level,
            // Which of them the difference is of, nobody has said.
            several => {
                let units = several.iter().map(|level| level.on_hand).sum();
                return Ok(match units == on_hand {
                    true => ImportedStock::Unchanged,
                    false => ImportedStock::Spread { on_hand: units },
                });
            }
        };
        if (0..level.held).contains(&on_hand) {
            return Ok(ImportedStock::Held { on_hand: level.on_hand, held: level.held });
        }
        let reason = if is_new { Reason::Received } else { Reason::Counted };
        let set = SetStock { location: None, on_hand, reason, note: None };
        match set.decide(&level, moment)? {
            None => Ok(ImportedStock::Unchanged),
            Some(change) => {
                self.commit.stock(change);
                self.commit.watch(LowStock::of(variant, levels, self.locations));
                Ok(ImportedStock::Set)
            }
        }
    }

    /// The level of a variant of which no place has any: at the first one.
    fn nothing_of(&self, variant: &Variant) -> Result<StockLevel, Rejection> {
        let first = first(self.locations).ok_or(Rejection::NotFound { what: "location" })?;
        Ok(StockLevel::zero(LevelKey { variant_id: variant.id, location_id: first.id }))
    }

    fn is_active(&self, id: LocationId) -> bool {
        self.locations.iter().any(|location| location.id == id && location.active)
    }
}
