//! What a product export says of one product.

use rust_decimal::Decimal;

use super::{column::Field, weight::WeightUnit};

/// The most tags of one product, which is Shopify's own limit.
pub const TAGS_MAX: usize = 250;

/// One product of the file, each of its cells checked.
///
/// Texts are without space around them; a cell with nothing else in it is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopifyProduct {
    /// The line of the file on which its first row begins, from 1.
    pub line: u64,
    /// The line on which its last row ends.
    pub last_line: u64,
    /// Whether the file had a product with this handle before, apart from these rows. Its rows
    /// then belong to that product; without a title they only add variants and images to it.
    ///
    /// A handle that was there is always recognised. One in more than 250,000 that was not may
    /// wrongly be, in a file of a million products, since memory does not grow with the file.
    pub again: bool,
    /// The name in the product's address, 1 to 255 characters. Not yet checked to be a slug.
    pub handle: String,
    /// The title on one line, up to 255 characters; `None` only where [`Self::again`] is set.
    pub title: Option<String>,
    /// The description in HTML, up to [`FIELD_BYTES_MAX`](super::FIELD_BYTES_MAX) bytes.
    pub body_html: Option<String>,
    /// Who makes or supplies it, up to 255 characters.
    pub vendor: Option<String>,
    /// The shop's own kind of product, up to 255 characters.
    pub product_type: Option<String>,
    /// The path in Shopify's product taxonomy, such as `Home & Garden > Kitchen & Dining`.
    pub category: Option<String>,
    /// Up to [`TAGS_MAX`] tags of up to 255 characters in the order of the file, each once (a tag
    /// in other letter case is the same tag).
    pub tags: Vec<String>,
    /// Whether the online store shows it; Shopify takes `None` as yes.
    pub published: Option<bool>,
    /// Where it stands in its life; old exports do not tell.
    pub status: Option<ShopifyStatus>,
    /// The names of up to three options, each once; empty for a product without options, and for
    /// further rows of an earlier product, which do not repeat them.
    pub options: Vec<String>,
    /// Up to [`VARIANTS_MAX`](super::VARIANTS_MAX) variants in the order of the file, no two with
    /// the same option values. Empty only where [`Self::again`] is set or the file has no prices.
    pub variants: Vec<ShopifyVariant>,
    /// The images in their order: by position, and those without one last, in the order of the
    /// file. Each address once.
    pub images: Vec<ShopifyImage>,
    /// Whether it is a gift card.
    pub gift_card: Option<bool>,
    /// The title for search engines, up to 255 characters.
    pub seo_title: Option<String>,
    /// The description for search engines, up to 5,000 characters.
    pub seo_description: Option<String>,
    /// The cells whose text is not quite that of the file.
    pub mended: Vec<MendedCell>,
}

/// A cell with control characters from U+0080 to U+009F, which were read as Windows-1252.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MendedCell {
    /// The line of the file on which its row begins.
    pub line: u64,
    /// Which it is.
    pub field: Field,
    /// The first such character.
    pub first: char,
}

/// One variant of a [`ShopifyProduct`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopifyVariant {
    /// The line of the file on which its row begins.
    pub line: u64,
    /// The value for each of the product's options, in their order; up to 255 characters.
    pub option_values: Vec<String>,
    /// The stock-keeping unit, up to 255 characters, without the apostrophe that an export puts
    /// before it so that spreadsheets keep it as text.
    pub sku: Option<String>,
    /// The barcode (GTIN, ISBN, …), up to 255 characters, without that apostrophe.
    pub barcode: Option<String>,
    /// The exact price in the shop's currency, 0 to 1,000,000,000,000; `None` only where the file has
    /// no prices.
    pub price: Option<Decimal>,
    /// The exact price before a reduction, in the same bounds.
    pub compare_at_price: Option<Decimal>,
    /// What one item costs the shop, in the same bounds.
    pub cost: Option<Decimal>,
    /// The exact weight in grams, 0 to 1,000,000,000.
    pub grams: Option<Decimal>,
    /// The unit in which people see the weight.
    pub weight_unit: Option<WeightUnit>,
    /// Who tracks the stock, such as `shopify`; `None` if nobody does.
    pub inventory_tracker: Option<String>,
    /// How many there are, -1,000,000,000 to 1,000,000,000: an oversold variant is negative.
    pub inventory_quantity: Option<i64>,
    /// What happens when none is left; Shopify takes `None` as deny.
    pub inventory_policy: Option<InventoryPolicy>,
    /// Who ships it, such as `manual`.
    pub fulfillment_service: Option<String>,
    /// Whether it is shipped.
    pub requires_shipping: Option<bool>,
    /// Whether it is taxed.
    pub taxable: Option<bool>,
    /// The tax code of the tax service in use.
    pub tax_code: Option<String>,
    /// The `http` or `https` address of its own image, which need not be among the product's.
    pub image: Option<String>,
}

/// One image of a [`ShopifyProduct`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopifyImage {
    /// The line of the file on which its row begins.
    pub line: u64,
    /// Its `http` or `https` address, up to 2,048 characters.
    pub src: String,
    /// Its place among the images, from 1; old exports do not tell.
    pub position: Option<u32>,
    /// What it shows, in words, up to 512 characters.
    pub alt: Option<String>,
}

/// Where a product stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShopifyStatus {
    /// On sale.
    Active,
    /// Being prepared.
    Draft,
    /// No longer sold.
    Archived,
    /// On sale for those who know its address, and not listed.
    Unlisted,
}

/// What happens when nothing is left of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InventoryPolicy {
    /// It is sold out.
    Deny,
    /// It is sold all the same.
    Continue,
}
