//! A variant: what is actually sold, stocked, weighed and priced.

use serde::{Deserialize, Serialize};

use super::{Product, ProductStatus, product::check_metadata};
use crate::{
    currency::Currency,
    error::{FieldError, Rejection},
    id::{ImageId, Moment, ProductId, VariantId},
    inventory::StockLevel,
    money::Money,
    patch::{patch, set},
    text::{Label, Sku, TaxClass, TextError, Url},
    time::Timestamp,
    version::Versioned,
};

/// Whether more units may be sold than are available. It is never decided by a shortage: only the
/// shop says so, variant by variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Backorder {
    /// A shortage is refused.
    #[default]
    Deny,
    /// What is short is sold all the same and delivered once it is received.
    Allow,
}

/// What a variant costs in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The price of one unit.
    pub amount: Money,
    /// What it cost before, to be shown crossed out.
    #[serde(default)]
    pub compare_at: Option<Money>,
}

/// The size of one packed unit, in millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dimensions {
    /// The longest side.
    pub length_mm: u32,
    /// The middle side.
    pub width_mm: u32,
    /// The shortest side.
    pub height_mm: u32,
}

/// What is sold of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// The product that it is a variant of.
    pub product_id: ProductId,
    /// Its stock-keeping unit; unique in the shop.
    pub sku: Sku,
    /// Its options in a phrase, such as `Red / XL`; the product's title where it has none.
    pub title: Label,
    /// The values of the product's options, in their order.
    pub options: Vec<Label>,
    /// Its price, one for each currency that it is sold in.
    pub prices: Vec<Price>,
    /// What one unit cost the shop; shown to the back office alone.
    pub cost: Option<Money>,
    /// What one packed unit weighs.
    pub grams: i64,
    /// How large one packed unit is.
    pub dimensions: Option<Dimensions>,
    /// Its GTIN, EAN, UPC or ISBN.
    pub barcode: Option<Label>,
    /// Whether its stock is counted. If not, it never runs out.
    pub track_inventory: bool,
    /// Whether more may be sold than is available.
    pub backorder: Backorder,
    /// The shop is told once fewer units than this are available.
    pub low_stock_threshold: i64,
    /// Whether it is sent to the customer.
    pub requires_shipping: bool,
    /// Whether it is taxed.
    pub taxable: bool,
    /// The code of its kind of goods for a tax service.
    pub tax_code: Option<Label>,
    /// Whether it is for sale.
    pub active: bool,
    /// The picture of the product that shows it.
    pub image_id: Option<ImageId>,
    /// Its place among the product's variants, from 0.
    pub position: u32,
    /// Whatever the shop wants to keep with it, such as its numbers in other systems. Only the back
    /// office sees it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Makes a variant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateVariant {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// The values of the product's options, in their order.
    #[serde(default)]
    pub options: Vec<Label>,
    /// The price of one unit in the shop's currency.
    #[serde(default)]
    pub price: Option<Money>,
    /// What it cost before.
    #[serde(default)]
    pub compare_at_price: Option<Money>,
    /// Prices in further currencies.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// What one unit cost the shop.
    #[serde(default)]
    pub cost: Option<Money>,
    /// What one packed unit weighs, in grams.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100_000_000))]
    pub weight_grams: i64,
    /// How large one packed unit is.
    #[serde(default)]
    pub dimensions: Option<Dimensions>,
    /// Its GTIN, EAN, UPC or ISBN.
    #[serde(default)]
    pub barcode: Option<Label>,
    /// Whether its stock is counted.
    #[serde(default = "yes")]
    pub track_inventory: bool,
    /// Whether more may be sold than is available.
    #[serde(default)]
    pub backorder: Backorder,
    /// The shop is told once fewer units than this are available.
    #[serde(default = "low_stock_threshold")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub low_stock_threshold: i64,
    /// Whether it is sent to the customer.
    #[serde(default = "yes")]
    pub requires_shipping: bool,
    /// Whether it is taxed.
    #[serde(default = "yes")]
    pub taxable: bool,
    /// The code of its kind of goods for a tax service.
    #[serde(default)]
    pub tax_code: Option<Label>,
    /// Whether it is for sale.
    #[serde(default = "yes")]
    pub active: bool,
    /// The picture of the product that shows it, by its place in the product's list, from 0.
    #[serde(default)]
    pub image: Option<u32>,
    /// Whatever the shop wants to keep with it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

patch! {
    /// Changes a variant: what is absent stays, what is null is cleared.
    pub struct PatchVariant {
        /// Its stock-keeping unit.
        pub sku: Option<Sku>,
        /// The values of the product's options, in their order.
        pub options: Option<Vec<Label>>,
        /// The price of one unit; replaces the one in the same currency.
        pub price: Option<Money>,
        /// What it cost before; belongs to the price in the same currency. Null clears it beside
        /// `price`, or beside all prices if there is no `price` in the change.
        pub compare_at_price: Option<Option<Money>>,
        /// Its prices: all of them.
        pub prices: Option<Vec<Price>>,
        /// What one unit cost the shop.
        pub cost: Option<Option<Money>>,
        /// What one packed unit weighs, in grams.
        #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100_000_000))]
        pub weight_grams: Option<i64>,
        /// How large one packed unit is.
        pub dimensions: Option<Option<Dimensions>>,
        /// Its GTIN, EAN, UPC or ISBN.
        pub barcode: Option<Option<Label>>,
        /// Whether its stock is counted.
        pub track_inventory: Option<bool>,
        /// Whether more may be sold than is available.
        pub backorder: Option<Backorder>,
        /// The shop is told once fewer units than this are available.
        #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
        pub low_stock_threshold: Option<i64>,
        /// Whether it is sent to the customer.
        pub requires_shipping: Option<bool>,
        /// Whether it is taxed.
        pub taxable: Option<bool>,
        /// The code of its kind of goods for a tax service.
        pub tax_code: Option<Option<Label>>,
        /// Whether it is for sale.
        pub active: Option<bool>,
        /// The picture of the product that shows it.
        pub image_id: Option<Option<ImageId>>,
        /// Its place among the product's variants, from 0.
        pub position: Option<u32>,
        /// Whatever the shop wants to keep with it: all of it.
        pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    }
}

fn yes() -> bool {
    true
}

fn low_stock_threshold() -> i64 {
    Variant::LOW_STOCK_THRESHOLD
}

impl CreateVariant {
    /// A variant with a SKU and a price, tracked, shipped and taxed.
    ///
    /// # Errors
    /// When the SKU breaks the rules of a [`Sku`].
    pub fn new(sku: impl AsRef<str>, price: Money) -> Result<Self, TextError> {
        Ok(Self { price: Some(price), ..Self::of(Sku::new(sku)?) })
    }

    /// A variant with a SKU, tracked, shipped and taxed, without a price.
    pub fn of(sku: Sku) -> Self {
        Self {
            sku,
            options: Vec::new(),
            price: None,
            compare_at_price: None,
            prices: Vec::new(),
            cost: None,
            weight_grams: 0,
            dimensions: None,
            barcode: None,
            track_inventory: true,
            backorder: Backorder::Deny,
            low_stock_threshold: Variant::LOW_STOCK_THRESHOLD,
            requires_shipping: true,
            taxable: true,
            tax_code: None,
            active: true,
            image: None,
            metadata: serde_json::Map::new(),
        }
    }
}

impl Variant {
    /// The threshold of a variant for which none was set.
    pub const LOW_STOCK_THRESHOLD: i64 = 5;
    /// The heaviest unit, in grams: 100 tonnes.
    pub const GRAMS_MAX: i64 = 100_000_000;
    /// The most currencies that a variant has a price in.
    pub const PRICES_MAX: usize = 200;

    /// The variant that a request describes, at a place among the product's variants.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound; pointers begin at the variant.
    pub fn create(
        request: &CreateVariant,
        product: &Product,
        position: u32,
        moment: &mut Moment,
    ) -> Result<Self, Rejection> {
        let image_id = match request.image {
            None => None,
            Some(index) => match product.images.get(index as usize) {
                Some(image) => Some(image.id),
                None => return Err(Rejection::invalid("/image", "must be one of the images")),
            },
        };
        let mut prices = request.prices.clone();
        match (request.price, request.compare_at_price) {
            (Some(amount), compare_at) => prices.insert(0, Price { amount, compare_at }),
            (None, Some(_)) => {
                return Err(Rejection::invalid("/compare_at_price", "needs a price beside it"));
            }
            (None, None) => {}
        }
        let variant = Self {
            id: moment.id(),
            product_id: product.id,
            sku: request.sku.clone(),
            title: title(&request.options, product),
            options: request.options.clone(),
            prices,
            cost: request.cost,
            grams: request.weight_grams,
            dimensions: request.dimensions,
            barcode: request.barcode.clone(),
            track_inventory: request.track_inventory,
            backorder: request.backorder,
            low_stock_threshold: request.low_stock_threshold,
            requires_shipping: request.requires_shipping,
            taxable: request.taxable,
            tax_code: request.tax_code.clone(),
            active: request.active,
            image_id,
            position,
            metadata: request.metadata.clone(),
            created_at: moment.now(),
            updated_at: moment.now(),
        };
        variant.check(product)?;
        Ok(variant)
    }

    /// The variant after a change.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound.
    pub fn patch(
        &self,
        patch: PatchVariant,
        product: &Product,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let mut variant = self.clone();
        set(&mut variant.sku, patch.sku);
        set(&mut variant.options, patch.options);
        set(&mut variant.prices, patch.prices);
        if let Some(amount) = patch.price {
            match variant.prices.iter_mut().find(|p| p.amount.currency() == amount.currency()) {
                Some(price) => price.amount = amount,
                None => variant.prices.push(Price { amount, compare_at: None }),
            }
        }
        match patch.compare_at_price {
            None => {}
            Some(None) => variant
                .prices
                .iter_mut()
                .filter(|price| {
                    patch.price.is_none_or(|new| new.currency() == price.amount.currency())
                })
                .for_each(|price| price.compare_at = None),
            Some(Some(compare_at)) => {
                let currency = compare_at.currency();
                match variant.prices.iter_mut().find(|p| p.amount.currency() == currency) {
                    Some(price) => price.compare_at = Some(compare_at),
                    None => {
                        let detail = format!("needs a price in {}", currency.code());
                        return Err(Rejection::invalid("/compare_at_price", detail));
                    }
                }
            }
        }
        set(&mut variant.cost, patch.cost);
        set(&mut variant.grams, patch.weight_grams);
        set(&mut variant.dimensions, patch.dimensions);
        set(&mut variant.barcode, patch.barcode);
        set(&mut variant.track_inventory, patch.track_inventory);
        set(&mut variant.backorder, patch.backorder);
        set(&mut variant.low_stock_threshold, patch.low_stock_threshold);
        set(&mut variant.requires_shipping, patch.requires_shipping);
        set(&mut variant.taxable, patch.taxable);
        set(&mut variant.tax_code, patch.tax_code);
        set(&mut variant.active, patch.active);
        // A picture that the product no longer has must not stand in the way of other changes.
        variant.image_id =
            variant.image_id.filter(|id| product.images.iter().any(|image| image.id == *id));
        set(&mut variant.image_id, patch.image_id);
        set(&mut variant.position, patch.position);
        set(&mut variant.metadata, patch.metadata);
        variant.title = title(&variant.options, product);
        variant.check(product)?;
        variant.touch(self, now);
        Ok(variant)
    }

    /// The variant as it follows from a change of its product, whose options it has these values of:
    /// its title may be the product's, and its picture may be gone.
    pub(crate) fn following(&self, product: &Product, options: Vec<Label>, now: Timestamp) -> Self {
        let title = title(&options, product);
        let image_id = self.image_id.filter(|id| product.images.iter().any(|i| i.id == *id));
        let mut variant = Self { title, options, image_id, ..self.clone() };
        variant.touch(self, now);
        variant
    }

    /// Notes the time of a change, if there is one.
    pub(crate) fn touch(&mut self, old: &Self, now: Timestamp) {
        if self != old {
            self.updated_at = now.max(old.updated_at);
        }
    }

    /// What one unit costs in a currency, if it is sold in it.
    pub fn price(&self, currency: Currency) -> Option<Price> {
        self.prices.iter().find(|price| price.amount.currency() == currency).copied()
    }

    fn check(&self, product: &Product) -> Result<(), Rejection> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: &str, detail: String| {
            errors.push(FieldError::new(pointer, detail));
        };
        if self.options.len() != product.options.len() {
            let count = product.options.len();
            refuse("/options", format!("must have a value for each of the {count} options"));
        }
        if self.prices.len() > Self::PRICES_MAX {
            refuse("/prices", format!("must have at most {} entries", Self::PRICES_MAX));
        }
        let mut currencies: Vec<_> = self.prices.iter().map(|p| p.amount.currency()).collect();
        currencies.sort_unstable();
        currencies.dedup();
        if currencies.len() != self.prices.len() {
            refuse("/prices", "must have one entry for each currency".to_owned());
        }
        let mut refuse_amount = |pointer: &str, amount: Money| {
            if amount.is_negative() {
                refuse(pointer, "must not be negative".to_owned());
            } else if amount.minor() > Money::MINOR_MAX {
                let most = Money::new(Money::MINOR_MAX, amount.currency());
                refuse(pointer, format!("must be at most {most}"));
            }
        };
        for price in &self.prices {
            refuse_amount("/price", price.amount);
            if let Some(compare_at) = price.compare_at {
                refuse_amount("/compare_at_price", compare_at);
            }
        }
        if let Some(cost) = self.cost {
            refuse_amount("/cost", cost);
        }
        let is_other = |price: &Price| {
            price.compare_at.is_some_and(|other| other.currency() != price.amount.currency())
        };
        if self.prices.iter().any(is_other) {
            refuse("/compare_at_price", "must be in the price's currency".to_owned());
        }
        if !(0..=Self::GRAMS_MAX).contains(&self.grams) {
            refuse("/weight_grams", format!("must be from 0 to {}", Self::GRAMS_MAX));
        }
        if !(0..=crate::quantity::Quantity::MAX).contains(&self.low_stock_threshold) {
            refuse("/low_stock_threshold", "must be from 0 to 1,000,000,000".to_owned());
        }
        if self.image_id.is_some_and(|id| product.images.iter().all(|image| image.id != id)) {
            refuse("/image_id", "must be one of the product's images".to_owned());
        }
        check_metadata(&self.metadata, &mut errors);
        Rejection::unless_valid(errors)
    }
}

fn title(options: &[Label], product: &Product) -> Label {
    let title = options.iter().map(Label::as_str).collect::<Vec<_>>().join(" / ");
    let title: String = title.chars().take(255).collect();
    Label::new(title.trim()).unwrap_or_else(|_| product.title.clone())
}

/// Everything that selling one variant needs, read in one snapshot: the variant, and of its product
/// no more than a line of an order takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sellable {
    /// The variant.
    pub variant: Versioned<Variant>,
    /// The product's title.
    pub title: Label,
    /// Whether the product can be seen and bought.
    pub status: ProductStatus,
    /// How the product is taxed.
    pub tax_class: TaxClass,
    /// The picture that shows the variant: its own, else the product's first.
    pub image: Option<Url>,
    /// Its stock in every place that has or had some, by location.
    pub levels: Vec<StockLevel>,
}

impl Sellable {
    /// What selling a variant of a product needs.
    pub fn new(product: &Product, variant: Versioned<Variant>, levels: Vec<StockLevel>) -> Self {
        let own = product.images.iter().find(|image| Some(image.id) == variant.image_id);
        Self {
            title: product.title.clone(),
            status: product.status,
            tax_class: product.tax_class.clone(),
            image: own.or(product.images.first()).map(|image| image.url.clone()),
            variant,
            levels,
        }
    }

    /// Whether shop clients may see it.
    pub fn is_visible(&self) -> bool {
        self.status == ProductStatus::Active
    }

    /// Refuses what is not for sale, whatever it costs.
    ///
    /// # Errors
    /// [`Rejection::NotForSale`].
    pub fn require_active(&self) -> Result<(), Rejection> {
        if !self.is_visible() {
            Err(self.not_for_sale("its product is not active"))
        } else if !self.variant.active {
            Err(self.not_for_sale("it is not active"))
        } else {
            Ok(())
        }
    }

    /// Its price in a currency, if it is for sale in it.
    ///
    /// # Errors
    /// [`Rejection::NotForSale`].
    pub fn price(&self, currency: Currency) -> Result<Price, Rejection> {
        self.require_active()?;
        self.variant
            .price(currency)
            .ok_or_else(|| self.not_for_sale("it has no price in this currency"))
    }

    fn not_for_sale(&self, why: &'static str) -> Rejection {
        Rejection::NotForSale { variant_id: self.variant.id, sku: self.variant.sku.clone(), why }
    }
}
