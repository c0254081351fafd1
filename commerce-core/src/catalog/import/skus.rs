//! The SKUs that the variants of an import get.

use std::collections::HashSet;

use super::{ImportInputs, ImportProduct, RepeatedSkus, SkuOrigin, known::Known};
use crate::{error::Rejection, text::Sku};

/// What each variant of a request gets, in their order: its own SKU, unless another variant has it.
/// What one variant gives up, another may take.
pub(super) fn assign(
    request: &ImportProduct,
    inputs: &ImportInputs,
    known: &Known<'_>,
) -> Vec<Result<(Sku, SkuOrigin), Rejection>> {
    let stored = |index| known.of(index).map(|variant| &variant.sku);
    // The SKUs that stored variants of the product stay with.
    let mut kept: HashSet<&Sku> = known.left.iter().map(|(variant, _)| &variant.sku).collect();
    for (index, variant) in request.variants.iter().enumerate() {
        let own = stored(index);
        if variant.sku.as_ref().is_none_or(|sku| Some(sku) == own) {
            kept.extend(own);
        }
    }
    loop {
        let mut given: HashSet<&Sku> = HashSet::new();
        let mut kept_after_all = Vec::new();
        let mut answers = Vec::with_capacity(request.variants.len());
        for (index, variant) in request.variants.iter().enumerate() {
            let own = stored(index);
            let free = |sku: &Sku| {
                let of_another = kept.contains(sku) && Some(sku) != own;
                !(of_another || inputs.skus_taken.contains(sku) || given.contains(sku))
            };
            let taken = |sku: &Sku| Rejection::invalid("/sku", format!("{sku:?} is in use"));
            let answer = match &variant.sku {
                Some(sku) if free(sku) => Ok((sku, SkuOrigin::Given)),
                Some(sku) if request.repeated_skus == RepeatedSkus::Refuse => Err(taken(sku)),
                sku => {
                    let origin =
                        if sku.is_some() { SkuOrigin::Repeated } else { SkuOrigin::Missing };
                    match own {
                        Some(own) => {
                            if !kept.contains(own) {
                                kept_after_all.push(own);
                            }
                            Ok((own, origin))
                        }
                        None if free(&variant.sku_derived) => Ok((&variant.sku_derived, origin)),
                        None => Err(taken(&variant.sku_derived)),
                    }
                }
            };
            given.extend(answer.as_ref().map(|(sku, _)| *sku));
            answers.push(answer);
        }
        // Whoever does not get another SKU stands in the way of those who counted on its own.
        if kept_after_all.is_empty() {
            let own = |(sku, origin): (&Sku, _)| (sku.clone(), origin);
            return answers.into_iter().map(|answer| answer.map(own)).collect();
        }
        kept.extend(kept_after_all);
    }
}
