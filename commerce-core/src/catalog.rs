//! The catalogue: products, their variants, and the categories they are found in.

mod category;
mod change;
mod import;
mod option;
mod product;
mod variant;
mod view;

pub use category::{Category, CreateCategory, PatchCategory};
pub(crate) use change::Changed;
pub use import::{
    Existing, ImportImage, ImportInputs, ImportOutcome, ImportProduct, ImportVariant, Imported,
    ImportedStock, ImportedVariant, RepeatedSkus, SkuOrigin,
};
pub use option::{PatchOption, ProductOption};
pub use product::{
    AttributeValue, CreateImage, CreateProduct, Image, ImageFields, PatchImage, PatchProduct,
    Product, ProductStatus, Related, Relation, Seo,
};
pub use variant::{Backorder, CreateVariant, Dimensions, PatchVariant, Price, Sellable, Variant};
pub(crate) use view::Audience;
pub use view::{PriceRange, ProductView, VariantView};
