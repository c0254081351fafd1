//! Opening a shop's file: options, and the checks that come before anything is written.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{SqliteStore, error::OpenError, log, migrate};

/// Marks a file as a shop's: "Comm".
const APPLICATION_ID: i32 = 0x436f_6d6d;
/// Prepared statements that a connection keeps: more than this crate has.
const STATEMENTS: usize = 256;
/// The fewest and the most readers that are opened without being asked for.
const READERS: (NonZeroUsize, NonZeroUsize) =
    (NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(8).unwrap());
/// The longest that anything waits. SQLite counts milliseconds in 32 bits.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Kilobytes of the file that all readers keep in memory.
const READERS_CACHE: usize = 32 << 10;

/// How a connection to a file that exists is opened: no two threads use one at once.
const EXISTING: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How safe a commit is once it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// It survives a loss of power: each batch is on the disk before anybody is answered.
    #[default]
    Full,
    /// It survives the end of the process; a loss of power may take back the last moments, and
    /// leaves a consistent shop. For imports that can be repeated, and tests.
    Process,
}

/// How a shop's file is opened.
///
/// ```no_run
/// use std::time::Duration;
/// use commerce_sqlite::SqliteStore;
/// let store = SqliteStore::options().busy_timeout(Duration::from_secs(10)).open("shop.db")?;
/// # Ok::<(), commerce_sqlite::OpenError>(())
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub(crate) batch_max: NonZeroUsize,
    pub(crate) busy_timeout: Duration,
    pub(crate) queue_timeout: Duration,
    pub(crate) readers: NonZeroUsize,
    pub(crate) durability: Durability,
    pub(crate) bytes_max: Option<u64>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            batch_max: NonZeroUsize::new(128).unwrap_or(NonZeroUsize::MIN),
            busy_timeout: Duration::from_secs(5),
            queue_timeout: Duration::from_secs(10),
            readers: available_parallelism().unwrap_or(READERS.0).clamp(READERS.0, READERS.1),
            durability: Durability::Full,
            bytes_max: None,
        }
    }
}

impl OpenOptions {
    /// The most commits that are made durable together; 128 unless set.
    #[must_use]
    pub fn batch_max(self, commits: NonZeroUsize) -> Self {
        Self { batch_max: commits, ..self }
    }

    /// How long another program may keep the file locked before a commit is given up; 5 s unless
    /// set, a day at most.
    #[must_use]
    pub fn busy_timeout(self, timeout: Duration) -> Self {
        Self { busy_timeout: timeout.min(TIMEOUT_MAX), ..self }
    }

    /// How long a commit may wait for its turn before it is given up; 10 s unless set. That is seen
    /// when its turn comes, so whoever waits behind a commit that another program keeps from the file
    /// waits until that one is given up, [`busy_timeout`](Self::busy_timeout) longer at most. A day at most.
    #[must_use]
    pub fn queue_timeout(self, timeout: Duration) -> Self {
        Self { queue_timeout: timeout.min(TIMEOUT_MAX), ..self }
    }

    /// How many reads can happen at once; as many as the machine has processors unless set, but 2
    /// to 8. Together the readers keep up to 32 MB of the file in memory.
    #[must_use]
    pub fn readers(self, readers: NonZeroUsize) -> Self {
        Self { readers, ..self }
    }

    /// How safe a commit is once it is acknowledged; against a loss of power unless set.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// The most bytes that the file may grow to through this store, so that it leaves room for
    /// others; a commit that needs more is answered as by a full disk. No bound unless set.
    #[must_use]
    pub fn bytes_max(self, bytes: u64) -> Self {
        Self { bytes_max: Some(bytes), ..self }
    }

    /// Opens a shop's file, or makes it.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file; nothing of it was changed then.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        migrate::check_library()?;
        let path = path.as_ref();
        require_one_name(path)?;
        let writer = self.writer(path)?;
        let readers = (0..self.readers.get())
            .map(|_| self.reader(path))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| explain(error, path))?;
        let log =
            Connection::open_with_flags(path, EXISTING).map_err(|error| explain(error, path))?;
        SqliteStore::start(self, writer, log, readers)
    }

    fn writer(&self, path: &Path) -> Result<Connection, OpenError> {
        let fail = |error| explain(error, path);
        let flags = EXISTING | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        connection.busy_timeout(self.busy_timeout).map_err(fail)?;
        // Before anything is read: the files that SQLite puts beside one that is read-only would be
        // read-only as well, and stay in the way once it can be written.
        if connection.is_readonly("main").map_err(fail)? {
            return Err(OpenError::NotWritable { path: path.to_owned(), source: None });
        }
        let new = check_owner(&connection, path)?;
        if self.journal_mode(&connection).map_err(fail)? != "wal" {
            return Err(OpenError::NoWriteAheadLog { path: path.to_owned() });
        }
        let synchronous = match self.durability {
            Durability::Full => "FULL",
            Durability::Process => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous).map_err(fail)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
        connection.pragma_update(None, "cache_size", -16_384).map_err(fail)?;
        // Should whoever brings the log in fall behind, a commit waits for it.
        connection.pragma_update(None, "wal_autocheckpoint", 4 * log::PAGES).map_err(fail)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(fail)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        if let Some(bytes) = self.bytes_max {
            let page: i64 =
                connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(fail)?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection
                .pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
                .map_err(fail)?;
        }
        if new {
            // In one transaction with the tables: one wait for the disk less.
            connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
            connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
        }
        migrate::migrate_in(&connection).map_err(|error| match error {
            OpenError::Sqlite(error) => fail(error),
            other => other,
        })?;
        if new {
            connection.execute_batch("COMMIT").map_err(fail)?;
        }
        Ok(connection)
    }

    /// Asks for a write-ahead log; answers what there is. To make one wants the file alone, and for
    /// that SQLite does not wait by itself.
    fn journal_mode(&self, connection: &Connection) -> rusqlite::Result<String> {
        let until = Instant::now() + self.busy_timeout;
        loop {
            let mode =
                connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
            match mode {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && Instant::now() < until =>
                {
                    thread::sleep(Duration::from_millis(1));
                }
                done => return done,
            }
        }
    }

    fn reader(&self, path: &Path) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, EXISTING)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        let share = READERS_CACHE / self.readers.get();
        connection.pragma_update(None, "cache_size", -i64::try_from(share).unwrap_or(1))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }
}

/// Refuses a file that has several names.
fn require_one_name(path: &Path) -> Result<(), OpenError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let linked = |file: fs::Metadata| file.is_file() && file.nlink() > 1;
        if fs::metadata(path).is_ok_and(linked) {
            return Err(OpenError::Linked { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Refuses the database of another program; answers whether it is empty.
fn check_owner(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let fail = |error| explain(error, path);
    // In one snapshot: another who makes the same file must not be seen halfway.
    let connection = &connection.unchecked_transaction().map_err(fail)?;
    let version = migrate::version(connection).map_err(fail)?;
    if version > migrate::NEWEST {
        return Err(OpenError::SchemaTooNew { found: version, known: migrate::NEWEST });
    }
    if version > 0 {
        return Ok(false);
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fail)?;
    let owner: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    if tables > 0 || (owner != 0 && owner != APPLICATION_ID) {
        return Err(OpenError::OtherProgram { path: path.to_owned() });
    }
    Ok(true)
}

fn explain(error: rusqlite::Error, path: &Path) -> OpenError {
    /// What SQLite says of a header whose schema format is none, for which it has no code.
    const NO_FORMAT: &str = "unsupported file format";
    let path: PathBuf = path.to_owned();
    match &error {
        rusqlite::Error::SqliteFailure(_, Some(why)) if why == NO_FORMAT => {
            return OpenError::Damaged { path, source: error };
        }
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source: error },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy { path },
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::DiskFull,
        ) => OpenError::NotWritable { path, source: Some(error) },
        _ => OpenError::Sqlite(error),
    }
}
