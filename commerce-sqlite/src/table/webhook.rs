//! Webhooks.

use std::sync::LazyLock;

use commerce_core::{
    gateway::ProviderAccount,
    id::WebhookId,
    store::WebhookRef,
    version::{Version, Versioned},
    webhook::Webhook,
};
use rusqlite::{Connection, params};

use super::{Cell, table};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) WEBHOOKS = "commerce_webhooks", 1 keys, unique event_id:
    id version gateway event_id kind account livemode subject body status attempts failure due_at
    received_at updated_at place
}

pub(crate) fn row(webhook: &Webhook, version: Version) -> Result<Vec<Cell<'_>>> {
    Ok(vec![
        Cell::id(webhook.id),
        Cell::count(version.get()),
        Cell::Text(&webhook.gateway),
        Cell::Text(&webhook.event_id),
        Cell::Text(&webhook.kind),
        Cell::maybe_text(webhook.account.id.as_ref()),
        webhook.account.livemode.into(),
        Cell::maybe_json(webhook.subject.as_ref())?,
        Cell::Blob(&webhook.body),
        Cell::Text(webhook.status.as_str()),
        Cell::count(webhook.attempts),
        Cell::maybe(webhook.failure, |failure| Cell::Text(failure.as_str())),
        Cell::maybe_time(webhook.due_at),
        webhook.received_at.into(),
        webhook.updated_at.into(),
        Cell::Integer(webhook.place()),
    ])
}

fn read(row: &Columns<'_>) -> Result<Versioned<Webhook>> {
    let id = row.id()?;
    let version = row.version()?;
    let webhook = Webhook {
        id,
        gateway: row.text()?,
        event_id: row.text()?,
        kind: row.text()?,
        account: ProviderAccount { id: row.maybe(Columns::text)?, livemode: row.bool()? },
        subject: row.maybe(Columns::json)?,
        body: row.bytes()?.to_vec(),
        status: row.word()?,
        attempts: row.int()?,
        failure: row.maybe(Columns::word)?,
        due_at: row.maybe(Columns::time)?,
        received_at: row.time()?,
        updated_at: row.time()?,
    };
    Ok(Versioned::new(version, webhook))
}

pub(crate) fn webhook(
    connection: &Connection,
    by: &WebhookRef,
) -> Result<Option<Versioned<Webhook>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| WEBHOOKS.select("WHERE id = ?1"));
    static BY_EVENT: LazyLock<String> =
        LazyLock::new(|| WEBHOOKS.select("WHERE gateway = ?1 AND event_id = ?2"));
    match by {
        WebhookRef::Id(id) => codec::first(connection, &BY_ID, [codec::key(*id)], read),
        WebhookRef::Event(gateway, event) => {
            let key = params![gateway.as_str(), event.as_str()];
            codec::first(connection, &BY_EVENT, key, read)
        }
    }
}

/// Webhooks in the order of the ids.
pub(crate) fn webhooks(
    connection: &Connection,
    ids: impl IntoIterator<Item = WebhookId>,
) -> Result<Vec<Versioned<Webhook>>> {
    static WEBHOOKS_OF: LazyLock<String> = LazyLock::new(|| WEBHOOKS.select_in_order());
    codec::all(connection, &WEBHOOKS_OF, [codec::ids(ids)], read)
}
