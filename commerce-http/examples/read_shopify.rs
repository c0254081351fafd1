//! Reads Shopify product exports and prints what is in them, writing to no shop:
//! `cargo run -p commerce-http --example read_shopify -- FILE.csv …`
//!
//! The exit status is 1 when some product could not be read.

use std::{
    collections::HashMap,
    error::Error,
    fs::File,
    io::{self, Write},
    process::ExitCode,
};

use commerce_http::import::shopify::{ReadError, ShopifyReader};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut failed_any = false;
    for path in std::env::args_os().skip(1) {
        writeln!(out, "{}", path.display())?;
        let mut reader = ShopifyReader::new(File::open(&path)?)?;
        let [mut products, mut variants, mut images, mut no_sku, mut failed] = [0_u64; 5];
        let mut skus: HashMap<String, u64> = HashMap::new();
        for item in reader.by_ref() {
            match item {
                Ok(product) => {
                    products += u64::from(!product.again);
                    images += product.images.len() as u64;
                    variants += product.variants.len() as u64;
                    for variant in product.variants {
                        match variant.sku {
                            Some(sku) => *skus.entry(sku).or_default() += 1,
                            None => no_sku += 1,
                        }
                    }
                }
                Err(ReadError::Product(product)) => {
                    failed += 1;
                    for problem in &product.problems {
                        let handle = product.handle.as_deref().unwrap_or("(no product)");
                        writeln!(out, "  {handle}: {problem}")?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let repeated = skus.values().filter(|count| **count > 1).count();
        writeln!(out, "  {} rows, {} bytes", reader.rows(), reader.bytes())?;
        writeln!(out, "  {products} products, {variants} variants, {images} images")?;
        writeln!(out, "  {no_sku} variants without a SKU, {repeated} SKUs on several variants")?;
        writeln!(out, "  {failed} products failed")?;
        for column in reader.unmapped() {
            writeln!(out, "  not mapped: {:?}, in {} rows", column.name, column.rows)?;
        }
        failed_any |= failed > 0;
    }
    Ok(ExitCode::from(u8::from(failed_any)))
}
