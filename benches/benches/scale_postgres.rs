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
    scale::{Scale, Timed, compare},
    server::Server,
};
use commerce_sqlx::PgStore;
use pollster::block_on;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::runtime::Runtime;

/// The version of what is filled in besides the catalogue.
const HISTORY_EDITION: u32 = 1;
/// The schema that a server has its shop in unless told otherwise.
const SCHEMA: &str = "commerce";

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
    let database = Database::new();
    let schema = database.schema();
    let [small, large] = [small, large].map(|size| database.shop(size, schema));
    compare(&mut report, large.times(), small.times());
    report.note(format!("In force: {}.", database.durability()));
    let megabytes = number(database.megabytes(&large.name));
    report.note(format!("The large shop's database has {megabytes} MB."));
    report.finish();
}

/// The server that `DATABASE_URL` names.
struct Database {
    address: PgConnectOptions,
    runtime: Runtime,
}

struct Shop {
    name: String,
    address: String,
    catalogue: Catalogue,
    size: usize,
    scale: Scale,
}

impl Database {
    fn new() -> Self {
        let address = env::var("DATABASE_URL");
        let address = address.expect("DATABASE_URL names no server: see scripts/with-postgres");
        Self { address: address.parse().unwrap(), runtime: Runtime::new().unwrap() }
    }

    fn connect(&self, database: Option<&str>) -> PgConnection {
        let address = match database {
            Some(name) => self.address.clone().database(name),
            None => self.address.clone(),
        };
        let address = address.options([("search_path", SCHEMA)]);
        self.runtime.block_on(PgConnection::connect_with(&address)).unwrap()
    }

    fn run(&self, database: Option<&str>, sql: String) {
        let mut connection = self.connect(database);
        self.runtime.block_on(async {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    fn text(&self, sql: &'static str) -> String {
        let mut connection = self.connect(None);
        self.runtime.block_on(sqlx::query_scalar(sql).fetch_one(&mut connection)).unwrap()
    }

    fn open(&self, database: &str) -> PgStore {
        // A server without safety is for trying the bench out; what is in force is told.
        let options = PgStore::options().schema(SCHEMA).allow_data_loss();
        // What fills a shop is patient.
        let options = options.statement_timeout(Duration::from_secs(600));
        let address = self.address.clone().database(database);
        self.runtime.block_on(options.open_with(address)).unwrap()
    }

    /// The shop of so many variants and orders; it is filled if that was not done before.
    fn shop(&self, size: usize, schema: u64) -> Shop {
        let catalogue = Catalogue::of_variants(size);
        let name = format!("scale_{size}_{EDITION}_{HISTORY_EDITION}_{schema:016x}");
        const THERE: &str = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        let mut connection = self.connect(None);
        let there = sqlx::query_scalar(THERE).bind(&name).fetch_one(&mut connection);
        let there: bool = self.runtime.block_on(there).unwrap();
        if !there {
            self.fill(&name, &catalogue, size);
        }
        self.warm(&name);
        let address = self.address.clone().database(&name).to_url_lossy().to_string();
        let scale = Scale::new(checkout::shop(self.open(&name)), &catalogue);
        Shop { name, address, catalogue, size, scale }
    }

    fn fill(&self, name: &str, catalogue: &Catalogue, size: usize) {
        let part = format!("{name}_part");
        println!("filling {name} …");
        let started = Instant::now();
        self.run(None, format!("DROP DATABASE IF EXISTS {part} WITH (FORCE)"));
        self.run(None, format!("CREATE DATABASE {part}"));
        let store = self.open(&part);
        let indexes = self.drop_indexes(&part);
        let scale = Scale::new(checkout::shop(store.clone()), catalogue);
        let setup = block_on(scale.shop().store().setup()).unwrap().unwrap();
        catalogue.fill(&**scale.shop().store(), setup.locations[0].id);
        println!("goods after {:.0} s", started.elapsed().as_secs_f64());
        History::of_orders(size, catalogue).fill(scale.shop());
        println!("orders after {:.0} s", started.elapsed().as_secs_f64());
        self.runtime.block_on(store.close());
        indexes.into_iter().for_each(|index| self.run(Some(&part), index));
        // As a shop that has grown to this size would have done by and by.
        self.run(Some(&part), "VACUUM ANALYZE".to_owned());
        self.run(None, format!("ALTER DATABASE {part} RENAME TO {name}"));
        self.run(None, "CHECKPOINT".to_owned());
        println!("filled in {:.0} s", started.elapsed().as_secs_f64());
    }

    /// Drops the indexes of words, which are made at once much sooner than row by row; answers how.
    fn drop_indexes(&self, database: &str) -> Vec<String> {
        const INDEXES: &str = "SELECT indexname, indexdef FROM pg_indexes
            WHERE schemaname = current_schema() AND indexdef LIKE '% USING gin %'";
        let mut connection = self.connect(Some(database));
        let indexes = sqlx::query_as(INDEXES).fetch_all(&mut connection);
        let indexes: Vec<(String, String)> = self.runtime.block_on(indexes).unwrap();
        let drop = |(name, how)| {
            self.run(Some(database), format!("DROP INDEX {name}"));
            how
        };
        indexes.into_iter().map(drop).collect()
    }

    /// A number for the schema of today's tables: shops of another are not used.
    fn schema(&self) -> u64 {
        const NAME: &str = "scale_schema";
        const TABLES: &str = "SELECT string_agg(part, ';' ORDER BY part) FROM (
            SELECT format('%s.%s %s', table_name, column_name, data_type) AS part
                FROM information_schema.columns WHERE table_schema = current_schema()
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()) AS t";
        self.run(None, format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"));
        self.run(None, format!("CREATE DATABASE {NAME}"));
        self.runtime.block_on(self.open(NAME).close());
        let mut connection = self.connect(Some(NAME));
        let tables = sqlx::query_scalar(TABLES).fetch_one(&mut connection);
        let tables: String = self.runtime.block_on(tables).unwrap();
        self.runtime.block_on(connection.close()).unwrap();
        self.run(None, format!("DROP DATABASE {NAME}"));
        let mut hasher = DefaultHasher::new();
        tables.hash(&mut hasher);
        hasher.finish()
    }

    /// Brings what the disk has of a database into the system's memory. How fast it
    /// is read is not to be measured.
    fn warm(&self, database: &str) {
        self.run(
            Some(database),
            format!(
                "CREATE EXTENSION IF NOT EXISTS pg_prewarm;
                SELECT pg_prewarm(c.oid, 'read') FROM pg_class AS c
                WHERE c.relnamespace = '{SCHEMA}'::regnamespace AND c.relkind IN ('r', 'i')"
            ),
        );
    }

    fn durability(&self) -> String {
        self.text(
            "SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings
            WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')",
        )
    }

    fn megabytes(&self, database: &str) -> f64 {
        let mut connection = self.connect(None);
        let size = sqlx::query_scalar("SELECT pg_database_size($1)").bind(database);
        let bytes: i64 = self.runtime.block_on(size.fetch_one(&mut connection)).unwrap();
        bytes as f64 / 1e6
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
