//! Memory does not grow with the file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{self, Read};

use commerce_core::{
    Commerce,
    currency::Currency,
    inputs::{SeededIds, SteppedClock},
    shop::Shop,
    store::MemoryStore,
};
use commerce_http::import::{
    Options, run,
    shopify::{FIELD_BYTES_MAX, ReadError, Reason, ShopifyReader},
};
use peak_alloc::PeakAlloc;
use pollster::block_on;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// An export with three variants and an image for each product.
struct Export {
    products: u64,
    next: u64,
    text: Vec<u8>,
    given: usize,
}

impl Export {
    fn new(products: u64) -> Self {
        let text = b"Handle,Title,Body (HTML),Tags,Option1 Name,Option1 Value,Variant SKU,\
            Variant Price,Image Src,Google Shopping / MPN\n";
        Self { products, next: 0, text: text.to_vec(), given: 0 }
    }
}

impl Read for Export {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() && self.next < self.products {
            let i = self.next;
            self.next += 1;
            self.given = 0;
            self.text.clear();
            use io::Write;
            writeln!(
                self.text,
                "p{i},Product {i},\"<p>Line one,\nline \"\"two\"\"</p>\",\"a, b\",Size,S,P{i}-S,{i}.50,https://a.example/{i},x\n\
                 p{i},,,,,M,P{i}-M,{i}.50,,x\n\
                 p{i},,,,,L,P{i}-L,{i}.50,,x\n\
                 p{i},,,,,,,,https://a.example/{i}-2,"
            )?;
        }
        let length = self.text.get(self.given..).unwrap_or_default().read(room)?;
        self.given += length;
        Ok(length)
    }
}

/// The most bytes that were in use beyond those before `run`.
fn peak(run: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    run();
    MEMORY.peak_usage() - before
}

// One test, since the allocator counts what all threads use.
#[test]
fn memory_does_not_grow_with_the_file() {
    let read = |products: u64| {
        peak(|| {
            let mut reader = ShopifyReader::new(Export::new(products)).unwrap();
            let mut variants = 0;
            for product in reader.by_ref() {
                variants += product.unwrap().variants.len() as u64;
            }
            assert_eq!((variants, reader.rows()), (3 * products, 4 * products));
            assert_eq!(reader.unmapped()[0].rows, 3 * products);
        })
    };
    let (small, large) = (read(500), read(12_500));
    assert!(large < 5 << 20, "{large}");
    assert!(large < small + 4096, "{small} {large}");

    // A dry run holds a product at a time, and what it knows again.
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Test", Currency::USD).unwrap())).unwrap();
    let options = Options { dry_run: true, ..Options::default() };
    let preview = |products: u64| {
        peak(|| {
            let reader = ShopifyReader::new(Export::new(products)).unwrap();
            let summary = block_on(run(&shop, reader, &options, |_| {})).unwrap();
            assert_eq!(summary.products.created, products);
            assert_eq!((summary.variants.created, summary.errors), (3 * products, 0));
        })
    };
    let (small, large) = (preview(200), preview(2_000));
    assert!(large < 40 << 20, "{large}");
    assert!(large < small + 8192, "{small} {large}");

    // A quote that is never closed, and a cell without an end.
    for start in ["a,\"A", "a,A"] {
        let used = peak(|| {
            let head = format!("Handle,Title,Variant Price\n{start}");
            let file = head.as_bytes().chain(io::repeat(b'x').take(32 << 20));
            let mut reader = ShopifyReader::new(file).unwrap();
            let Some(Err(ReadError::Product(failed))) = reader.next() else { panic!() };
            assert_eq!(failed.problems[0].reason, Reason::FieldTooLong);
            assert!(reader.next().is_none());
        });
        assert!(used < 10 * FIELD_BYTES_MAX, "{used}");
    }
}
