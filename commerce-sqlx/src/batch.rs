//! A batch of commits, judged and written in one transaction of somebody else's.
//!
//! 1. All that the commits name is locked and read in one statement; see [`lock`](crate::lock). Unique
//!    keys that are gained are locked by one before it, so that it sees whether they are free. While the
//!    database is at it, what the commits write is made ready, as if all of them held; see
//!    [`draft`](crate::draft).
//! 2. The core's [`apply`](commerce_core::store::apply) judges them one after the other by what was
//!    read, and what those before left; see [`view`](crate::view). This is plain code without waiting.
//!    If a commit is refused, all is read once more: now that the locks are there, nothing of it is
//!    older than they are, so the second verdict is right.
//! 3. What the commits that hold make of each record is written set by set, in one statement; see
//!    [`sets`](crate::sets). If one does not hold, the draft was for nothing, and is made once more.
//! 4. The same statement ends with what follows from it, and last of all the outbox. Where products,
//!    variants or locations change, that is a statement of its own; see [`settle`](crate::settle).
//!
//! So a batch is two round trips, however many commits it has, a third if it gains keys, another if it
//! changes what is sold, and one more if a commit is refused. A refused commit has written nothing,
//! and the rest of its batch stands. One caller alone pays for three at most, but for a new product or variant,
//! which does gain keys and change what is sold, and pays for four: a statement sees what was there when it
//! began, so who has the keys is read after they are locked, and what is worked out of rows after they are
//! written.

use std::{mem, time::Duration};

use commerce_core::store::{Commit, Refusal};
use futures_util::future::join;
use sqlx::PgConnection;

use crate::{
    draft::{self, Draft, Records},
    error::Result,
    lock::{self, Names},
    parts::Parts,
    sets::Sets,
    settle::Settle,
    table::stock,
    view::{self, Moved, Net},
};

/// How a batch goes about what other transactions have locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It waits for it, but for variants that become low: if one is locked, the batch fails.
    Usual,
    /// It waits for it, and has locked in their place all variants that may become low.
    InOrder,
    /// It goes on without the commits that would have to wait.
    Past,
}

/// What is to be said of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is written.
    Holds,
    /// It does not hold.
    Refused(Refusal),
    /// It would have to wait, and was left out.
    Blocked,
}

impl Verdict {
    /// Why it does not hold.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

/// Judges commits and writes those that hold; answers what is to be said of each. After an error the
/// transaction must not be committed. `patience` is how long it waits for each lock, if that is not what
/// the session says.
pub(crate) async fn write(
    connection: &mut PgConnection,
    commits: &[&Commit],
    way: Way,
    patience: Option<Duration>,
) -> Result<Vec<Verdict>> {
    let mut names = Names::of(commits, way);
    let drafting = async { Draft::of(commits) };
    let (state, draft) = join(names.read(connection, patience), drafting).await;
    let state = state?;
    let mut free = commits.to_vec();
    let mut blocked = vec![false; commits.len()];
    if !state.blocked.is_empty() {
        blocked = commits.iter().map(|it| Names::of(&[it], way).meet(&state.blocked)).collect();
        free = commits.iter().zip(&blocked).filter(|(_, is)| !**is).map(|(it, _)| *it).collect();
        names = Names::of(&free, way);
    }
    let (mut net, mut refusals) = view::judge(state, &free);
    if refusals.iter().any(Option::is_some) {
        (net, refusals) = view::judge(names.read_again(connection).await?, &free);
    }
    let holding: Vec<_> =
        free.iter().zip(&refusals).filter(|(_, no)| no.is_none()).map(|(it, _)| *it).collect();
    let all = holding.len() == commits.len();
    let Draft { records, mut sets } = if all { draft? } else { Draft::of(&holding)? };
    let settle = Settle::of(&records, &net)?;
    write_net(&mut sets, &records, &net);
    let mut parts = Parts::default();
    sets.write(&mut parts);
    if settle.is_after() {
        mem::take(&mut parts).run(connection).await?;
    }
    settle.write(&mut parts);
    parts.run(connection).await?;
    let mut refusals = refusals.into_iter();
    let verdict = |blocked| match blocked {
        true => Verdict::Blocked,
        false => refusals.next().flatten().map_or(Verdict::Holds, Verdict::Refused),
    };
    Ok(blocked.into_iter().map(verdict).collect())
}

/// Adds what the state has a say in: levels, movements, and versions of what is not written otherwise.
fn write_net(sets: &mut Sets, records: &Records<'_>, net: &Net) {
    for (key, version) in net.touched.iter().filter(|(key, _)| !records.contains_key(key)) {
        sets.touch(draft::table_of(key), lock::cell_of(key), *version);
    }
    for Moved { before, after, .. } in net.levels.values() {
        match before {
            Some(before) if before == after => {}
            Some(_) => sets.update(&stock::LEVELS, &stock::level_row(*after)),
            // A level that somebody else makes at the same time must be refused, not overwritten.
            None => sets.insert(&stock::LEVELS, &stock::level_row(*after)),
        }
    }
    for movement in &net.movements {
        sets.insert(&stock::MOVEMENTS, &stock::movement_row(movement));
    }
}
