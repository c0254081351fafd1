//! How many checkouts a second a shop on PostgreSQL makes durable.
//!
//! ```text
//! POSTGRES_SETTINGS="-c fsync=on" scripts/with-postgres \
//!     cargo bench -p commerce-benches --bench checkout_postgres
//! ```
//!
//! Each is a guest's cart of two lines, placed under an idempotency key by `Commerce::place_order`,
//! and on the disk when it is answered. The floor writes the same rows by one writer, set by set, in
//! batches of the size that the shop's had; see [`floor`]. Both take turns, each on a copy of the same
//! database, and the fastest turn of each counts. Callers, shop and server share the machine. Beside
//! them stand the same checkouts in memory and on SQLite, and what several server processes do in one
//! database; see [`processes`]. With numbers of callers as arguments, only those are measured.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "rates; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

mod floor;
mod processes;

use std::{env, time::Duration};

use commerce_benches::{
    callers::Run,
    checkout::{CARTS, Cart, counted, hot_beside_spread, in_memory, place, prepare, shop},
    figure::{Report, Target, micros, number, per_second},
    postgres::Postgres,
};
use commerce_sqlite::SqliteStore;
use commerce_sqlx::PgStore;
use floor::Rows;
use processes::{Load, Work};
use sqlx::Connection;

/// Callers, and the checkouts that they make together.
const CASES: [(usize, usize); 3] = [(1, 1_500), (32, CARTS), (128, CARTS)];
const ROUNDS: usize = 3;
/// What the shop's rate is to be of the floor's, if many ask at once.
const SHARE: f64 = 0.6;
/// What the rate on one hot SKU is to be of that on many.
const HOT_SHARE: f64 = 0.8;
/// Server processes that share a database, in the place of one.
const PROCESSES: usize = 3;
/// What their rate together is to be of that of one.
const PROCESSES_SHARE: f64 = 1.0;
/// Products that are looked up in it.
const READS: usize = 60_000;

/// How long a statement may take, as a shop says that is not told otherwise.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

fn main() {
    if processes::serve() {
        return;
    }
    let wanted: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let cases: Vec<(usize, usize)> = CASES
        .into_iter()
        .filter(|(callers, _)| wanted.is_empty() || wanted.contains(callers))
        .collect();
    let server = Server(Postgres::named());
    let columns = ["durable checkouts of two lines", "shop", "floor", "shop ÷ floor"];
    let mut report = Report::new("checkout_postgres", "Checkouts on PostgreSQL", columns);
    let mut rates = Vec::new();
    for hot in [false, true] {
        let what = if hot { "one hot SKU" } else { "spread SKUs" };
        let prepared = if hot { "bench_hot" } else { "bench_spread" };
        let carts = server.prepare(prepared, hot);
        for (callers, checkouts) in cases.iter().copied() {
            let case = Case { server: &server, prepared, callers, carts: &carts[..checkouts] };
            let measured = case.measure();
            let what = format!("{what}, {}", counted(callers, "caller"));
            let rate = measured.run.rate();
            let target = (callers > 1).then_some(Target::AtLeast(SHARE));
            report.figure(
                &what,
                per_second(rate),
                format!("{} in batches of {}", per_second(measured.floor), measured.batch),
                rate / measured.floor,
                target,
            );
            report.note(format!(
                "{what}: half of the answers within {}, 99 % within {}.",
                micros(measured.run.percentile(0.5)),
                micros(measured.run.percentile(0.99)),
            ));
            rates.push(rate);
        }
        if !hot && cases.contains(&CASES[2]) {
            server.beside_each_other(prepared, &mut report);
        }
    }
    hot_beside_spread(&mut report, &cases, &rates, HOT_SHARE);
    for (callers, checkouts) in cases.iter().copied() {
        let [memory, sqlite] = [in_memory(callers, checkouts), on_sqlite(callers, checkouts)];
        let who = counted(callers, "caller");
        report.figure(format!("in memory, {who}"), per_second(memory), "", f64::NAN, None);
        report.figure(format!("on SQLite, {who}"), per_second(sqlite), "", f64::NAN, None);
    }
    report.note(format!("In force: {}; on SQLite synchronous = full.", server.durability()));
    report.finish();
}

fn on_sqlite(callers: usize, checkouts: usize) -> f64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
    let carts = prepare(store.clone(), false);
    place(&[shop(store)], callers, &carts[..checkouts]).rate()
}

/// The server that the shop and its floor share.
struct Server(Postgres);

impl Server {
    fn open(&self, database: &str) -> PgStore {
        self.0.open(database, STATEMENT_TIMEOUT)
    }

    /// A database with carts in it.
    fn prepare(&self, name: &str, hot: bool) -> Vec<Cart> {
        self.0.make(name);
        let store = self.open(name);
        let carts = prepare(store.clone(), hot);
        self.0.block_on(store.close());
        self.0.run(Some(name), ["VACUUM ANALYZE"]);
        carts
    }

    /// A copy of a database.
    fn copy(&self, of: &str) {
        let copy = format!("CREATE DATABASE bench_run TEMPLATE {of} STRATEGY file_copy");
        let drop = "DROP DATABASE IF EXISTS bench_run WITH (FORCE)";
        // What is being written back of the copy must not weigh on what is measured.
        self.0.run(None, [drop, &copy, "CHECKPOINT"]);
    }

    /// Several server processes, beside one that does the same.
    fn beside_each_other(&self, prepared: &str, report: &mut Report) {
        let (callers, checkouts) = CASES[2];
        let mut deadlocks = 0;
        for (what, work, pieces) in
            [("checkouts", Work::Checkouts, checkouts), ("products by slug", Work::Products, READS)]
        {
            let load = Load { work, pieces, callers };
            let [mut one, mut together] = [0.0_f64; 2];
            for _ in 0..ROUNDS {
                for (processes, best) in [(1, &mut one), (PROCESSES, &mut together)] {
                    self.copy(prepared);
                    *best = best.max(load.rate("bench_run", processes));
                    deadlocks += self.deadlocks("bench_run");
                }
            }
            report.figure(
                format!(
                    "{what}: {PROCESSES} server processes beside one, {}",
                    counted(callers, "caller")
                ),
                per_second(together),
                per_second(one),
                together / one,
                Some(Target::AtLeast(PROCESSES_SHARE)),
            );
        }
        let deadlocks = deadlocks as f64;
        report.figure(
            "deadlocks meanwhile",
            number(deadlocks),
            "",
            deadlocks,
            Some(Target::AtMost(0.0)),
        );
    }

    fn durability(&self) -> String {
        self.0.settings(&["fsync", "synchronous_commit", "full_page_writes"])
    }
}

struct Case<'a> {
    server: &'a Server,
    prepared: &'a str,
    callers: usize,
    carts: &'a [Cart],
}

struct Measured {
    run: Run,
    floor: f64,
    batch: usize,
}

impl Case<'_> {
    fn run(&self) -> Run {
        self.server.copy(self.prepared);
        let store = self.server.open("bench_run");
        let run = place(&[shop(store.clone())], self.callers, self.carts);
        self.server.0.block_on(store.close());
        run
    }

    fn measure(&self) -> Measured {
        let mut best: Option<Run> = None;
        let mut rows = None;
        let (mut floor, mut batch) = (0.0_f64, 1);
        for _ in 0..ROUNDS {
            let run = self.run();
            self.server.0.block_on(async {
                let mut connection = self.server.0.connect(Some("bench_run")).await;
                if best.as_ref().is_none_or(|best| run.rate() > best.rate()) {
                    const COMMITS: &str = "SELECT count(DISTINCT xmin::text) FROM commerce_orders";
                    let commits: i64 =
                        sqlx::query_scalar(COMMITS).fetch_one(&mut connection).await.unwrap();
                    batch = (self.carts.len() as f64 / commits as f64).round().max(1.0) as usize;
                    best = Some(run);
                }
                if rows.is_none() {
                    rows = Some(Rows::of(&mut connection, self.carts.len()).await);
                }
                connection.close().await.unwrap();
            });
            self.server.copy(self.prepared);
            let took = self.server.0.block_on(async {
                let mut connection = self.server.0.connect(Some("bench_run")).await;
                let took = rows.as_ref().unwrap().write(&mut connection, batch).await;
                connection.close().await.unwrap();
                took
            });
            floor = floor.max(self.carts.len() as f64 / took.as_secs_f64());
        }
        Measured { run: best.unwrap(), floor, batch }
    }
}
