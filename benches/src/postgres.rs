//! The PostgreSQL server that benches work on.

use std::{env, time::Duration};

use commerce_sqlx::PgStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::runtime::Runtime;

/// The schema that a server has its shop in unless told otherwise.
pub const SCHEMA: &str = "commerce";

/// The server that `DATABASE_URL` names, and the runtime on which it is asked.
#[derive(Debug)]
pub struct Postgres {
    address: PgConnectOptions,
    runtime: Runtime,
}

impl Postgres {
    /// The server.
    ///
    /// # Panics
    /// When `DATABASE_URL` names none.
    pub fn named() -> Self {
        let address = env::var("DATABASE_URL");
        let address = address.expect("DATABASE_URL names no server: see scripts/with-postgres");
        Self { address: address.parse().unwrap(), runtime: Runtime::new().unwrap() }
    }

    /// Runs a future to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The address of a database.
    pub fn address(&self, database: &str) -> PgConnectOptions {
        self.address.clone().database(database)
    }

    /// A connection to a database, or to the one that is named.
    ///
    /// # Panics
    /// When the server refuses it; so below.
    pub async fn connect(&self, database: Option<&str>) -> PgConnection {
        let address = database.map_or_else(|| self.address.clone(), |name| self.address(name));
        let address = address.options([("search_path", SCHEMA)]);
        PgConnection::connect_with(&address).await.unwrap()
    }

    /// Runs statements, one after the other, each by itself.
    ///
    /// # Panics
    /// When the server refuses one.
    pub fn run<T: AsRef<str>>(
        &self,
        database: Option<&str>,
        statements: impl IntoIterator<Item = T>,
    ) {
        self.block_on(async {
            let mut connection = self.connect(database).await;
            for sql in statements {
                let sql = AssertSqlSafe(sql.as_ref());
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
            connection.close().await.unwrap();
        });
    }

    /// Makes an empty database, in the place of one that is there.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn make(&self, name: &str) {
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.run(None, [drop, format!("CREATE DATABASE {name}")]);
    }

    /// The texts that a query answers.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn texts(&self, database: Option<&str>, sql: &str) -> Vec<String> {
        self.block_on(async {
            let mut connection = self.connect(database).await;
            let texts = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await;
            connection.close().await.unwrap();
            texts.unwrap()
        })
    }

    /// The store in a database, with a bound for its statements.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open(&self, database: &str, statement_timeout: Duration) -> PgStore {
        // A server without safety is for trying a bench out; what is in force is told.
        let options = PgStore::options().schema(SCHEMA).allow_data_loss();
        let options = options.statement_timeout(statement_timeout);
        self.block_on(options.open_with(self.address(database))).unwrap()
    }

    /// What is in force of some settings.
    ///
    /// # Panics
    /// When the server does not say.
    pub fn settings(&self, names: &[&str]) -> String {
        let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
        let sql = format!(
            "SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings
            WHERE name IN ({})",
            names.join(", ")
        );
        self.texts(None, &sql).concat()
    }
}
