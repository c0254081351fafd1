//! The columns of a product export, found by name.

use std::collections::HashMap;

use super::{problem::FileError, record::Record};

/// What a column of the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The name in the product's address.
    Handle,
    /// The product's title.
    Title,
    /// Its description.
    BodyHtml,
    /// Who makes it.
    Vendor,
    /// Its path in Shopify's product taxonomy.
    Category,
    /// The shop's own kind of product.
    ProductType,
    /// Its tags.
    Tags,
    /// Whether the online store shows it.
    Published,
    /// Where it stands in its life.
    Status,
    /// The name of the first option.
    Option1Name,
    /// The name of the second option.
    Option2Name,
    /// The name of the third option.
    Option3Name,
    /// Whether it is a gift card.
    GiftCard,
    /// The title for search engines.
    SeoTitle,
    /// The description for search engines.
    SeoDescription,
    /// The variant's value of the first option.
    Option1Value,
    /// The variant's value of the second option.
    Option2Value,
    /// The variant's value of the third option.
    Option3Value,
    /// The stock-keeping unit.
    Sku,
    /// The barcode.
    Barcode,
    /// The price.
    Price,
    /// The price before a reduction.
    CompareAtPrice,
    /// What one item costs the shop.
    Cost,
    /// The weight in grams.
    Grams,
    /// The weight in its unit.
    Weight,
    /// The unit in which people see the weight.
    WeightUnit,
    /// Who tracks the stock.
    InventoryTracker,
    /// How many there are.
    InventoryQuantity,
    /// What happens when none is left.
    InventoryPolicy,
    /// Who ships it.
    FulfillmentService,
    /// Whether it is shipped.
    RequiresShipping,
    /// Whether it is taxed.
    Taxable,
    /// The tax code.
    TaxCode,
    /// The address of the variant's image.
    VariantImage,
    /// The address of an image.
    ImageSrc,
    /// Its place among the images.
    ImagePosition,
    /// What it shows.
    ImageAlt,
}

/// Every field with the names of its column: first the one that exports have had since the format
/// exists, then the one of today's help page and sample file, then those of the years between.
const NAMES: &[(Field, &[&str])] = &[
    (Field::Handle, &["Handle", "URL handle"]),
    (Field::Title, &["Title"]),
    (Field::BodyHtml, &["Body (HTML)", "Description"]),
    (Field::Vendor, &["Vendor"]),
    (Field::Category, &["Product Category", "Standardized Product Type", "Standard Product Type"]),
    (Field::ProductType, &["Type", "Custom Product Type"]),
    (Field::Tags, &["Tags"]),
    (Field::Published, &["Published", "Published on online store"]),
    (Field::Status, &["Status"]),
    (Field::Option1Name, &["Option1 Name"]),
    (Field::Option2Name, &["Option2 Name"]),
    (Field::Option3Name, &["Option3 Name"]),
    (Field::GiftCard, &["Gift Card"]),
    (Field::SeoTitle, &["SEO Title"]),
    (Field::SeoDescription, &["SEO Description"]),
    (Field::Option1Value, &["Option1 Value"]),
    (Field::Option2Value, &["Option2 Value"]),
    (Field::Option3Value, &["Option3 Value"]),
    (Field::Sku, &["Variant SKU", "SKU"]),
    (Field::Barcode, &["Variant Barcode", "Barcode"]),
    (Field::Price, &["Variant Price", "Price"]),
    (Field::CompareAtPrice, &["Variant Compare At Price", "Compare-at price"]),
    (Field::Cost, &["Cost per item"]),
    (Field::Grams, &["Variant Grams", "Weight value (grams)"]),
    (Field::Weight, &["Variant Weight"]),
    (Field::WeightUnit, &["Variant Weight Unit", "Weight unit for display"]),
    (Field::InventoryTracker, &["Variant Inventory Tracker", "Inventory tracker"]),
    (Field::InventoryQuantity, &["Variant Inventory Qty", "Inventory quantity"]),
    (Field::InventoryPolicy, &["Variant Inventory Policy", "Continue selling when out of stock"]),
    (Field::FulfillmentService, &["Variant Fulfillment Service", "Fulfillment service"]),
    (Field::RequiresShipping, &["Variant Requires Shipping", "Requires shipping"]),
    (Field::Taxable, &["Variant Taxable", "Charge tax"]),
    (Field::TaxCode, &["Variant Tax Code", "Tax code"]),
    (Field::VariantImage, &["Variant Image", "Variant image URL"]),
    (Field::ImageSrc, &["Image Src", "Product image URL"]),
    (Field::ImagePosition, &["Image Position"]),
    (Field::ImageAlt, &["Image Alt Text"]),
];

/// Without these no product can be told from others; a file that only changes products needs no more.
const REQUIRED: [Field; 2] = [Field::Handle, Field::Title];

impl Field {
    /// The fields of the product itself, which stand in its first row.
    pub(super) const PRODUCT: [Self; 14] = [
        Self::Title,
        Self::BodyHtml,
        Self::Vendor,
        Self::Category,
        Self::ProductType,
        Self::Tags,
        Self::Published,
        Self::Status,
        Self::Option1Name,
        Self::Option2Name,
        Self::Option3Name,
        Self::GiftCard,
        Self::SeoTitle,
        Self::SeoDescription,
    ];
    pub(super) const OPTION_NAMES: [Self; 3] =
        [Self::Option1Name, Self::Option2Name, Self::Option3Name];
    pub(super) const OPTION_VALUES: [Self; 3] =
        [Self::Option1Value, Self::Option2Value, Self::Option3Value];
    /// The fields that make a row a variant. The others are often filled in on every row.
    pub(super) const VARIANT: [Self; 8] = [
        Self::Option1Value,
        Self::Option2Value,
        Self::Option3Value,
        Self::Sku,
        Self::Barcode,
        Self::Price,
        Self::CompareAtPrice,
        Self::Cost,
    ];
    /// The fields that say more of a variant.
    pub(super) const VARIANT_MORE: [Self; 11] = [
        Self::Grams,
        Self::Weight,
        Self::WeightUnit,
        Self::InventoryTracker,
        Self::InventoryQuantity,
        Self::InventoryPolicy,
        Self::FulfillmentService,
        Self::RequiresShipping,
        Self::Taxable,
        Self::TaxCode,
        Self::VariantImage,
    ];
    /// The fields that say more of an image.
    pub(super) const IMAGE_MORE: [Self; 2] = [Self::ImagePosition, Self::ImageAlt];

    fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(field, _)| *field)
    }

    fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(field, _)| *field == self)
            .and_then(|(_, names)| names.first())
            .copied()
            .unwrap_or_default()
    }
}

/// A column with values that found no place in a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedColumn {
    /// Its name as the file has it.
    pub name: String,
    /// In how many rows it had a value that was not used. A column that is unknown here is listed
    /// even if there were none; a known one only if some had no place, such as an alternative text
    /// on a row without an image, or another title on a later row of a product.
    pub rows: u64,
}

/// The names of the columns, as a file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    names: Vec<Option<String>>,
}

impl Header {
    /// Whether the file has a column for a field.
    pub fn has(&self, field: Field) -> bool {
        self.names.get(field as usize).is_some_and(Option::is_some)
    }

    /// The name of a field's column: as the file has it, or the usual one if it has none.
    pub fn name(&self, field: Field) -> &str {
        self.names.get(field as usize).and_then(Option::as_deref).unwrap_or(field.name())
    }
}

/// Which column of the file holds which field.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    places: [Option<usize>; NAMES.len()],
}

#[derive(Debug)]
struct Column {
    name: String,
    field: Option<Field>,
    rows_unused: u64,
}

impl Columns {
    /// Reads the names from the first record of the file.
    pub(super) fn new(names: &[&str]) -> Result<Self, FileError> {
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        let mut known: HashMap<String, &str> = HashMap::new();
        for name in names.iter().map(|name| name.trim()) {
            let field = Field::named(name);
            let key = field.map_or(name, |field| field.name()).to_lowercase();
            // Columns without a name come from cells that a spreadsheet kept behind the last one.
            if let Some(first) = known.insert(key, name).filter(|_| !name.is_empty()) {
                let (first, second) = (first.to_owned(), name.to_owned());
                return Err(FileError::DuplicateColumn { first, second });
            }
            columns.push(Column { name: name.to_owned(), field, rows_unused: 0 });
        }
        let mut places = [None; NAMES.len()];
        for (place, (field, _)) in places.iter_mut().zip(NAMES) {
            *place = columns.iter().position(|column| column.field == Some(*field));
        }
        let columns = Self { columns, places };
        let missing: Vec<_> = REQUIRED
            .into_iter()
            .filter(|field| columns.index(*field).is_none())
            .map(Field::name)
            .collect();
        match names {
            _ if missing.is_empty() => Ok(columns),
            [only] if only.contains(';') => Err(FileError::Separator(';')),
            [only] if only.contains('\t') => Err(FileError::Separator('\t')),
            _ => Err(FileError::MissingColumns { missing }),
        }
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The place of a field's column in a row.
    pub(super) fn index(&self, field: Field) -> Option<usize> {
        // The table is in the order of the enum; a test holds it so.
        self.places.get(field as usize).copied().flatten()
    }

    /// The name of a field's column: as the file has it, or the usual one if it has none.
    pub(super) fn name(&self, field: Field) -> &str {
        self.index(field)
            .and_then(|index| self.columns.get(index))
            .map_or(field.name(), |column| &column.name)
    }

    /// The name of the column at `index`.
    pub(super) fn name_at(&self, index: usize) -> Option<&str> {
        self.columns.get(index).map(|column| column.name.as_str())
    }

    pub(super) fn header(&self) -> Header {
        let name = |index: usize| self.columns.get(index).map(|column| column.name.clone());
        Header { names: self.places.iter().map(|place| place.and_then(name)).collect() }
    }

    /// Whether a row has a value for a field.
    pub(super) fn has(&self, record: &Record, field: Field) -> bool {
        self.index(field).is_some_and(|index| !record.cell(index).trim_ascii().is_empty())
    }

    /// Counts the values of a row in columns that are unknown.
    pub(super) fn count_unknown(&mut self, record: &Record) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            if column.field.is_none() && !record.cell(index).trim_ascii().is_empty() {
                column.rows_unused += 1;
            }
        }
    }

    /// Counts a value that found no place in its product.
    pub(super) fn count_unused(&mut self, field: Field) {
        if let Some(column) = self.index(field).and_then(|index| self.columns.get_mut(index)) {
            column.rows_unused += 1;
        }
    }

    pub(super) fn unmapped(&self) -> Vec<UnmappedColumn> {
        self.columns
            .iter()
            .filter(|column| column.field.is_none() || column.rows_unused > 0)
            .map(|column| UnmappedColumn { name: column.name.clone(), rows: column.rows_unused })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_fields_and_names_are_unique() {
        for (place, (field, _)) in NAMES.iter().enumerate() {
            assert_eq!(*field as usize, place, "{field:?}");
        }
        let names: Vec<_> =
            NAMES.iter().flat_map(|(_, names)| *names).map(|name| name.to_lowercase()).collect();
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn every_field_but_the_handle_and_the_image_is_in_one_group() {
        let groups = [
            &Field::PRODUCT[..],
            &Field::VARIANT,
            &Field::VARIANT_MORE,
            &Field::IMAGE_MORE,
            &[Field::Handle, Field::ImageSrc],
        ];
        for (field, _) in NAMES {
            assert_eq!(groups.iter().filter(|group| group.contains(field)).count(), 1, "{field:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_order_and_case() {
        let columns = Columns::new(&["price", " TITLE ", "", "Foo", "url HANDLE", ""]).unwrap();
        assert_eq!(columns.index(Field::Handle), Some(4));
        assert_eq!(columns.index(Field::Title), Some(1));
        assert_eq!(columns.name(Field::Price), "price");
        assert_eq!(columns.name(Field::Sku), "Variant SKU");
    }

    #[test]
    fn wrong_headers_are_refused() {
        let error = |names: &[&str]| Columns::new(names).unwrap_err().to_string();
        assert_eq!(
            error(&["Name", "Price"]),
            "not a Shopify product export: no column Handle, no column Title"
        );
        assert!(error(&["Handle", "Title", "Price", "foo", "FOO"]).contains("\"foo\" and \"FOO\""));
        assert!(error(&["Handle", "Title", "SKU", "Variant SKU"]).contains("same thing"));
        assert!(error(&["Handle;Title;Variant Price"]).contains("';'"));
    }
}
