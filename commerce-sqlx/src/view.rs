//! What commits are judged by: the state that a batch has locked and read, and what those of its
//! commits that came before have left.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

use commerce_core::{
    inventory::{LevelKey, Movement, StockLevel},
    store::{
        Commit, Effects, Outcome, OutcomeKey, Record, RecordKey, Refusal, Stop, UniqueKey, View,
        Write, apply,
    },
    time::Timestamp,
    version::Version,
};

use crate::{lock::Blocked, table::At};

/// The state, as far as a batch's commits ask about it. What is not in it does not exist.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) versions: HashMap<RecordKey, Version>,
    pub(crate) holders: HashMap<UniqueKey, RecordKey>,
    pub(crate) levels: BTreeMap<LevelKey, StockLevel>,
    pub(crate) outcomes: HashMap<OutcomeKey, Outcome>,
    /// What is there and is not read, because others have locked it.
    pub(crate) blocked: Blocked,
}

impl View for State {
    type Error = Infallible;

    fn version(&mut self, key: &RecordKey) -> Result<Option<Version>, Infallible> {
        Ok(self.versions.get(key).copied())
    }

    fn holder(&mut self, key: &UniqueKey) -> Result<Option<RecordKey>, Infallible> {
        Ok(self.holders.get(key).cloned())
    }

    fn level(&mut self, key: LevelKey) -> Result<StockLevel, Infallible> {
        Ok(self.levels.get(&key).copied().unwrap_or(StockLevel::zero(key)))
    }

    fn outcome(&mut self, key: &OutcomeKey) -> Result<Option<Outcome>, Infallible> {
        Ok(self.outcomes.get(key).cloned())
    }
}

/// What a batch makes of a record, however many of its commits write it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// As it is stored.
    pub(crate) before: At<'a, Record>,
    /// As it is to be.
    pub(crate) after: At<'a, Record>,
}

/// What a level is moved to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    /// As it is stored, if it is.
    pub(crate) before: Option<StockLevel>,
    /// As it is to be.
    pub(crate) after: StockLevel,
    /// The fewest units that were available before, between and after the commits.
    pub(crate) least: i64,
}

/// The net result of those commits of a batch that hold.
#[derive(Debug, Default)]
pub(crate) struct Net<'a> {
    pub(crate) records: BTreeMap<RecordKey, Change<'a>>,
    /// The records of which nothing but the version is another.
    pub(crate) touched: BTreeMap<RecordKey, Version>,
    pub(crate) levels: BTreeMap<LevelKey, Moved>,
    /// All levels of what was moved or written, as they are to be.
    pub(crate) stock: BTreeMap<LevelKey, StockLevel>,
    pub(crate) movements: Vec<Movement>,
    pub(crate) entries: Vec<(Timestamp, Vec<commerce_core::event::Event>)>,
    pub(crate) outcomes: BTreeMap<&'a OutcomeKey, &'a Outcome>,
}

/// Judges commits one after the other, each by what those before it left.
pub(crate) fn judge<'a>(
    mut state: State,
    commits: &[&'a Commit],
) -> (Net<'a>, Vec<Option<Refusal>>) {
    let mut net = Net::default();
    let judged = commits.iter().map(|commit| match apply(&mut state, commit) {
        Ok(effects) => {
            net.keep(&mut state, commit, effects);
            None
        }
        Err(Stop::Refused(refusal)) => Some(refusal),
        Err(Stop::Failed(never)) => match never {},
    });
    let refusals = judged.collect();
    net.stock = state.levels;
    (net, refusals)
}

impl<'a> Net<'a> {
    fn keep(&mut self, state: &mut State, commit: &'a Commit, effects: Effects) {
        // First all that is given up, as another write may take it.
        for write in commit.writes() {
            if let Write::Replace { old, .. } | Write::Remove { old, .. } = write {
                state.give_up(old);
            }
        }
        for write in commit.writes() {
            let key = write.key();
            let (before, after) = match write {
                Write::Insert(new) => (None, Some((Version::FIRST, new))),
                Write::Replace { expected, old, new } => {
                    (Some((*expected, old)), Some((expected.next(), new)))
                }
                Write::Remove { expected, old } => (Some((*expected, old)), None),
                Write::Touch { .. } => {
                    self.touch(state, key);
                    continue;
                }
                Write::Require { .. } => continue,
            };
            state.put(&key, after);
            self.touched.remove(&key);
            self.records
                .entry(key)
                .and_modify(|change| change.after = after)
                .or_insert(Change { before, after });
        }
        for level in effects.levels {
            let key = level.key();
            let stored = state.levels.insert(key, level);
            let moved = self.levels.entry(key).or_insert(Moved {
                before: stored,
                after: level,
                least: stored.map_or(0, |level| level.available()),
            });
            moved.after = level;
            moved.least = moved.least.min(level.available());
        }
        self.movements.extend(effects.movements);
        if !effects.events.is_empty() {
            self.entries.push((commit.time(), effects.events));
        }
        if let Some(outcome) = commit.outcome() {
            state.outcomes.insert(outcome.key.clone(), outcome.clone());
            self.outcomes.insert(&outcome.key, outcome);
        }
    }
}

impl Net<'_> {
    fn touch(&mut self, state: &mut State, key: RecordKey) {
        let Some(version) = state.versions.get_mut(&key) else { return };
        *version = version.next();
        match self.records.get_mut(&key).and_then(|change| change.after.as_mut()) {
            Some((written, _)) => *written = *version,
            None => {
                self.touched.insert(key, *version);
            }
        }
    }
}

impl State {
    fn give_up(&mut self, old: &Record) {
        for unique in old.unique_keys() {
            self.holders.remove(&unique);
        }
    }

    fn put(&mut self, key: &RecordKey, after: At<'_, Record>) {
        for unique in after.map(|(_, record)| record.unique_keys()).unwrap_or_default() {
            self.holders.insert(unique, key.clone());
        }
        match after {
            Some((version, _)) => self.versions.insert(key.clone(), version),
            None => self.versions.remove(key),
        };
    }
}
