//! Orders, the newest first, and payments by their last change.

use commerce_core::{
    order::OrderInputs,
    store::{OrderFilter, OrderQuery, Page, PaymentItem, PaymentQuery},
};
use sqlx::PgConnection;

use super::{KeyKind, List, Select, Sort, count, page};
use crate::{cell::Cell, codec::Columns, error::Result, table::order};

pub(super) async fn orders(
    connection: &mut PgConnection,
    query: &OrderQuery,
) -> Result<Page<OrderInputs>> {
    let OrderFilter { status, customer_id, email, placed_from, placed_before, needs_review } =
        &query.filter;
    let mut select = Select::from("commerce_orders AS o");
    // Every index ends with the time and the id, so whichever is taken gives the order of the list.
    if let Some(id) = customer_id {
        select.when("o.customer_id = ?", [Cell::id(*id).into()]);
    }
    if let Some(email) = email {
        select.when("o.email_key = ?", [Cell::Made(email.normalized()).into()]);
    }
    if let Some(status) = status {
        select.when("o.status = ?", [Cell::Text(status.as_str()).into()]);
    }
    if let Some(from) = placed_from {
        select.when("o.placed_at >= ?", [Cell::Time(*from).into()]);
    }
    if let Some(before) = placed_before {
        select.when("o.placed_at < ?", [Cell::Time(*before).into()]);
    }
    match needs_review {
        // As the index says it.
        Some(true) => select.when("o.payment_status = 'needs_review'", []),
        Some(false) => select.when("o.payment_status <> 'needs_review'", []),
        None => {}
    }
    let sort = Sort { key: "o.placed_at", kind: KeyKind::Time, id: "o.id", descending: true };
    let list = List {
        found: None,
        count: query.page.total.then(|| count(select.clone())),
        rows: sort.rows(select, &order::COLUMNS, &query.page),
        sort,
        named: None,
    };
    page(connection, &query.page, list, order::read).await
}

pub(super) async fn payments(
    connection: &mut PgConnection,
    query: &PaymentQuery,
) -> Result<Page<PaymentItem>> {
    let PaymentQuery { gateway, updated_from, created_before, page: request } = query;
    let mut select = Select::from("commerce_payments AS p");
    select.when("p.gateway = ?", [Cell::Text(gateway).into()]);
    select.when("p.updated_at >= ?", [Cell::Time(*updated_from).into()]);
    select.when("p.created_at < ?", [Cell::Time(*created_before).into()]);
    let sort = Sort { key: "p.updated_at", kind: KeyKind::Time, id: "p.id", descending: false };
    let list = List {
        found: None,
        count: request.total.then(|| count(select.clone())),
        rows: sort.rows(select, "p.id, p.order_id", request),
        sort,
        named: None,
    };
    let item = |row: &Columns<'_>| Ok(PaymentItem { id: row.id()?, order_id: row.id()? });
    page(connection, request, list, item).await
}
