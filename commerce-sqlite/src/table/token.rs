//! API tokens and subscriptions.

use std::sync::LazyLock;

use commerce_core::{
    access::ApiToken,
    id::ApiTokenId,
    store::{ApiTokenRef, Subscription},
    text::Label,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{Cell, table};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) TOKENS = "commerce_api_tokens", 1 keys, unique digest:
    id version digest label scope created_at revoked_at
}

table! {
    pub(crate) SUBSCRIPTIONS = "commerce_subscriptions", 1 keys:
        name version position leased_until
}

pub(crate) fn row(token: &ApiToken, version: Version) -> Vec<Cell<'_>> {
    vec![
        Cell::id(token.id),
        Cell::count(version.get()),
        Cell::Blob(token.digest.as_bytes()),
        Cell::Text(&token.label),
        Cell::Text(token.scope.as_str()),
        token.created_at.into(),
        Cell::maybe_time(token.revoked_at),
    ]
}

pub(crate) fn subscription_row(subscription: &Subscription, version: Version) -> Vec<Cell<'_>> {
    vec![
        Cell::Text(&subscription.name),
        Cell::count(version.get()),
        Cell::count(subscription.position),
        Cell::maybe_time(subscription.leased_until),
    ]
}

fn read(row: &Columns<'_>) -> Result<Versioned<ApiToken>> {
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

pub(crate) fn api_token(
    connection: &Connection,
    by: &ApiTokenRef,
) -> Result<Option<Versioned<ApiToken>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| TOKENS.select("WHERE id = ?1"));
    static BY_DIGEST: LazyLock<String> = LazyLock::new(|| TOKENS.select("WHERE digest = ?1"));
    match by {
        ApiTokenRef::Id(id) => codec::first(connection, &BY_ID, [codec::key(*id)], read),
        ApiTokenRef::Digest(digest) => {
            codec::first(connection, &BY_DIGEST, [&digest.as_bytes()[..]], read)
        }
    }
}

/// Tokens in the order of the ids.
pub(crate) fn api_tokens(
    connection: &Connection,
    ids: impl IntoIterator<Item = ApiTokenId>,
) -> Result<Vec<Versioned<ApiToken>>> {
    static TOKENS_OF: LazyLock<String> = LazyLock::new(|| TOKENS.select_in_order());
    codec::all(connection, &TOKENS_OF, [codec::ids(ids)], read)
}

pub(crate) fn subscription(
    connection: &Connection,
    name: &Label,
) -> Result<Option<Versioned<Subscription>>> {
    static BY_NAME: LazyLock<String> = LazyLock::new(|| SUBSCRIPTIONS.select("WHERE name = ?1"));
    codec::first(connection, &BY_NAME, [name.as_str()], |row| {
        let name = row.text()?;
        let version = row.version()?;
        let position = row.int()?;
        let leased_until = row.maybe(Columns::time)?;
        Ok(Versioned::new(version, Subscription { name, position, leased_until }))
    })
}
