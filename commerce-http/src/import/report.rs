//! What the person who imports a file sees.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
    process::ExitCode,
};

use commerce_core::Commerce;

use super::{
    finding::Severity,
    run::{Options, Progress, Update, run},
    shopify::{FileError, ShopifyReader},
    summary::Summary,
};
use crate::frame::chain;

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything arrived.
    Complete,
    /// Something in the file did not arrive, or would not in a dry run.
    Partial,
    /// The file could not be read to its end, or the shop could not be opened or did not answer.
    Stopped,
}

impl From<Ending> for ExitCode {
    /// 0 for complete, 1 for partial, 2 for stopped.
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Complete => 0,
            Ending::Partial => 1,
            Ending::Stopped => 2,
        })
    }
}

/// A Shopify product export that is open.
pub struct ShopifyFile {
    reader: ShopifyReader<BufReader<Box<dyn Read + Send>>>,
    /// Its size, as far as that can be known.
    bytes: u64,
}

impl fmt::Debug for ShopifyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShopifyFile").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl ShopifyFile {
    /// The path that stands for what is piped into the program.
    pub const STANDARD_INPUT: &str = "-";

    /// Opens a file, or [what is piped in](Self::STANDARD_INPUT), and reads its column names.
    ///
    /// # Errors
    /// When it cannot be read, or is not a product export: see [`FileError`].
    pub fn open(path: &Path, options: &Options) -> Result<Self, FileError> {
        let (input, bytes): (Box<dyn Read + Send>, u64) = if path == Path::new(Self::STANDARD_INPUT)
        {
            (Box::new(io::stdin()), 0)
        } else {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            (Box::new(file), bytes)
        };
        let reader = ShopifyReader::with_encoding(BufReader::new(input), options.encoding)?;
        Ok(Self { reader, bytes })
    }
}

/// Imports a Shopify product export from a file. What there is to know about its rows goes to
/// `err` as it is found, with a line on how far it has come if that is a terminal; what it came to
/// goes to `out`.
///
/// Only a summary that cannot be written is an error: an import does not end because nobody reads
/// what it says.
///
/// # Errors
/// When `out` cannot be written.
pub async fn import_file(
    shop: &Commerce,
    file: ShopifyFile,
    options: &Options,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
    is_terminal: bool,
) -> io::Result<Ending> {
    let ShopifyFile { reader, bytes } = file;
    let mut bar = Bar { bytes, shown: None, on: is_terminal };
    let done = run(shop, reader, options, |update| {
        let _ = match update {
            Update::Progress(progress) => bar.show(err, progress),
            Update::Found(finding) => bar.clear(err).and_then(|()| {
                let word = match finding.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                writeln!(err, "{word}: {finding}")
            }),
        };
    })
    .await;
    let _ = bar.clear(err);
    let (summary, ending) = match done {
        Ok(summary) if summary.errors == 0 => (summary, Ending::Complete),
        Ok(summary) => (summary, Ending::Partial),
        Err(stopped) => {
            let _ = writeln!(err, "error: {}", chain(&stopped));
            (*stopped.summary, Ending::Stopped)
        }
    };
    write_summary(out, &summary)?;
    if ending == Ending::Stopped {
        writeln!(out, "The import stopped before the end of the file. Import it again to go on.")?;
    }
    out.flush()?;
    Ok(ending)
}

/// Writes what an import came to.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_summary(out: &mut (impl Write + ?Sized), summary: &Summary) -> io::Result<()> {
    if summary.dry_run {
        writeln!(out, "Dry run: nothing was written. The import would come to this.")?;
    }
    writeln!(out, "{} rows read, prices in {}", summary.rows, summary.currency.code())?;
    if summary.currency != summary.shop_currency {
        writeln!(
            out,
            "  note: the shop's currency is {}; what is sold in it needs a price in it too",
            summary.shop_currency.code()
        )?;
    }
    for (name, counts) in [("products", &summary.products), ("variants", &summary.variants)] {
        writeln!(
            out,
            "{name}: {} created, {} updated, {} unchanged, {} failed",
            counts.created, counts.updated, counts.unchanged, counts.failed
        )?;
    }
    writeln!(
        out,
        "images: {} created; stock levels: {} set",
        summary.images_created, summary.stock_set
    )?;
    let notes = [
        (summary.skus_missing, "variants without a SKU in the file (new ones get a derived one)"),
        (
            summary.skus_repeated,
            "variants with the SKU of another one (new ones get a derived one)",
        ),
        (summary.stock_held, "stock levels left, as orders hold more units than the file has"),
        (summary.stock_spread, "variants whose stock was left, as it is in several locations"),
        (summary.weights_rounded, "weights rounded to whole grams"),
        (summary.variants_left, "variants of these products left, as they are not in the file"),
        (summary.images_left, "images of these products left, as they are not in the file"),
        (summary.warnings, "warnings"),
        (summary.errors, "errors"),
    ];
    for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{what}: {count}")?;
    }
    let (used, empty): (Vec<_>, Vec<_>) = summary.unmapped.iter().partition(|c| c.rows > 0);
    if !used.is_empty() {
        writeln!(out, "columns that are not imported, with the rows that have a value there:")?;
    }
    for column in used {
        writeln!(out, "  {:?}: {}", column.name, column.rows)?;
    }
    if !empty.is_empty() {
        let names: Vec<_> = empty.iter().map(|column| format!("{:?}", column.name)).collect();
        writeln!(out, "columns that are not imported and empty: {}", names.join(", "))?;
    }
    Ok(())
}

/// A line on a terminal that tells how far an import has come.
struct Bar {
    /// The size of the file.
    bytes: u64,
    /// What was drawn last.
    shown: Option<(u64, u64)>,
    on: bool,
}

impl Bar {
    const WIDTH: u64 = 30;
    /// It is drawn again after so many products, or when another percent is done.
    const PRODUCTS: u64 = 100;

    fn show(&mut self, err: &mut dyn Write, progress: Progress) -> io::Result<()> {
        let Progress { bytes, products } = progress;
        let part = |of: u64| bytes.min(self.bytes).saturating_mul(of).checked_div(self.bytes);
        let percent = part(100).unwrap_or(0);
        let state = (percent, products / Self::PRODUCTS);
        if !self.on || self.shown == Some(state) {
            return Ok(());
        }
        self.shown = Some(state);
        if self.bytes == 0 {
            write!(err, "\r\x1b[K{products} products")?;
        } else {
            let full = part(Self::WIDTH).unwrap_or(0);
            let bar: String =
                (0..Self::WIDTH).map(|place| if place < full { '█' } else { '░' }).collect();
            write!(err, "\r\x1b[K{bar} {percent:>3} %  {products} products")?;
        }
        err.flush()
    }

    fn clear(&mut self, err: &mut dyn Write) -> io::Result<()> {
        if self.shown.take().is_some() {
            write!(err, "\r\x1b[K")?;
            err.flush()?;
        }
        Ok(())
    }
}
