//! Webhooks.

use std::sync::LazyLock;

use commerce_core::{
    gateway::ProviderAccount,
    store::WebhookRef,
    version::{Version, Versioned},
    webhook::Webhook,
};
use sqlx::PgConnection;

use super::{At, Cells, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) WEBHOOKS = "commerce_webhooks", 1 keys, unique gateway event_id:
    id: Uuid, version: Int, gateway: Text, event_id: Text, kind: Text, account: Text,
    livemode: Bool, subject: Json, body: Bytes, status: Text, attempts: Int, failure: Text,
    due_at: Time, received_at: Time, updated_at: Time, place: Int,
}

fn row(webhook: &Webhook, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::id(webhook.id),
        Cell::count(version.get()),
        Cell::Text(&webhook.gateway),
        Cell::Text(&webhook.event_id),
        Cell::Text(&webhook.kind),
        Cell::maybe_text(webhook.account.id.as_ref()),
        webhook.account.livemode.into(),
        Cell::maybe_json(webhook.subject.as_ref())?,
        Cell::Bytes(&webhook.body),
        Cell::Text(webhook.status.as_str()),
        Cell::count(webhook.attempts),
        Cell::maybe(webhook.failure, |failure| Cell::Text(failure.as_str())),
        Cell::maybe_time(webhook.due_at),
        webhook.received_at.into(),
        webhook.updated_at.into(),
        Cell::Int(webhook.place()),
    ])
}

/// Writes the difference between a webhook as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Webhook>,
    after: At<'_, Webhook>,
) -> Result<()> {
    sets.record(&WEBHOOKS, before, after, row)
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Versioned<Webhook>> {
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

pub(crate) async fn webhook(
    connection: &mut PgConnection,
    by: &WebhookRef,
) -> Result<Option<Versioned<Webhook>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| select("id = $1"));
    static BY_EVENT: LazyLock<String> = LazyLock::new(|| select("gateway = $1 AND event_id = $2"));
    match by {
        WebhookRef::Id(id) => {
            codec::first(connection, BY_ID.as_str(), [Cell::id(*id).into()], read).await
        }
        WebhookRef::Event(gateway, event) => {
            let key = [Cell::Text(gateway).into(), Cell::Text(event).into()];
            codec::first(connection, BY_EVENT.as_str(), key, read).await
        }
    }
}

fn select(clause: &str) -> String {
    format!("SELECT {} FROM commerce_webhooks WHERE {clause}", WEBHOOKS.names())
}
