//! Which products may be under way at the same time.

use std::collections::{HashSet, VecDeque};

use commerce_core::text::{Sku, Slug};

use super::job::{Job, bytes_about};

/// The most products that are committed at the same time, so that a store can write several at
/// once.
const PRODUCTS_MAX: usize = 64;
/// Of large products fewer are: those of about this many bytes altogether.
const BYTES_MAX: usize = 8 << 20;

/// The names that the products under way want, oldest first.
#[derive(Default)]
pub(super) struct Claims {
    jobs: VecDeque<(Option<Slug>, Vec<Sku>, usize)>,
    slugs: HashSet<Slug>,
    skus: HashSet<Sku>,
    bytes: usize,
}

impl Claims {
    /// Takes a product in, if nothing that is under way stands against it.
    pub(super) fn admit(&mut self, job: &Job) -> bool {
        let request = job.work.as_ref().map(|work| &work.request);
        let bytes = request.map_or(0, bytes_about);
        let full = self.jobs.len() >= PRODUCTS_MAX || self.bytes + bytes > BYTES_MAX;
        if full && !self.jobs.is_empty() {
            return false;
        }
        let wanted = || {
            let variants = request.into_iter().flat_map(|request| &request.variants);
            variants.flat_map(|variant| variant.sku.iter().chain([&variant.sku_derived]))
        };
        let slug = request.map(|request| &request.slug);
        if slug.is_some_and(|slug| self.slugs.contains(slug))
            || wanted().any(|sku| self.skus.contains(sku))
        {
            return false;
        }
        let skus: HashSet<Sku> = wanted().cloned().collect();
        self.slugs.extend(slug.cloned());
        self.skus.extend(skus.iter().cloned());
        self.bytes += bytes;
        self.jobs.push_back((slug.cloned(), skus.into_iter().collect(), bytes));
        true
    }

    /// Lets the oldest one go.
    pub(super) fn release(&mut self) {
        let Some((slug, skus, bytes)) = self.jobs.pop_front() else { return };
        if let Some(slug) = slug {
            self.slugs.remove(&slug);
        }
        for sku in &skus {
            self.skus.remove(sku);
        }
        self.bytes -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use commerce_core::currency::Currency;

    use super::*;
    use crate::import::{job::Work, mapping::Mapped, shopify::ShopifyReader};

    fn job(file: &str) -> Job {
        let mut reader = ShopifyReader::new(file.as_bytes()).unwrap();
        let product = reader.next().unwrap().unwrap();
        let header = Arc::new(reader.header());
        let Mapped { request, places, weights_rounded, .. } =
            Mapped::of_shopify(&product, &header, Currency::USD).unwrap();
        Job { work: Some(Work { request, places, weights_rounded }), findings: Vec::new() }
    }

    fn mug(handle: &str, sku: &str) -> Job {
        job(&format!("Handle,Title,Price,SKU\n{handle},Mug,1,{sku}\n"))
    }

    #[test]
    fn products_that_share_a_name_wait_for_one_another() {
        let mut claims = Claims::default();
        assert!(claims.admit(&mug("a", "ONE")));
        assert!(claims.admit(&mug("b", "TWO")));
        for other in [mug("a", "FIVE"), mug("c", "ONE"), mug("c", "b"), mug("c", "TWO")] {
            assert!(!claims.admit(&other));
        }
        assert!(claims.admit(&Job { work: None, findings: Vec::new() }));
        claims.release();
        assert!(!claims.admit(&mug("c", "TWO")));
        assert!(claims.admit(&mug("a", "ONE")));
    }

    #[test]
    fn few_products_are_under_way_and_fewer_large_ones() {
        let mut claims = Claims::default();
        let admitted = (0..200).filter(|i| claims.admit(&mug(&format!("m-{i}"), ""))).count();
        assert_eq!(admitted, PRODUCTS_MAX);
        let body = "x".repeat(500_000);
        let large = |i: u32| job(&format!("Handle,Title,Price,Body (HTML)\nm-{i},Mug,1,{body}\n"));
        let mut claims = Claims::default();
        assert_eq!((0..20).filter(|i| claims.admit(&large(*i))).count(), 8);
        (0..8).for_each(|_| claims.release());
        assert!(claims.slugs.is_empty() && claims.skus.is_empty() && claims.bytes == 0);
    }
}
