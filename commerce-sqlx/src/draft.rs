//! What commits write of records and outcomes, if all of them hold.
//!
//! That follows from the commits alone, so it is made ready while the database still locks and reads what
//! they are judged by. Most of it is documents, and to write them down is most of the writer's own work.

use std::collections::BTreeMap;

use commerce_core::{
    store::{Commit, Outcome, OutcomeKey, Record, RecordKey, Write},
    version::Version,
};

use crate::{
    error::Result,
    sets::Sets,
    table::{
        At, Table, cart, category, customer, journal, order, payment, product, shop, token,
        variant, webhook,
    },
};

/// What a batch makes of a record, however many of its commits write it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// As it is stored.
    pub(crate) before: At<'a, Record>,
    /// As it is to be.
    pub(crate) after: At<'a, Record>,
}

/// What a batch makes of each record that it writes.
pub(crate) type Records<'a> = BTreeMap<RecordKey, Change<'a>>;

/// What commits that hold write.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) records: Records<'a>,
    /// The rows of records and outcomes.
    pub(crate) sets: Sets,
}

impl<'a> Draft<'a> {
    /// What these commits write, one after the other.
    pub(crate) fn of(commits: &[&'a Commit]) -> Result<Self> {
        let mut records = Records::new();
        let mut outcomes = BTreeMap::<&OutcomeKey, &Outcome>::new();
        for commit in commits {
            commit.writes().iter().for_each(|write| add(&mut records, write));
            outcomes.extend(commit.outcome().map(|outcome| (&outcome.key, outcome)));
        }
        let mut sets = Sets::default();
        for change in records.values() {
            write_record(&mut sets, change)?;
        }
        for outcome in outcomes.values() {
            sets.insert(&journal::OUTCOMES, &journal::outcome_row(outcome));
        }
        Ok(Self { records, sets })
    }
}

fn add<'a>(records: &mut Records<'a>, write: &'a Write) {
    let (before, after) = match write {
        Write::Insert(new) => (None, Some((Version::FIRST, new))),
        Write::Replace { expected, old, new } => {
            (Some((*expected, old)), Some((expected.next(), new)))
        }
        Write::Remove { expected, old } => (Some((*expected, old)), None),
        Write::Touch { key, .. } => {
            let written = records.get_mut(key).and_then(|change| change.after.as_mut());
            if let Some((version, _)) = written {
                *version = version.next();
            }
            return;
        }
        Write::Require { .. } => return,
    };
    records
        .entry(write.key())
        .and_modify(|change| change.after = after)
        .or_insert(Change { before, after });
}

/// The table that a record stands in.
pub(crate) fn table_of(key: &RecordKey) -> &'static Table {
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
