//! Orders, the newest first.

use commerce_core::{
    order::OrderInputs,
    store::{OrderFilter, OrderQuery, Page},
};
use rusqlite::{Connection, types::Value};

use super::{Select, Sort, blob, page, text};
use crate::{error::Result, table::order};

pub(super) fn orders(connection: &Connection, query: &OrderQuery) -> Result<Page<OrderInputs>> {
    let OrderFilter { status, customer_id, email, placed_from, placed_before } = &query.filter;
    let mut select = Select::from("commerce_orders AS o");
    // Every index ends with the time and the id, so whichever is taken gives the order of the list.
    // The one of few rows is named first; the others are looked at row by row.
    if let Some(id) = customer_id {
        select.when("o.customer_id = ?", [blob(*id)]);
    }
    if let Some(email) = email {
        let column = if customer_id.is_some() { "+o.email_key" } else { "o.email_key" };
        select.when(format!("{column} = ?"), [text(email.normalized())]);
    }
    if let Some(status) = status {
        let narrower = customer_id.is_some() || email.is_some();
        let column = if narrower { "+o.status" } else { "o.status" };
        select.when(format!("{column} = ?"), [text(status.as_str())]);
    }
    if let Some(from) = placed_from {
        select.when("o.placed_at >= ?", [Value::Integer(from.as_millis())]);
    }
    if let Some(before) = placed_before {
        select.when("o.placed_at < ?", [Value::Integer(before.as_millis())]);
    }
    let total = query.page.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "o.placed_at", id: "o.id", descending: true };
    let keys = sort.keys(connection, select, query.page.after.as_ref(), query.page.limit)?;
    page(keys, &query.page, total, |ids| order::orders(connection, ids))
}
