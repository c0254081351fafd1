//! Importing a file: read, map, commit, several products at a time.

use std::{error::Error as _, fmt, io::Read, sync::Arc};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::{
        Existing, ImportOutcome, ImportProduct, Imported, ImportedStock, RepeatedSkus, SkuOrigin,
    },
    currency::Currency,
    error::{FieldError, Rejection},
    text::{Label, Sku, Slug},
};
use futures_util::{StreamExt, stream::FuturesOrdered};

use super::{
    claims::Claims,
    finding::{Finding, Severity},
    job::{Finished, Job, Work, finish},
    late::Late,
    mapping::Mapped,
    seen::Seen,
    shopify::{Encoding, Field, Header, ReadError, ShopifyProduct, ShopifyReader},
    summary::Summary,
};
use crate::frame::chain;

/// How a file is imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The currency of its prices; the shop's if none is named. In another than the shop's, a
    /// variant gets a price beside the one that it has.
    pub currency: Option<Currency>,
    /// Whether to tell what would happen and write nothing. A SKU that the file takes from one product
    /// and gives to another above it, or that two products swap, counts as repeated then.
    pub dry_run: bool,
    /// What becomes of a SKU that another variant has.
    pub repeated_skus: RepeatedSkus,
    /// Whether the stock of variants that there are is left alone. Otherwise it becomes what the file
    /// says, whatever was sold since the file was written.
    pub keep_stock: bool,
    /// How the bytes of the file stand for its characters.
    pub encoding: Encoding,
}

/// What happens while a file is imported.
#[derive(Debug)]
pub enum Update<'a> {
    /// There is something to know about a row.
    Found(&'a Finding),
    /// A product is done.
    Progress(Progress),
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The bytes of the file that were read.
    pub bytes: u64,
    /// The products that are done.
    pub products: u64,
}

/// Why an import ended before its file did. What was imported until then stays, and importing the
/// file again goes on where it ended.
#[derive(Debug)]
pub struct Stopped {
    /// What it came to until then.
    pub summary: Box<Summary>,
    /// Why it ended.
    pub cause: StopCause,
}

/// Why an import ended before its file did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopCause {
    /// The file cannot be read any further.
    #[error(transparent)]
    Read(ReadError),
    /// The shop did not do what it was asked.
    #[error("the import stopped at line {line}")]
    Shop {
        /// The first line of the product at hand.
        line: u64,
        /// What the shop said.
        source: Error,
    },
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl std::error::Error for Stopped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

/// Imports a product export in the order of the file and in constant memory: that of the products
/// at hand, and 32 MiB to know handles, variants and SKUs again.
///
/// Each product is one commit. Several are on their way at a time, but none together with one that
/// it shares a slug or a SKU with: the first in the file keeps it. A product whose SKU another one has
/// that gives it up further down gets it at the end; those that swap theirs are one commit then. The file is read by the task
/// that awaits this, so an async program gives it a thread of its own.
///
/// # Errors
/// [`Stopped`] when the file cannot be read to its end, or the shop does not answer. What is wrong
/// with one product is a [`Finding`] and no error.
pub async fn run<R: Read>(
    shop: &Commerce,
    mut reader: ShopifyReader<R>,
    options: &Options,
    observe: impl FnMut(Update<'_>),
) -> Result<Summary, Stopped> {
    let header = Arc::new(reader.header());
    let configured = shop.shop().await;
    let (shop_currency, stop) = match configured {
        Ok(configured) => (configured.currency, None),
        Err(source) => (Currency::USD, Some(StopCause::Shop { line: 1, source })),
    };
    let currency = options.currency.unwrap_or(shop_currency);
    let mut run = Run {
        options,
        header,
        currency,
        seen: Seen::large(),
        summary: Summary::new(options.dry_run, currency, shop_currency),
        stop,
        observe,
    };
    let mut under_way = FuturesOrdered::new();
    let mut claims = Claims::default();
    let mut waiting = None;
    let mut late = Late::default();
    loop {
        while run.stop.is_none() {
            let Some(job) = waiting.take().or_else(|| run.next(&mut reader)) else { break };
            if options.dry_run {
                let done = run.preview(shop, job).await;
                run.note_skus(&done);
                run.settle(done, reader.bytes());
            } else if claims.admit(&job) {
                under_way.push_back(finish(shop, job));
            } else {
                waiting = Some(job);
                break;
            }
        }
        let Some(done) = under_way.next().await else { break };
        claims.release();
        run.note_skus(&done);
        if let Some(done) = if run.may_be_freed(&done) { late.add(done) } else { Some(done) } {
            run.settle(done, reader.bytes());
        }
    }
    for done in if run.stop.is_none() { late.finish(shop).await } else { late.jobs } {
        run.settle(done, reader.bytes());
    }
    let Run { mut summary, stop, .. } = run;
    summary.rows = reader.rows();
    summary.unmapped = reader.unmapped();
    match stop {
        None => Ok(summary),
        Some(cause) => Err(Stopped { summary: Box::new(summary), cause }),
    }
}

/// What the file had before, by which its products are judged.
#[derive(Hash)]
enum Key<'a> {
    /// A product.
    Slug(&'a Slug),
    /// A variant of a product.
    Variant(&'a Slug, &'a [Label]),
    /// A product that a dry run would make, with so many options.
    Made(&'a Slug, usize),
    /// A SKU that a variant has got.
    Sku(&'a Sku),
}

struct Run<'a, F> {
    options: &'a Options,
    header: Arc<Header>,
    currency: Currency,
    seen: Seen,
    summary: Summary,
    stop: Option<StopCause>,
    observe: F,
}

impl<F: FnMut(Update<'_>)> Run<'_, F> {
    /// The next product of the file.
    fn next<R: Read>(&mut self, reader: &mut ShopifyReader<R>) -> Option<Job> {
        match reader.next()? {
            Ok(product) => Some(self.job(&product)),
            Err(ReadError::Product(failed)) => {
                Some(Job { work: None, findings: Finding::of_failed(failed) })
            }
            Err(error) => {
                self.stop = Some(StopCause::Read(error));
                None
            }
        }
    }

    fn job(&mut self, product: &ShopifyProduct) -> Job {
        let mapped = Mapped::of_shopify(product, &self.header, self.currency);
        let mut mapped = match mapped {
            Ok(mapped) => mapped,
            Err(findings) => return Job { work: None, findings },
        };
        let request = &mut mapped.request;
        request.repeated_skus = self.options.repeated_skus;
        request.keep_stock = self.options.keep_stock;
        let known = self.seen.contains(&Key::Slug(&request.slug));
        if known && !product.again {
            let finding = mapped.places.finding(
                Severity::Error,
                product.line,
                Some(Field::Handle),
                Some(&product.handle),
                format!("another handle in the file makes the same address {:?}", request.slug),
            );
            return Job { work: None, findings: vec![finding] };
        }
        // The reader takes one handle in many for one that was there; here there is more memory.
        // Without a title the rows say nothing of the product itself, whatever became of the first.
        let further = known || product.title.is_none();
        request.existing = if further { Existing::Extend } else { Existing::Update };
        self.seen.insert(&Key::Slug(&request.slug));
        let mut findings = mapped.warnings;
        let slug = &request.slug;
        let kept: Vec<bool> = request
            .variants
            .iter()
            .map(|v| !known || !self.seen.contains(&Key::Variant(slug, &v.options)))
            .collect();
        for (index, _) in kept.iter().enumerate().filter(|(_, kept)| !**kept) {
            let line = mapped.places.variant_line(index);
            let detail = "the product has this variant on an earlier line, which counts; \
                          this one did not arrive";
            findings.push(mapped.places.finding(Severity::Error, line, None, None, detail));
            self.summary.variants.failed += 1;
        }
        mapped.places.retain_variants(&kept);
        let mut kept = kept.into_iter();
        request.variants.retain(|_| kept.next().unwrap_or(true));
        for variant in &request.variants {
            self.seen.insert(&Key::Variant(&request.slug, &variant.options));
        }
        let work = Work {
            request: mapped.request,
            places: mapped.places,
            weights_rounded: mapped.weights_rounded,
        };
        Job { work: Some(work), findings }
    }

    /// What importing a product would come to, with what the products before it would have come to.
    async fn preview(&mut self, shop: &Commerce, job: Job) -> Finished {
        let Some(work) = &job.work else { return Finished { job, result: None } };
        let request = &work.request;
        let made = |options| self.seen.contains(&Key::Made(&request.slug, options));
        let by_sku = |sku: &Sku| self.seen.contains(&Key::Sku(sku));
        let caller = Caller::system();
        let further = request.existing == Existing::Extend;
        let result = match (0..=MADE_OPTIONS_MAX).find(|count| made(*count)) {
            // The product that is to be extended is not there, as nothing is written.
            Some(count) if further => match stand_in(request, count) {
                Ok(request) => {
                    let imported = shop.preview_import(&caller, &request, by_sku).await;
                    imported
                        .map(|imported| Imported { outcome: ImportOutcome::Updated, ..imported })
                }
                Err(rejection) => Err(rejection.into()),
            },
            _ => shop.preview_import(&caller, request, by_sku).await,
        };
        if let Ok(imported) = &result
            && imported.outcome == ImportOutcome::Created
        {
            let options = request.options.as_ref().map_or(0, Vec::len);
            self.seen.insert(&Key::Made(&request.slug, options));
        }
        Finished { job, result: Some(result) }
    }

    /// Notes which SKUs the variants of a product have got: in a dry run also those that they have in the
    /// place of another's, which they may give up at the end.
    fn note_skus(&mut self, done: &Finished) {
        let imported = done.result.iter().flatten().flat_map(|imported| &imported.variants);
        let dry_run = self.options.dry_run;
        for got in imported.filter(|got| dry_run || got.sku_origin != SkuOrigin::Repeated) {
            self.seen.insert(&Key::Sku(&got.sku));
        }
    }

    /// Whether a SKU that a product did not get may be had once the file was read to its end: whoever
    /// got it from this file keeps it.
    fn may_be_freed(&self, done: &Finished) -> bool {
        done.skus_missed().any(|sku| !self.seen.contains(&Key::Sku(sku)))
    }

    /// Counts what was done and tells what there is to know.
    fn settle(&mut self, done: Finished, bytes: u64) {
        let Finished { job: Job { work, mut findings }, result } = done;
        match (work, result) {
            (Some(work), Some(Ok(imported))) => {
                self.arrived(&work, &imported, &mut findings);
            }
            (Some(work), Some(Err(error))) => {
                self.summary.products.failed += 1;
                self.refused(&work, error, &mut findings);
            }
            _ => self.summary.products.failed += 1,
        }
        findings.sort_by_key(|finding| finding.line);
        for finding in &findings {
            match finding.severity {
                Severity::Error => self.summary.errors += 1,
                Severity::Warning => self.summary.warnings += 1,
            }
            (self.observe)(Update::Found(finding));
        }
        let products = self.summary.products.total();
        (self.observe)(Update::Progress(Progress { bytes, products }));
    }

    fn arrived(&mut self, work: &Work, imported: &Imported, findings: &mut Vec<Finding>) {
        let Work { request, places, weights_rounded } = work;
        let further =
            request.existing == Existing::Extend && imported.outcome != ImportOutcome::Created;
        if further && request.fields.title.is_some() {
            let detail = "the product is there on earlier lines, whose title, texts and other \
                          product fields count; of these lines only variants and images arrive";
            let mut finding = places.finding(Severity::Warning, places.line(), None, None, detail);
            finding.last_line = finding.line;
            findings.push(finding);
        }
        for (index, (variant, asked)) in imported.variants.iter().zip(&request.variants).enumerate()
        {
            let line = places.variant_line(index);
            let mut warn = |field, value: &str, detail: String| {
                let field = Some(field);
                let found = places.finding(Severity::Warning, line, field, Some(value), detail);
                findings.push(found);
            };
            if let (SkuOrigin::Repeated, Some(sku)) = (variant.sku_origin, &asked.sku) {
                let detail = format!("another variant has this SKU; this one is {:?}", variant.sku);
                warn(Field::Sku, sku, detail);
            }
            let left = match variant.stock {
                ImportedStock::Unchanged | ImportedStock::Set => None,
                ImportedStock::Held { on_hand, held } => {
                    Some(format!("orders hold {held} units; the stock of {on_hand} was left"))
                }
                ImportedStock::Spread { on_hand } => Some(format!(
                    "several locations, or one that is not active, have {on_hand} units in all; they \
                     were left, as the file does not say which of them has how many"
                )),
            };
            if let (Some(detail), Some(wanted)) = (left, asked.on_hand) {
                warn(Field::InventoryQuantity, &wanted.to_string(), detail);
            }
        }
        self.summary.weights_rounded += weights_rounded;
        self.summary.add(imported, further);
    }

    fn refused(&mut self, work: &Work, error: Error, findings: &mut Vec<Finding>) {
        let Work { places, request, .. } = work;
        let error_at = |line, field, value: Option<&str>, detail: String| {
            places.finding(Severity::Error, line, field, value, detail)
        };
        match error {
            Error::Rejected(Rejection::Invalid(errors)) => {
                findings.extend(errors.iter().map(|error| {
                    let mut found = places.locate(error);
                    if error.pointer == "/fields/title" {
                        found.detail = "the product of these rows did not arrive, and they have \
                                        no title to make one"
                            .to_owned();
                    }
                    found
                }));
            }
            Error::Rejected(Rejection::Taken { what: "sku", value }) => {
                let place = request.variants.iter().position(|variant| {
                    variant.sku.as_deref() == Some(&*value) || *variant.sku_derived == *value
                });
                let line = places.variant_line(place.unwrap_or_default());
                let detail = "another variant has this SKU".to_owned();
                findings.push(error_at(line, Some(Field::Sku), Some(&value), detail));
            }
            Error::Rejected(rejection) => {
                findings.push(error_at(places.line(), None, None, rejection.to_string()));
            }
            Error::Contention => {
                let detail = "others keep changing this product; import the file again";
                findings.push(error_at(places.line(), None, None, detail.to_owned()));
            }
            source => {
                let detail = match &source {
                    // Such as a disk that is full.
                    Error::Unavailable(store) => {
                        let why = store.source().map_or_else(|| store.to_string(), chain);
                        format!("this product did not arrive: {why}")
                    }
                    _ => "the shop did not say whether this product arrived".to_owned(),
                };
                findings.push(error_at(places.line(), None, None, detail));
                // The first one tells most.
                self.stop.get_or_insert(StopCause::Shop { line: places.line(), source });
            }
        }
    }
}

/// The most options of a product in an export.
const MADE_OPTIONS_MAX: usize = 3;

/// Further rows of a product that a dry run has not made, as a product of its own with as many
/// options.
fn stand_in(request: &ImportProduct, options: usize) -> Result<ImportProduct, Rejection> {
    let wrong = request.variants.iter().enumerate().filter(|(_, v)| v.options.len() != options);
    let errors = wrong.map(|(index, _)| {
        let detail = format!("must have a value for each of the {options} options");
        FieldError::new(format!("/variants/{index}/options"), detail)
    });
    Rejection::unless_valid(errors.collect())?;
    let name = |text: &str| Label::new(text).map_err(|error| Rejection::invalid("/slug", error));
    let names = (1..=options).map(|number| name(&number.to_string()));
    let mut request = request.clone();
    request.fields.title = Some(name(&request.slug)?);
    request.options = Some(names.collect::<Result<_, _>>()?);
    Ok(request)
}
