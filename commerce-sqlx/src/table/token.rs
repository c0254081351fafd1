//! API tokens and subscriptions.

use std::sync::LazyLock;

use commerce_core::{
    access::ApiToken,
    store::{ApiTokenRef, Subscription},
    text::Label,
    version::{Version, Versioned},
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
    pub(crate) TOKENS = "commerce_api_tokens", 1 keys, unique digest:
    id: Uuid, version: Int, digest: Bytes, label: Text, scope: Text, created_at: Time,
    revoked_at: Time,
}

table! {
    pub(crate) SUBSCRIPTIONS = "commerce_subscriptions", 1 keys:
    name: Text, version: Int, position: Int, leased_until: Time,
}

fn row(token: &ApiToken, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::id(token.id),
        Cell::count(version.get()),
        Cell::Digest(token.digest),
        Cell::Text(&token.label),
        Cell::Text(token.scope.as_str()),
        token.created_at.into(),
        Cell::maybe_time(token.revoked_at),
    ])
}

fn subscription_row(subscription: &Subscription, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::Text(&subscription.name),
        Cell::count(version.get()),
        Cell::count(subscription.position),
        Cell::maybe_time(subscription.leased_until),
    ])
}

/// Writes the difference between a token as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, ApiToken>,
    after: At<'_, ApiToken>,
) -> Result<()> {
    sets.record(&TOKENS, before, after, row)
}

/// Writes the difference between a subscription as it was and as it is to be.
pub(crate) fn write_subscription(
    sets: &mut Sets,
    before: At<'_, Subscription>,
    after: At<'_, Subscription>,
) -> Result<()> {
    sets.record(&SUBSCRIPTIONS, before, after, subscription_row)
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Versioned<ApiToken>> {
    let id = row.id()?;
    let version = row.version()?;
    let token = ApiToken {
        id,
        digest: row.digest()?,
        label: row.text()?,
        scope: row.word()?,
        created_at: row.time()?,
        revoked_at: row.maybe(Columns::time)?,
    };
    Ok(Versioned::new(version, token))
}

pub(crate) async fn api_token(
    connection: &mut PgConnection,
    by: &ApiTokenRef,
) -> Result<Option<Versioned<ApiToken>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| select("id = $1"));
    static BY_DIGEST: LazyLock<String> = LazyLock::new(|| select("digest = $1"));
    let (sql, key) = match by {
        ApiTokenRef::Id(id) => (BY_ID.as_str(), Cell::id(*id)),
        ApiTokenRef::Digest(digest) => (BY_DIGEST.as_str(), Cell::Digest(*digest)),
    };
    codec::first(connection, sql, [key.into()], read).await
}

fn select(clause: &str) -> String {
    format!("SELECT {} FROM commerce_api_tokens WHERE {clause}", TOKENS.names())
}

pub(crate) async fn subscription(
    connection: &mut PgConnection,
    name: &Label,
) -> Result<Option<Versioned<Subscription>>> {
    static BY_NAME: LazyLock<String> = LazyLock::new(|| {
        format!("SELECT {} FROM commerce_subscriptions WHERE name = $1", SUBSCRIPTIONS.names())
    });
    codec::first(connection, BY_NAME.as_str(), [Cell::Text(name).into()], |row| {
        let name = row.text()?;
        let version = row.version()?;
        let position = row.int()?;
        let leased_until = row.maybe(Columns::time)?;
        Ok(Versioned::new(version, Subscription { name, position, leased_until }))
    })
    .await
}
