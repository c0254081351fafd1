//! What a store keeps besides records: the outbox, outcomes, and what is due.

use commerce_core::{
    store::{Due, OutboxEntry, Outcome, OutcomeKey, Purge},
    time::Timestamp,
};
use sqlx::PgConnection;

use super::{Cells, table};
use crate::{
    cell::{Cell, Param},
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) OUTCOMES = "commerce_outcomes", 2 keys:
    scope: Text, key: Text, fingerprint: Bytes, at: Time, body: Bytes,
}

pub(crate) fn outcome_row(outcome: &Outcome) -> Cells<'_> {
    vec![
        Cell::Text(&outcome.key.scope),
        Cell::Text(&outcome.key.key),
        Cell::Digest(outcome.fingerprint),
        outcome.at.into(),
        Cell::Bytes(&outcome.body),
    ]
}

/// Reads the columns of an outcome after its key.
pub(crate) fn read_outcome(row: &Columns<'_>, key: OutcomeKey) -> Result<Outcome> {
    Ok(Outcome { key, fingerprint: row.digest()?, at: row.time()?, body: row.bytes()?.to_vec() })
}

pub(crate) async fn outcome(
    connection: &mut PgConnection,
    key: &OutcomeKey,
) -> Result<Option<Outcome>> {
    const OUTCOME: &str = "SELECT fingerprint, at, body FROM commerce_outcomes
        WHERE scope = $1 AND key = $2";
    let params = [Cell::Text(&key.scope).into(), Cell::Text(&key.key).into()];
    codec::first(connection, OUTCOME, params, |row| read_outcome(row, key.clone())).await
}

/// Every writer holds the lock of the last position until its entries can be seen, so none below one
/// that can be seen is still to come.
pub(crate) async fn outbox(
    connection: &mut PgConnection,
    after: u64,
    limit: usize,
) -> Result<Vec<OutboxEntry>> {
    const ENTRIES: &str = "SELECT position, at, events FROM commerce_outbox
        WHERE position > $1 ORDER BY position LIMIT $2";
    let params = [Cell::count(after).into(), Cell::count(limit).into()];
    codec::all(connection, ENTRIES, params, |row| {
        Ok(OutboxEntry { position: row.int()?, at: row.time()?, events: row.json()? })
    })
    .await
}

/// What is due, the longest due first.
pub(crate) async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Due>> {
    const DUE: &str = "(SELECT expires_at, 0::bigint AS kind, id FROM commerce_orders
            WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2)
        UNION ALL (SELECT expires_at, 1, id FROM commerce_carts
            WHERE status = 'open' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2)
        UNION ALL (SELECT check_at, 2, id FROM commerce_payments
            WHERE check_at IS NOT NULL AND check_at <= $1 ORDER BY check_at, id LIMIT $2)
        UNION ALL (SELECT due_at, 3, id FROM commerce_webhooks
            WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2)
        ORDER BY expires_at, kind, id LIMIT $2";
    let params = [Cell::Time(now).into(), Cell::count(limit).into()];
    codec::all(connection, DUE, params, |row| {
        row.skip(1);
        Ok(match row.i64()? {
            0 => Due::Order(row.id()?),
            1 => Due::Cart(row.id()?),
            2 => Due::Payment(row.id()?),
            _ => Due::Webhook(row.id()?),
        })
    })
    .await
}

/// The most rows of a kind that one step of a purge forgets, so that its locks are soon free.
const STEP: i64 = 500;

/// Does one step of a purge, in one statement for each kind; answers how many things it forgot. With
/// nothing left to forget, it forgets nothing.
pub(crate) async fn purge(connection: &mut PgConnection, purge: &Purge) -> Result<u64> {
    const OUTCOMES: &str = "DELETE FROM commerce_outcomes WHERE (scope, key) IN (
        SELECT scope, key FROM commerce_outcomes WHERE at < $1 ORDER BY at LIMIT $2
        FOR UPDATE SKIP LOCKED)";
    const OUTBOX: &str = "DELETE FROM commerce_outbox WHERE position IN (
        SELECT position FROM commerce_outbox WHERE position <= $1 ORDER BY position LIMIT $2
        FOR UPDATE SKIP LOCKED)";
    const CARTS: &str = "WITH old AS MATERIALIZED (
            SELECT id FROM commerce_carts WHERE status <> 'open' AND updated_at < $1
            ORDER BY updated_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),
        lines AS (DELETE FROM commerce_cart_lines WHERE cart_id IN (SELECT id FROM old))
        DELETE FROM commerce_carts WHERE id IN (SELECT id FROM old)";
    const WEBHOOKS: &str = "DELETE FROM commerce_webhooks WHERE id IN (
        SELECT id FROM commerce_webhooks WHERE due_at IS NULL AND updated_at < $1
        ORDER BY updated_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let step = || Param::from(Cell::Int(STEP));
    let before = |at| [Cell::Time(at).into(), step()];
    let through = [Cell::count(purge.outbox_through).into(), step()];
    Ok(codec::run(connection, OUTCOMES, before(purge.outcomes_before)).await?
        + codec::run(connection, OUTBOX, through).await?
        + codec::run(connection, CARTS, before(purge.carts_before)).await?
        + codec::run(connection, WEBHOOKS, before(purge.webhooks_before)).await?)
}
