//! What a commit means: the one place where it is decided whether a commit holds and what follows
//! from it. Every store calls it, so every store means the same.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::{Commit, CommitError, Outcome, OutcomeKey, Record, RecordKey, UniqueKey, Write};
use crate::{
    event::Event,
    inventory::{LevelKey, LowStock, Movement, Shortage, StockLevel},
    version::Version,
};

/// What a commit is judged by: the state before it, as far as the commit asks about it.
///
/// A store that writes several commits in one transaction shows each of them the state that the
/// ones before it left.
pub trait View {
    /// Why the state could not be read.
    type Error;
    /// The version that a record is at, if it exists.
    ///
    /// # Errors
    /// When the state could not be read; so below.
    fn version(&mut self, key: &RecordKey) -> Result<Option<Version>, Self::Error>;
    /// The record that has a unique key.
    fn holder(&mut self, key: &UniqueKey) -> Result<Option<RecordKey>, Self::Error>;
    /// A stock level; zero where there never was any.
    fn level(&mut self, key: LevelKey) -> Result<StockLevel, Self::Error>;
    /// What was answered under a key.
    fn outcome(&mut self, key: &OutcomeKey) -> Result<Option<Outcome>, Self::Error>;
}

/// Why a commit does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// See [`CommitError::Conflict`].
    Conflict(RecordKey),
    /// See [`CommitError::Taken`].
    Taken(UniqueKey),
    /// See [`CommitError::Short`].
    Short(Shortage),
    /// See [`CommitError::AlreadyDone`].
    AlreadyDone(Box<Outcome>),
    /// See [`CommitError::Malformed`].
    Malformed(&'static str),
}

impl From<Refusal> for CommitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict(key) => Self::Conflict(key),
            Refusal::Taken(key) => Self::Taken(key),
            Refusal::Short(shortage) => Self::Short(shortage),
            Refusal::AlreadyDone(outcome) => Self::AlreadyDone(outcome),
            Refusal::Malformed(why) => Self::Malformed(why),
        }
    }
}

/// Why there is nothing to write.
#[derive(Debug)]
pub enum Stop<E> {
    /// The commit does not hold.
    Refused(Refusal),
    /// The state could not be read.
    Failed(E),
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a commit that holds writes besides its records and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// The stock levels that changed, as they are now, in the order of their keys.
    pub levels: Vec<StockLevel>,
    /// The new rows of the ledger.
    pub movements: Vec<Movement>,
    /// The events, those of the stock levels last; one entry of the outbox, if there are any.
    pub events: Vec<Event>,
    /// The records whose unique keys others of this commit take over. A database that compares row
    /// by row must set those keys free before it writes anything else.
    pub yielding: BTreeSet<RecordKey>,
}

/// Judges a commit by the state before it.
///
/// It holds if its outcome was not remembered before, each record is at the version that its write
/// expects, no other record has one of its unique keys, and each stock level stays within its
/// bounds after all moves of it together. The checks are made in this order and the first that
/// fails is the answer. What counts is the state after the commit: a unique key that one write of it
/// gives up, another may take.
///
/// # Errors
/// [`Stop::Refused`] if it does not hold, [`Stop::Failed`] if the view failed.
pub fn apply<V: View>(view: &mut V, commit: &Commit) -> Result<Effects, Stop<V::Error>> {
    let failed = Stop::Failed;
    let written = check_form(commit)?;
    if let Some(outcome) = commit.outcome()
        && let Some(before) = view.outcome(&outcome.key).map_err(failed)?
    {
        return Err(Refusal::AlreadyDone(Box::new(before)).into());
    }
    for write in commit.writes() {
        let key = write.key();
        let found = view.version(&key).map_err(Stop::Failed)?;
        let as_read = match write {
            Write::Insert(_) => found.is_none(),
            Write::Touch { expected: None, .. } => found.is_some(),
            Write::Replace { expected, .. }
            | Write::Require { expected, .. }
            | Write::Touch { expected: Some(expected), .. }
            | Write::Remove { expected, .. } => found == Some(*expected),
        };
        if !as_read {
            return Err(Refusal::Conflict(key).into());
        }
    }
    let yielding = check_unique(view, commit, &written)?;
    let mut moved = move_levels(view, commit)?;
    let movements = commit.moves().iter().filter_map(|m| m.movement(commit.time())).collect();
    let mut events = Vec::with_capacity(commit.events().len() + moved.events.len());
    events.extend_from_slice(commit.events());
    events.append(&mut moved.events);
    Ok(Effects { levels: moved.levels, movements, events, yielding })
}

/// The writes by the record that each is about.
type Written<'a> = BTreeMap<RecordKey, &'a Write>;

fn check_form(commit: &Commit) -> Result<Written<'_>, Refusal> {
    if commit.writes().len() > Commit::WRITES_MAX {
        return Err(Refusal::Malformed("too many writes"));
    }
    if commit.moves().len() > Commit::MOVES_MAX {
        return Err(Refusal::Malformed("too many stock moves"));
    }
    let mut written = Written::new();
    for write in commit.writes() {
        match written.entry(write.key()) {
            Entry::Vacant(place) => place.insert(write),
            Entry::Occupied(_) => return Err(Refusal::Malformed("two writes of one record")),
        };
    }
    let is_itself = |write: &Write| match write {
        Write::Replace { old, new, .. } => old.key() == new.key(),
        Write::Insert(_) | Write::Require { .. } | Write::Touch { .. } | Write::Remove { .. } => {
            true
        }
    };
    if !commit.writes().iter().all(is_itself) {
        return Err(Refusal::Malformed("a replacement of one record by another"));
    }
    for write in commit.writes() {
        if let Write::Insert(Record::Payment(it)) | Write::Replace { new: Record::Payment(it), .. } =
            write
            && let Some(why) = it.broken()
        {
            return Err(Refusal::Malformed(why));
        }
    }
    Ok(written)
}

/// Refuses a unique key that another record keeps or gains; answers which records give one up that
/// another takes.
fn check_unique<V: View>(
    view: &mut V,
    commit: &Commit,
    written: &Written<'_>,
) -> Result<BTreeSet<RecordKey>, Stop<V::Error>> {
    let mut yielding = BTreeSet::new();
    let mut gained = BTreeSet::new();
    for write in commit.writes() {
        let (key, wanted) = match write {
            Write::Insert(record) => (record.key(), record.unique_keys()),
            Write::Replace { old, new, .. } => {
                let before = old.unique_keys();
                let mut wanted = new.unique_keys();
                wanted.retain(|unique| !before.contains(unique));
                (new.key(), wanted)
            }
            Write::Remove { .. } | Write::Require { .. } | Write::Touch { .. } => continue,
        };
        for unique in wanted {
            let holder = view.holder(&unique).map_err(Stop::Failed)?;
            if let Some(holder) = holder.filter(|holder| *holder != key) {
                if !written.get(&holder).is_some_and(|write| gives_up(write, &unique)) {
                    return Err(Refusal::Taken(unique).into());
                }
                yielding.insert(holder);
            }
            if gained.contains(&unique) {
                return Err(Refusal::Taken(unique).into());
            }
            gained.insert(unique);
        }
    }
    Ok(yielding)
}

fn gives_up(write: &Write, unique: &UniqueKey) -> bool {
    match write {
        Write::Remove { .. } => true,
        Write::Replace { new, .. } => !new.unique_keys().contains(unique),
        Write::Insert(_) | Write::Require { .. } | Write::Touch { .. } => false,
    }
}

struct Moved {
    levels: Vec<StockLevel>,
    events: Vec<Event>,
}

fn move_levels<V: View>(view: &mut V, commit: &Commit) -> Result<Moved, Stop<V::Error>> {
    struct Sum {
        on_hand: i128,
        held: i128,
        expected_on_hand: Option<i64>,
    }
    let mut sums: BTreeMap<LevelKey, Sum> = BTreeMap::new();
    for change in commit.moves() {
        let sum = sums.entry(change.level).or_insert(Sum {
            on_hand: 0,
            held: 0,
            expected_on_hand: change.expected_on_hand,
        });
        sum.on_hand += i128::from(change.on_hand);
        sum.held += i128::from(change.held);
        if sum.expected_on_hand != change.expected_on_hand {
            return Err(Refusal::Malformed("moves that expect different levels").into());
        }
    }
    let mut moved = BTreeMap::new();
    let mut events = Vec::with_capacity(sums.len());
    for (key, sum) in sums {
        let before = view.level(key).map_err(Stop::Failed)?;
        if sum.expected_on_hand.is_some_and(|expected| expected != before.on_hand) {
            return Err(Refusal::Conflict(RecordKey::Variant(key.variant_id)).into());
        }
        let after = before.moved(clamp(sum.on_hand), clamp(sum.held)).map_err(Refusal::Short)?;
        if after == before {
            continue;
        }
        events.push(Event::StockChanged {
            variant_id: key.variant_id,
            location_id: key.location_id,
            on_hand: after.on_hand,
            held: after.held,
            available: after.available(),
        });
        moved.insert(key, (before.available(), after));
    }
    for low in commit.low_stock() {
        events.extend(become_low(view, low, &moved)?);
    }
    Ok(Moved { levels: moved.into_values().map(|(_, after)| after).collect(), events })
}

/// What is told of a variant if it has become low. The levels that moved are known as they are
/// after it, beside what was available of them before.
fn become_low<V: View>(
    view: &mut V,
    low: &LowStock,
    moved: &BTreeMap<LevelKey, (i64, StockLevel)>,
) -> Result<Option<Event>, Stop<V::Error>> {
    let LowStock { variant_id, threshold, .. } = *low;
    let keys = low.locations.iter().map(|id| LevelKey { variant_id, location_id: *id });
    let (here, elsewhere): (Vec<_>, Vec<_>) = keys.partition(|key| moved.contains_key(key));
    let mut before = 0;
    let mut after = 0;
    for (available, level) in here.iter().filter_map(|key| moved.get(key)) {
        before += available;
        after += level.available();
    }
    for key in elsewhere {
        // What is enough in the first places is enough, whatever is in the others.
        if after >= threshold || after >= before {
            return Ok(None);
        }
        let available = view.level(key).map_err(Stop::Failed)?.available();
        before += available;
        after += available;
    }
    let became = before >= threshold && after < threshold;
    Ok(became.then_some(Event::StockLow { variant_id, available: after, threshold }))
}

// A difference past 64 bits is out of every level's bounds, and so is the nearest within them.
fn clamp(sum: i128) -> i64 {
    let nearest = if sum < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(sum).unwrap_or(nearest)
}
