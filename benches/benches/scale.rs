//! Whether a large shop is as quick as a small one.
//!
//! ```text
//! cargo bench -p commerce-benches --bench scale [-- SMALL LARGE]
//! ```
//!
//! Two shops of so many variants, 1,000 and 1,000,000 unless said otherwise, stand in SQLite files
//! that are filled once and kept in the target folder. The same operations are timed on both, one
//! caller at a time, with the files in the system's memory; what is shown is the median. Then a server runs on the large one, and its
//! memory is read.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "times; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use commerce_benches::{
    Fixture,
    catalogue::{COMMON_WORD, Catalogue, EDITION, VENDORS},
    client::{Client, request},
    figure::{Report, Target, number},
    scale::{Scale, Timed, compare},
    server::Server,
};
use commerce_core::Commerce;
use commerce_sqlite::{Durability, SqliteStore, SystemClock, SystemIds};
use pollster::block_on;
use rusqlite::Connection;

/// Megabytes that a server of the large shop may need.
const MEMORY: f64 = 150.0;
/// Megabytes that a server that nobody asks may need.
const MEMORY_IDLE: f64 = 30.0;

fn main() {
    let sizes: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [small, large] = sizes.try_into().unwrap_or([1_000, 1_000_000]);
    let [few, many] = [small, large].map(|size| number(size as f64));
    let columns =
        ["median time, one caller", &format!("{many} variants"), &format!("{few} variants"), "×"];
    let mut report = Report::new("scale", "A large shop beside a small one", columns);
    let [small, large] = [small, large].map(Shop::open);
    compare(&mut report, large.times(), small.times());
    let (now, most) = large.memory();
    let what = "memory of its server after work, MB";
    report.figure(what, format!("{now:.0}"), "", most, Some(Target::AtMost(MEMORY)));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (now, most) = idle(folder.path());
    let what = "memory of an idle server, MB";
    report.figure(what, "", format!("{now:.0}"), most, Some(Target::AtMost(MEMORY_IDLE)));
    report.note(format!("The large shop's file has {} MB.", number(large.megabytes())));
    report.finish();
}

struct Shop {
    data: PathBuf,
    scale: Scale,
}

impl Shop {
    /// Opens the shop of so many variants; fills it if that was not done before.
    fn open(variants: usize) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let data = folder.join(format!("scale-{variants}-{EDITION}-{:016x}", schema()));
        let catalogue = Catalogue::of_variants(variants);
        if !data.exists() {
            let part = data.with_extension("part");
            let _ = fs::remove_dir_all(&part);
            fs::create_dir_all(&part).unwrap();
            println!("filling {} …", data.display());
            let started = Instant::now();
            fill(&catalogue, &part.join("commerce.db"));
            println!("filled in {:.0} s", started.elapsed().as_secs_f64());
            fs::rename(&part, &data).unwrap();
        }
        let store = SqliteStore::open(data.join("commerce.db")).unwrap();
        Self { data, scale: Scale::new(commerce(store), &catalogue) }
    }

    fn megabytes(&self) -> f64 {
        fs::metadata(self.data.join("commerce.db")).unwrap().len() as f64 / 1e6
    }

    fn times(&self) -> Vec<Timed> {
        let server = Server::commerce(&self.data);
        // What follows is not to measure how fast the disk is read.
        let file = self.data.join("commerce.db");
        io::copy(&mut fs::File::open(file).unwrap(), &mut io::sink()).unwrap();
        let look = self.scale.look(&server);
        drop(server);
        let mut times = self.scale.times();
        times.insert(0, look);
        times
    }

    /// The memory of a server that was asked for all kinds of pages by many clients at once, and sold to
    /// them, now and at its most.
    fn memory(&self) -> (f64, f64) {
        let server = Server::commerce(&self.data);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let wanted = |draw| (self.scale.slug(draw).to_string(), self.scale.purchase(draw));
        let wanted: Vec<_> = (0..4_000).map(wanted).collect();
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for some in wanted.chunks(wanted.len() / 32) {
                let mut client = Client::connect(server.address()).await;
                let some = some.to_vec();
                tasks.spawn(async move {
                    for (turn, (slug, purchase)) in some.iter().enumerate() {
                        let path = match turn % 4 {
                            0 => format!("products/search?q={COMMON_WORD}"),
                            1 => "products?sort=price&limit=100".to_owned(),
                            2 => format!("products?vendor=Vendor%20{:02}", turn % VENDORS),
                            _ => format!("products/{slug}"),
                        };
                        let asked = request("GET", &format!("/api/v1/{path}"), "", "");
                        let answer = client.ask(&asked).await;
                        assert_eq!(answer.status, 200, "{path}");
                        purchase.make(&mut client).await;
                    }
                });
            }
            tasks.join_all().await;
        });
        server.memory()
    }
}

fn idle(data: &Path) -> (f64, f64) {
    let server = Server::commerce(data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = Client::connect(server.address()).await;
        assert_eq!(client.ask(&request("GET", "/readyz", "", "")).await.status, 200);
    });
    server.memory()
}

fn commerce(store: SqliteStore) -> Commerce {
    Commerce::new(store, SystemClock, SystemIds)
}

fn fill(catalogue: &Catalogue, file: &Path) {
    let store = SqliteStore::options().durability(Durability::Process).open(file).unwrap();
    let fixture = Fixture::new(commerce(store), 0);
    let setup = block_on(fixture.shop.store().setup()).unwrap().unwrap();
    catalogue.fill(&**fixture.shop.store(), setup.locations[0].id);
    drop(fixture);
    let connection = Connection::open(file).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// A number for the schema of today's files: those of another are not used.
fn schema() -> u64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("commerce.db");
    drop(SqliteStore::open(&file).unwrap());
    let connection = Connection::open(&file).unwrap();
    let sql = "SELECT coalesce(group_concat(sql), '') FROM sqlite_schema";
    let schema: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let mut hasher = DefaultHasher::new();
    schema.hash(&mut hasher);
    hasher.finish()
}
