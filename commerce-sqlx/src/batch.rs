//! A batch of commits, judged and written in one transaction of somebody else's.
//!
//! 1. All that the commits name is locked and read in one statement; see [`lock`](crate::lock). Unique
//!    keys that are gained are locked by one before it, so that it sees whether they are free.
//! 2. The core's [`apply`](commerce_core::store::apply) judges them one after the other by what was
//!    read, and what those before left; see [`view`](crate::view). This is plain code without waiting.
//!    If a commit is refused, all is read once more: now that the locks are there, nothing of it is
//!    older than they are, so the second verdict is right.
//! 3. What the commits that hold make of each record is written set by set, in one statement; see
//!    [`sets`](crate::sets).
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

use commerce_core::store::{Commit, Record, RecordKey, Refusal};
use sqlx::PgConnection;

use crate::{
    error::Result,
    lock::{self, Names},
    parts::Parts,
    sets::Sets,
    settle::Settle,
    table::{
        Table, cart, category, customer, journal, order, payment, product, shop, stock, token,
        variant, webhook,
    },
    view::{self, Change, Moved, Net},
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
    let state = names.read(connection, patience).await?;
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
    let settle = Settle::of(&net)?;
    let mut parts = Parts::default();
    sets_of(&net)?.write(&mut parts);
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

/// The rows that a batch writes.
fn sets_of(net: &Net<'_>) -> Result<Sets> {
    let mut sets = Sets::default();
    for change in net.records.values() {
        write_record(&mut sets, change)?;
    }
    for (key, version) in &net.touched {
        sets.touch(table_of(key), lock::cell_of(key), *version);
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
    for outcome in net.outcomes.values() {
        sets.insert(&journal::OUTCOMES, &journal::outcome_row(outcome));
    }
    Ok(sets)
}

/// The table that a record stands in.
fn table_of(key: &RecordKey) -> &'static Table {
    match key {
        RecordKey::Shop => &shop::SHOP,
        RecordKey::Location(_) => &shop::LOCATIONS,
        RecordKey::Category(_) => &category::CATEGORIES,
        RecordKey::Product(_) => &product::PRODUCTS,
        RecordKey::Variant(_) => &variant::VARIANTS,
        RecordKey::Cart(_) => &cart::CARTS,
        RecordKey::Order(_) => &order::ORDERS,
        RecordKey::Payment(_) => &payment::PAYMENTS,
        RecordKey::Customer(_) => &customer::CUSTOMERS,
        RecordKey::ApiToken(_) => &token::TOKENS,
        RecordKey::Webhook(_) => &webhook::WEBHOOKS,
        RecordKey::Subscription(_) => &token::SUBSCRIPTIONS,
    }
}

fn write_record(sets: &mut Sets, change: &Change<'_>) -> Result<()> {
    /// The two states of a record of one kind.
    macro_rules! of {
        ($kind:ident) => {{
            let value = |(version, record)| match record {
                &Record::$kind(ref it) => Some((version, &**it)),
                _ => None,
            };
            (change.before.and_then(value), change.after.and_then(value))
        }};
    }
    macro_rules! write {
        ($kind:ident, $write:path) => {{
            let (before, after) = of!($kind);
            $write(sets, before, after)
        }};
    }
    let Some((_, record)) = change.after.or(change.before) else { return Ok(()) };
    match record {
        Record::Shop(_) => write!(Shop, shop::write)?,
        Record::Location(_) => write!(Location, shop::write_location)?,
        Record::Category(_) => write!(Category, category::write)?,
        Record::Product(_) => write!(Product, product::write)?,
        Record::Variant(_) => write!(Variant, variant::write)?,
        Record::Cart(_) => write!(Cart, cart::write)?,
        Record::Order(_) => write!(Order, order::write)?,
        Record::Payment(_) => write!(Payment, payment::write)?,
        Record::Customer(_) => write!(Customer, customer::write)?,
        Record::ApiToken(_) => write!(ApiToken, token::write)?,
        Record::Webhook(_) => write!(Webhook, webhook::write)?,
        Record::Subscription(_) => write!(Subscription, token::write_subscription)?,
    }
    Ok(())
}
