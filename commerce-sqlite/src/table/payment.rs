//! Payments, and what belongs to them: references, operations, refunds and disputes.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    currency::Currency,
    id::{OrderId, PaymentId},
    money::Money,
    payment::{Decline, Dispute, Operation, Payment, Refund, Review},
    store::PaymentItem,
    text::{GatewayName, Label},
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{
    Cell, Table, table,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) PAYMENTS = "commerce_payments", 1 keys:
    id version order_id gateway status currency amount authorized released captured refunded
    being_refunded flow capture customer_reference save_method client_secret redirect_url
    failure_code failure review review_closed_at review_note capture_before captured_at check_at
    created_at updated_at
}

table! {
    REFERENCES = "commerce_payment_references", 2 keys: payment_id position gateway reference
}

table! {
    OPERATIONS = "commerce_payment_operations", 2 keys:
    payment_id position id kind attempt amount refund_id key status failure_code failure begun_at
    ended_at
}

table! {
    REFUNDS = "commerce_refunds", 2 keys:
    payment_id position id amount status reason restock_to reference failure created_at lines
}

table! {
    DISPUTES = "commerce_disputes", 2 keys:
    payment_id position reference amount status reason opened_at
}

fn row(payment: &Payment, version: Version) -> Result<Vec<Cell<'_>>> {
    let currency = payment.amount.currency();
    let amount = |amount: Money| codec::minor(amount, currency).map(Cell::Integer);
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

fn reference_row<'a>(of: &'a Payment, position: i64, reference: &'a Label) -> Vec<Cell<'a>> {
    vec![Cell::id(of.id), Cell::Integer(position), Cell::Text(&of.gateway), Cell::Text(reference)]
}

fn operation_row<'a>(of: &Payment, position: i64, it: &'a Operation) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::id(it.id),
        Cell::Text(it.kind.as_str()),
        Cell::count(it.attempt),
        codec::minor(it.amount, of.amount.currency())?.into(),
        Cell::maybe_id(it.refund_id),
        Cell::Text(&it.key),
        Cell::Text(it.status.as_str()),
        Cell::maybe(it.failure.as_ref(), |it| Cell::Text(it.code.as_str())),
        Cell::maybe_text(it.failure.as_ref().map(|it| &it.reason)),
        it.begun_at.into(),
        Cell::maybe_time(it.ended_at),
    ])
}

fn refund_row<'a>(of: &Payment, position: i64, refund: &'a Refund) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::id(refund.id),
        codec::minor(refund.amount, of.amount.currency())?.into(),
        Cell::Text(refund.status.as_str()),
        Cell::maybe_text(refund.reason.as_ref()),
        Cell::maybe_id(refund.restock_to),
        Cell::maybe_text(refund.reference.as_ref()),
        Cell::maybe_text(refund.failure.as_ref()),
        refund.created_at.into(),
        Cell::json(&refund.lines)?,
    ])
}

fn dispute_row<'a>(of: &Payment, position: i64, dispute: &'a Dispute) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::Text(&dispute.reference),
        codec::minor(dispute.amount, of.amount.currency())?.into(),
        Cell::Text(dispute.status.as_str()),
        Cell::maybe_text(dispute.reason.as_ref()),
        dispute.opened_at.into(),
    ])
}

pub(crate) fn insert(connection: &Connection, it: &Payment, version: Version) -> Result<()> {
    PAYMENTS.insert(connection, &row(it, version)?)?;
    insert_references(connection, it)?;
    OPERATIONS
        .insert_all(connection, &it.operations, |position, of| operation_row(it, position, of))?;
    REFUNDS.insert_all(connection, &it.refunds, |position, of| refund_row(it, position, of))?;
    DISPUTES.insert_all(connection, &it.disputes, |position, of| dispute_row(it, position, of))
}

pub(crate) fn insert_references(connection: &Connection, it: &Payment) -> Result<()> {
    REFERENCES
        .insert_all(connection, &it.references, |position, of| Ok(reference_row(it, position, of)))
}

pub(crate) fn delete_references(connection: &Connection, id: PaymentId) -> Result<()> {
    REFERENCES.delete(connection, &[Cell::id(id)])
}

/// Writes what differs.
pub(crate) fn update(
    connection: &Connection,
    old: &Payment,
    before: Version,
    new: &Payment,
) -> Result<()> {
    PAYMENTS.update(connection, &row(old, before)?, &row(new, before.next())?)?;
    // What must be unique stays at its place; where it does not, two rows could be the same for a
    // moment, so all of them are written anew.
    if old.references != new.references || old.gateway != new.gateway {
        delete_references(connection, new.id)?;
        insert_references(connection, new)?;
    }
    let operation = |position, of| operation_row(new, position, of);
    if old.operations.iter().zip(&new.operations).all(|(old, new)| old.key == new.key) {
        OPERATIONS.update_all(connection, &old.operations, &new.operations, operation)?;
    } else {
        OPERATIONS.delete(connection, &[Cell::id(new.id)])?;
        OPERATIONS.insert_all(connection, &new.operations, operation)?;
    }
    let dispute = |position, of| dispute_row(new, position, of);
    if old.disputes.iter().zip(&new.disputes).all(|(old, new)| old.reference == new.reference) {
        DISPUTES.update_all(connection, &old.disputes, &new.disputes, dispute)?;
    } else {
        DISPUTES.delete(connection, &[Cell::id(new.id)])?;
        DISPUTES.insert_all(connection, &new.disputes, dispute)?;
    }
    REFUNDS.update_all(connection, &old.refunds, &new.refunds, |position, of| {
        refund_row(new, position, of)
    })
}

pub(crate) fn delete(connection: &Connection, id: PaymentId) -> Result<()> {
    for table in [&REFERENCES, &OPERATIONS, &REFUNDS, &DISPUTES, &PAYMENTS] {
        table.delete(connection, &[Cell::id(id)])?;
    }
    Ok(())
}

fn read(row: &Columns<'_>) -> Result<(Version, Payment)> {
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
        references: Vec::new(),
        operations: Vec::new(),
        refunds: Vec::new(),
        disputes: Vec::new(),
    };
    Ok((version, payment))
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

/// A query for the rows of a table that belong to the payments of orders, with their currency.
fn belongings(table: &Table) -> RowsOf {
    let rows = format!("CROSS JOIN {} AS r ON r.payment_id = p.id", table.name);
    let columns: Vec<_> =
        table.columns.iter().skip(2).map(|column| format!("r.{column}")).collect();
    RowsOf::new(
        &format!("r.payment_id, p.currency, {}", columns.join(", ")),
        "commerce_payments AS p",
        "p.order_id",
        &rows,
        "r.payment_id, r.position",
    )
}

fn all<T>(
    query: &RowsOf,
    connection: &Connection,
    orders: &Wanted,
    read: impl Fn(&Columns<'_>, Currency) -> Result<T>,
) -> Result<HashMap<PaymentId, Vec<T>>> {
    let mut found: HashMap<PaymentId, Vec<T>> = HashMap::new();
    query.all(connection, orders, |row| {
        let (of, currency) = (row.id()?, row.text()?);
        found.entry(of).or_default().push(read(row, currency)?);
        Ok(())
    })?;
    Ok(found)
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
    static REFERENCES_OF: LazyLock<RowsOf> = LazyLock::new(|| belongings(&REFERENCES));
    static OPERATIONS_OF: LazyLock<RowsOf> = LazyLock::new(|| belongings(&OPERATIONS));
    static REFUNDS_OF: LazyLock<RowsOf> = LazyLock::new(|| belongings(&REFUNDS));
    static DISPUTES_OF: LazyLock<RowsOf> = LazyLock::new(|| belongings(&DISPUTES));
    let mut payments = PAYMENTS_OF.all(connection, orders, read)?;
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let mut references = all(&REFERENCES_OF, connection, orders, |row, _| {
        row.skip(1);
        row.text()
    })?;
    let mut operations = all(&OPERATIONS_OF, connection, orders, read_operation)?;
    let mut refunds = all(&REFUNDS_OF, connection, orders, read_refund)?;
    let mut disputes = all(&DISPUTES_OF, connection, orders, read_dispute)?;
    for (_, payment) in &mut payments {
        payment.references = references.remove(&payment.id).unwrap_or_default();
        payment.operations = operations.remove(&payment.id).unwrap_or_default();
        payment.refunds = refunds.remove(&payment.id).unwrap_or_default();
        payment.disputes = disputes.remove(&payment.id).unwrap_or_default();
    }
    Ok(payments.into_iter().map(|(version, it)| Versioned::new(version, it)).collect())
}

/// The order that a payment is of.
pub(crate) fn order_of(connection: &Connection, id: PaymentId) -> Result<Option<OrderId>> {
    const ORDER_OF: &str = "SELECT order_id FROM commerce_payments WHERE id = ?1";
    codec::first(connection, ORDER_OF, [codec::key(id)], |row| row.id())
}

/// Payments with the orders that they are of, in the order of the ids.
pub(crate) fn items(
    connection: &Connection,
    ids: impl IntoIterator<Item = PaymentId>,
) -> Result<Vec<PaymentItem>> {
    const ITEMS: &str = "SELECT p.id, p.order_id FROM json_each(?1) AS wanted
        CROSS JOIN commerce_payments AS p ON p.id = unhex(wanted.value) ORDER BY wanted.key";
    codec::all(connection, ITEMS, [codec::ids(ids)], |row| {
        Ok(PaymentItem { id: row.id()?, order_id: row.id()? })
    })
}

/// The payment that a provider calls so.
pub(crate) fn referred_to(
    connection: &Connection,
    gateway: &GatewayName,
    reference: &Label,
) -> Result<Option<PaymentId>> {
    const PAYMENT_OF: &str = "SELECT payment_id FROM commerce_payment_references
        WHERE gateway = ?1 AND reference = ?2";
    codec::first(connection, PAYMENT_OF, [gateway.as_str(), reference.as_str()], |row| row.id())
}
