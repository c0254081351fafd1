//! What opening a shop's file costs, beside a bare connection to a file with the same tables: the
//! median of many, which the promise of 20 ms is about.
//!
//! `cargo run --release -p commerce-sqlite --example opening -- [FOLDER]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a measurement for people"
)]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use commerce_sqlite::SqliteStore;
use rusqlite::Connection;

const TIMES: usize = 101;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = |name: &str, at: usize| folder.path().join(format!("{name}-{at}.db"));
    // Turn by turn, so that both meet the same disk.
    let [made, made_bare] =
        medians(|at| [timed(|| open(&path("shop", at))), timed(|| make_bare(&path("bare", at)))]);
    let [opened, opened_bare] =
        medians(|_| [timed(|| open(&path("shop", 0))), timed(|| open_bare(&path("bare", 0)))]);
    let bytes = |name: &str| fs::metadata(path(name, 0)).unwrap().len();
    let (shop, bare) = (bytes("shop"), bytes("bare"));
    let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let row = |what, shop, bare| println!("{what:<20} {shop:>12}  (bare {bare})");
    row("a new file is made", milliseconds(made), milliseconds(made_bare));
    row("a file is opened", milliseconds(opened), milliseconds(opened_bare));
    row("a new file has", format!("{shop} bytes"), format!("{bare} bytes"));
}

fn open(path: &Path) {
    drop(SqliteStore::open(path).unwrap());
}

fn make_bare(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    let tables = include_str!("../migrations/0001_shop.sql");
    connection.execute_batch(&format!("BEGIN; {tables}; COMMIT")).unwrap();
}

fn open_bare(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT count(*) FROM commerce_shop";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn medians(measure: impl FnMut(usize) -> [Duration; 2]) -> [Duration; 2] {
    let pairs: Vec<_> = (0..TIMES).map(measure).collect();
    [0, 1].map(|which| {
        let mut times: Vec<_> = pairs.iter().map(|pair| pair[which]).collect();
        times.sort();
        times[TIMES / 2]
    })
}
