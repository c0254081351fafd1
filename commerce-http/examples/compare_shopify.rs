//! Compares a shop on SQLite with the Shopify product export that was imported into it, cell by cell:
//! `cargo run -p commerce-http --example compare_shopify -- SHOP.db FILE.csv`
//!
//! It knows nothing of the importer: the file is read by the csv crate, and what each column means is
//! said here again. For files of Shopify's own, with whole grams and the rows of a product together, in the shop's
//! currency. The exit status is 1 when anything in the shop is not as the file says.

use std::{
    collections::{BTreeMap, HashSet},
    error::Error,
    fs::File,
    io::{self, Write},
    process::ExitCode,
};

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{Backorder, ProductView, VariantView},
    money::Money,
    store::ProductRef,
    text::Slug,
};
use pollster::block_on;
use rust_decimal::Decimal;

/// The differences that are printed.
const SHOWN_MAX: usize = 20;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(shop), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("a shop's file and an export are needed".into());
    };
    let shop = commerce_sqlite::open(shop)?;
    let products = products(File::open(file)?)?;
    let mut comparison = Comparison::default();
    for (handle, rows) in &products {
        comparison.product(&shop, handle, rows)?;
    }
    let Comparison { variants, cells, different, .. } = comparison;
    let mut out = io::stdout().lock();
    for difference in different.iter().take(SHOWN_MAX) {
        writeln!(out, "{difference}")?;
    }
    writeln!(
        out,
        "{} products, {variants} variants, {cells} cells, {} of them different",
        products.len(),
        different.len()
    )?;
    Ok(ExitCode::from(u8::from(!different.is_empty())))
}

/// A row of the file, by the names of its columns.
type Row = BTreeMap<String, String>;

/// The handle of a product, and its rows.
type Rows = (String, Vec<Row>);

/// The products in the order of the file.
fn products(file: File) -> Result<Vec<Rows>, Box<dyn Error>> {
    let mut products: Vec<Rows> = Vec::new();
    for row in csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file).deserialize() {
        let row: Row = row?;
        let handle = cell(&row, "Handle");
        match products.last_mut() {
            Some((last, rows)) if last == handle => rows.push(row),
            _ => products.push((handle.to_owned(), vec![row])),
        }
    }
    Ok(products)
}

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// What the columns say, the first ones of which there are any.
fn cells(row: &Row, columns: [&str; 3]) -> Vec<String> {
    let cells = columns.map(|column| cell(row, column).to_owned());
    cells.into_iter().filter(|cell| !cell.is_empty()).collect()
}

/// An amount as the file writes it, to compare with one that may have other zeros at its end.
fn number(text: &str) -> String {
    text.parse::<Decimal>()
        .map_or_else(|_| text.to_owned(), |number| number.normalize().to_string())
}

fn money(amount: Option<Money>) -> String {
    let text = amount.map(|amount| amount.to_decimal().normalize().to_string());
    text.unwrap_or_default()
}

fn text(text: Option<&(impl ToString + ?Sized)>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

#[derive(Default)]
struct Comparison {
    /// The SKUs that the file had so far: a second variant with one has another in the shop.
    skus: HashSet<String>,
    variants: usize,
    cells: usize,
    different: Vec<String>,
}

impl Comparison {
    fn same(&mut self, place: &str, column: &str, said: impl ToString, found: impl ToString) {
        let (said, found) = (said.to_string(), found.to_string());
        self.cells += 1;
        if said != found {
            self.different.push(format!("{place}, {column}: {said:?} in the file, {found:?}"));
        }
    }

    fn product(
        &mut self,
        shop: &Commerce,
        handle: &str,
        rows: &[Row],
    ) -> Result<(), Box<dyn Error>> {
        let by = ProductRef::Slug(Slug::new(handle)?);
        let found = match block_on(shop.product(&Caller::system(), &by, None)) {
            Ok(found) => found,
            Err(error) => {
                self.same(handle, "Handle", handle, error);
                return Ok(());
            }
        };
        let Some(first) = rows.first() else { return Ok(()) };
        let names = cells(first, ["Option1 Name", "Option2 Name", "Option3 Name"]);
        let values = cells(first, ["Option1 Value", "Option2 Value", "Option3 Value"]);
        let has_none = names == ["Title"] && values == ["Default Title"];
        self.product_cells(handle, first, &found);
        let options: Vec<_> = found.options.iter().map(|o| o.name.to_string()).collect();
        let said = if has_none { Vec::new() } else { names };
        self.same(handle, "Option Name", format!("{said:?}"), format!("{options:?}"));
        self.images(handle, rows, &found);
        let of_variants: Vec<_> =
            rows.iter().filter(|row| !cell(row, "Variant Price").is_empty()).collect();
        self.same(handle, "variants", of_variants.len(), found.variants.len());
        for (row, variant) in of_variants.into_iter().zip(&found.variants) {
            self.variants += 1;
            self.variant(shop, row, has_none, &found, variant)?;
        }
        Ok(())
    }

    fn product_cells(&mut self, handle: &str, row: &Row, found: &ProductView) {
        // What stands in the file as a control character arrives as what it was meant to be.
        let body = cell(row, "Body (HTML)").replace('\u{99}', "™");
        let mut tags: Vec<&str> = Vec::new();
        for tag in cell(row, "Tags").split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if tags.iter().all(|known| known.to_lowercase() != tag.to_lowercase()) {
                tags.push(tag);
            }
        }
        let found_tags: Vec<&str> = found.tags.iter().map(|tag| &**tag).collect();
        let published = cell(row, "Published") != "false";
        let status = match cell(row, "Status") {
            "" | "active" if published => "active",
            "" | "active" => "draft",
            other => other,
        };
        self.same(handle, "Title", cell(row, "Title"), &found.title);
        self.same(handle, "Body (HTML)", body, &found.description);
        self.same(handle, "Vendor", cell(row, "Vendor"), text(found.vendor.as_ref()));
        self.same(handle, "Type", cell(row, "Type"), text(found.product_type.as_ref()));
        self.same(handle, "Tags", tags.join(","), found_tags.join(","));
        self.same(handle, "Status", status, format!("{:?}", found.status).to_lowercase());
        self.same(handle, "Gift Card", cell(row, "Gift Card"), found.gift_card);
        self.same(handle, "SEO Title", cell(row, "SEO Title"), text(found.seo.title.as_ref()));
        let seo_description = text(found.seo.description.as_ref());
        self.same(handle, "SEO Description", cell(row, "SEO Description"), seo_description);
    }

    fn images(&mut self, handle: &str, rows: &[Row], found: &ProductView) {
        let mut said: Vec<[&str; 2]> = Vec::new();
        for row in rows.iter().filter(|row| !cell(row, "Image Src").is_empty()) {
            said.push([cell(row, "Image Src"), cell(row, "Image Alt Text")]);
        }
        for url in rows.iter().map(|row| cell(row, "Variant Image")) {
            if !url.is_empty() && said.iter().all(|[known, _]| *known != url) {
                said.push([url, ""]);
            }
        }
        self.same(handle, "images", said.len(), found.images.len());
        for ([url, alt], image) in said.into_iter().zip(&found.images) {
            self.same(handle, "Image Src", url, &image.url);
            self.same(handle, "Image Alt Text", alt, text(image.alt.as_ref()));
        }
    }

    fn variant(
        &mut self,
        shop: &Commerce,
        row: &Row,
        has_none: bool,
        product: &ProductView,
        found: &VariantView,
    ) -> Result<(), Box<dyn Error>> {
        let values = cells(row, ["Option1 Value", "Option2 Value", "Option3 Value"]).join(" / ");
        let place = format!("{} {values}", product.slug);
        let options: Vec<&str> = found.options.iter().map(|value| &**value).collect();
        self.same(&place, "Option Value", if has_none { "" } else { &values }, options.join(" / "));
        let [sku, barcode] = ["Variant SKU", "Variant Barcode"]
            .map(|column| cell(row, column).trim_start_matches('\'').to_owned());
        if !sku.is_empty() && self.skus.insert(sku.clone()) {
            self.same(&place, "Variant SKU", sku, &found.sku);
        }
        self.same(&place, "Variant Barcode", barcode, text(found.barcode.as_ref()));
        let grams = Some(cell(row, "Variant Grams")).filter(|grams| !grams.is_empty());
        self.same(&place, "Variant Grams", number(grams.unwrap_or("0")), found.weight_grams);
        for (column, amount) in [
            ("Variant Price", found.price),
            ("Variant Compare At Price", found.compare_at_price),
            ("Cost per item", found.cost),
        ] {
            self.same(&place, column, number(cell(row, column)), money(amount));
        }
        let tracked = cell(row, "Variant Inventory Tracker") == "shopify";
        self.same(&place, "Variant Inventory Tracker", tracked, found.track_inventory);
        let stock = block_on(shop.stock_of(&Caller::system(), found.id))?.on_hand;
        let said: i64 = cell(row, "Variant Inventory Qty").parse()?;
        self.same(&place, "Variant Inventory Qty", said.max(0), stock);
        let policy = match found.backorder {
            Backorder::Allow => "continue",
            Backorder::Deny => "deny",
        };
        self.same(
            &place,
            "Variant Inventory Policy",
            cell(row, "Variant Inventory Policy"),
            policy,
        );
        let shipped = cell(row, "Variant Requires Shipping");
        self.same(&place, "Variant Requires Shipping", shipped, found.requires_shipping);
        self.same(&place, "Variant Taxable", cell(row, "Variant Taxable"), found.taxable);
        self.same(
            &place,
            "Variant Tax Code",
            cell(row, "Variant Tax Code"),
            text(found.tax_code.as_ref()),
        );
        let image = product.images.iter().find(|image| Some(image.id) == found.image_id);
        let image = text(image.map(|image| &image.url));
        self.same(&place, "Variant Image", cell(row, "Variant Image"), image);
        for (column, name) in [
            ("Variant Weight Unit", "shopify_weight_unit"),
            ("Variant Fulfillment Service", "shopify_fulfillment_service"),
        ] {
            let kept = found.metadata.get(name).and_then(serde_json::Value::as_str);
            self.same(&place, column, cell(row, column), text(kept));
        }
        Ok(())
    }
}
