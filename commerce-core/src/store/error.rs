//! What a store answers when it does not do what it was asked.

use std::error::Error as StdError;

use super::{Outcome, RecordKey, UniqueKey};
use crate::inventory::Shortage;

/// The result of a read.
pub type StoreResult<T> = Result<T, StoreError>;

/// A store that did not answer, or has something that cannot be understood.
///
/// The source is the adapter's own error, for the log; it never reaches a client.
#[derive(Debug, thiserror::Error)]
#[error("{}", .kind.as_str())]
pub struct StoreError {
    kind: Kind,
    #[source]
    source: Box<dyn StdError + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Corrupt,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "the store did not answer",
            Self::Corrupt => "what is stored cannot be understood",
        }
    }
}

impl StoreError {
    /// The store cannot be reached, is too busy, or has no room.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, source: source.into() }
    }

    /// What is stored breaks the rules of its type.
    pub fn corrupt(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Corrupt, source: source.into() }
    }

    /// Whether what is stored breaks the rules of its type: asking again will not help.
    pub fn is_corrupt(&self) -> bool {
        self.kind == Kind::Corrupt
    }
}

/// Why a commit was not applied, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A record, or a level that was to be set, is not as it was read: read and decide again.
    #[error("{0:?} has changed")]
    Conflict(RecordKey),
    /// Another record has a key that must be unique.
    #[error("{0:?} is in use")]
    Taken(UniqueKey),
    /// A stock level would leave its bounds. It may have since it was read: read and decide again.
    #[error("only {} of {:?} are available, {} are wanted", .0.available, .0.level, .0.wanted)]
    Short(Shortage),
    /// Something was done under this key before; this is what was answered then. Only if the
    /// [fingerprints](super::Outcome::fingerprint) are equal was it the same request.
    #[error("it was done before")]
    AlreadyDone(Box<Outcome>),
    /// The commit breaks a rule of its own, such as two writes of one record, or a payment of which more
    /// is given back than was taken.
    #[error("the commit is malformed: {0}")]
    Malformed(&'static str),
    /// The store did not answer; nothing was written.
    #[error(transparent)]
    Unavailable(StoreError),
    /// The store did not say whether the commit was applied; the outcome, if the commit has one,
    /// tells.
    #[error("it is not known whether the commit was applied")]
    OutcomeUnknown(#[source] StoreError),
}
