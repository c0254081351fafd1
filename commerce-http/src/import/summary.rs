//! What an import came to.

use commerce_core::{
    catalog::{ImportOutcome, Imported, ImportedStock, SkuOrigin},
    currency::Currency,
};

use super::shopify::UnmappedColumn;

/// How many of something were made, changed and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that are new.
    pub created: u64,
    /// Those that were changed.
    pub updated: u64,
    /// Those that were so already.
    pub unchanged: u64,
    /// Those that did not arrive.
    pub failed: u64,
}

impl Counts {
    pub(super) fn add(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::Created => self.created += 1,
            ImportOutcome::Updated => self.updated += 1,
            ImportOutcome::Unchanged => self.unchanged += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }
}

/// What an import came to, or would come to if it was a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The currency of the file's prices.
    pub currency: Currency,
    /// The currency of the shop.
    pub shop_currency: Currency,
    /// The rows that were read.
    pub rows: u64,
    /// The products. One counts as changed also where only variants or stock of it are. Rows of a
    /// product that stand apart from its first ones count only if they did not arrive.
    pub products: Counts,
    /// The variants; those of products that did not arrive are not counted.
    pub variants: Counts,
    /// The variants of imported products that the file does not have. They were left alone.
    pub variants_left: u64,
    /// The pictures that are new.
    pub images_created: u64,
    /// The pictures of imported products that the file does not have. They were left.
    pub images_left: u64,
    /// The stock levels that were set.
    pub stock_set: u64,
    /// The stock levels that were left, as orders hold more than the file says there is.
    pub stock_held: u64,
    /// The variants whose stock was left, as several locations have some of it, or one that is not
    /// active, and not as many in all as the file says.
    pub stock_spread: u64,
    /// The variants for which the file has no SKU.
    pub skus_missing: u64,
    /// The variants whose SKU in the file is that of another variant.
    pub skus_repeated: u64,
    /// The weights that were rounded to whole grams.
    pub weights_rounded: u64,
    /// How many findings said that something did not arrive.
    pub errors: u64,
    /// How many findings said that something arrived otherwise than the file says.
    pub warnings: u64,
    /// The columns with values that found no place.
    pub unmapped: Vec<UnmappedColumn>,
}

impl Summary {
    pub(super) fn new(dry_run: bool, currency: Currency, shop_currency: Currency) -> Self {
        Self {
            dry_run,
            currency,
            shop_currency,
            rows: 0,
            products: Counts::default(),
            variants: Counts::default(),
            variants_left: 0,
            images_created: 0,
            images_left: 0,
            stock_set: 0,
            stock_held: 0,
            stock_spread: 0,
            skus_missing: 0,
            skus_repeated: 0,
            weights_rounded: 0,
            errors: 0,
            warnings: 0,
            unmapped: Vec::new(),
        }
    }

    /// Counts a product that arrived. `further` tells that it counted before.
    pub(super) fn add(&mut self, imported: &Imported, further: bool) {
        let mut changed = false;
        for variant in &imported.variants {
            self.variants.add(variant.outcome);
            changed |= variant.outcome != ImportOutcome::Unchanged;
            match variant.stock {
                ImportedStock::Unchanged => {}
                ImportedStock::Set => {
                    self.stock_set += 1;
                    changed = true;
                }
                ImportedStock::Held { .. } => self.stock_held += 1,
                ImportedStock::Spread { .. } => self.stock_spread += 1,
            }
            match variant.sku_origin {
                SkuOrigin::Given => {}
                SkuOrigin::Missing => self.skus_missing += 1,
                SkuOrigin::Repeated => self.skus_repeated += 1,
            }
        }
        self.images_created += imported.images_created as u64;
        if further {
            // What the first rows found and did not have.
            let known = imported.variants.iter().filter(|v| v.outcome != ImportOutcome::Created);
            self.variants_left = self.variants_left.saturating_sub(known.count() as u64);
            self.images_left = self.images_left.saturating_sub(imported.images_found as u64);
        } else {
            self.variants_left += imported.variants_left as u64;
            self.images_left += imported.images_left as u64;
            self.products.add(match imported.outcome {
                ImportOutcome::Unchanged if changed => ImportOutcome::Updated,
                outcome => outcome,
            });
        }
    }
}
