//! Webhooks, those that are parked first.

use commerce_core::{
    store::{Page, WebhookQuery},
    version::Versioned,
    webhook::Webhook,
};
use sqlx::PgConnection;

use super::{KeyKind, List, Select, Sort, count, page};
use crate::{
    cell::Cell,
    error::Result,
    table::webhook::{self, WEBHOOKS},
};

pub(super) async fn webhooks(
    connection: &mut PgConnection,
    query: &WebhookQuery,
) -> Result<Page<Versioned<Webhook>>> {
    let mut select = Select::from("commerce_webhooks AS w");
    if let Some(status) = query.status {
        select.when("w.status = ?", [Cell::Text(status.as_str()).into()]);
    }
    let sort = Sort { key: "w.place", kind: KeyKind::Int, id: "w.id", descending: true };
    let list = List {
        found: None,
        count: query.page.total.then(|| count(select.clone())),
        rows: sort.rows(select, &WEBHOOKS.of("w"), &query.page),
        sort,
        named: None,
    };
    page(connection, &query.page, list, webhook::read).await
}
