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

/// What those commits of a batch that hold make of the state, besides what they write themselves.
#[derive(Debug, Default)]
pub(crate) struct Net {
    /// The records that get another version whether they are written or not.
    pub(crate) touched: BTreeMap<RecordKey, Version>,
    pub(crate) levels: BTreeMap<LevelKey, Moved>,
    /// All levels of what was moved or written, as they are to be.
    pub(crate) stock: BTreeMap<LevelKey, StockLevel>,
    pub(crate) movements: Vec<Movement>,
    pub(crate) entries: Vec<(Timestamp, Vec<commerce_core::event::Event>)>,
}

/// Judges commits one after the other, each by what those before it left.
pub(crate) fn judge(mut state: State, commits: &[&Commit]) -> (Net, Vec<Option<Refusal>>) {
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

impl Net {
    fn keep(&mut self, state: &mut State, commit: &Commit, effects: Effects) {
        // First all that is given up, as another write may take it.
        for write in commit.writes() {
            if let Write::Replace { old, .. } | Write::Remove { old, .. } = write {
                state.give_up(old);
            }
        }
        for write in commit.writes() {
            match write {
                Write::Insert(new) => state.put(write.key(), Some((Version::FIRST, new))),
                Write::Replace { expected, new, .. } => {
                    state.put(write.key(), Some((expected.next(), new)));
                }
                Write::Remove { .. } => state.put(write.key(), None),
                Write::Touch { key, .. } => {
                    self.touched.extend(state.touch(key).map(|version| (key.clone(), version)));
                }
                Write::Require { .. } => {}
            }
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
        }
    }
}

impl State {
    fn give_up(&mut self, old: &Record) {
        for unique in old.unique_keys() {
            self.holders.remove(&unique);
        }
    }

    /// Another version of a record; which, if it is there.
    fn touch(&mut self, key: &RecordKey) -> Option<Version> {
        let version = self.versions.get_mut(key)?;
        *version = version.next();
        Some(*version)
    }

    fn put(&mut self, key: RecordKey, after: At<'_, Record>) {
        for unique in after.map(|(_, record)| record.unique_keys()).unwrap_or_default() {
            self.holders.insert(unique, key.clone());
        }
        match after {
            Some((version, _)) => self.versions.insert(key, version),
            None => self.versions.remove(&key),
        };
    }
}
