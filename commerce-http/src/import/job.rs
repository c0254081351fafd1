//! A product of the file on its way to the shop.

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{ImportProduct, ImportVariant, Imported, ImportedVariant, SkuOrigin},
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
    /// What was to be imported.
    pub(super) fn request(&self) -> Option<&ImportProduct> {
        self.job.work.as_ref().map(|work| &work.request)
    }

    /// The SKUs that the file has for its variants and others had.
    pub(super) fn skus_missed(&self) -> impl Iterator<Item = &Sku> {
        self.repeated().filter_map(|(asked, _)| asked.sku.as_ref())
    }

    /// The SKUs that its variants have in the place of those.
    pub(super) fn skus_in_place(&self) -> impl Iterator<Item = &Sku> {
        self.repeated().map(|(_, got)| &got.sku)
    }

    fn repeated(&self) -> impl Iterator<Item = (&ImportVariant, &ImportedVariant)> {
        let asked = self.request().into_iter().flat_map(|request| &request.variants);
        let got = self.result.iter().flatten().flat_map(|imported| &imported.variants);
        asked.zip(got).filter(|(_, got)| got.sku_origin == SkuOrigin::Repeated)
    }
}

/// How often a product is tried of which nothing was written, as the shop was too busy: who imports a
/// million rows beside a shop at work meets such a moment.
const ATTEMPTS_MAX: usize = 4;

pub(super) async fn import(shop: &Commerce, request: &ImportProduct) -> Result<Imported, Error> {
    let mut attempts = ATTEMPTS_MAX;
    loop {
        let done = shop.import_product(&Caller::system(), request).await;
        attempts -= 1;
        match done {
            Err(error) if error.is_retryable() && attempts > 0 => {}
            done => return done.map(|done| done.output),
        }
    }
}

/// Imports a product of the file.
pub(super) async fn finish(shop: &Commerce, job: Job) -> Finished {
    let result = match &job.work {
        Some(work) => Some(import(shop, &work.request).await),
        None => None,
    };
    Finished { job, result }
}

/// About how much memory a product takes, twice: as it is to be, and in its commit.
pub(super) fn bytes_about(request: &ImportProduct) -> usize {
    let body = request.fields.description.as_ref().map_or(0, |text| text.len());
    2 * (body + 1024 * (1 + request.variants.len() + request.images.len()))
}
