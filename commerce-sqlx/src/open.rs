//! Opening a shop's database: options, and the checks that come before anything is written.

use std::{num::NonZeroUsize, str::FromStr, sync::Arc, time::Duration};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::{
    PgStore, clock,
    error::{Error, OpenError},
    listen::Listening,
    migrate,
    query::similar::{self, Trigrams},
    readers::Readers,
    writer::Writer,
};

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 512;
/// Prepared statements that the writer's connection keeps. A batch's depend on what is in it, so there
/// are many, of which few come often, and for each of which the server keeps half a megabyte and more.
const STATEMENTS_WRITER: usize = 64;

/// How a shop's database is opened.
///
/// ```no_run
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use commerce_sqlx::PgStore;
/// let store = PgStore::options().schema("corner_shop").open("postgres://localhost/shops").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub(crate) schema: String,
    pub(crate) batch_max: NonZeroUsize,
    pub(crate) connections: u32,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) queue_timeout: Duration,
    pub(crate) migrate_timeout: Duration,
    pub(crate) durable: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            schema: "commerce".to_owned(),
            batch_max: NonZeroUsize::new(128).unwrap_or(NonZeroUsize::MIN),
            connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            queue_timeout: Duration::from_secs(10),
            migrate_timeout: Duration::from_secs(3_600),
            durable: true,
        }
    }
}

impl OpenOptions {
    /// The schema that the shop's tables are in; `commerce` unless set. It is made if it is not
    /// there. Shops in different schemas of one database have nothing to do with each other.
    #[must_use]
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: name.into(), ..self }
    }

    /// The most commits that are made durable together; 128 unless set.
    #[must_use]
    pub fn batch_max(self, commits: NonZeroUsize) -> Self {
        Self { batch_max: commits, ..self }
    }

    /// The most connections that the store has open at a time; 16 unless set, and at least
    /// [`CONNECTIONS_MIN`](Self::CONNECTIONS_MIN). One is for writing, and made when the store is
    /// opened. The others are made when they are needed: one is for listening, of the rest a third
    /// for lists, two for records. Where the database takes fewer, writing comes first.
    #[must_use]
    pub fn connections(self, connections: u32) -> Self {
        Self { connections: connections.max(Self::CONNECTIONS_MIN), ..self }
    }

    /// The fewest connections that a store works with.
    pub const CONNECTIONS_MIN: u32 = 4;

    /// How long a connection may take to be made or to become free before a read or a commit is
    /// given up; 5 s unless set.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long the server may take for one statement before it is given up; 10 s unless set. A
    /// transaction in which nothing is asked for a quarter of that, and a second at least, is ended by the
    /// server: whoever was to go on with it hangs or is gone.
    #[must_use]
    pub fn statement_timeout(self, timeout: Duration) -> Self {
        Self { statement_timeout: timeout, ..self }
    }

    /// How long a commit may wait before it is given up: for its turn, for a server that is away, for what
    /// other transactions have locked; 10 s unless set. For a tenth of that all that is written together
    /// waits for such a lock, and then goes on without those who want it.
    #[must_use]
    pub fn queue_timeout(self, timeout: Duration) -> Self {
        Self { queue_timeout: timeout, ..self }
    }

    /// How long each step may take that brings the tables up to date when a shop is opened, and how long to
    /// wait while another server does so; 1 h unless set.
    #[must_use]
    pub fn migrate_timeout(self, timeout: Duration) -> Self {
        Self { migrate_timeout: timeout, ..self }
    }

    /// Also takes a server that runs with `fsync`, `synchronous_commit` or `full_page_writes` off and
    /// so can lose what it has acknowledged when the power fails. For tests, and imports that can be
    /// repeated.
    #[must_use]
    pub fn allow_data_loss(self) -> Self {
        Self { durable: false, ..self }
    }

    /// Opens a shop's database, by an address such as `postgres://user:password@host:5432/database`,
    /// and makes its schema and tables or brings them up to date.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the database; nothing of it was changed then, unless
    /// tables were made or brought up to date. A server that falls silent is given up at each step.
    pub async fn open(&self, address: &str) -> Result<PgStore, OpenError> {
        // What is read here takes any scheme.
        let scheme = address.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            let why = "it must begin with postgres://";
            return Err(OpenError::Address(sqlx::Error::Configuration(why.into())));
        }
        let connect = PgConnectOptions::from_str(address).map_err(OpenError::Address)?;
        self.open_with(connect).await
    }

    /// As [`open`](Self::open), with all that can be said about a connection.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(&self, connect: PgConnectOptions) -> Result<PgStore, OpenError> {
        if !migrate::is_schema_name(&self.schema) {
            return Err(OpenError::SchemaName(self.schema.clone()));
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(OpenError::NoRuntime);
        }
        let connect = self.configured(connect);
        // Whoever has to wait while another brings the tables up to date waits long. That something is there
        // already is no news.
        let step = millis(self.migrate_timeout);
        let patient = connect.clone().options([
            ("statement_timeout", step.as_str()),
            ("lock_timeout", &step),
            ("client_min_messages", "warning"),
        ]);
        let mut connection = connected(&patient, self.connect_timeout).await?;
        let trigrams = self.prepared(&mut connection).await?;
        // What else it is told, it is told when it is opened again as the writer's. Whether it says goodbye
        // or not is all the same.
        let _ = timeout(self.connect_timeout, connection.close()).await;
        let by_key = connect.clone().options(BY_KEY);
        let by_writer = by_key.clone().statement_cache_capacity(STATEMENTS_WRITER);
        // Before those that read can take what room there is.
        let writing = connected(&by_writer, self.connect_timeout).await?;
        let readers = self.connections.max(Self::CONNECTIONS_MIN) - 2;
        let lists = readers / 3 + 1;
        let records = self.readers(by_key, readers - lists);
        let listening = Listening::new(connect.clone(), self.clone());
        let lists = self.readers(connect.options(FOR_LISTS), lists);
        let both = [Arc::clone(&records), Arc::clone(&lists)];
        let writer = Writer::start(self.clone(), by_writer, writing, both);
        Ok(PgStore::start(records, lists, trigrams, writer, listening))
    }

    /// Checks the server and what is there, and makes what is missing. The server's own bounds say nothing on
    /// a line that has fallen silent, so each step is bounded here as well.
    async fn prepared(&self, it: &mut PgConnection) -> Result<Option<Trigrams>, OpenError> {
        let soon = self.statement_timeout;
        // The server gives up first, if it is there.
        let late = self.migrate_timeout.saturating_mul(2);
        within(soon, migrate::check_session(it, &search_path(&self.schema))).await?;
        within(soon, migrate::check_server(it, self.durable)).await?;
        within(soon, clock::check(it)).await?;
        if !within(soon, migrate::is_up_to_date(it)).await? {
            within(late, migrate::migrate_schema(it, &self.schema)).await?;
        }
        within(soon, migrate::check_rights(it)).await?;
        if let Some(found) = within(soon, similar::find(it)).await? {
            return Ok(Some(found));
        }
        if !within(soon, similar::is_possible(it)).await? {
            return Ok(None);
        }
        within(late, similar::prepare(it)).await
    }

    fn readers(&self, connect: PgConnectOptions, connections: u32) -> Arc<Readers> {
        // The server gives up first, if it is there.
        let patience = self.statement_timeout.saturating_mul(2);
        Readers::new(connect, connections, self.connect_timeout, patience)
    }

    fn configured(&self, connect: PgConnectOptions) -> PgConnectOptions {
        let timeout = millis(self.statement_timeout);
        let lock_timeout = millis(self.statement_timeout / 2);
        // A transaction in which nothing is asked is that of a server that has died or hangs: its locks
        // must be gone before others are tired of waiting for them.
        let idle = millis((self.statement_timeout / 4).max(Duration::from_secs(1)));
        connect
            .application_name("commerce")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging()
            .options([
                ("search_path", search_path(&self.schema).as_str()),
                ("TimeZone", "UTC"),
                ("jit", "off"),
                ("statement_timeout", &timeout),
                ("lock_timeout", &lock_timeout),
                ("idle_in_transaction_session_timeout", &idle),
                // Whoever has waited for a lock must see what was done under it.
                ("default_transaction_isolation", "read committed"),
            ])
    }
}

/// Where a shop's tables are looked for. The name of a schema may be a word of SQL.
pub(crate) fn search_path(schema: &str) -> String {
    format!("\"{schema}\"")
}

/// For connections on which everything is looked for by key. The planner is told so, because it would
/// otherwise plan for the tables as they were when they were empty; and it plans each statement once,
/// whatever is in its arrays.
const BY_KEY: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("max_parallel_workers_per_gather", "0"),
];

/// For connections on which lists are made, whose plan depends on how many rows a value has. Without being
/// told so the planner would settle, after some values, on one plan for all.
const FOR_LISTS: [(&str, &str); 2] = [("plan_cache_mode", "force_custom_plan"), similar::LIKENESS];

/// A connection that was made in time.
pub(crate) async fn connected(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, Error> {
    match timeout(patience, PgConnection::connect_with(options)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Error::Late),
    }
}

/// A step of opening a shop, if it is done in time.
async fn within<T>(
    patience: Duration,
    step: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    timeout(patience, step).await.unwrap_or(Err(OpenError::Late))
}

/// A time as a setting of the server's, for which none at all would mean for ever.
fn millis(timeout: Duration) -> String {
    timeout.as_millis().max(1).to_string()
}
