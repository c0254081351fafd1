//! A commit: everything that one operation writes, with what must still hold when it is written.

use std::collections::BTreeMap;

use crate::{
    error::Rejection,
    event::Event,
    id::VariantId,
    inventory::{LowStock, StockMove},
    secret::Digest,
    text::IdempotencyKey,
    time::Timestamp,
    version::{Version, Versioned},
};

use super::{Record, RecordKey, Stored};

/// What an operation decided: its answer, and what is to be written for it to be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<T> {
    /// The answer.
    pub output: T,
    /// What is to be written.
    pub commit: Commit,
}

/// One write, with its precondition.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A record that must not exist yet. It gets [`Version::FIRST`].
    Insert(Record),
    /// Another state of a record, which must still be at the version that was read. It gets the
    /// version after that.
    Replace {
        /// The version that was read.
        expected: Version,
        /// The record as it was read. As the version is the same, it is what is stored: a store may
        /// compare the two and write only what differs.
        old: Record,
        /// The record as it is to be.
        new: Record,
    },
    /// No write, but a record that must still be at the version that was read.
    Require {
        /// The record.
        key: RecordKey,
        /// The version that was read.
        expected: Version,
    },
    /// No other state of a record, but the next version, so that others who have read it decide
    /// again before they write it.
    Touch {
        /// The record, which must exist.
        key: RecordKey,
        /// The version that was read, if it must still be at that. Without one, many can touch a
        /// record at once and none stands in another's way.
        expected: Option<Version>,
    },
    /// The end of a record, which must still be at the version that was read.
    Remove {
        /// The version that was read.
        expected: Version,
        /// The record as it was read.
        old: Record,
    },
}

impl Write {
    /// The record that it is about.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Insert(record) => record.key(),
            Self::Replace { new, .. } => new.key(),
            Self::Require { key, .. } | Self::Touch { key, .. } => key.clone(),
            Self::Remove { old, .. } => old.key(),
        }
    }
}

/// Under what an outcome is found again: whose key it is, and the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutcomeKey {
    /// Who asked; see [`Caller::scope`](crate::access::Caller::scope).
    pub scope: String,
    /// Their key.
    pub key: IdempotencyKey,
}

/// What was answered to an operation, so that asking again gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Under what it is found again.
    pub key: OutcomeKey,
    /// The digest of the request, by which another request under the same key is told apart.
    pub fingerprint: Digest,
    /// The answer, as JSON.
    pub body: Vec<u8>,
    /// When it was answered.
    pub at: Timestamp,
}

/// Everything that one operation writes. Its parts have no order: either all of it holds, or
/// nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    at: Timestamp,
    writes: Vec<Write>,
    moves: Vec<StockMove>,
    low_stock: BTreeMap<VariantId, LowStock>,
    events: Vec<Event>,
    outcome: Option<Outcome>,
}

impl Commit {
    /// The most writes of one commit.
    pub const WRITES_MAX: usize = 5_000;
    /// The most stock moves of one commit.
    pub const MOVES_MAX: usize = 20_000;

    /// A commit that writes nothing yet, of an operation at a time.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            writes: Vec::new(),
            moves: Vec::new(),
            low_stock: BTreeMap::new(),
            events: Vec::new(),
            outcome: None,
        }
    }

    /// Adds a record; answers it as it will be stored.
    pub fn insert<T: Stored>(&mut self, value: T) -> Versioned<T> {
        let inserted = Versioned::new(Version::FIRST, value);
        self.writes.push(Write::Insert(T::into_record(inserted.value.clone())));
        inserted
    }

    /// Replaces a record as it was read by another state of it. If that is the same, the record must
    /// only be unchanged. Answers the record as it will be stored.
    pub fn replace<T: Stored + PartialEq>(&mut self, old: &Versioned<T>, new: T) -> Versioned<T> {
        if *old.value == new {
            self.require(old);
            return old.clone();
        }
        let replaced = Versioned::new(old.version.next(), new);
        self.writes.push(Write::Replace {
            expected: old.version,
            old: T::into_record(old.value.clone()),
            new: T::into_record(replaced.value.clone()),
        });
        replaced
    }

    /// Gives a record a new version although it stays as it was read, so that others who read it
    /// and decide something that this would have changed must decide again.
    pub fn touch<T: Stored>(&mut self, read: &Versioned<T>) {
        self.writes.push(Write::Touch { key: read.value.key(), expected: Some(read.version) });
    }

    /// Makes the commit depend on a record that must exist, whatever has become of it since it was
    /// read, and gives it a new version: whoever removes it must have seen what this commit adds.
    pub fn lean_on<T: Stored>(&mut self, record: &T) {
        self.writes.push(Write::Touch { key: record.key(), expected: None });
    }

    /// Makes the commit depend on a record being as it was read.
    pub fn require<T: Stored>(&mut self, read: &Versioned<T>) {
        self.writes.push(Write::Require { key: read.value.key(), expected: read.version });
    }

    /// Ends a record.
    pub fn remove<T: Stored>(&mut self, old: &Versioned<T>) {
        self.writes
            .push(Write::Remove { expected: old.version, old: T::into_record(old.value.clone()) });
    }

    /// Moves stock.
    pub fn stock(&mut self, change: StockMove) {
        self.moves.push(change);
    }

    /// Has the moves tell if they leave a variant low. Asking it twice of one variant asks it once.
    pub fn watch(&mut self, low: Option<LowStock>) {
        self.low_stock.extend(low.map(|low| (low.variant_id, low)));
    }

    /// Tells others.
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Remembers the answer.
    pub fn remember(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// Takes over what another commit writes, which remembers no answer. What both only depend on is
    /// written once.
    pub(crate) fn join(&mut self, other: Self) {
        for write in other.writes {
            let is_change = !matches!(write, Write::Require { .. } | Write::Touch { .. });
            if is_change || !self.writes.contains(&write) {
                self.writes.push(write);
            }
        }
        self.moves.extend(other.moves);
        self.low_stock.extend(other.low_stock);
        self.events.extend(other.events);
    }

    /// Whether it writes nothing, whatever it requires.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty()
            && self.events.is_empty()
            && self.writes.iter().all(|write| matches!(write, Write::Require { .. }))
    }

    /// Whether it may tell others something: it has events, or moves stock, of which the store tells.
    pub fn tells(&self) -> bool {
        !self.events.is_empty() || !self.moves.is_empty()
    }

    /// Refuses a commit that no store takes, because what was asked is too much for one operation.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub(crate) fn check_size(&self) -> Result<(), Rejection> {
        if self.writes.len() > Self::WRITES_MAX || self.moves.len() > Self::MOVES_MAX {
            let detail = format!(
                "must not change more than {} records and {} stock levels at once",
                Self::WRITES_MAX,
                Self::MOVES_MAX
            );
            return Err(Rejection::invalid("", detail));
        }
        Ok(())
    }

    /// The time of the operation.
    pub fn time(&self) -> Timestamp {
        self.at
    }

    /// The writes, at most one of each record.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The stock moves. Those of one level count as one.
    pub fn moves(&self) -> &[StockMove] {
        &self.moves
    }

    /// The variants of which is told if the moves leave them low.
    pub fn low_stock(&self) -> impl Iterator<Item = &LowStock> {
        self.low_stock.values()
    }

    /// The events, to which the store adds those of the stock levels.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The answer to remember.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}
