//! Random and damaged Shopify exports: nothing panics, nothing is lost, good files come back whole.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{self, Read};

use commerce_http::import::shopify::{
    Encoding, ReadError, ShopifyImage, ShopifyProduct, ShopifyReader, ShopifyVariant,
};
use proptest::{prelude::*, sample::Index};
use rust_decimal::Decimal;

const FIXTURE: &[u8] = include_bytes!("data/shopify.csv");

/// An input that gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(room.len());
        self.0.read(&mut room[..length])
    }
}

/// Reads a file and checks that each of its lines belongs to exactly one item or is empty.
fn account(file: &[u8], encoding: Encoding, piece: usize) -> Result<(), TestCaseError> {
    let Ok(mut reader) = ShopifyReader::with_encoding(Trickle(file, piece), encoding) else {
        return Ok(());
    };
    let header = usize::try_from(reader.bytes()).unwrap();
    let mut covered = Vec::new();
    let mut last = 0;
    for item in reader.by_ref() {
        let (first, end) = match item {
            Ok(product) => {
                prop_assert!(!product.handle.is_empty());
                prop_assert!(product.again || product.title.is_some());
                prop_assert!(product.again || !product.variants.is_empty());
                for variant in &product.variants {
                    prop_assert!(
                        product.again || variant.option_values.len() == product.options.len()
                    );
                }
                (product.line, product.last_line)
            }
            Err(ReadError::Product(failed)) => {
                prop_assert!(failed.problems_total > 0 && !failed.problems.is_empty());
                for problem in &failed.problems {
                    prop_assert!(
                        failed.line <= problem.line && problem.last_line <= failed.last_line
                    );
                }
                (failed.line, failed.last_line)
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(last < first && first <= end, "{last} {first} {end}");
        last = end;
        covered.push(first..=end);
    }
    prop_assert_eq!(reader.bytes(), file.len() as u64);
    prop_assert!(reader.next().is_none());

    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        text.split('\n').map(|line| line.as_bytes().to_vec()).collect()
    };
    let first = lines(&file[..header]).len() as u64;
    for (line, text) in (first..).zip(lines(&file[header..])) {
        let empty = text.iter().all(|byte| byte.is_ascii_whitespace() || b",\"".contains(byte));
        let items = covered.iter().filter(|range| range.contains(&line)).count();
        prop_assert!(items == 1 || empty, "line {} is in {} items", line, items);
    }
    Ok(())
}

proptest! {
    #[test]
    fn damaged_files_are_accounted_for(
        damage in prop::collection::vec(
            (any::<Index>(), 0..3_u8, prop::sample::select(&b"\"\",,\n\r\0\xe9x<"[..]), 1..200_usize),
            1..12,
        ),
        piece in 1..300_usize,
        high: bool,
    ) {
        let mut file = FIXTURE.to_vec();
        // Damage to the names of the columns alone would end most cases at once.
        let start = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for (at, kind, byte, length) in damage {
            let at = start + at.index(file.len() - start);
            match kind {
                0 => file.insert(at, byte),
                1 => file[at] = byte,
                _ => drop(file.drain(at..(at + length).min(file.len() - 1).max(at))),
            }
        }
        account(&file, if high { Encoding::Windows1252 } else { Encoding::Utf8 }, piece)?;
    }

    #[test]
    fn any_bytes_are_accounted_for(
        rows in prop::collection::vec(prop::sample::select(&b"ab,\"\n\r,\"\n 1<\xff\0"[..]), 0..300),
        piece in 1..40_usize,
    ) {
        account(&rows, Encoding::Utf8, piece)?;
        let file = [b"Handle,Title,Variant Price\n", &rows[..]].concat();
        account(&file, Encoding::Utf8, piece)?;
    }

    #[test]
    fn a_written_file_is_read_back(
        products in prop::collection::vec(product(), 0..6),
        order in any::<prop::sample::Index>(),
        crlf: bool,
        quote_all: bool,
        piece in 1..300_usize,
    ) {
        let mut products = products;
        let mut names = HEADER;
        let shift = order.index(HEADER.len());
        names.rotate_left(shift);
        let mut writer = csv::WriterBuilder::new()
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if quote_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(names).unwrap();
        for (i, product) in products.iter_mut().enumerate() {
            product.handle = format!("product-{i}");
            for mut row in rows(product) {
                row.rotate_left(shift);
                writer.write_record(row).unwrap();
            }
        }
        let file = writer.into_inner().unwrap();
        let mut read = Vec::new();
        for product in ShopifyReader::new(Trickle(&file, piece)).unwrap() {
            let mut product = product.unwrap();
            product.line = 0;
            product.last_line = 0;
            product.variants.iter_mut().for_each(|variant| variant.line = 0);
            product.images.iter_mut().for_each(|image| image.line = 0);
            read.push(product);
        }
        prop_assert_eq!(read, products);
    }
}

const HEADER: [&str; 14] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Tags",
    "Published",
    "Option1 Name",
    "Option2 Name",
    "Option1 Value",
    "Option2 Value",
    "SKU",
    "Price",
    "Inventory quantity",
    "Image Src",
    "Image Alt Text",
];

fn product() -> impl Strategy<Value = ShopifyProduct> {
    let text = "[a-zé\",<>']([a-zé \",<>'\n]{0,20}[a-zé\",<>'])?";
    let label = "[a-zé\",<>']([a-zé \",<>']{0,8}[a-zé\",<>'])?";
    let variant =
        (0..10_000_i64, 0..4_u32, prop::option::of("[A-Z0-9]{1,5}"), prop::option::of(-5..50_i64));
    (
        label,
        prop::option::of(text),
        prop::collection::btree_set("[a-z]([a-z ]{0,5}[a-z])?", 0..4),
        prop::option::of(any::<bool>()),
        0..3_usize,
        prop::collection::vec(variant, 1..5),
        prop::collection::vec(prop::option::of(label), 0..6),
    )
        .prop_map(|(title, body_html, tags, published, options, variants, images)| {
            let mut product = ShopifyProduct {
                title: Some(title),
                body_html,
                tags: tags.into_iter().collect(),
                published,
                options: ["Size", "Colour"][..options]
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                ..ShopifyProduct::default()
            };
            let count = if options == 0 { 1 } else { variants.len() };
            for (i, (minor, scale, sku, inventory_quantity)) in
                variants.into_iter().take(count).enumerate()
            {
                product.variants.push(ShopifyVariant {
                    option_values: [i.to_string(), format!("{}, \"{i}\"", i % 2)][..options]
                        .to_vec(),
                    price: Some(Decimal::new(minor, scale)),
                    sku,
                    inventory_quantity,
                    ..ShopifyVariant::default()
                });
            }
            for (i, alt) in images.into_iter().enumerate() {
                let src = format!("https://images.shop.example/{i}.png?v=1,2");
                product.images.push(ShopifyImage { line: 0, src, position: None, alt });
            }
            product
        })
}

/// The rows that an export has for a product, with an empty cell for what is not there.
fn rows(product: &ShopifyProduct) -> Vec<[String; 14]> {
    let count = product.variants.len().max(product.images.len());
    (0..count)
        .map(|i| {
            let mut row: [String; 14] = Default::default();
            row[0] = product.handle.clone();
            if i == 0 {
                row[1] = product.title.clone().unwrap_or_default();
                row[2] = product.body_html.clone().unwrap_or_default();
                row[3] = product.tags.join(", ");
                row[4] = product.published.map(|on| on.to_string()).unwrap_or_default();
                for (cell, name) in row[5..7].iter_mut().zip(&product.options) {
                    *cell = name.clone();
                }
            }
            if let Some(variant) = product.variants.get(i) {
                for (cell, value) in row[7..9].iter_mut().zip(&variant.option_values) {
                    *cell = value.clone();
                }
                row[9] = variant.sku.clone().map(|sku| format!("'{sku}")).unwrap_or_default();
                row[10] = variant.price.unwrap().to_string();
                row[11] = variant.inventory_quantity.map(|n| n.to_string()).unwrap_or_default();
            }
            if let Some(image) = product.images.get(i) {
                row[12] = image.src.clone();
                row[13] = image.alt.clone().unwrap_or_default();
            }
            row
        })
        .collect()
}
