//! Webhooks, those that are parked first.

use commerce_core::{
    store::{Page, WebhookQuery},
    version::Versioned,
    webhook::Webhook,
};
use rusqlite::Connection;

use super::{Select, Sort, page, text};
use crate::{error::Result, table::webhook};

pub(super) fn webhooks(
    connection: &Connection,
    query: &WebhookQuery,
) -> Result<Page<Versioned<Webhook>>> {
    let mut select = Select::from("commerce_webhooks AS w");
    if let Some(status) = query.status {
        select.when("w.status = ?", [text(status.as_str())]);
    }
    let total = query.page.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "w.place", id: "w.id", descending: true };
    let keys = sort.keys(connection, select, query.page.after.as_ref(), query.page.limit)?;
    page(keys, &query.page, total, |ids| webhook::webhooks(connection, ids))
}
