//! Webhooks, those that are parked first.

use commerce_core::{
    id::WebhookId,
    store::{Page, WebhookQuery},
};
use sqlx::PgConnection;

use super::{KeyKind, List, Select, Sort, count, page};
use crate::{cell::Cell, codec::Columns, error::Result};

pub(super) async fn webhooks(
    connection: &mut PgConnection,
    query: &WebhookQuery,
) -> Result<Page<WebhookId>> {
    let mut select = Select::from("commerce_webhooks AS w");
    if let Some(status) = query.status {
        select.when("w.status = ?", [Cell::Text(status.as_str()).into()]);
    }
    let sort = Sort { key: "w.place", kind: KeyKind::Int, id: "w.id", descending: true };
    let list = List {
        count: query.page.total.then(|| count(select.clone())),
        keys: sort.keys(select, &query.page),
        sort,
        columns: "k.id",
        join: "",
    };
    page(connection, &query.page, list, |row: &Columns<'_>| row.id()).await
}
