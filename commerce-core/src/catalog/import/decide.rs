//! The decision: the product itself, its pictures, and what is written of it.

use std::collections::HashMap;

use super::{
    Existing, ImportInputs, ImportOutcome, ImportProduct, Imported, ImportedVariant,
    metadata::merge, plan::Plan,
};
use crate::{
    catalog::{
        CreateProduct, Image, ImageFields, PatchProduct, Product, ProductOption, ProductStatus,
        product::{distinct, repeated},
    },
    error::Rejection,
    event::Event,
    id::{ImageId, Moment},
    store::{Commit, Decision, ProductInputs},
    text::{AltText, Url},
};

impl ImportProduct {
    /// Decides what is to be written, in one commit, for what is said to be true; nothing, if it is
    /// so already.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound, pointers as in this request, and
    /// where a product without variants or a variant without a price would be made;
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
        let variants_left = plan.known.left.len();
        plan.keep_left(moment);
        let Plan { product, .. } = plan;
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
        let options = self.variants.iter().map(|variant| &variant.options);
        let pointer = |index| format!("/variants/{index}/options");
        Rejection::unless_valid(repeated(options.enumerate(), pointer).collect())
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
                if self.variants.is_empty() {
                    let detail = "must have an entry for a new product";
                    return Err(Rejection::invalid("/variants", detail));
                }
                let slug = Some(self.slug.clone());
                let request = CreateProduct { slug, ..CreateProduct::titled(title) };
                new = Product::create(&request, moment)?.patch(self.fields_if_new.clone(), now)?;
                &new
            }
        };
        let said = stored.is_none() || self.existing == Existing::Update;
        let mut product = if said {
            let fields = self.fields.clone();
            let mut patch = PatchProduct { slug: None, options: None, variants: None, ..fields };
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
        let mut place = |url: &Url, alt: Option<Option<AltText>>| -> Option<ImageId> {
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
        // Whoever changes the options must have seen a new variant.
        if !changed && variants.iter().any(|v| v.outcome == ImportOutcome::Created) {
            commit.touch(old);
        } else {
            commit.replace(old, product.clone());
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct ImageCounts {
    created: usize,
    found: usize,
    left: usize,
}
