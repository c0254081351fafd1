//! Payments, and what belongs to them: references, operations, refunds and disputes.

use std::sync::LazyLock;

use commerce_core::{
    currency::Currency,
    money::Money,
    payment::{Decline, Dispute, Operation, Payment, Refund, Review},
    text::Label,
    version::{Version, Versioned},
};

use super::{At, Cells, Table, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) PAYMENTS = "commerce_payments", 1 keys:
    id: Uuid, version: Int, order_id: Uuid, gateway: Text, status: Text, currency: Text,
    amount: Int, authorized: Int, released: Int, captured: Int, refunded: Int, being_refunded: Int,
    flow: Json, capture: Text, customer_reference: Text, save_method: Bool, client_secret: Text,
    redirect_url: Text, failure_code: Text, failure: Text, review: Text, review_closed_at: Time,
    review_note: Text, capture_before: Time, captured_at: Time, check_at: Time, created_at: Time,
    updated_at: Time,
}

table! {
    REFERENCES = "commerce_payment_references", 2 keys:
    payment_id: Uuid, position: Int, gateway: Text, reference: Text,
}

table! {
    OPERATIONS = "commerce_payment_operations", 2 keys:
    payment_id: Uuid, position: Int, id: Uuid, kind: Text, attempt: Int, amount: Int,
    refund_id: Uuid, key: Text, status: Text, failure_code: Text, failure: Text, begun_at: Time,
    ended_at: Time,
}

table! {
    REFUNDS = "commerce_refunds", 2 keys:
    payment_id: Uuid, position: Int, id: Uuid, amount: Int, status: Text, reason: Text,
    restock_to: Uuid, reference: Text, failure: Text, created_at: Time, lines: Json,
}

table! {
    DISPUTES = "commerce_disputes", 2 keys:
    payment_id: Uuid, position: Int, reference: Text, amount: Int, status: Text, reason: Text,
    opened_at: Time,
}

fn row(payment: &Payment, version: Version) -> Result<Cells<'_>> {
    let currency = payment.amount.currency();
    let amount = |amount: Money| codec::minor(amount, currency).map(Cell::Int);
    Ok(vec![
        Cell::id(payment.id),
        Cell::count(version.get()),
        Cell::id(payment.order_id),
        Cell::Text(&payment.gateway),
        Cell::Text(payment.status.as_str()),
        Cell::Text(currency.code()),
        amount(payment.amount)?,
        amount(payment.authorized)?,
        amount(payment.released)?,
        amount(payment.captured)?,
        amount(payment.refunded)?,
        amount(payment.being_refunded())?,
        Cell::json(&payment.flow)?,
        Cell::Text(payment.capture.as_str()),
        Cell::maybe_text(payment.customer_reference.as_ref()),
        payment.save_method.into(),
        Cell::maybe_text(payment.client_secret.as_ref()),
        Cell::maybe_text(payment.redirect_url.as_ref()),
        Cell::maybe(payment.failure.as_ref(), |it| Cell::Text(it.code.as_str())),
        Cell::maybe_text(payment.failure.as_ref().map(|it| &it.reason)),
        Cell::maybe(payment.review.as_ref(), |it| Cell::Text(it.reason.as_str())),
        Cell::maybe_time(payment.review.as_ref().and_then(|it| it.closed_at)),
        Cell::maybe_text(payment.review.as_ref().and_then(|it| it.note.as_ref())),
        Cell::maybe_time(payment.capture_before),
        Cell::maybe_time(payment.captured_at),
        Cell::maybe_time(payment.check_at),
        payment.created_at.into(),
        payment.updated_at.into(),
    ])
}

fn reference_rows(payment: &Payment) -> Result<Vec<Cells<'_>>> {
    let row = |(position, reference): (i64, &'_ Label)| {
        vec![
            Cell::id(payment.id),
            Cell::Int(position),
            Cell::Text(&payment.gateway),
            Cell::Made(reference.to_string()),
        ]
    };
    Ok((0..).zip(&payment.references).map(row).collect())
}

fn operation_rows(payment: &Payment) -> Result<Vec<Cells<'_>>> {
    let row = |(position, it): (i64, &'_ Operation)| {
        Ok(vec![
            Cell::id(payment.id),
            Cell::Int(position),
            Cell::id(it.id),
            Cell::Text(it.kind.as_str()),
            Cell::count(it.attempt),
            codec::minor(it.amount, payment.amount.currency())?.into(),
            Cell::maybe_id(it.refund_id),
            Cell::Made(it.key.to_string()),
            Cell::Text(it.status.as_str()),
            Cell::maybe(it.failure.as_ref(), |it| Cell::Text(it.code.as_str())),
            Cell::maybe(it.failure.as_ref(), |it| Cell::Made(it.reason.to_string())),
            it.begun_at.into(),
            Cell::maybe_time(it.ended_at),
        ])
    };
    (0..).zip(&payment.operations).map(row).collect()
}

fn refund_rows(payment: &Payment) -> Result<Vec<Cells<'_>>> {
    let row = |(position, refund): (i64, &'_ Refund)| {
        Ok(vec![
            Cell::id(payment.id),
            Cell::Int(position),
            Cell::id(refund.id),
            codec::minor(refund.amount, payment.amount.currency())?.into(),
            Cell::Text(refund.status.as_str()),
            Cell::maybe(refund.reason.as_ref(), |reason| Cell::Made(reason.to_string())),
            Cell::maybe_id(refund.restock_to),
            Cell::maybe(refund.reference.as_ref(), |it| Cell::Made(it.to_string())),
            Cell::maybe(refund.failure.as_ref(), |it| Cell::Made(it.to_string())),
            refund.created_at.into(),
            Cell::json(&refund.lines)?,
        ])
    };
    (0..).zip(&payment.refunds).map(row).collect()
}

fn dispute_rows(payment: &Payment) -> Result<Vec<Cells<'_>>> {
    let row = |(position, dispute): (i64, &'_ Dispute)| {
        Ok(vec![
            Cell::id(payment.id),
            Cell::Int(position),
            Cell::Made(dispute.reference.to_string()),
            codec::minor(dispute.amount, payment.amount.currency())?.into(),
            Cell::Text(dispute.status.as_str()),
            Cell::maybe(dispute.reason.as_ref(), |it| Cell::Made(it.to_string())),
            dispute.opened_at.into(),
        ])
    };
    (0..).zip(&payment.disputes).map(row).collect()
}

/// Writes the difference between a payment as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Payment>,
    after: At<'_, Payment>,
) -> Result<()> {
    sets.record(&PAYMENTS, before, after, row)?;
    sets.belongings(&REFERENCES, before, after, reference_rows)?;
    sets.belongings(&OPERATIONS, before, after, operation_rows)?;
    sets.belongings(&REFUNDS, before, after, refund_rows)?;
    sets.belongings(&DISPUTES, before, after, dispute_rows)
}

/// The payments of an order `o`, oldest first, each with what belongs to it: one column.
pub(crate) static COLUMN: LazyLock<String> = LazyLock::new(|| {
    let belongings = |table: &Table| {
        let columns: Vec<_> =
            table.columns.iter().skip(2).map(|(name, _)| format!("r.{name}")).collect();
        format!(
            "ARRAY(SELECT ROW({}) FROM {} AS r WHERE r.payment_id = y.id ORDER BY r.position)",
            columns.join(", "),
            table.name
        )
    };
    let tables = [&REFERENCES, &OPERATIONS, &REFUNDS, &DISPUTES];
    format!(
        "ARRAY(SELECT ROW({}, {}) FROM commerce_payments AS y WHERE y.order_id = o.id ORDER BY y.id)",
        PAYMENTS.of("y"),
        tables.map(belongings).join(", ")
    )
});

/// Reads a row of [`COLUMN`].
pub(crate) fn read(row: &Columns<'_>) -> Result<Versioned<Payment>> {
    let id = row.id()?;
    let version = row.version()?;
    let order_id = row.id()?;
    let gateway = row.text()?;
    let status = row.word()?;
    let currency = row.text()?;
    let amount = row.money(currency)?;
    let authorized = row.money(currency)?;
    let released = row.money(currency)?;
    let captured = row.money(currency)?;
    let refunded = row.money(currency)?;
    // The refunds say it.
    row.skip(1);
    let payment = Payment {
        id,
        order_id,
        gateway,
        status,
        amount,
        authorized,
        released,
        captured,
        refunded,
        flow: row.json()?,
        capture: row.word()?,
        customer_reference: row.maybe(Columns::text)?,
        save_method: row.bool()?,
        client_secret: row.maybe(Columns::text)?,
        redirect_url: row.maybe(Columns::text)?,
        failure: read_decline(row)?,
        review: read_review(row)?,
        capture_before: row.maybe(Columns::time)?,
        captured_at: row.maybe(Columns::time)?,
        check_at: row.maybe(Columns::time)?,
        created_at: row.time()?,
        updated_at: row.time()?,
        references: row.rows(|row| {
            row.skip(1);
            row.text()
        })?,
        operations: row.rows(|row| read_operation(row, currency))?,
        refunds: row.rows(|row| read_refund(row, currency))?,
        disputes: row.rows(|row| read_dispute(row, currency))?,
    };
    Ok(Versioned::new(version, payment))
}

fn read_decline(row: &Columns<'_>) -> Result<Option<Decline>> {
    let code = row.maybe(Columns::word)?;
    let reason = row.maybe(Columns::text)?;
    Ok(code.zip(reason).map(|(code, reason)| Decline { code, reason }))
}

fn read_review(row: &Columns<'_>) -> Result<Option<Review>> {
    let reason = row.maybe(Columns::word)?;
    let closed_at = row.maybe(Columns::time)?;
    let note = row.maybe(Columns::text)?;
    Ok(reason.map(|reason| Review { reason, closed_at, note }))
}

fn read_operation(row: &Columns<'_>, currency: Currency) -> Result<Operation> {
    Ok(Operation {
        id: row.id()?,
        kind: row.word()?,
        attempt: row.int()?,
        amount: row.money(currency)?,
        refund_id: row.maybe(Columns::id)?,
        key: row.text()?,
        status: row.word()?,
        failure: read_decline(row)?,
        begun_at: row.time()?,
        ended_at: row.maybe(Columns::time)?,
    })
}

fn read_refund(row: &Columns<'_>, currency: Currency) -> Result<Refund> {
    Ok(Refund {
        id: row.id()?,
        amount: row.money(currency)?,
        status: row.word()?,
        reason: row.maybe(Columns::text)?,
        restock_to: row.maybe(Columns::id)?,
        reference: row.maybe(Columns::text)?,
        failure: row.maybe(Columns::text)?,
        created_at: row.time()?,
        lines: row.json()?,
    })
}

fn read_dispute(row: &Columns<'_>, currency: Currency) -> Result<Dispute> {
    Ok(Dispute {
        reference: row.text()?,
        amount: row.money(currency)?,
        status: row.word()?,
        reason: row.maybe(Columns::text)?,
        opened_at: row.time()?,
    })
}
