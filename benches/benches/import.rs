//! What importing a large product export costs, and whether a larger one costs more a row.
//!
//! ```text
//! cargo build --release -p commerce-http && cargo bench -p commerce-benches --bench import [-- SMALL LARGE]
//! ```
//!
//! Two exports of so many rows, 100,000 and 1,000,000 unless said otherwise, are written and imported by
//! `commerce import shopify` into new SQLite files, and then once more, which changes nothing. Beside the
//! rate of the larger one stands that of the smaller one, and a floor: the same catalogue given to the
//! store directly, in commits as large as can be and without waiting for the disk.

#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]
#![allow(clippy::float_arithmetic, reason = "rates and times; money is counted elsewhere")]

use std::{
    env,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use commerce_benches::{
    Fixture,
    catalogue::Catalogue,
    export,
    figure::{Report, Target, number, per_second},
    server::{binary, memory},
};
use commerce_core::Commerce;
use commerce_sqlite::{Durability, SqliteStore, SystemClock, SystemIds};
use pollster::block_on;

/// How much slower a row of the large file may be.
const SLOWER: f64 = 1.5;
/// How much more memory the large file may take.
const MORE: f64 = 1.1;

fn main() {
    let sizes: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [small, large] = sizes.try_into().unwrap_or([100_000, 1_000_000]);
    let [few, many] = [small, large].map(|size| format!("{} rows", number(size as f64)));
    let columns = ["import into SQLite", &many, &few, "×"];
    let mut report = Report::new("import", "Importing a large product export", columns);
    let floor = floor(small);
    let [small, large] = [small, large].map(Imported::of);
    let mut compare = |what: &str, large: f64, small: f64| {
        let target = Some(Target::AtMost(SLOWER));
        report.figure(what, per_second(large), per_second(small), small / large, target);
    };
    compare("rows of new products", large.new.rate, small.new.rate);
    compare("rows of products that are there", large.again.rate, small.again.rate);
    let mut compare = |what: &str, large: f64, small: f64| {
        let target = Some(Target::AtMost(MORE));
        report.figure(what, number(large), number(small), large / small, target);
    };
    compare("memory at its most, MB", large.new.memory, small.new.memory);
    compare("memory at its most when importing again, MB", large.again.memory, small.again.memory);
    report.note(format!(
        "The store alone, given {few} in large commits, takes {}. The larger export has {} MB, its \
         database {} MB.",
        per_second(floor),
        number(large.megabytes.0),
        number(large.megabytes.1),
    ));
    report.finish();
}

/// What importing an export came to.
struct Imported {
    new: Run,
    again: Run,
    /// The sizes of the export and of the database.
    megabytes: (f64, f64),
}

/// One run of the program.
struct Run {
    /// Rows a second.
    rate: f64,
    /// Megabytes.
    memory: f64,
}

impl Imported {
    fn of(rows: usize) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = folder.path().join("export.csv");
        let mut out = BufWriter::new(File::create(&file).unwrap());
        let rows = export::write(&Catalogue::of_variants(rows), &mut out).unwrap();
        out.flush().unwrap();
        drop(out);
        let data = folder.path().join("data");
        let new = run(&file, &data, rows, "created");
        let again = run(&file, &data, rows, "unchanged");
        let size = |path: &Path| fs::metadata(path).unwrap().len() as f64 / 1e6;
        let megabytes = (size(&file), size(&data.join("commerce.db")));
        Self { new, again, megabytes }
    }
}

/// Runs the program, which must have done to every variant what is expected.
fn run(file: &Path, data: &Path, rows: usize, expected: &str) -> Run {
    let started = Instant::now();
    let mut command = Command::new(binary());
    command.args(["import", "shopify", "--data"]).arg(data).arg(file);
    let mut child = command.env("COMMERCE_CURRENCY", "EUR").stdout(Stdio::piped()).spawn().unwrap();
    let mut most = 0.0;
    while child.try_wait().unwrap().is_none() {
        if let Some((_, high)) = memory(child.id()) {
            most = high;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = started.elapsed().as_secs_f64();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("{rows} rows read")), "{said}");
    let variants = said.lines().find(|line| line.starts_with("variants:")).unwrap();
    assert!(variants.contains(&format!("{rows} {expected}")), "{said}");
    Run { rate: rows as f64 / took, memory: most }
}

/// Rows a second of the store alone.
fn floor(rows: usize) -> f64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options = SqliteStore::options().durability(Durability::Process);
    let store = options.open(folder.path().join("commerce.db")).unwrap();
    let fixture = Fixture::new(Commerce::new(store, SystemClock, SystemIds), 0);
    let store = fixture.shop.store();
    let setup = block_on(store.setup()).unwrap().unwrap();
    let started = Instant::now();
    Catalogue::of_variants(rows).fill(&**store, setup.locations.first().unwrap().id);
    rows as f64 / started.elapsed().as_secs_f64()
}
