//! Whether a large shop on PostgreSQL is as quick as a small one.
//!
//! ```text
//! cargo build --release -p commerce-http
//! POSTGRES_SETTINGS="-c fsync=on" scripts/with-postgres \
//!     cargo bench -p commerce-benches --bench scale_postgres [-- SMALL LARGE]
//! ```
//!
//! Two shops of so many variants and as many orders, 1,000 and 1,000,000 unless said otherwise, each in
//! a database of its own, which the store itself fills; on a server that stays they are kept for the
//! next time. The same operations are timed on both, one caller at a time, and what is shown is the
//! median. Caller, shop and server share the machine, whose memory is to hold the databases: the large one
//! has 9 GB.
//!
//! What is compared finds as many rows in both, some few or a page, but for searches: a word of titles
//! is in 21 products of the small shop and in 21,000 of the large one, of which a search ranks 200, and the
//! common word of descriptions in 50 and 50,000. Each page of the small database is in the server's own
//! memory, as it is configured; most of the large one's are in the system's.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "times; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

use std::{
    env,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use commerce_benches::{
    catalogue::{Catalogue, EDITION},
    checkout,
    figure::{Report, number},
    history::History,
    postgres::{Postgres, SCHEMA},
    scale::{Scale, Timed, compare},
    server::Server,
};
use commerce_sqlx::PgStore;
use pollster::block_on;
use sqlx::ConnectOptions;

/// The version of what is filled in besides the catalogue.
const HISTORY_EDITION: u32 = 1;

fn main() {
    let sizes: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [small, large] = sizes.try_into().unwrap_or([1_000, 1_000_000]);
    let [few, many] = [small, large].map(|size| number(size as f64));
    let columns = [
        "median time, one caller",
        &format!("{many} variants and orders"),
        &format!("{few} variants and orders"),
        "×",
    ];
    let title = "A large shop on PostgreSQL beside a small one";
    let mut report = Report::new("scale_postgres", title, columns);
    let database = Database(Postgres::named());
    let schema = database.schema();
    let [small, large] = [small, large].map(|size| database.shop(size, schema));
    compare(&mut report, large.times(), small.times());
    report.note(format!("In force: {}.", database.durability()));
    let megabytes = number(database.megabytes(&large.name));
    report.note(format!("The large shop's database has {megabytes} MB."));
    report.finish();
}

/// The server that has the shops.
struct Database(Postgres);

struct Shop {
    name: String,
    address: String,
    catalogue: Catalogue,
    size: usize,
    scale: Scale,
}

impl Database {
    fn open(&self, database: &str) -> PgStore {
        // What fills a shop is patient.
        self.0.open(database, Duration::from_secs(600))
    }

    /// The shop of so many variants and orders; it is filled if that was not done before.
    fn shop(&self, size: usize, schema: u64) -> Shop {
        let catalogue = Catalogue::of_variants(size);
        let name = format!("scale_{size}_{EDITION}_{HISTORY_EDITION}_{schema:016x}");
        if !self.0.texts(None, "SELECT datname::text FROM pg_database").contains(&name) {
            self.fill(&name, &catalogue, size);
        }
        self.warm(&name);
        let address = self.0.address(&name).to_url_lossy().to_string();
        let scale = Scale::new(checkout::shop(self.open(&name)), &catalogue);
        Shop { name, address, catalogue, size, scale }
    }

    fn fill(&self, name: &str, catalogue: &Catalogue, size: usize) {
        let part = format!("{name}_part");
        println!("filling {name} …");
        let started = Instant::now();
        self.0.make(&part);
        let store = self.open(&part);
        let indexes = self.drop_indexes(&part);
        let scale = Scale::new(checkout::shop(store.clone()), catalogue);
        let setup = block_on(scale.shop().store().setup()).unwrap().unwrap();
        catalogue.fill(&**scale.shop().store(), setup.locations[0].id);
        println!("goods after {:.0} s", started.elapsed().as_secs_f64());
        History::of_orders(size, catalogue).fill(scale.shop());
        println!("orders after {:.0} s", started.elapsed().as_secs_f64());
        self.0.block_on(store.close());
        self.0.run(Some(&part), indexes);
        // As a shop that has grown to this size would have done by and by.
        self.0.run(Some(&part), ["VACUUM ANALYZE"]);
        self.0.run(None, [&*format!("ALTER DATABASE {part} RENAME TO {name}"), "CHECKPOINT"]);
        println!("filled in {:.0} s", started.elapsed().as_secs_f64());
    }

    /// Drops the indexes of words, which are made at once much sooner than row by row; answers how.
    fn drop_indexes(&self, database: &str) -> Vec<String> {
        let of_words = |column: &str| {
            let sql = format!(
                "SELECT {column} FROM pg_indexes WHERE schemaname = current_schema()
                AND indexdef LIKE '% USING gin %' ORDER BY indexname"
            );
            self.0.texts(Some(database), &sql)
        };
        let made = of_words("indexdef");
        let drops =
            of_words("indexname::text").into_iter().map(|name| format!("DROP INDEX {name}"));
        self.0.run(Some(database), drops);
        made
    }

    /// A number for the schema of today's tables: shops of another are not used.
    fn schema(&self) -> u64 {
        const NAME: &str = "scale_schema";
        const TABLES: &str = "SELECT string_agg(part, ';' ORDER BY part) FROM (
            SELECT format('%s.%s %s', table_name, column_name, data_type) AS part
                FROM information_schema.columns WHERE table_schema = current_schema()
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()) AS t";
        self.0.make(NAME);
        self.0.block_on(self.open(NAME).close());
        let tables = self.0.texts(Some(NAME), TABLES).concat();
        self.0.run(None, [format!("DROP DATABASE {NAME}")]);
        let mut hasher = DefaultHasher::new();
        tables.hash(&mut hasher);
        hasher.finish()
    }

    /// Brings what the disk has of a database into the system's memory. How fast it
    /// is read is not to be measured.
    fn warm(&self, database: &str) {
        let read = format!(
            "CREATE EXTENSION IF NOT EXISTS pg_prewarm;
            SELECT pg_prewarm(c.oid, 'read') FROM pg_class AS c
            WHERE c.relnamespace = '{SCHEMA}'::regnamespace AND c.relkind IN ('r', 'i')"
        );
        self.0.run(Some(database), [read]);
    }

    fn durability(&self) -> String {
        self.0.settings(&["fsync", "synchronous_commit", "full_page_writes", "shared_buffers"])
    }

    fn megabytes(&self, database: &str) -> f64 {
        let size = format!("SELECT pg_database_size('{database}')::text");
        self.0.texts(None, &size).concat().parse::<f64>().unwrap() / 1e6
    }
}

impl Shop {
    fn times(&self) -> Vec<Timed> {
        let look = self.scale.look(&Server::on_database(&self.address));
        let mut times = vec![look];
        times.extend(self.scale.times());
        times.extend(History::of_orders(self.size, &self.catalogue).times(self.scale.shop()));
        times
    }
}
