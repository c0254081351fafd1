//! Products that are imported once more, as a SKU of theirs may have become free.

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{ImportOutcome, Imported},
    error::Rejection,
    store::VariantRef,
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
}

/// Imports a product again if a SKU that it did not get has become free.
pub(super) async fn once_more(shop: &Commerce, done: Finished) -> Finished {
    let mut is_free = false;
    for sku in done.skus_missed() {
        let holder = shop.variant(&Caller::system(), &VariantRef::Sku(sku.clone())).await;
        is_free |= matches!(holder, Err(Error::Rejected(Rejection::NotFound { .. })));
    }
    match done {
        Finished { job, result: Some(Ok(first)) } if is_free => {
            let Finished { job, result: second } = import(shop, job).await;
            let both = match second {
                Some(Ok(second)) => both(first, second),
                // Nothing is lost: it is as the first time.
                _ => first,
            };
            Finished { job, result: Some(Ok(both)) }
        }
        done => done,
    }
}

/// What importing a product twice came to.
fn both(mut first: Imported, second: Imported) -> Imported {
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
    first
}
