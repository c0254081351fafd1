//! What can go wrong below, and what it means above.

use std::path::PathBuf;

use commerce_core::store::{CommitError, StoreError};
use rusqlite::ErrorCode;

/// Why a shop's file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The SQLite library that the program was built with is too old: releases before 3.51.3 can
    /// corrupt a database in WAL mode.
    #[error("SQLite {found} is too old; 3.51.3 or newer is needed")]
    LibraryTooOld {
        /// Its version.
        found: &'static str,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a SQLite database", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database, but parts of it are not what they must be.
    #[error("{} is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rusqlite::Error,
    },
    /// The file is a database, but of another program.
    #[error("{} is a database of another program", .path.display())]
    OtherProgram {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program has changed the tables.
    #[error("the tables have version {found}, and this program knows only version {known}")]
    SchemaTooNew {
        /// The version of the tables.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The file, or the folder that it is in, cannot be written or does not exist.
    #[error("{} cannot be written", .path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Option<rusqlite::Error>,
    },
    /// The file has another name, a hard link. SQLite keeps its log beside the name, so that what is
    /// written under one name can be lost under the other.
    #[error("{} has another name, a hard link: make a copy, and remove one of the names", .path.display())]
    Linked {
        /// The file.
        path: PathBuf,
    },
    /// There can be no write-ahead log beside the file: it is in memory, or on a file system that
    /// several processes cannot share.
    #[error("{} cannot have a write-ahead log", .path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// Another program keeps the file locked.
    #[error("{} is locked by another program", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// SQLite says no for another reason.
    #[error("the database did not answer")]
    Sqlite(#[from] rusqlite::Error),
    /// A thread could not be started.
    #[error("the writer could not be started")]
    Thread(#[source] std::io::Error),
}

/// What the functions of this crate fail with among themselves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What is stored breaks the rules of its type.
    #[error("{0}")]
    Corrupt(String),
    /// A record that cannot be written, because it breaks the rules of its type.
    #[error("{0}")]
    Unfit(&'static str),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn is_corrupt(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Unfit(_) => false,
            Self::Sqlite(error) => match error {
                rusqlite::Error::SqliteFailure(failure, _) => {
                    matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                }
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..) => true,
                _ => false,
            },
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
