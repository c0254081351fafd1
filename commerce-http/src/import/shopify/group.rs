//! Makes one product of the rows that share its handle.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{DefaultHasher, Hasher},
};

use rust_decimal::Decimal;

use super::{
    cell,
    column::{Columns, Field},
    problem::{FailedProduct, PROBLEMS_MAX, Problem, Reason},
    product::{MendedCell, ShopifyImage, ShopifyProduct, ShopifyVariant},
    record::Record,
};

/// The most variants of one product, which is Shopify's own limit.
pub const VARIANTS_MAX: usize = 2048;
/// The most rows of one product.
pub const ROWS_MAX: usize = 2500;
/// The most bytes in the cells of one product: 8 MiB.
pub const PRODUCT_BYTES_MAX: usize = 8 << 20;

/// How Shopify names the only option, and its only value, of a product without options.
const NO_OPTION: (&str, &str) = ("Title", "Default Title");

/// A product whose rows are still being read.
#[derive(Debug)]
pub(super) struct Group {
    handle: Option<String>,
    product: ShopifyProduct,
    /// A hash of each product field in the first row: later rows may repeat it.
    first_row: Option<[u64; Field::PRODUCT.len()]>,
    option_names: [Option<String>; 3],
    /// Where the variant with these option values, or the image with this address, stands.
    variants: HashMap<Vec<String>, usize>,
    images: HashMap<String, usize>,
    rows: usize,
    bytes: usize,
    /// Set when a bound is passed: later rows are no longer kept.
    full: bool,
    /// Set when a row could not be read: it may have been the one with the title.
    gaps: bool,
    problems: Vec<Problem>,
    problems_total: u64,
}

impl Group {
    /// A product that begins at `line`. `again` tells that its handle was there before.
    pub(super) fn new(handle: Option<String>, line: u64, again: bool) -> Self {
        Self {
            product: ShopifyProduct {
                line,
                last_line: line,
                again,
                handle: handle.clone().unwrap_or_default(),
                ..ShopifyProduct::default()
            },
            handle,
            first_row: None,
            option_names: Default::default(),
            variants: HashMap::new(),
            images: HashMap::new(),
            rows: 0,
            bytes: 0,
            full: false,
            gaps: false,
            problems: Vec::new(),
            problems_total: 0,
        }
    }

    pub(super) fn handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// The line on which it begins.
    pub(super) fn line(&self) -> u64 {
        self.product.line
    }

    /// Notes rows that could not be read.
    pub(super) fn add_unreadable(&mut self, problem: Problem) {
        self.gaps = true;
        self.product.last_line = problem.last_line;
        self.note(problem);
    }

    /// Adds a row with this product's handle, or with none.
    pub(super) fn add(&mut self, record: &Record, columns: &mut Columns) {
        self.product.last_line = record.last_line;
        if self.full {
            return;
        }
        self.rows += 1;
        self.bytes += record.bytes();
        if self.rows > ROWS_MAX {
            return self.fill_up(record, Reason::RowsTooMany);
        }
        if self.bytes > PRODUCT_BYTES_MAX {
            return self.fill_up(record, Reason::ProductTooLong);
        }
        if self.take(record, columns, Field::Handle, cell::label).is_none() {
            if !columns.has(record, Field::Handle) {
                self.refuse(record, columns, Field::Handle, Reason::Missing);
            }
            return;
        }
        let first = self.first_row.is_none();
        if first {
            self.add_product_fields(record, columns);
        } else {
            self.compare_product_fields(record, columns);
        }
        let is_variant = Field::VARIANT.iter().any(|field| columns.has(record, *field));
        if is_variant {
            self.add_variant(record, columns);
        } else {
            count_unused(record, columns, &Field::VARIANT_MORE);
        }
        let is_image = columns.has(record, Field::ImageSrc);
        if is_image {
            self.add_image(record, columns);
        } else {
            count_unused(record, columns, &Field::IMAGE_MORE);
        }
        let is_head = first && columns.has(record, Field::Title);
        if !(is_variant || is_image || is_head) {
            self.refuse_row(record, Reason::RowEmpty);
        }
    }

    /// The product, if nothing is wrong with it.
    pub(super) fn finish(mut self, columns: &Columns) -> Result<ShopifyProduct, FailedProduct> {
        let mut product = std::mem::take(&mut self.product);
        let is_without = product.variants.is_empty() && product.title.is_some();
        // A file without prices says nothing of variants, but of those that there are.
        if self.problems.is_empty() && is_without && columns.index(Field::Price).is_some() {
            self.note(Problem {
                line: product.line,
                last_line: product.line,
                column: Some(columns.name(Field::Price).to_owned()),
                value: None,
                reason: Reason::VariantMissing,
            });
        }
        if !self.problems.is_empty() {
            return Err(FailedProduct {
                line: product.line,
                last_line: product.last_line,
                handle: self.handle,
                problems: self.problems,
                problems_total: self.problems_total,
            });
        }
        product.options = self.option_names.into_iter().flatten().collect();
        let (name, value) = NO_OPTION;
        let is_name = |options: &[String]| match options {
            [] => true,
            [only] => only.eq_ignore_ascii_case(name),
            _ => false,
        };
        if let [variant] = product.variants.as_mut_slice()
            && is_name(&product.options)
            && matches!(variant.option_values.as_slice(), [only] if only.eq_ignore_ascii_case(value))
        {
            product.options.clear();
            variant.option_values.clear();
        }
        product.images.sort_by_key(|image| image.position.unwrap_or(u32::MAX));
        Ok(product)
    }

    fn add_product_fields(&mut self, record: &Record, columns: &Columns) {
        self.first_row = Some(Field::PRODUCT.map(|field| hash(record, columns, field)));
        self.product.title = self.take(record, columns, Field::Title, cell::label);
        if !columns.has(record, Field::Title) && !self.product.again && !self.gaps {
            self.refuse(record, columns, Field::Title, Reason::Missing);
        }
        self.product.body_html = self.take(record, columns, Field::BodyHtml, cell::prose);
        self.product.vendor = self.take(record, columns, Field::Vendor, cell::label);
        self.product.product_type = self.take(record, columns, Field::ProductType, cell::label);
        let path = |text: &str| cell::line(text, 1024);
        self.product.category = self.take(record, columns, Field::Category, path);
        self.product.tags = self.take(record, columns, Field::Tags, cell::tags).unwrap_or_default();
        self.product.published = self.take(record, columns, Field::Published, cell::boolean);
        self.product.status = self.take(record, columns, Field::Status, cell::status);
        self.product.gift_card = self.take(record, columns, Field::GiftCard, cell::boolean);
        self.product.seo_title = self.take(record, columns, Field::SeoTitle, cell::label);
        let text = |text: &str| cell::line(text, 5000);
        self.product.seo_description = self.take(record, columns, Field::SeoDescription, text);
        self.option_names =
            Field::OPTION_NAMES.map(|field| self.take(record, columns, field, cell::label));
        let [first, second, third] = &self.option_names;
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.to_lowercase() == b.to_lowercase(),
            _ => false,
        };
        let repeated = [
            (Field::Option2Name, same(second, first)),
            (Field::Option3Name, same(third, first) || same(third, second)),
        ];
        for (field, repeated) in repeated {
            if repeated {
                self.refuse(record, columns, field, Reason::OptionRepeated);
            }
        }
    }

    /// A later row may repeat what the first one says; what it says otherwise has no place.
    fn compare_product_fields(&self, record: &Record, columns: &mut Columns) {
        for (field, first) in Field::PRODUCT.into_iter().zip(self.first_row.into_iter().flatten()) {
            if columns.has(record, field) && hash(record, columns, field) != first {
                columns.count_unused(field);
            }
        }
    }

    fn add_variant(&mut self, record: &Record, columns: &mut Columns) {
        if self.product.variants.len() >= VARIANTS_MAX {
            return self.fill_up(record, Reason::VariantsTooMany);
        }
        let text = |code: String| Some(code).filter(|code| !code.is_empty());
        let price = self.take(record, columns, Field::Price, cell::price);
        let variant = ShopifyVariant {
            line: record.line,
            option_values: self.option_values(record, columns),
            sku: self.take(record, columns, Field::Sku, cell::code).and_then(text),
            barcode: self.take(record, columns, Field::Barcode, cell::code).and_then(text),
            price,
            compare_at_price: self.take(record, columns, Field::CompareAtPrice, cell::price),
            cost: self.take(record, columns, Field::Cost, cell::price),
            grams: self.grams(record, columns),
            weight_unit: self.take(record, columns, Field::WeightUnit, cell::weight_unit),
            inventory_tracker: self.take(record, columns, Field::InventoryTracker, cell::label),
            inventory_quantity: self.take(
                record,
                columns,
                Field::InventoryQuantity,
                cell::quantity,
            ),
            inventory_policy: self.take(record, columns, Field::InventoryPolicy, cell::policy),
            fulfillment_service: self.take(record, columns, Field::FulfillmentService, cell::label),
            requires_shipping: self.take(record, columns, Field::RequiresShipping, cell::boolean),
            taxable: self.take(record, columns, Field::Taxable, cell::boolean),
            tax_code: self.take(record, columns, Field::TaxCode, cell::label),
            image: self.take(record, columns, Field::VariantImage, cell::url),
        };
        let earlier = self
            .variants
            .get(&variant.option_values)
            .and_then(|place| self.product.variants.get(*place));
        if let Some(earlier) = earlier {
            // Some programs repeat a variant's row for each further image.
            if !repeats(&variant, earlier) {
                self.refuse_row(record, Reason::VariantRepeated { line: earlier.line });
            }
            return;
        }
        if columns.index(Field::Price).is_some() && !columns.has(record, Field::Price) {
            self.refuse(record, columns, Field::Price, Reason::Missing);
        }
        self.variants.insert(variant.option_values.clone(), self.product.variants.len());
        self.product.variants.push(variant);
    }

    fn option_values(&mut self, record: &Record, columns: &Columns) -> Vec<String> {
        let values =
            Field::OPTION_VALUES.map(|field| self.take(record, columns, field, cell::label));
        let names_unknown = self.product.title.is_none();
        let none = self.option_names.iter().all(Option::is_none);
        let is_placeholder = matches!(&values, [Some(only), None, None]
            if only.eq_ignore_ascii_case(NO_OPTION.1));
        if !(none && (names_unknown || is_placeholder)) {
            for (i, field) in Field::OPTION_VALUES.into_iter().enumerate() {
                let named = self.option_names.get(i).is_some_and(Option::is_some);
                match columns.has(record, field) {
                    true if !named => self.refuse(record, columns, field, Reason::OptionUnnamed),
                    false if named => self.refuse(record, columns, field, Reason::Missing),
                    _ => {}
                }
            }
        }
        values.into_iter().flatten().collect()
    }

    /// The weight: in grams where the file has that, else from the weight in its unit.
    fn grams(&mut self, record: &Record, columns: &mut Columns) -> Option<Decimal> {
        if columns.has(record, Field::Grams) {
            count_unused(record, columns, &[Field::Weight]);
            return self.take(record, columns, Field::Grams, cell::weight);
        }
        let weight = self.take(record, columns, Field::Weight, cell::weight)?;
        if !columns.has(record, Field::WeightUnit) {
            self.refuse(record, columns, Field::WeightUnit, Reason::WeightWithoutUnit);
        }
        // A wrong unit is reported where the unit itself is taken.
        let unit = columns
            .index(Field::WeightUnit)
            .and_then(|index| str::from_utf8(record.cell(index)).ok())
            .and_then(|text| cell::weight_unit(text.trim()).ok())?;
        let grams = weight.checked_mul(unit.grams())?.normalize();
        if let Err(reason) = cell::weight(&grams.to_string()) {
            self.refuse(record, columns, Field::Weight, reason);
        }
        Some(grams)
    }

    fn add_image(&mut self, record: &Record, columns: &mut Columns) {
        let src = self.take(record, columns, Field::ImageSrc, cell::url);
        let position = self.take(record, columns, Field::ImagePosition, cell::position);
        let alt = |text: &str| cell::line(text, cell::ALT_CHARS_MAX);
        let alt = self.take(record, columns, Field::ImageAlt, alt);
        let Some(src) = src else { return };
        match self.images.entry(src.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.product.images.len());
                self.product.images.push(ShopifyImage { line: record.line, src, position, alt });
            }
            Entry::Occupied(entry) => {
                let Some(image) = self.product.images.get_mut(*entry.get()) else { return };
                if image.position.is_none() {
                    image.position = position;
                } else if position.is_some_and(|position| image.position != Some(position)) {
                    columns.count_unused(Field::ImagePosition);
                }
                if image.alt.is_none() {
                    image.alt = alt;
                } else if alt.is_some() && image.alt != alt {
                    columns.count_unused(Field::ImageAlt);
                }
            }
        }
    }

    /// The value of a cell; `None` if it is empty, or wrong and reported.
    fn take<T>(
        &mut self,
        record: &Record,
        columns: &Columns,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Reason>,
    ) -> Option<T> {
        let text = str::from_utf8(record.cell(columns.index(field)?)).ok();
        let value = text.ok_or(Reason::NotUtf8).and_then(|text| match text.trim() {
            "" => Ok(None),
            text => parse(text).map(Some),
        });
        match value {
            Ok(value) => {
                if let Some(first) = text.and_then(cell::first_mended) {
                    self.product.mended.push(MendedCell { line: record.line, field, first });
                }
                value
            }
            Err(reason) => {
                self.refuse(record, columns, field, reason);
                None
            }
        }
    }

    /// Reports a cell.
    fn refuse(&mut self, record: &Record, columns: &Columns, field: Field, reason: Reason) {
        let cell = columns.index(field).map(|index| record.cell(index)).unwrap_or_default();
        let cell = cell.get(..cell.len().min(8 * Problem::VALUE_CHARS_MAX)).unwrap_or_default();
        let value = String::from_utf8_lossy(cell);
        let value = Some(value.trim()).filter(|value| !value.is_empty()).map(Problem::shorten);
        self.note(Problem {
            line: record.line,
            last_line: record.line,
            column: Some(columns.name(field).to_owned()),
            value,
            reason,
        });
    }

    /// Reports a row.
    fn refuse_row(&mut self, record: &Record, reason: Reason) {
        self.note(Problem {
            line: record.line,
            last_line: record.line,
            column: None,
            value: None,
            reason,
        });
    }

    fn fill_up(&mut self, record: &Record, reason: Reason) {
        self.full = true;
        self.refuse_row(record, reason);
    }

    fn note(&mut self, problem: Problem) {
        self.problems_total += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// Whether a variant's row says nothing else than an earlier one.
fn repeats(again: &ShopifyVariant, earlier: &ShopifyVariant) -> bool {
    fn same<T: PartialEq>(again: &Option<T>, earlier: &Option<T>) -> bool {
        again.is_none() || again == earlier
    }
    same(&again.price, &earlier.price)
        && same(&again.sku, &earlier.sku)
        && same(&again.barcode, &earlier.barcode)
        && same(&again.compare_at_price, &earlier.compare_at_price)
        && same(&again.cost, &earlier.cost)
        && same(&again.grams, &earlier.grams)
        && same(&again.weight_unit, &earlier.weight_unit)
        && same(&again.inventory_tracker, &earlier.inventory_tracker)
        && same(&again.inventory_quantity, &earlier.inventory_quantity)
        && same(&again.inventory_policy, &earlier.inventory_policy)
        && same(&again.fulfillment_service, &earlier.fulfillment_service)
        && same(&again.requires_shipping, &earlier.requires_shipping)
        && same(&again.taxable, &earlier.taxable)
        && same(&again.tax_code, &earlier.tax_code)
        && same(&again.image, &earlier.image)
}

fn count_unused(record: &Record, columns: &mut Columns, fields: &[Field]) {
    for field in fields {
        if columns.has(record, *field) {
            columns.count_unused(*field);
        }
    }
}

fn hash(record: &Record, columns: &Columns, field: Field) -> u64 {
    let mut hasher = DefaultHasher::new();
    let cell = columns.index(field).map(|index| record.cell(index)).unwrap_or_default();
    hasher.write(cell.trim_ascii());
    hasher.finish()
}
