//! Products that are imported once more, as a SKU of theirs may have become free.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{ImportOutcome, ImportProduct, Imported},
    error::Rejection,
    store::VariantRef,
    text::Sku,
};

use super::job::{Finished, bytes_about, import};

/// The most bytes, about, of such products that are kept.
const BYTES_MAX: usize = 8 << 20;

/// Products that did not get a SKU of theirs, as one that stands further down in the file may have it
/// still. They are imported once more at the end, as many as find room.
#[derive(Default)]
pub(super) struct Late {
    pub(super) jobs: Vec<Finished>,
    bytes: usize,
}

impl Late {
    /// Takes a product in, or gives it back.
    pub(super) fn add(&mut self, done: Finished) -> Option<Finished> {
        self.bytes += done.job.work.as_ref().map_or(0, |work| bytes_about(&work.request));
        if self.bytes > BYTES_MAX {
            return Some(done);
        }
        self.jobs.push(done);
        None
    }

    /// Imports the products again of which a SKU has become free, and then together those that wait for
    /// each other. What comes of neither is as it was.
    pub(super) async fn finish(mut self, shop: &Commerce) -> Vec<Finished> {
        self.free(shop).await;
        for circle in self.circles() {
            self.swap(shop, &circle).await;
        }
        self.jobs
    }

    /// Imports products again until none of their SKUs becomes free any more.
    async fn free(&mut self, shop: &Commerce) {
        let mut waiting: HashMap<Sku, Vec<usize>> = HashMap::new();
        for (index, job) in self.jobs.iter().enumerate() {
            for sku in job.skus_missed() {
                waiting.entry(sku.clone()).or_default().push(index);
            }
        }
        let mut next: VecDeque<usize> = (0..self.jobs.len()).collect();
        while let Some(index) = next.pop_front() {
            let Some(job) = self.jobs.get_mut(index) else { continue };
            let before: Vec<Sku> = job.skus_in_place().cloned().collect();
            once_more(shop, job).await;
            let after: HashSet<&Sku> = job.skus_in_place().collect();
            let given_up = before.iter().filter(|sku| !after.contains(sku));
            next.extend(given_up.filter_map(|sku| waiting.remove(sku)).flatten());
        }
    }

    /// The products that wait for SKUs which others of them have only because they wait, too: those that
    /// belong together. Where two want the same, the first in the file gets it.
    fn circles(&self) -> Vec<BTreeSet<usize>> {
        let mut left: Vec<usize> = (0..self.jobs.len()).collect();
        loop {
            let jobs = || left.iter().filter_map(|index| Some((*index, self.jobs.get(*index)?)));
            let holders: HashMap<&Sku, usize> = jobs()
                .flat_map(|(index, job)| job.skus_in_place().map(move |sku| (sku, index)))
                .collect();
            let (mut wanted, mut slugs) = (HashSet::new(), HashSet::new());
            let mut fit = Vec::new();
            for (index, job) in jobs() {
                let missed: Vec<&Sku> = job.skus_missed().collect();
                let slug = job.request().map(|request| &request.slug);
                if !missed.is_empty()
                    && missed.iter().all(|sku| holders.contains_key(sku) && !wanted.contains(sku))
                    && slugs.insert(slug)
                {
                    wanted.extend(missed);
                    fit.push(index);
                }
            }
            if fit.len() == left.len() {
                return jobs().fold(Vec::new(), |circles: Vec<BTreeSet<usize>>, (index, job)| {
                    let others = job.skus_missed().filter_map(|sku| holders.get(sku).copied());
                    let mut circle: BTreeSet<usize> = others.chain([index]).collect();
                    let (met, mut apart): (Vec<_>, Vec<_>) =
                        circles.into_iter().partition(|it| !it.is_disjoint(&circle));
                    circle.extend(met.into_iter().flatten());
                    apart.push(circle);
                    apart
                });
            }
            left = fit;
        }
    }

    /// Imports products together that have each other's SKUs.
    async fn swap(&mut self, shop: &Commerce, circle: &BTreeSet<usize>) {
        let jobs = circle.iter().filter_map(|index| self.jobs.get(*index));
        let requests: Vec<&ImportProduct> = jobs.filter_map(Finished::request).collect();
        // Nothing is lost where that is not possible: it is as the first time.
        let Ok(done) = shop.import_together(&Caller::system(), &requests).await else { return };
        for (index, second) in circle.iter().zip(done.output) {
            if let Some(Finished { result: Some(Ok(first)), .. }) = self.jobs.get_mut(*index) {
                both(first, second);
            }
        }
    }
}

/// Imports a product again if a SKU that it did not get has become free.
async fn once_more(shop: &Commerce, done: &mut Finished) {
    let mut is_free = false;
    for sku in done.skus_missed() {
        let holder = shop.variant(&Caller::system(), &VariantRef::Sku(sku.clone())).await;
        is_free |= matches!(holder, Err(Error::Rejected(Rejection::NotFound { .. })));
    }
    if let (true, Some(request)) = (is_free, done.request())
        // Nothing is lost where that fails: it is as the first time.
        && let Ok(second) = import(shop, request).await
        && let Some(Ok(first)) = &mut done.result
    {
        both(first, second);
    }
}

/// What importing a product twice came to.
fn both(first: &mut Imported, second: Imported) {
    let changed = |first, second| match first {
        ImportOutcome::Unchanged => second,
        first => first,
    };
    first.outcome = changed(first.outcome, second.outcome);
    for (first, second) in first.variants.iter_mut().zip(second.variants) {
        first.outcome = changed(first.outcome, second.outcome);
        first.sku = second.sku;
        first.sku_origin = second.sku_origin;
    }
}
