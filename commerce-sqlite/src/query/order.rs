//! Orders, the newest first, and payments by their last change.

use commerce_core::{
    id::PaymentId,
    order::OrderInputs,
    store::{OrderFilter, OrderQuery, Page, PaymentItem, PaymentQuery},
};
use rusqlite::{Connection, types::Value};

use super::{Select, Sort, blob, page, text};
use crate::{
    error::Result,
    table::{order, payment},
};

pub(super) fn orders(connection: &Connection, query: &OrderQuery) -> Result<Page<OrderInputs>> {
    let OrderFilter { status, customer_id, email, placed_from, placed_before, needs_review } =
        &query.filter;
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
    match needs_review {
        // As the index says it.
        Some(true) => select.when("o.payment_status = 'needs_review'", []),
        Some(false) => select.when("o.payment_status <> 'needs_review'", []),
        None => {}
    }
    let total = query.page.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "o.placed_at", id: "o.id", descending: true };
    let keys = sort.keys(connection, select, query.page.after.as_ref(), query.page.limit)?;
    page(keys, &query.page, total, |ids| order::orders(connection, ids))
}

pub(super) fn payments(connection: &Connection, query: &PaymentQuery) -> Result<Page<PaymentItem>> {
    let PaymentQuery { gateway, updated_from, created_before, page: request } = query;
    let mut select = Select::from("commerce_payments AS p");
    select.when("p.gateway = ?", [text(gateway.as_str())]);
    select.when("p.updated_at >= ?", [Value::Integer(updated_from.as_millis())]);
    select.when("p.created_at < ?", [Value::Integer(created_before.as_millis())]);
    let total = request.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "p.updated_at", id: "p.id", descending: false };
    let keys = sort.keys(connection, select, request.after.as_ref(), request.limit)?;
    page(keys, request, total, |ids: Vec<PaymentId>| payment::items(connection, ids))
}
