//! A catalogue as a Shopify product export.

use std::io::{self, Write};

use commerce_core::catalog::Variant;

use crate::catalogue::Catalogue;

const COLUMNS: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,\
    Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,\
    Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Requires Shipping,\
    Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Status";

/// Writes all products, a row for each variant; gives the number of rows.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(catalogue: &Catalogue, out: &mut impl Write) -> io::Result<usize> {
    writeln!(out, "{COLUMNS}")?;
    let mut rows = 0;
    for number in 0..catalogue.products() {
        let (product, variants) = catalogue.product(number);
        for (place, variant) in variants.iter().enumerate() {
            // What is said of the product stands in its first row alone, as Shopify does it.
            let first = if place == 0 {
                let tags = product.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>();
                let vendor = product.vendor.as_deref().unwrap_or_default();
                let kind = product.product_type.as_deref().unwrap_or_default();
                let tags = tags.join(", ");
                let description = &product.description;
                format!("{},\"{description}\",{vendor},{kind},\"{tags}\",true,Size", product.title)
            } else {
                ",,,,,,".to_owned()
            };
            let image = match product.images.get(place) {
                Some(image) => {
                    let alt = image.alt.as_deref().unwrap_or_default();
                    format!("{},{},\"{alt}\"", image.url, place + 1)
                }
                None => ",,".to_owned(),
            };
            let status = if place == 0 { "active" } else { "" };
            writeln!(out, "{},{first},{},{image},{status}", product.slug, cells(variant))?;
            rows += 1;
        }
    }
    Ok(rows)
}

/// What is said of a variant, from the value of its option to its barcode.
fn cells(variant: &Variant) -> String {
    let size = &variant.options[0];
    let price = variant.prices[0].amount.minor();
    let (whole, cents) = (price / 100, price % 100);
    let barcode = variant.barcode.as_deref().unwrap_or_default();
    format!(
        "{size},{},{},shopify,1000000,deny,manual,{whole}.{cents:02},true,true,{barcode}",
        variant.sku, variant.grams
    )
}
