//! Payments and their refunds.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    currency::Currency,
    id::PaymentId,
    payment::{Payment, Refund},
    text::Label,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{
    Cell, table,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) PAYMENTS = "commerce_payments", 1 keys:
    id version order_id gateway status currency amount captured refunded flow capture
    customer_reference save_method client_secret redirect_url failure created_at updated_at
}

table! {
    pub(crate) REFERENCES = "commerce_payment_references", 2 keys:
    payment_id position gateway reference
}

table! {
    pub(crate) REFUNDS = "commerce_refunds", 2 keys:
    payment_id position id amount reason created_at lines
}

pub(crate) fn row(payment: &Payment, version: Version) -> Result<Vec<Cell<'_>>> {
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

pub(crate) fn reference_row<'a>(
    of: &'a Payment,
    position: i64,
    reference: &'a Label,
) -> Vec<Cell<'a>> {
    vec![Cell::id(of.id), Cell::Integer(position), Cell::Text(&of.gateway), Cell::Text(reference)]
}

pub(crate) fn refund_row(
    of: &Payment,
    position: i64,
    refund: &Refund,
) -> Result<Vec<Cell<'static>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::id(refund.id),
        codec::minor(refund.amount, of.amount.currency())?.into(),
        Cell::maybe(refund.reason.as_ref(), |reason| Cell::Made(reason.to_string())),
        refund.created_at.into(),
        Cell::json(&refund.lines)?,
    ])
}

fn read(row: &Columns<'_>) -> Result<(Version, Payment)> {
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
        references: Vec::new(),
        refunds: Vec::new(),
    };
    Ok((version, payment))
}

/// The payments of orders, those of one order oldest first.
pub(crate) fn payments(
    connection: &Connection,
    orders: &Wanted,
) -> Result<Vec<Versioned<Payment>>> {
    static PAYMENTS_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        let columns = PAYMENTS.columns_of("p");
        RowsOf::new(&columns, "commerce_payments AS p", "p.order_id", "", "p.id")
    });
    static REFERENCES_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        RowsOf::new(
            "r.payment_id, r.reference",
            "commerce_payments AS p",
            "p.order_id",
            "CROSS JOIN commerce_payment_references AS r ON r.payment_id = p.id",
            "r.payment_id, r.position",
        )
    });
    static REFUNDS_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        RowsOf::new(
            "r.payment_id, p.currency, r.id, r.amount, r.reason, r.created_at, r.lines",
            "commerce_payments AS p",
            "p.order_id",
            "CROSS JOIN commerce_refunds AS r ON r.payment_id = p.id",
            "r.payment_id, r.position",
        )
    });
    let mut references: HashMap<PaymentId, Vec<Label>> = HashMap::new();
    REFERENCES_OF.all(connection, orders, |row| {
        references.entry(row.id()?).or_default().push(row.text()?);
        Ok(())
    })?;
    let mut refunds: HashMap<PaymentId, Vec<Refund>> = HashMap::new();
    REFUNDS_OF.all(connection, orders, |row| {
        let of = row.id()?;
        let currency: Currency = row.text()?;
        refunds.entry(of).or_default().push(Refund {
            id: row.id()?,
            amount: row.money(currency)?,
            reason: row.maybe(Columns::text)?,
            created_at: row.time()?,
            lines: row.json()?,
        });
        Ok(())
    })?;
    PAYMENTS_OF.all(connection, orders, |row| {
        let (version, mut payment) = read(row)?;
        payment.references = references.remove(&payment.id).unwrap_or_default();
        payment.refunds = refunds.remove(&payment.id).unwrap_or_default();
        Ok(Versioned::new(version, payment))
    })
}
