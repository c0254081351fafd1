//! A product of the file on its way to the shop.

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{ImportProduct, Imported, SkuOrigin},
    text::Sku,
};

use super::{finding::Finding, mapping::Places};

/// A product of the file on its way to the shop.
pub(super) struct Job {
    /// What is to be imported; `None` if it cannot be.
    pub(super) work: Option<Work>,
    pub(super) findings: Vec<Finding>,
}

pub(super) struct Work {
    pub(super) request: ImportProduct,
    pub(super) places: Places,
    pub(super) weights_rounded: u64,
}

/// A job that is done.
pub(super) struct Finished {
    pub(super) job: Job,
    pub(super) result: Option<Result<Imported, Error>>,
}

impl Finished {
    /// The SKUs that the file has for its variants and others had.
    pub(super) fn skus_missed(&self) -> impl Iterator<Item = &Sku> {
        let asked = self.job.work.iter().flat_map(|work| &work.request.variants);
        let got = self.result.iter().flatten().flat_map(|imported| &imported.variants);
        let missed = asked.zip(got).filter(|(_, got)| got.sku_origin == SkuOrigin::Repeated);
        missed.filter_map(|(asked, _)| asked.sku.as_ref())
    }
}

/// How often a product is tried of which nothing was written, as the shop was too busy: who imports a
/// million rows beside a shop at work meets such a moment.
const ATTEMPTS_MAX: usize = 4;

pub(super) async fn import(shop: &Commerce, job: Job) -> Finished {
    let Some(work) = &job.work else { return Finished { job, result: None } };
    let mut attempts = ATTEMPTS_MAX;
    let result = loop {
        let done = shop.import_product(&Caller::system(), &work.request).await;
        attempts -= 1;
        match done {
            Err(error) if error.is_retryable() && attempts > 0 => {}
            done => break done.map(|done| done.output),
        }
    };
    Finished { job, result: Some(result) }
}

/// About how much memory a product takes, twice: as it is to be, and in its commit.
pub(super) fn bytes_about(request: &ImportProduct) -> usize {
    let body = request.fields.description.as_ref().map_or(0, |text| text.len());
    2 * (body + 1024 * (1 + request.variants.len() + request.images.len()))
}
