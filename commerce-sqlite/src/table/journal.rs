//! What a store keeps besides records: the outbox, outcomes, and what is due.

use commerce_core::{
    cart::CartStatus,
    event::Event,
    id::CartId,
    store::{Due, OutboxEntry, Outcome, OutcomeKey, Purge},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use super::Cell;
use crate::{codec, error::Result};

/// Remembers an outcome.
pub(crate) fn remember(connection: &Connection, outcome: &Outcome) -> Result<()> {
    const INSERT: &str = "INSERT INTO commerce_outcomes (scope, key, fingerprint, at, body)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![
        outcome.key.scope,
        outcome.key.key.as_str(),
        &outcome.fingerprint.as_bytes()[..],
        outcome.at.as_millis(),
        outcome.body
    ];
    codec::run(connection, INSERT, row)?;
    Ok(())
}

pub(crate) fn outcome(connection: &Connection, key: &OutcomeKey) -> Result<Option<Outcome>> {
    const OUTCOME: &str = "SELECT fingerprint, at, body FROM commerce_outcomes
        WHERE scope = ?1 AND key = ?2";
    codec::first(connection, OUTCOME, [key.scope.as_str(), key.key.as_str()], |row| {
        Ok(Outcome {
            key: key.clone(),
            fingerprint: row.digest()?,
            at: row.time()?,
            body: row.bytes()?.to_vec(),
        })
    })
}

/// The places of the outbox that a batch takes, each after the last one that was ever taken: that of
/// the newest entry, or what a purge that took it away has left in its counter.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    last: Option<i64>,
}

impl Positions {
    /// Puts the events of a commit into the outbox.
    pub(crate) fn tell(
        &mut self,
        connection: &Connection,
        at: Timestamp,
        events: &[Event],
    ) -> Result<()> {
        const LAST: &str =
            "SELECT max(value, coalesce((SELECT max(position) FROM commerce_outbox), 0))
            FROM commerce_counters WHERE name = 'outbox'";
        const INSERT: &str =
            "INSERT INTO commerce_outbox (position, at, events) VALUES (?1, ?2, ?3)";
        let last = match self.last {
            Some(last) => last,
            None => codec::number(connection, LAST, [])?.unwrap_or(0),
        };
        let position = last + 1;
        self.last = Some(position);
        codec::run(connection, INSERT, params![position, at.as_millis(), codec::json(events)?])?;
        Ok(())
    }
}

/// Every writer holds the lock of the whole file while it takes a position, so none below one that
/// can be seen is still to come.
pub(crate) fn outbox(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<OutboxEntry>> {
    const ENTRIES: &str = "SELECT position, at, events FROM commerce_outbox
        WHERE position > ?1 ORDER BY position LIMIT ?2";
    codec::all(connection, ENTRIES, [codec::count(after), codec::count(limit)], |row| {
        Ok(OutboxEntry { position: row.int()?, at: row.time()?, events: row.json()? })
    })
}

/// What is due, the longest due first.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
    const ORDERS: &str = "SELECT expires_at, id FROM commerce_orders
        WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2";
    const CARTS: &str = "SELECT expires_at, id FROM commerce_carts
        WHERE status = 'open' AND expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2";
    const PAYMENTS: &str = "SELECT check_at, id FROM commerce_payments
        WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at, id LIMIT ?2";
    const WEBHOOKS: &str = "SELECT due_at, id FROM commerce_webhooks
        WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
    let params = [now.as_millis(), codec::count(limit)];
    let mut due =
        codec::all(connection, ORDERS, params, |row| Ok((row.time()?, Due::Order(row.id()?))))?;
    due.extend(codec::all(connection, CARTS, params, |row| {
        Ok((row.time()?, Due::Cart(row.id()?)))
    })?);
    due.extend(codec::all(connection, PAYMENTS, params, |row| {
        Ok((row.time()?, Due::Payment(row.id()?)))
    })?);
    due.extend(codec::all(connection, WEBHOOKS, params, |row| {
        Ok((row.time()?, Due::Webhook(row.id()?)))
    })?);
    due.sort_unstable();
    due.truncate(limit);
    Ok(due.into_iter().map(|(_, due)| due).collect())
}

/// The most rows of a kind that one step of a purge looks at: other writers wait no longer.
const STEP: i64 = 500;

/// How far a purge has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purged {
    /// The things that were forgotten.
    pub(crate) count: u64,
    /// The last cart that was looked at.
    after: Option<CartId>,
    /// Whether all of it is done.
    pub(crate) done: bool,
}

/// Does one step of a purge.
pub(crate) fn purge(connection: &Connection, purge: &Purge, purged: &mut Purged) -> Result<()> {
    const OUTCOMES: &str = "DELETE FROM commerce_outcomes WHERE rowid IN (
        SELECT rowid FROM commerce_outcomes WHERE at < ?1 ORDER BY at LIMIT ?2)";
    const OUTBOX: &str = "DELETE FROM commerce_outbox WHERE position IN (
        SELECT position FROM commerce_outbox WHERE position <= ?1 ORDER BY position LIMIT ?2)";
    const LAST: &str = "UPDATE commerce_counters
        SET value = max(value, coalesce((SELECT max(position) FROM commerce_outbox), 0))
        WHERE name = 'outbox'";
    const CARTS: &str = "SELECT id, status, updated_at FROM commerce_carts
        WHERE id > ?1 ORDER BY id LIMIT ?2";
    const WEBHOOKS: &str = "DELETE FROM commerce_webhooks WHERE id IN (
        SELECT id FROM commerce_webhooks WHERE due_at IS NULL AND updated_at < ?1
        ORDER BY updated_at, id LIMIT ?2)";
    let outcomes = codec::run(connection, OUTCOMES, [purge.outcomes_before.as_millis(), STEP])?;
    codec::run(connection, LAST, [])?;
    let outbox = codec::run(connection, OUTBOX, [codec::count(purge.outbox_through), STEP])?;
    let webhooks = codec::run(connection, WEBHOOKS, [purge.webhooks_before.as_millis(), STEP])?;
    let after = purged.after.map_or(vec![], |id| codec::key(id).to_vec());
    let carts = codec::all(connection, CARTS, params![after, STEP], |row| {
        let id: CartId = row.id()?;
        let status: CartStatus = row.word()?;
        Ok((id, status != CartStatus::Open && row.time()? < purge.carts_before))
    })?;
    let mut forgotten = outcomes + outbox + webhooks;
    for (id, _) in carts.iter().filter(|(_, old)| *old) {
        super::cart::CART_LINES.delete(connection, &[Cell::id(*id)])?;
        super::cart::CARTS.delete(connection, &[Cell::id(*id)])?;
        forgotten += 1;
    }
    purged.count += u64::try_from(forgotten).unwrap_or(u64::MAX);
    purged.after = carts.last().map(|(id, _)| *id).or(purged.after);
    let full = |rows: usize| codec::count(rows) >= STEP;
    purged.done = !full(outcomes) && !full(outbox) && !full(webhooks) && !full(carts.len());
    Ok(())
}
