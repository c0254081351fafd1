//! Changes of a product together with its variants.

use std::collections::HashMap;

use super::{
    PatchProduct, PatchVariant, Product, Variant, option::Rearrangement, product::repeated,
};
use crate::{
    error::{FieldError, Rejection},
    id::{Moment, VariantId},
    store::{Commit, ProductInputs},
    text::{Label, Sku},
    time::Timestamp,
    version::Versioned,
};

/// A product as it is to be, with its variants in the order in which they were read.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) product: Product,
    pub(crate) variants: Vec<Variant>,
}

impl ProductInputs {
    /// The product after a change of its own, and its variants as they follow from that.
    pub(crate) fn with(&self, product: Product, moment: &Moment) -> Changed {
        let follow =
            |old: &Versioned<Variant>| old.following(&product, old.options.clone(), moment.now());
        let variants = self.variants.iter().map(follow).collect();
        Changed { product, variants }
    }

    /// The product after a change, and its variants.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound, and where variants would no
    /// longer have one value for each option, or two of them the same ones.
    pub(crate) fn patch(
        &self,
        patch: &PatchProduct,
        moment: &Moment,
    ) -> Result<Changed, Rejection> {
        let now = moment.now();
        let product = self.product.patch(patch.clone(), now)?;
        if patch.options.is_none() && patch.variants.is_none() {
            return Ok(self.with(product, moment));
        }
        let options = patch.options.as_ref();
        let rearranged = options
            .map(|options| Rearrangement::new(&self.product.options, options))
            .transpose()?;
        let mut errors = Vec::new();
        for id in patch.variants.iter().flat_map(|variants| variants.keys()) {
            if !self.variants.iter().any(|variant| variant.id == *id) {
                let pointer = format!("/variants/{id}");
                errors.push(FieldError::new(pointer, "must be a variant of the product"));
            }
        }
        let changes = patch.variants.iter().flatten();
        let skus = changes.filter_map(|(id, change)| Some((id, change.sku.as_ref()?)));
        errors.extend(repeated(skus, |id| format!("/variants/{id}/sku")));
        let mut variants = Vec::with_capacity(self.variants.len());
        for old in &self.variants {
            let change = patch.variants.as_ref().and_then(|variants| variants.get(&old.id));
            match changed(old, change, rearranged.as_ref(), &product, now) {
                Ok(variant) => variants.push(variant),
                Err(Rejection::Invalid(more)) => {
                    // What is wrong with an option is so for each variant, and said once.
                    errors.extend(
                        more.into_iter()
                            .filter(|error| !errors.contains(error))
                            .collect::<Vec<_>>(),
                    );
                }
                Err(other) => return Err(other),
            }
        }
        Rejection::unless_valid(errors)?;
        check_distinct(&variants, |id| {
            let named = patch.variants.as_ref().and_then(|variants| variants.get(&id));
            match named.is_some_and(|change| change.options.is_some()) {
                true => format!("/variants/{id}/options"),
                false => "/options".to_owned(),
            }
        })?;
        Ok(Changed { product, variants })
    }
}

fn changed(
    old: &Variant,
    change: Option<&PatchVariant>,
    rearranged: Option<&Rearrangement>,
    product: &Product,
    now: Timestamp,
) -> Result<Variant, Rejection> {
    let options = match (change.and_then(|change| change.options.as_ref()), rearranged) {
        (Some(options), _) => options.clone(),
        (None, Some(rearranged)) => rearranged.values(&old.options)?,
        (None, None) => old.options.clone(),
    };
    match change {
        None => Ok(old.following(product, options, now)),
        Some(change) => old
            .patch(PatchVariant { options: Some(options), ..change.clone() }, product, now)
            .map_err(|rejection| rejection.within(&format!("/variants/{}", old.id))),
    }
}

/// Refuses variants of one product that have the same options.
///
/// # Errors
/// [`Rejection::Invalid`]; `pointer` says where the second of two stands.
pub(super) fn check_distinct(
    variants: &[Variant],
    pointer: impl Fn(VariantId) -> String,
) -> Result<(), Rejection> {
    let mut seen: HashMap<&[Label], &Sku> = HashMap::new();
    let mut errors = Vec::new();
    for variant in variants {
        if let Some(sku) = seen.insert(&variant.options, &variant.sku) {
            let detail =
                format!("would leave the variants {sku} and {} with the same values", variant.sku);
            errors.push(FieldError::new(pointer(variant.id), detail));
        }
    }
    Rejection::unless_valid(errors)
}

impl Changed {
    /// Writes what has changed; answers everything as it will be stored.
    pub(crate) fn write(
        self,
        old: &ProductInputs,
        commit: &mut Commit,
    ) -> (Versioned<Product>, Vec<Versioned<Variant>>) {
        // Whoever gives a variant other values meanwhile means those of the old options.
        let rearranged = self.product.options != old.product.options;
        let product = commit.replace(&old.product, self.product);
        let variants = old.variants.iter().zip(self.variants).map(|(old, new)| {
            if rearranged || *old.value != new { commit.replace(old, new) } else { old.clone() }
        });
        (product, variants.collect())
    }
}
