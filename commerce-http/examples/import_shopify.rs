//! Imports Shopify product exports into a shop in memory, each twice, and prints what it came to:
//! `cargo run -p commerce-http --example import_shopify -- FILE.csv …`
//!
//! The exit status is 1 when something did not arrive, or the second time changed anything.

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use commerce_core::{
    Commerce,
    currency::Currency,
    inputs::{SeededIds, SteppedClock},
    shop::Shop,
    store::MemoryStore,
};
use commerce_http::import::{Ending, Options, ShopifyFile, import_file};
use pollster::block_on;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let is_terminal = err.is_terminal();
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args_os().skip(1) {
        let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse()?);
        let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
        block_on(shop.open(Shop::new("Example", Currency::USD)?))?;
        let options = Options::default();
        writeln!(out, "== {}", path.display())?;
        let open = || ShopifyFile::open(Path::new(&path), &options);
        let first = import_file(&shop, open()?, &options, &mut out, &mut err, is_terminal);
        if block_on(first)? != Ending::Complete {
            code = ExitCode::FAILURE;
        }
        let before = block_on(shop.store().outbox(0, usize::MAX))?.len();
        writeln!(out, "== again")?;
        let mut silent = io::sink();
        block_on(import_file(&shop, open()?, &options, &mut out, &mut silent, false))?;
        if block_on(shop.store().outbox(0, usize::MAX))?.len() != before {
            writeln!(out, "the second time changed something")?;
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
