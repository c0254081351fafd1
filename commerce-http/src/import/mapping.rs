//! From a product of a Shopify export to a product of the shop.

use std::{str::FromStr, sync::Arc};

use commerce_core::{
    catalog::{
        Backorder, Existing, ImportImage, ImportProduct, ImportVariant, PatchProduct, PatchVariant,
        ProductStatus, RepeatedSkus,
    },
    currency::Currency,
    error::FieldError,
    money::Money,
    text::{Label, Prose, Sku, Slug, TextError, Url},
};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde_json::{Map, Value, json};

use super::{
    finding::{Finding, Severity},
    shopify::{
        Field, Header, InventoryPolicy, Problem, ShopifyProduct, ShopifyStatus, ShopifyVariant,
        derive_sku,
    },
};

/// A product of a Shopify export as the shop would have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// What is to be imported.
    pub request: ImportProduct,
    /// Where in the file each part of it comes from.
    pub places: Places,
    /// What could not be taken over as it is.
    pub warnings: Vec<Finding>,
    /// How many weights were rounded to whole grams.
    pub weights_rounded: u64,
}

/// Where in the file the parts of a product come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    header: Arc<Header>,
    handle: String,
    line: u64,
    last_line: u64,
    variants: Vec<u64>,
}

impl Mapped {
    /// What a product of an export is in the shop, its prices being in `currency`.
    ///
    /// A column that the file does not have changes nothing that is stored, an empty cell clears it. A
    /// file without prices changes products and variants that there are, and makes none.
    /// Where the two systems differ:
    ///
    /// - The handle becomes the slug: as it is, or else in lower case with `-` for what a slug may
    ///   not have; then metadata `shopify_handle` keeps it.
    /// - A product is active unless its status says otherwise or it is not published; then it is a
    ///   draft. An unlisted one is a draft too, as the shop has no such status, with a warning and
    ///   metadata `shopify_status`. What is not published has metadata `shopify_published`.
    /// - The product category goes to metadata `shopify_category`; of a variant, the unit of weight
    ///   to `shopify_weight_unit`, the fulfilment service to `shopify_fulfillment_service`, an
    ///   inventory tracker other than `shopify` to `shopify_inventory_tracker`.
    /// - A variant without a tracker is not tracked. Its quantity arrives all the same.
    /// - A quantity below zero becomes zero, with a warning.
    /// - Weights are rounded half up to whole grams; metadata `shopify_grams` has the exact one.
    /// - A missing SKU is derived from handle and options, see [`derive_sku`].
    /// - An empty cell leaves it at what it is whether a variant is shipped and taxed; a new one is.
    ///
    /// # Errors
    /// Every cell that the shop has no room for.
    pub fn of_shopify(
        product: &ShopifyProduct,
        header: &Arc<Header>,
        currency: Currency,
    ) -> Result<Self, Vec<Finding>> {
        let places = Places {
            header: Arc::clone(header),
            handle: product.handle.clone(),
            line: product.line,
            last_line: product.last_line,
            variants: product.variants.iter().map(|variant| variant.line).collect(),
        };
        let mut mapping = Mapping { places, currency, findings: Vec::new(), weights_rounded: 0 };
        mapping.mended(product);
        let request = mapping.product(product);
        let Mapping { places, findings, weights_rounded, .. } = mapping;
        match request {
            Some(request) if findings.iter().all(|f| f.severity == Severity::Warning) => {
                Ok(Self { request, places, warnings: findings, weights_rounded })
            }
            _ => Err(findings.into_iter().filter(|f| f.severity == Severity::Error).collect()),
        }
    }
}

impl Places {
    /// Something to know about a cell, or a row where no field is named.
    pub fn finding(
        &self,
        severity: Severity,
        line: u64,
        field: Option<Field>,
        value: Option<&str>,
        detail: impl ToString,
    ) -> Finding {
        Finding {
            severity,
            handle: Some(self.handle.clone()),
            line,
            last_line: line,
            column: field.map(|field| self.header.name(field).to_owned()),
            value: value.map(Problem::shorten),
            detail: detail.to_string(),
        }
    }

    /// The line of the product's first row.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The line of a variant's row.
    pub fn variant_line(&self, index: usize) -> u64 {
        self.variants.get(index).copied().unwrap_or(self.line)
    }

    /// Forgets variants that are not imported.
    pub(super) fn retain_variants(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.variants.retain(|_| kept.next().copied().unwrap_or(true));
    }

    /// The cell that a wrong field of the request comes from.
    pub fn locate(&self, error: &FieldError) -> Finding {
        let mut parts = error.pointer.split('/').skip(1);
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let variant = second.filter(|_| first == "variants").and_then(|i| i.parse().ok());
        let (line, name) = match variant {
            Some(index) => (self.variant_line(index), parts.next().unwrap_or_default()),
            None => (self.line, second.filter(|_| first == "fields").unwrap_or(first)),
        };
        let field = match name {
            "slug" => Some(Field::Handle),
            "title" => Some(Field::Title),
            "tags" => Some(Field::Tags),
            "options" if variant.is_some() => Some(Field::Option1Value),
            "options" => Some(Field::Option1Name),
            "images" => Some(Field::ImageSrc),
            "sku" => Some(Field::Sku),
            "price" | "prices" => Some(Field::Price),
            "compare_at_price" => Some(Field::CompareAtPrice),
            "cost" => Some(Field::Cost),
            "weight_grams" if self.header.has(Field::Grams) => Some(Field::Grams),
            "weight_grams" => Some(Field::Weight),
            "on_hand" => Some(Field::InventoryQuantity),
            "image_id" => Some(Field::VariantImage),
            _ => None,
        };
        let mut finding = self.finding(Severity::Error, line, field, None, &error.detail);
        if field.is_none() && variant.is_none() {
            finding.last_line = self.last_line;
        }
        finding
    }
}

/// A mapping under way.
struct Mapping {
    places: Places,
    currency: Currency,
    findings: Vec<Finding>,
    weights_rounded: u64,
}

impl Mapping {
    fn product(&mut self, product: &ShopifyProduct) -> Option<ImportProduct> {
        let line = product.line;
        let slug = Slug::new(&product.handle).ok().or_else(|| Slug::suggest(&product.handle));
        let Some(slug) = slug else {
            let rule = "must have a letter or a digit to make an address of";
            self.refuse(line, Field::Handle, &product.handle, rule);
            return None;
        };
        let title = product.title.as_ref().map(|title| self.text(line, Field::Title, title));
        let fields = PatchProduct {
            title: title.flatten(),
            description: self.has(Field::BodyHtml).then(|| {
                let body = product.body_html.as_deref().unwrap_or_default();
                self.text(line, Field::BodyHtml, body).unwrap_or(Prose::empty())
            }),
            status: self.status(product),
            vendor: self.nullable(line, Field::Vendor, product.vendor.as_deref()),
            product_type: self.nullable(line, Field::ProductType, product.product_type.as_deref()),
            tags: self.has(Field::Tags).then(|| self.texts(line, Field::Tags, &product.tags)),
            gift_card: self.has(Field::GiftCard).then(|| product.gift_card.unwrap_or(false)),
            ..PatchProduct::default()
        };
        let mut metadata = Map::new();
        let handle = (*slug != product.handle).then_some(product.handle.as_str());
        metadata.insert("shopify_handle".to_owned(), handle.into());
        if self.has(Field::Category) {
            metadata.insert("shopify_category".to_owned(), product.category.as_deref().into());
        }
        if self.has(Field::Published) {
            let published = product.published.filter(|published| !published);
            metadata.insert("shopify_published".to_owned(), published.into());
        }
        if self.has(Field::Status) {
            let unlisted = product.status == Some(ShopifyStatus::Unlisted);
            metadata.insert("shopify_status".to_owned(), unlisted.then_some("unlisted").into());
        }
        let knows_options =
            self.has(Field::Option1Name) && (!product.again || product.title.is_some());
        let options = knows_options.then(|| self.texts(line, Field::Option1Name, &product.options));
        let images = product.images.iter().filter_map(|image| {
            let url = self.text(image.line, Field::ImageSrc, &image.src)?;
            let alt = self.nullable(image.line, Field::ImageAlt, image.alt.as_deref());
            Some(ImportImage { url, alt })
        });
        let images = images.collect();
        let variants = product.variants.iter();
        let variants = variants.filter_map(|variant| self.variant(product, variant)).collect();
        Some(ImportProduct {
            existing: if product.again { Existing::Extend } else { Existing::Update },
            repeated_skus: RepeatedSkus::Derive,
            fields,
            fields_if_new: PatchProduct {
                status: Some(ProductStatus::Active),
                ..PatchProduct::default()
            },
            seo_title: self.nullable(line, Field::SeoTitle, product.seo_title.as_deref()),
            seo_description: self.nullable(
                line,
                Field::SeoDescription,
                product.seo_description.as_deref(),
            ),
            metadata,
            options,
            images,
            variants,
            ..ImportProduct::new(slug)
        })
    }

    fn mended(&mut self, product: &ShopifyProduct) {
        for cell in &product.mended {
            let value = cell.first.to_string();
            let detail = "has control characters, which were read as Windows-1252";
            self.warn(cell.line, cell.field, &value, detail);
        }
    }

    fn status(&mut self, product: &ShopifyProduct) -> Option<ProductStatus> {
        if !(self.has(Field::Status) || self.has(Field::Published)) {
            return None;
        }
        Some(match product.status.unwrap_or(ShopifyStatus::Active) {
            ShopifyStatus::Archived => ProductStatus::Archived,
            ShopifyStatus::Draft => ProductStatus::Draft,
            ShopifyStatus::Unlisted => {
                let detail = "the shop has no unlisted products; it arrives as a draft";
                self.warn(product.line, Field::Status, "unlisted", detail);
                ProductStatus::Draft
            }
            ShopifyStatus::Active if product.published == Some(false) => ProductStatus::Draft,
            ShopifyStatus::Active => ProductStatus::Active,
        })
    }

    fn variant(
        &mut self,
        product: &ShopifyProduct,
        variant: &ShopifyVariant,
    ) -> Option<ImportVariant> {
        let line = variant.line;
        let sku = match &variant.sku {
            Some(sku) => Some(self.text(line, Field::Sku, sku)?),
            None => None,
        };
        let derived = derive_sku(&product.handle, &variant.option_values);
        let sku_derived: Sku = self.text(line, Field::Sku, &derived)?;
        let price = self.money(line, Field::Price, variant.price);
        let compare_at = self.money(line, Field::CompareAtPrice, variant.compare_at_price);
        let cost = self.money(line, Field::Cost, variant.cost);
        let mut metadata = Map::new();
        let tracker = variant.inventory_tracker.as_deref();
        let texts = [
            (
                Field::WeightUnit,
                "shopify_weight_unit",
                variant.weight_unit.map(|unit| unit.symbol()),
            ),
            (
                Field::FulfillmentService,
                "shopify_fulfillment_service",
                variant.fulfillment_service.as_deref(),
            ),
            (
                Field::InventoryTracker,
                "shopify_inventory_tracker",
                tracker.filter(|tracker| !tracker.eq_ignore_ascii_case("shopify")),
            ),
        ];
        for (field, name, value) in texts {
            if self.has(field) {
                metadata.insert(name.to_owned(), value.into());
            }
        }
        let weight_grams = (self.has(Field::Grams) || self.has(Field::Weight)).then(|| {
            let (grams, exact) = whole_grams(variant.grams.unwrap_or_default());
            self.weights_rounded += u64::from(exact.is_some());
            metadata.insert("shopify_grams".to_owned(), exact.map_or(Value::Null, |g| json!(g)));
            grams
        });
        let on_hand = variant.inventory_quantity.map(|quantity| {
            if quantity < 0 {
                let detail = "stock is never below zero; it arrives as 0";
                self.warn(line, Field::InventoryQuantity, &quantity.to_string(), detail);
            }
            quantity.max(0)
        });
        let fields = PatchVariant {
            price,
            compare_at_price: self.has(Field::CompareAtPrice).then_some(compare_at),
            cost: self.has(Field::Cost).then_some(cost),
            weight_grams,
            barcode: self.nullable(line, Field::Barcode, variant.barcode.as_deref()),
            track_inventory: self.has(Field::InventoryTracker).then_some(tracker.is_some()),
            backorder: self.has(Field::InventoryPolicy).then_some(match variant.inventory_policy {
                Some(InventoryPolicy::Continue) => Backorder::Allow,
                Some(InventoryPolicy::Deny) | None => Backorder::Deny,
            }),
            requires_shipping: variant.requires_shipping,
            taxable: variant.taxable,
            tax_code: self.nullable(line, Field::TaxCode, variant.tax_code.as_deref()),
            ..PatchVariant::default()
        };
        Some(ImportVariant {
            options: self.texts(line, Field::Option1Value, &variant.option_values),
            sku,
            sku_derived,
            fields,
            fields_if_new: PatchVariant {
                track_inventory: Some(on_hand.is_some()),
                ..PatchVariant::default()
            },
            image: self.nullable::<Url>(line, Field::VariantImage, variant.image.as_deref()),
            metadata,
            on_hand,
        })
    }

    fn has(&self, field: Field) -> bool {
        self.places.header.has(field)
    }

    fn text<T: FromStr<Err = TextError>>(
        &mut self,
        line: u64,
        field: Field,
        text: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(line, field, text, error);
                None
            }
        }
    }

    fn texts(&mut self, line: u64, field: Field, texts: &[String]) -> Vec<Label> {
        texts.iter().filter_map(|text| self.text(line, field, text)).collect()
    }

    /// The value of a cell that may be empty, if the file has its column.
    fn nullable<T: FromStr<Err = TextError>>(
        &mut self,
        line: u64,
        field: Field,
        text: Option<&str>,
    ) -> Option<Option<T>> {
        self.has(field).then(|| text.and_then(|text| self.text(line, field, text)))
    }

    fn money(&mut self, line: u64, field: Field, amount: Option<Decimal>) -> Option<Money> {
        let amount = amount?;
        match Money::from_decimal(amount, self.currency) {
            Ok(money) => Some(money),
            Err(error) => {
                self.refuse(line, field, &amount.to_string(), error);
                None
            }
        }
    }

    fn refuse(&mut self, line: u64, field: Field, value: &str, detail: impl ToString) {
        self.find(Severity::Error, line, field, value, detail);
    }

    fn warn(&mut self, line: u64, field: Field, value: &str, detail: impl ToString) {
        self.find(Severity::Warning, line, field, value, detail);
    }

    fn find(
        &mut self,
        severity: Severity,
        line: u64,
        field: Field,
        value: &str,
        detail: impl ToString,
    ) {
        self.findings.push(self.places.finding(severity, line, Some(field), Some(value), detail));
    }
}

/// Whole grams, rounded half up, and the exact weight if that is another.
fn whole_grams(grams: Decimal) -> (i64, Option<String>) {
    let rounded = grams.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let exact = (rounded != grams).then(|| grams.normalize().to_string());
    (rounded.to_i64().unwrap_or(i64::MAX), exact)
}
