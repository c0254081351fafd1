//! What can go wrong below, and what it means above.

use commerce_core::store::{CommitError, StoreError};

use crate::clock;

/// Why a shop's database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address of the database is not one.
    #[error("the database's address cannot be understood: {}", said(.0))]
    Address(sqlx::Error),
    /// The name of the schema is not one to 63 lower-case letters, digits and underscores that begin
    /// with a letter, or is one that belongs to PostgreSQL.
    #[error("`{0}` cannot be the name of a shop's schema")]
    SchemaName(String),
    /// The server is older than the oldest that this program knows.
    #[error("PostgreSQL {found} is too old; 15 or newer is needed")]
    ServerTooOld {
        /// Its version.
        found: String,
    },
    /// The server cannot be written to: it follows another one, or is told to refuse.
    #[error("the database is read-only: a standby, or one with `default_transaction_read_only` on")]
    ReadOnly,
    /// The clock of this machine and that of the database differ by more than half of
    /// [`Commerce::CLOCKS_DIFFER_MAX`](commerce_core::Commerce::CLOCKS_DIFFER_MAX), so that those of two
    /// servers may differ by more than all of it.
    #[error(
        "the clock of this machine is {}.{} s {} that of the database, and if it is more than {} s off, \
        servers do not know whose turn it is: set it",
        .millis.unsigned_abs() / 1_000,
        .millis.unsigned_abs() % 1_000 / 100,
        if *.millis > 0 { "ahead of" } else { "behind" },
        clock::DIFFERS_MAX.as_secs()
    )]
    Clock {
        /// By how many milliseconds this machine is ahead; negative if it is behind.
        millis: i64,
    },
    /// The database does not keep texts as UTF-8.
    #[error("the database has the encoding {found}; a shop needs UTF8")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// What the server has acknowledged may be lost with a loss of power.
    #[error(
        "the server runs with `{setting}` off, so that acknowledged orders can be lost; \
        `allow_data_loss` permits that"
    )]
    NotDurable {
        /// The setting that is off.
        setting: String,
    },
    /// The schema has tables, but they are not a shop's.
    #[error("the schema `{schema}` belongs to another program")]
    OtherProgram {
        /// Its name.
        schema: String,
    },
    /// A newer version of this program has changed the tables.
    #[error("the tables have version {found}, and this program knows only version {known}")]
    SchemaTooNew {
        /// The version of the tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database refuses the user: a wrong name or password, or a right that is missing.
    #[error("the database refuses access: {}", said(.0))]
    Refused(sqlx::Error),
    /// What this program sets for its sessions, such as the schema, does not reach the server.
    #[error(
        "what is set for a session does not reach the server, whose `search_path` stays {found}: if a \
        pooler is in between, connect to the server itself"
    )]
    Unset {
        /// The path by which tables would be found.
        found: String,
    },
    /// The user has not every right on the tables that a shop needs.
    #[error("the user lacks the right {right} on `{on}`")]
    MissingRight {
        /// The right, such as `INSERT`.
        right: String,
        /// The schema or table.
        on: String,
    },
    /// The server did not answer in time.
    #[error("the database did not answer in time")]
    Late,
    /// What answers does not speak as a PostgreSQL server does, or speaks of what this program does not
    /// know.
    #[error("what answers is no PostgreSQL server, or not understood: {}", said(.0))]
    NotUnderstood(sqlx::Error),
    /// The server does not answer, or says no for another reason.
    #[error("the database cannot be used: {}", said(.0))]
    Database(sqlx::Error),
    /// A store was opened outside a Tokio runtime.
    #[error("a store must be opened inside a Tokio runtime")]
    NoRuntime,
}

/// What the server or the system says, without all that is around it.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Configuration(error) | sqlx::Error::Tls(error) => error.to_string(),
        sqlx::Error::Io(error) => error.to_string(),
        // Without the place in the library that noticed.
        sqlx::Error::Protocol(text) => text.split(" (sqlx").next().unwrap_or_default().to_owned(),
        error => error.to_string(),
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            // Wrong authorization, insufficient privilege, no such database.
            Some(code) if code.starts_with("28") || matches!(code, "42501" | "3D000") => {
                Self::Refused(error)
            }
            Some("25006") => Self::ReadOnly,
            _ if matches!(error, sqlx::Error::Protocol(_)) => Self::NotUnderstood(error),
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::Late => Self::Late,
            error => Self::Database(sqlx::Error::Decode(error.into())),
        }
    }
}

/// What the functions of this crate fail with among themselves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// What is stored breaks the rules of its type.
    #[error("{0}")]
    Corrupt(String),
    /// A record that cannot be written, because it breaks the rules of its type.
    #[error("{0}")]
    Unfit(&'static str),
    /// The database did not answer in time.
    #[error("the database did not answer in time")]
    Late,
    /// What room the database has for connections is needed for writing.
    #[error("the database takes no more connections")]
    NoRoom,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for what is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The connection is gone, or of no use; nobody knows what became of the last statement.
    Lost,
    /// Another transaction was in the way; the same may succeed at once.
    Conflict,
    /// Another transaction has locked something, and has not let it go in time.
    Blocked,
    /// A key that must be unique is taken, or another rule of a table is broken.
    Constraint,
    /// Anything else: the same will fail again, or not soon succeed.
    Other,
}

impl Error {
    pub(crate) fn meaning(&self) -> Meaning {
        let Self::Database(error) = self else {
            return match self {
                Self::Late | Self::NoRoom => Meaning::Lost,
                _ => Meaning::Other,
            };
        };
        let Some(error) = error.as_database_error() else {
            return match error {
                // What cannot be encoded or decoded leaves the connection as it was.
                sqlx::Error::Encode(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed => Meaning::Other,
                _ => Meaning::Lost,
            };
        };
        match error.code().as_deref() {
            Some("40001" | "40P01") => Meaning::Conflict,
            // A lock was not to be had. Or a statement took too long, which may be for many of them.
            Some("55P03" | "57014") => Meaning::Blocked,
            // A connection exception, or the server ends the connection or itself.
            Some(code) if code.starts_with("08") || code.starts_with("57P") => Meaning::Lost,
            // The session ran into one of its own bounds.
            Some("25P03" | "25P04") => Meaning::Lost,
            // It takes no more connections for now, or has become a standby: its address may soon
            // stand for another.
            Some("53300" | "25006") => Meaning::Lost,
            Some(code) if code.starts_with("23") => Meaning::Constraint,
            _ => Meaning::Other,
        }
    }

    /// Whether the database takes no more connections for now.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code());
        code.as_deref() == Some("53300")
    }

    fn is_corrupt(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Unfit(_) | Self::Late | Self::NoRoom | Self::Closed => false,
            Self::Database(error) => {
                let code = error.as_database_error().and_then(|error| error.code());
                code.is_some_and(|code| code.starts_with("XX"))
            }
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if error.is_corrupt() { Self::corrupt(error) } else { Self::unavailable(error) }
    }
}

/// Nothing of the commit was written.
impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unfit(why) => Self::Malformed(why),
            other => Self::Unavailable(other.into()),
        }
    }
}
