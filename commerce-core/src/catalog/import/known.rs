//! Which stored variant each of the request's is, also where options were renamed, moved, added or
//! dropped.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Existing, ImportProduct};
use crate::{
    catalog::{Product, ProductOption, Variant},
    error::{FieldError, Rejection},
    store::ProductInputs,
    text::{Label, Sku},
    version::Versioned,
};

/// The stored variants: those that the request has, and those that it leaves.
pub(super) struct Known<'a> {
    found: Vec<Option<&'a Versioned<Variant>>>,
    /// The stored variants that the request does not have, with their values of the options.
    pub(super) left: Vec<(&'a Versioned<Variant>, Vec<Label>)>,
}

impl<'a> Known<'a> {
    /// # Errors
    /// [`Rejection::Invalid`] when a variant that is left has no value of an option, or those of
    /// another.
    pub(super) fn new(
        request: &ImportProduct,
        stored: Option<&'a ProductInputs>,
        product: &Product,
    ) -> Result<Self, Rejection> {
        let Some(stored) = stored else {
            return Ok(Self { found: vec![None; request.variants.len()], left: Vec::new() });
        };
        let places = places(&stored.product.options, &product.options);
        let found = find(request, stored, &places);
        let known: BTreeSet<_> = found.iter().flatten().map(|variant| variant.id).collect();
        let mut values: HashSet<Vec<&Label>> =
            request.variants.iter().map(|variant| variant.options.iter().collect()).collect();
        let mut left = Vec::new();
        let mut errors = Vec::new();
        let mut refuse = |variant: &Variant, why: &str| {
            let detail = format!("{why} the variant {}, which is stored and not here", variant.sku);
            errors.push(FieldError::new("/options", detail));
        };
        for variant in stored.variants.iter().filter(|variant| !known.contains(&variant.id)) {
            let own: Option<Vec<&Label>> =
                places.iter().map(|place| variant.options.get((*place)?)).collect();
            match own {
                None => refuse(variant, "give no value to"),
                Some(own) if !values.insert(own.clone()) => {
                    refuse(variant, "give the values of another to");
                }
                Some(own) => left.push((variant, own.into_iter().cloned().collect())),
            }
        }
        Rejection::unless_valid(errors)?;
        Ok(Self { found, left })
    }

    /// The stored variant that one of the request's is.
    pub(super) fn of(&self, index: usize) -> Option<&'a Versioned<Variant>> {
        self.found.get(index).copied().flatten()
    }
}

/// The place that each option had before: that of the same name, or else the next one of which the
/// name is gone.
fn places(old: &[ProductOption], new: &[ProductOption]) -> Vec<Option<usize>> {
    let mut free: Vec<(usize, &Label)> =
        old.iter().enumerate().map(|(place, option)| (place, &option.name)).collect();
    let mut places = vec![None; new.len()];
    let same: [fn(&Label, &Label) -> bool; 3] =
        [|a, b| a == b, |a, b| a.to_lowercase() == b.to_lowercase(), |_, _| true];
    for same in same {
        for (place, option) in places.iter_mut().zip(new).filter(|(place, _)| place.is_none()) {
            let found = free.iter().position(|(_, name)| same(name, &option.name));
            *place = found.map(|index| free.remove(index).0);
        }
    }
    places
}

fn find<'a>(
    request: &ImportProduct,
    stored: &'a ProductInputs,
    places: &[Option<usize>],
) -> Vec<Option<&'a Versioned<Variant>>> {
    // Of what both have. It is all that a variant has unless an option was added or dropped.
    let shared = |options: &'a [Label]| {
        places.iter().flatten().map(|place| options.get(*place)).collect::<Vec<_>>()
    };
    let kept = places.iter().flatten().count();
    let whole = kept == places.len() && kept == stored.product.options.len();
    let mut found = vec![None; request.variants.len()];
    if whole {
        let by_values: HashMap<_, _> =
            stored.variants.iter().map(|variant| (shared(&variant.options), variant)).collect();
        for (found, variant) in found.iter_mut().zip(&request.variants) {
            let values: Vec<_> = variant.options.iter().map(Some).collect();
            *found = by_values.get(&values).copied();
        }
    }
    // Where only a part of the variants is said, the one with the SKU may as well be another that is
    // not.
    if request.existing == Existing::Extend {
        return found;
    }
    let mut taken: BTreeSet<_> = found.iter().flatten().map(|variant| variant.id).collect();
    let by_sku: HashMap<&Sku, _> =
        stored.variants.iter().map(|variant| (&variant.sku, variant)).collect();
    for (found, variant) in found.iter_mut().zip(&request.variants).filter(|it| it.0.is_none()) {
        let same = variant.sku.as_ref().and_then(|sku| by_sku.get(sku)).copied();
        *found = same.filter(|same| taken.insert(same.id));
    }
    if whole {
        return found;
    }
    let mut by_shared: HashMap<_, Vec<_>> = HashMap::new();
    for variant in stored.variants.iter().rev().filter(|variant| !taken.contains(&variant.id)) {
        by_shared.entry(shared(&variant.options)).or_default().push(variant);
    }
    for (found, variant) in found.iter_mut().zip(&request.variants).filter(|it| it.0.is_none()) {
        let both = places.iter().zip(&variant.options).filter(|(place, _)| place.is_some());
        let values: Vec<_> = both.map(|(_, value)| Some(value)).collect();
        *found = by_shared.get_mut(&values).and_then(Vec::pop);
    }
    found
}
