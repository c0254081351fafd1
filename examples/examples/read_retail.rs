//! Prints the sums of files in the format of the UCI data set "Online Retail", plain or gzipped:
//! `cargo run --release --example read_retail -- FILE …`

use std::{
    error::Error,
    io::{self, Write},
};

use commerce_examples::retail::{self, Sales, Skipped};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for path in std::env::args_os().skip(1) {
        let sales = Sales::read(retail::open(&path)?)?;
        let Skipped { cancelled, no_quantity, no_price } = sales.skipped;
        writeln!(out, "{}: {}", path.display(), sales.figures())?;
        writeln!(
            out,
            "  not sold: {cancelled} rows cancelled, {no_quantity} without a quantity, \
             {no_price} without a price"
        )?;
    }
    Ok(())
}
