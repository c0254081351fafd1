//! Importing products.

use std::collections::{HashMap, HashSet};

use super::{Commerce, Done};
use crate::{
    access::Caller,
    catalog::{Existing, ImportInputs, ImportProduct, Imported, Variant},
    error::{Error, Rejection},
    id::{Moment, ProductId},
    store::{Commit, Decision, ProductInputs, ProductRef, VariantRef},
    text::Sku,
};

impl Commerce {
    /// How often an import is decided again when others take a name that it found free.
    const IMPORT_ATTEMPTS_MAX: usize = 8;

    /// Imports a product with its variants and their stock, in one commit: makes it or, if there is
    /// one with its slug, changes what is said otherwise. Importing the same again changes nothing.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; as [`ImportProduct::decide`], and [`Rejection::Invalid`] for a category
    /// or a related product that does not exist; [`Error`].
    pub async fn import_product(
        &self,
        caller: &Caller,
        request: &ImportProduct,
    ) -> Result<Done<Imported>, Error> {
        caller.require_back_office()?;
        let mut attempts = Self::IMPORT_ATTEMPTS_MAX;
        loop {
            let done = self
                .run(caller, &("import_product", request), |mut moment| {
                    Box::pin(async move {
                        let names = Names { yielding: HashSet::new(), taken: &|_| false };
                        self.decide_import(request, &names, &mut moment).await
                    })
                })
                .await;
            attempts -= 1;
            match done {
                // The decision avoids every name that was in use, so somebody has just taken it.
                Err(Error::Rejected(Rejection::Taken { .. })) if attempts > 0 => {}
                done => return done,
            }
        }
    }

    /// Imports products that are there in one commit, so that a SKU may go from any of them to any other:
    /// two can swap theirs.
    ///
    /// # Errors
    /// As [`Commerce::import_product`]; [`Rejection::Taken`] for a SKU that one of them wants and another
    /// keeps.
    pub async fn import_together(
        &self,
        caller: &Caller,
        requests: &[&ImportProduct],
    ) -> Result<Done<Vec<Imported>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("import_together", requests), |mut moment| {
            Box::pin(async move {
                let mut yielding = HashSet::new();
                for request in requests {
                    let by = ProductRef::Slug(request.slug.clone());
                    let stored = self.store.product(&by).await?;
                    yielding.extend(stored.map(|stored| stored.product.id));
                }
                let names = Names { yielding, taken: &|_| false };
                let mut commit = Commit::at(moment.now());
                let mut output = Vec::with_capacity(requests.len());
                for request in requests {
                    let one = self.decide_import(request, &names, &mut moment).await?;
                    commit.join(one.commit);
                    output.push(one.output);
                }
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// What importing a product would come to; nothing is written. `taken` tells which SKUs are to
    /// count as in use by variants of other products though they are not stored yet.
    ///
    /// # Errors
    /// As [`Commerce::import_product`].
    pub async fn preview_import(
        &self,
        caller: &Caller,
        request: &ImportProduct,
        taken: impl Fn(&Sku) -> bool + Send + Sync,
    ) -> Result<Imported, Error> {
        caller.require_back_office()?;
        let names = Names { yielding: HashSet::new(), taken: &taken };
        Ok(self.decide_import(request, &names, &mut self.moment()).await?.output)
    }

    async fn decide_import(
        &self,
        request: &ImportProduct,
        names: &Names<'_>,
        moment: &mut Moment,
    ) -> Result<Decision<Imported>, Error> {
        let inputs = self.import_inputs(request, names).await?;
        let mut decision = request.decide(&inputs, moment)?;
        let old = inputs.product.as_ref().map(|stored| &*stored.product.value);
        let said = old.is_none() || request.existing == Existing::Update;
        for (pointer, fields, said) in [
            ("/fields", &request.fields, said),
            ("/fields_if_new", &request.fields_if_new, old.is_none()),
        ] {
            let categories = fields.categories.as_deref().filter(|_| said).unwrap_or_default();
            let related = fields.related.as_deref().filter(|_| said).unwrap_or_default();
            self.require_links(old, categories, related, &mut decision.commit)
                .await
                .map_err(|error| error.within(pointer))?;
        }
        Ok(decision)
    }

    async fn import_inputs(
        &self,
        request: &ImportProduct,
        names: &Names<'_>,
    ) -> Result<ImportInputs, Error> {
        let setup = self.setup().await?;
        let by = ProductRef::Slug(request.slug.clone());
        let mut product = self.store.product(&by).await?;
        loop {
            let (skus_taken, holders) = self.skus_taken(request, product.as_ref(), names).await?;
            if !holders.is_empty() {
                // Somebody may have put the product there, or given it a SKU, since it was read.
                let now = self.store.product(&by).await?;
                if now.as_ref().is_some_and(|now| holders.contains(&now.product.id)) {
                    product = now;
                    continue;
                }
            }
            return Ok(ImportInputs { setup, product, skus_taken });
        }
    }

    /// The SKUs that variants of other products have, and the products of those that are stored.
    async fn skus_taken(
        &self,
        request: &ImportProduct,
        product: Option<&ProductInputs>,
        names: &Names<'_>,
    ) -> Result<(HashSet<Sku>, HashSet<ProductId>), Error> {
        let own: HashMap<&Sku, &Variant> =
            product.iter().flat_map(|p| &p.variants).map(|v| (&v.sku, &*v.value)).collect();
        let (mut skus_taken, mut holders) = (HashSet::new(), HashSet::new());
        let mut asked = HashSet::new();
        for variant in &request.variants {
            for sku in variant.sku.iter().chain([&variant.sku_derived]) {
                let first = asked.insert(sku);
                let known = own.get(sku);
                let is_other = first && known.is_none();
                let holder = if is_other { self.store.variant(&by_sku(sku)).await? } else { None };
                let holder = holder.filter(|it| !names.yielding.contains(&it.variant.product_id));
                let is_taken = is_other && (holder.is_some() || (names.taken)(sku));
                holders.extend(holder.map(|holder| holder.variant.product_id));
                if is_taken {
                    skus_taken.insert(sku.clone());
                } else if first && known.is_none_or(|own| own.options == variant.options) {
                    // The derived one is needed only in place of one that is in use.
                    break;
                }
            }
        }
        Ok((skus_taken, holders))
    }
}

/// Which SKUs count as in use by variants of other products.
struct Names<'a> {
    /// The products that may give up theirs in the same commit; the store refuses what one of them keeps.
    yielding: HashSet<ProductId>,
    /// Whether a SKU is in use though it is not stored yet.
    taken: &'a (dyn Fn(&Sku) -> bool + Send + Sync),
}

fn by_sku(sku: &Sku) -> VariantRef {
    VariantRef::Sku(sku.clone())
}
