//! Reads a Shopify product export, one product at a time and in constant memory.
//!
//! An export is a CSV file with one row for each variant and each further image. Consecutive rows
//! with the same handle are one product: its first row carries the product's own fields, every row
//! may carry a variant, an image, or both. Columns are found by name, in any order. The names of
//! all generations of the format are known: `Variant SKU`, and `SKU` as the help pages call it
//! now (<https://help.shopify.com/en/manual/products/import-export/using-csv>).
//!
//! Nothing is dropped in silence: a product is either yielded whole or reported as failed with
//! every cell that is wrong, each line of the file belongs to one of the two, and
//! [`ShopifyReader::unmapped`] lists the values that found no place in a product.
//!
//! ```
//! use commerce_http::import::shopify::ShopifyReader;
//!
//! let file = "\
//! Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price
//! mug,Enamel mug,Colour,Blue,MUG-B,12.50
//! mug,,,Red,,free
//! bowl,Bowl,Title,Default Title,BOWL,9.00
//! ";
//! let mut reader = ShopifyReader::new(file.as_bytes())?;
//! let failed = reader.next().unwrap().unwrap_err().to_string();
//! assert!(failed.contains("line 3") && failed.contains("Variant Price"), "{failed}");
//!
//! let bowl = reader.next().unwrap()?;
//! assert_eq!(bowl.handle, "bowl");
//! assert!(bowl.options.is_empty(), "`Default Title` stands for a product without options");
//! assert_eq!(bowl.variants[0].price.unwrap().to_string(), "9.00");
//! assert!(reader.next().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cell;
mod column;
mod encoding;
mod group;
mod problem;
mod product;
mod reader;
mod record;
mod sku;
mod weight;

pub use column::{Field, Header, UnmappedColumn};
pub use encoding::Encoding;
pub use group::{PRODUCT_BYTES_MAX, ROWS_MAX, VARIANTS_MAX};
pub use problem::{FailedProduct, FileError, PROBLEMS_MAX, Problem, ReadError, Reason};
pub use product::{
    InventoryPolicy, MendedCell, ShopifyImage, ShopifyProduct, ShopifyStatus, ShopifyVariant,
    TAGS_MAX,
};
pub use reader::ShopifyReader;
pub use record::{COLUMNS_MAX, FIELD_BYTES_MAX, RECORD_BYTES_MAX};
pub use sku::derive_sku;
pub use weight::WeightUnit;
