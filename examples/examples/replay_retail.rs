//! Replays the sales of a real retailer through a shop and audits the shop's books afterwards.
//!
//! ```text
//! cargo run --release --example replay_retail -- FILE.csv[.gz]
//!     [--store sqlite [--database FILE] | --store postgres --database URL [--schema NAME]]
//!     [--workers N]
//!     [--expect orders=15,skus=13,units=1486,revenue=2920.64,customers=4,guests=2]
//! ```
//!
//! The file is of the UCI data set "Online Retail" (<https://doi.org/10.24432/C5BW33>), or of the
//! same columns; a small one is `examples/data/retail-sample.csv`. The exit status is 0 only if the
//! shop sold exactly what the file has, and what `--expect` says.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that people read")]

use std::{
    error::Error,
    fmt::{self, Display},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use commerce_core::{
    Commerce,
    inputs::{SeededIds, SteppedClock},
    store::MemoryStore,
    time::Timestamp,
};
use commerce_examples::{
    replay::{Books, Replayed, audit, replay},
    retail::{self, Figures, Sales},
};
use commerce_sqlx::{PgStore, SystemClock, SystemIds};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;

/// Replays the sales of a real retailer through a shop and audits the shop's books afterwards.
#[derive(Debug, Parser)]
struct Args {
    /// The sales, as CSV, which may be compressed with gzip.
    file: PathBuf,
    /// Where the shop is kept.
    #[arg(long, value_enum, default_value_t = Store::Memory)]
    store: Store,
    /// The SQLite file, which must be new, one that is gone with the program if absent; or the
    /// PostgreSQL database.
    #[arg(long, required_if_eq("store", "postgres"))]
    database: Option<String>,
    /// The schema of the PostgreSQL database, which must be new.
    #[arg(long, default_value = "replay")]
    schema: String,
    /// How many orders are worked on at once. More than one gives up the order of history.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Sums that the file must have, such as orders=15,revenue=2920.64.
    #[arg(long, value_delimiter = ',')]
    expect: Vec<Expected>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Store {
    /// In memory: gone with the program.
    Memory,
    /// In a SQLite file.
    Sqlite,
    /// In a PostgreSQL database.
    Postgres,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let file = retail::open(&args.file)
        .map_err(|error| format!("{} cannot be opened: {error}", args.file.display()))?;
    let sales = Sales::read(file)?;
    let skipped = sales.skipped;
    println!("the file    {}", sales.figures());
    println!(
        "skipped     {} rows of cancellations, {} without quantity, {} without price",
        skipped.cancelled, skipped.no_quantity, skipped.no_price
    );
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::new()?;
    let shop = match args.store {
        Store::Memory => {
            let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
            Commerce::new(MemoryStore::new(), clock, SeededIds::new(1))
        }
        Store::Sqlite => {
            let database = args.database.as_ref().map(PathBuf::from);
            commerce_sqlite::open(database.unwrap_or_else(|| folder.path().join("replay.db")))?
        }
        Store::Postgres => {
            // It may lose what it acknowledges: the file is still there.
            let options = PgStore::options().schema(&args.schema).allow_data_loss();
            let database = args.database.as_deref().unwrap_or_default();
            let store = runtime.block_on(options.open(database))?;
            Commerce::new(store, SystemClock, SystemIds)
        }
    };
    let Replayed { stocking, selling } = replay(&shop, &sales, args.workers)?;
    let books = audit(&shop, &sales)?;
    let Books { figures, lines, movements, events } = books;
    println!("the books   {figures}");
    println!(
        "            {lines} lines, {movements} rows of the ledger, {events} events of orders"
    );
    println!("stocked in  {stocking:.2?}");
    println!(
        "sold in     {selling:.2?}: {} orders and {} lines a second, each order drafted, placed, \
         paid and sent",
        rate(figures.orders, selling),
        rate(lines, selling)
    );
    for expected in &args.expect {
        expected.check(&figures)?;
    }
    println!("the books are those of the file, and nothing is left in stock");
    Ok(())
}

/// So many of something in a second.
fn rate(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1_000_000_000 / time.as_nanos().max(1)
}

/// A sum that is known from elsewhere.
#[derive(Debug, Clone)]
struct Expected {
    name: Sum,
    value: Decimal,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sum {
    Orders,
    Skus,
    Units,
    Revenue,
    Customers,
    Guests,
}

impl FromStr for Expected {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("must be like orders=15")?;
        let value = value.parse().map_err(|_| format!("{value:?} is not a number"))?;
        Ok(Self { name: Sum::from_str(name, false)?, value })
    }
}

impl Expected {
    fn check(&self, figures: &Figures) -> Result<(), Unexpected> {
        let found = match self.name {
            Sum::Orders => figures.orders.into(),
            Sum::Skus => figures.skus.into(),
            Sum::Units => figures.units.into(),
            Sum::Revenue => Decimal::new(figures.revenue_pence, 2),
            Sum::Customers => figures.customers.into(),
            Sum::Guests => figures.guest_orders.into(),
        };
        if found == self.value { Ok(()) } else { Err(Unexpected(self.clone(), found)) }
    }
}

/// A sum that is another than was expected.
#[derive(Debug)]
struct Unexpected(Expected, Decimal);

impl Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Expected { name, value }, found) = self;
        let name = format!("{name:?}").to_lowercase();
        write!(f, "expected {name} to be {value}, found {found}")
    }
}

impl Error for Unexpected {}
