//! Payments and their refunds.

use std::sync::LazyLock;

use commerce_core::{
    payment::{Payment, Refund},
    text::Label,
    version::{Version, Versioned},
};

use super::{At, Cells, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) PAYMENTS = "commerce_payments", 1 keys:
    id: Uuid, version: Int, order_id: Uuid, gateway: Text, status: Text, currency: Text,
    amount: Int, captured: Int, refunded: Int, flow: Json, capture: Text,
    customer_reference: Text, save_method: Bool, client_secret: Text, redirect_url: Text, failure: Text, created_at: Time, updated_at: Time,
}

table! {
    pub(crate) REFERENCES = "commerce_payment_references", 2 keys:
    payment_id: Uuid, position: Int, gateway: Text, reference: Text,
}

table! {
    pub(crate) REFUNDS = "commerce_refunds", 2 keys:
    payment_id: Uuid, position: Int, id: Uuid, amount: Int, reason: Text, created_at: Time,
    lines: Json,
}

fn row(payment: &Payment, version: Version) -> Result<Cells<'_>> {
    let currency = payment.amount.currency();
    Ok(vec![
        Cell::id(payment.id),
        Cell::count(version.get()),
        Cell::id(payment.order_id),
        Cell::Text(&payment.gateway),
        Cell::Text(payment.status.as_str()),
        Cell::Text(currency.code()),
        codec::minor(payment.amount, currency)?.into(),
        codec::minor(payment.captured, currency)?.into(),
        codec::minor(payment.refunded, currency)?.into(),
        Cell::json(&payment.flow)?,
        Cell::Text(payment.capture.as_str()),
        Cell::maybe_text(payment.customer_reference.as_ref()),
        payment.save_method.into(),
        Cell::maybe_text(payment.client_secret.as_ref()),
        Cell::maybe_text(payment.redirect_url.as_ref()),
        Cell::maybe_text(payment.failure.as_ref()),
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

fn refund_rows(payment: &Payment) -> Result<Vec<Cells<'_>>> {
    let row = |(position, refund): (i64, &'_ Refund)| {
        Ok(vec![
            Cell::id(payment.id),
            Cell::Int(position),
            Cell::id(refund.id),
            codec::minor(refund.amount, payment.amount.currency())?.into(),
            Cell::maybe(refund.reason.as_ref(), |reason| Cell::Made(reason.to_string())),
            refund.created_at.into(),
            Cell::json(&refund.lines)?,
        ])
    };
    (0..).zip(&payment.refunds).map(row).collect()
}

/// Writes the difference between a payment as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Payment>,
    after: At<'_, Payment>,
) -> Result<()> {
    sets.record(&PAYMENTS, before, after, row)?;
    sets.belongings(&REFERENCES, before, after, reference_rows)?;
    sets.belongings(&REFUNDS, before, after, refund_rows)
}

/// The payments of an order `o`, oldest first, each with its refunds: one column.
pub(crate) static COLUMN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "ARRAY(SELECT ROW({},
            ARRAY(SELECT ROW(r.reference) FROM commerce_payment_references AS r
                WHERE r.payment_id = y.id ORDER BY r.position),
            ARRAY(SELECT ROW(r.id, r.amount, r.reason, r.created_at, r.lines)
            FROM commerce_refunds AS r WHERE r.payment_id = y.id ORDER BY r.position))
            FROM commerce_payments AS y WHERE y.order_id = o.id ORDER BY y.id)",
        PAYMENTS.of("y")
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
    let payment = Payment {
        id,
        order_id,
        gateway,
        status,
        amount: row.money(currency)?,
        captured: row.money(currency)?,
        refunded: row.money(currency)?,
        flow: row.json()?,
        capture: row.word()?,
        customer_reference: row.maybe(Columns::text)?,
        save_method: row.bool()?,
        client_secret: row.maybe(Columns::text)?,
        redirect_url: row.maybe(Columns::text)?,
        failure: row.maybe(Columns::text)?,
        created_at: row.time()?,
        updated_at: row.time()?,
        references: row.rows(|row| row.text())?,
        refunds: row.rows(|row| {
            Ok(Refund {
                id: row.id()?,
                amount: row.money(currency)?,
                reason: row.maybe(Columns::text)?,
                created_at: row.time()?,
                lines: row.json()?,
            })
        })?,
    };
    Ok(Versioned::new(version, payment))
}
