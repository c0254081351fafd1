//! How many checkouts a second a shop on SQLite makes durable.
//!
//! ```text
//! cargo bench -p commerce-benches --bench checkout_sqlite
//! ```
//!
//! Each is a guest's cart of two lines, placed under an idempotency key by `Commerce::place_order`,
//! and on the disk when it is answered. The floor writes the same rows with rusqlite, in batches of
//! the size that the shop's commits had; see [`floor`]. Both take turns, and the fastest turn of each
//! counts. What each checkout costs the processors is told beside, as it does not depend on what
//! else the machine does. With numbers of callers as arguments, only those are measured.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "rates; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

mod floor;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use commerce_benches::{
    callers::{Run, processor_time},
    checkout::{CARTS, Cart, counted, hot_beside_spread, in_memory, place, prepare, shop},
    figure::{Report, Target, micros, number, per_second},
};
use commerce_sqlite::SqliteStore;
use floor::Rows;
use rusqlite::Connection;

/// Callers, and the checkouts that they make together.
const CASES: [(usize, usize); 3] = [(1, 8_000), (32, CARTS), (128, CARTS)];
const ROUNDS: usize = 5;
/// What the shop's rate is to be of the floor's.
const SHARE: f64 = 0.7;
/// What the rate on one hot SKU is to be of that on many.
const HOT_SHARE: f64 = 0.85;

fn main() {
    let wanted: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let cases: Vec<(usize, usize)> = CASES
        .into_iter()
        .filter(|(callers, _)| wanted.is_empty() || wanted.contains(callers))
        .collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let columns = ["durable checkouts of two lines", "shop", "floor", "shop ÷ floor"];
    let mut report = Report::new("checkout_sqlite", "Checkouts on SQLite", columns);
    let mut rates = Vec::new();
    let mut rows = String::new();
    for hot in [false, true] {
        let prepared = folder.path().join(if hot { "hot.db" } else { "spread.db" });
        let carts = prepare(open(&prepared), hot);
        settle(&prepared);
        for (callers, checkouts) in cases.iter().copied() {
            let case = Case { folder: folder.path(), prepared: &prepared, callers, checkouts };
            let measured = case.measure(&carts[..checkouts]);
            let what = if hot { "one hot SKU" } else { "spread SKUs" };
            report.figure(
                format!("{what}, {}", counted(callers, "caller")),
                per_second(measured.ours),
                format!("{} in batches of {}", per_second(measured.floor), measured.batch),
                measured.ours / measured.floor,
                Some(Target::AtLeast(SHARE)),
            );
            report.note(format!(
                "{what}, {}: {} commits to a transaction; {} of processor time a checkout, the \
                 floor's {}; half of the answers within {}, 99 % within {}.",
                counted(callers, "caller"),
                number(measured.commits),
                micros(measured.processor),
                micros(measured.floor_processor),
                micros(measured.median),
                micros(measured.slow),
            ));
            rates.push(measured.ours);
            rows = measured.rows;
        }
        fs::remove_file(&prepared).unwrap();
    }
    report.note(format!("A checkout's rows: {rows}."));
    hot_beside_spread(&mut report, &cases, &rates, HOT_SHARE);
    for (callers, checkouts) in cases.iter().copied() {
        let best = (0..ROUNDS).map(|_| in_memory(callers, checkouts)).fold(0.0, f64::max);
        let what = format!("in memory, {}", counted(callers, "caller"));
        report.figure(what, per_second(best), "", f64::NAN, None);
    }
    report.finish();
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

/// Brings everything into the file itself, so that it can be copied.
fn settle(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

fn copy(from: &Path, to: &Path) {
    remove(to);
    fs::copy(from, to).unwrap();
    // What is being written back of the copy must not weigh on what is measured.
    fs::File::open(to).unwrap().sync_all().unwrap();
}

/// How many transactions were committed to the file since its write-ahead log was made, as the
/// index of the log has it: "a counter that is incremented with each transaction"
/// (sqlite.org/walformat.html, section 2.1).
fn transactions(path: &Path) -> u32 {
    let index = fs::read(beside(path, "-shm")).unwrap();
    u32::from_ne_bytes(index[8..12].try_into().unwrap())
}

struct Case<'a> {
    folder: &'a Path,
    prepared: &'a Path,
    callers: usize,
    checkouts: usize,
}

struct Measured {
    ours: f64,
    floor: f64,
    batch: usize,
    commits: f64,
    processor: f64,
    floor_processor: f64,
    median: f64,
    slow: f64,
    rows: String,
}

impl Case<'_> {
    fn measure(&self, carts: &[Cart]) -> Measured {
        let file = self.folder.join("run.db");
        let mut rows: Option<Rows> = None;
        let mut best: Option<(Run, f64)> = None;
        let mut floor = 0.0_f64;
        let mut batch = 1;
        let [mut processor, mut floor_processor] = [f64::INFINITY; 2];
        let each = |worked: Duration| worked.as_secs_f64() * 1e6 / self.checkouts as f64;
        for _ in 0..ROUNDS {
            copy(self.prepared, &file);
            let shop = shop(open(&file));
            let before = transactions(&file);
            let began = processor_time();
            let run = place(std::slice::from_ref(&shop), self.callers, carts);
            processor = processor.min(each(processor_time() - began));
            let commits = self.checkouts as f64 / f64::from(transactions(&file) - before);
            drop(shop);
            let faster = best.as_ref().is_none_or(|(best, _)| run.rate() > best.rate());
            if faster {
                best = Some((run, commits));
                batch = (commits.round() as usize).max(1);
            }
            let rows = rows.get_or_insert_with(|| {
                settle(&file);
                Rows::between(self.prepared, &file, self.checkouts)
            });
            copy(self.prepared, &file);
            let [took, worked] = rows.write(&file, batch);
            floor_processor = floor_processor.min(each(worked));
            floor = floor.max(self.checkouts as f64 / took.as_secs_f64());
        }
        remove(&file);
        let (run, commits) = best.unwrap();
        Measured {
            ours: run.rate(),
            floor,
            batch,
            commits,
            processor,
            floor_processor,
            median: run.percentile(0.5),
            slow: run.percentile(0.99),
            rows: rows.unwrap().describe(),
        }
    }
}
