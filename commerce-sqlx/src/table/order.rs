//! Orders, their lines, holds and fulfilments.

use std::sync::LazyLock;

use commerce_core::{
    currency::Currency,
    id::OrderId,
    order::{Fulfillment, Hold, Order, OrderInputs, OrderLine, Tracking},
    store::OrderRef,
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, payment, table};
use crate::{
    cell::{Cell, Param},
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) ORDERS = "commerce_orders", 1 keys, unique number cart_id:
    id: Uuid, version: Int, number: Text, cart_id: Uuid, status: Text, payment_status: Text,
    fulfillment_status: Text, origin: Text, customer_id: Uuid, secret: Bytes, email: Text,
    email_key: Text, currency: Text, subtotal: Int, discount_total: Int, shipping_total: Int,
    tax_total: Int, tax_included: Bool, rounding: Int, total: Int, paid_total: Int,
    refunded_total: Int, authorized_total: Int, placed_at: Time, expires_at: Time, cancelled_at: Time,
    cancel_reason: Text, updated_at: Time, terms: Json, history: Json, shipping_address: Json,
    billing_address: Json, shipping: Json, taxes: Json, pricing: Json, note: Text,
    cancel_note: Text,
}

table! {
    pub(crate) ORDER_LINES = "commerce_order_lines", 2 keys:
    order_id: Uuid, position: Int, id: Uuid, variant_id: Uuid, product_id: Uuid, sku: Text,
    title: Text, options: Json, image: Text, quantity: Int, unit_price: Int, subtotal: Int,
    discount_total: Int, tax_total: Int, total: Int, requires_shipping: Bool,
    track_inventory: Bool, backordered: Int, fulfilled: Int, cancelled: Int, refunded: Int, adjustments: Json,
}

table! {
    pub(crate) HOLDS = "commerce_holds", 3 keys:
    order_id: Uuid, line: Int, position: Int, variant_id: Uuid, location_id: Uuid, quantity: Int,
}

table! {
    pub(crate) FULFILLMENTS = "commerce_fulfillments", 2 keys:
    order_id: Uuid, position: Int, id: Uuid, carrier: Text, tracking_number: Text,
    tracking_url: Text, fulfilled_at: Time, delivered_at: Time, lines: Json,
}

fn row(order: &Order, version: Version) -> Result<Cells<'_>> {
    let amount = |amount| codec::minor(amount, order.currency).map(Cell::Int);
    Ok(vec![
        Cell::id(order.id),
        Cell::count(version.get()),
        Cell::Text(&order.number),
        Cell::id(order.cart_id),
        Cell::Text(order.status().as_str()),
        Cell::Text(order.payment_status.as_str()),
        Cell::Text(order.fulfillment_status().as_str()),
        Cell::Text(order.origin.as_str()),
        Cell::maybe_id(order.customer_id),
        Cell::maybe(order.secret, Cell::Digest),
        Cell::maybe_text(order.email.as_ref()),
        Cell::maybe(order.email.as_ref(), |email| Cell::Made(email.normalized())),
        Cell::Text(order.currency.code()),
        amount(order.subtotal)?,
        amount(order.discount_total)?,
        amount(order.shipping_total)?,
        amount(order.tax_total)?,
        order.tax_included.into(),
        amount(order.rounding)?,
        amount(order.total)?,
        amount(order.paid_total)?,
        amount(order.refunded_total)?,
        amount(order.authorized_total)?,
        order.placed_at.into(),
        Cell::maybe_time(order.expires_at),
        Cell::maybe_time(order.cancelled_at),
        Cell::maybe(order.cancel_reason, |reason| Cell::Text(reason.as_str())),
        order.updated_at.into(),
        Cell::json(&order.terms)?,
        Cell::json(&order.history)?,
        Cell::maybe_json(order.shipping_address.as_ref())?,
        Cell::maybe_json(order.billing_address.as_ref())?,
        Cell::maybe_json(order.shipping.as_ref())?,
        Cell::json(&order.taxes)?,
        Cell::json(&order.pricing)?,
        Cell::maybe_text(order.note.as_ref()),
        Cell::maybe_text(order.cancel_note.as_ref()),
    ])
}

fn line_row<'a>(order: &Order, position: i64, line: &'a OrderLine) -> Result<Cells<'a>> {
    let amount = |amount| codec::minor(amount, order.currency).map(Cell::Int);
    Ok(vec![
        Cell::id(order.id),
        Cell::Int(position),
        Cell::id(line.id),
        Cell::id(line.variant_id),
        Cell::id(line.product_id),
        Cell::Text(&line.sku),
        Cell::Text(&line.title),
        Cell::json(&line.options)?,
        Cell::maybe_text(line.image.as_ref()),
        line.quantity.get().into(),
        amount(line.unit_price)?,
        amount(line.subtotal)?,
        amount(line.discount_total)?,
        amount(line.tax_total)?,
        amount(line.total)?,
        line.requires_shipping.into(),
        line.track_inventory.into(),
        line.backordered.into(),
        line.fulfilled.into(),
        line.cancelled.into(),
        line.refunded.into(),
        Cell::json(&line.adjustments)?,
    ])
}

fn line_rows(order: &Order) -> Result<Vec<Cells<'_>>> {
    (0..).zip(&order.lines).map(|(at, line)| line_row(order, at, line)).collect()
}

fn hold_rows(order: &Order) -> Result<Vec<Cells<'_>>> {
    let mut rows = Vec::new();
    for (at, line) in (0..).zip(&order.lines) {
        for (position, hold) in (0..).zip(&line.holds) {
            rows.push(vec![
                Cell::id(order.id),
                Cell::Int(at),
                Cell::Int(position),
                Cell::id(line.variant_id),
                Cell::id(hold.location_id),
                hold.quantity.into(),
            ]);
        }
    }
    Ok(rows)
}

fn fulfillment_row(of: OrderId, position: i64, sent: &Fulfillment) -> Result<Cells<'_>> {
    let tracking = sent.tracking.as_ref();
    Ok(vec![
        Cell::id(of),
        Cell::Int(position),
        Cell::id(sent.id),
        Cell::maybe_text(tracking.and_then(|tracking| tracking.carrier.as_ref())),
        Cell::maybe_text(tracking.map(|tracking| &tracking.number)),
        Cell::maybe_text(tracking.and_then(|tracking| tracking.url.as_ref())),
        sent.fulfilled_at.into(),
        Cell::maybe_time(sent.delivered_at),
        Cell::json(&sent.lines)?,
    ])
}

fn fulfillment_rows(order: &Order) -> Result<Vec<Cells<'_>>> {
    let sent = (0..).zip(&order.fulfillments);
    sent.map(|(at, sent)| fulfillment_row(order.id, at, sent)).collect()
}

/// Writes the difference between an order as it was and as it is to be.
pub(crate) fn write(sets: &mut Sets, before: At<'_, Order>, after: At<'_, Order>) -> Result<()> {
    sets.record(&ORDERS, before, after, row)?;
    if before.map(|(_, it)| &it.lines) != after.map(|(_, it)| &it.lines) {
        sets.belongings(&ORDER_LINES, before, after, line_rows)?;
        sets.belongings(&HOLDS, before, after, hold_rows)?;
    }
    sets.belongings(&FULFILLMENTS, before, after, fulfillment_rows)
}

/// The columns of an order `o`, with its lines, holds, fulfilments and payments.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, ARRAY(SELECT ROW({}, ARRAY(SELECT ROW(h.location_id, h.quantity)
                FROM commerce_holds AS h
                WHERE h.order_id = o.id AND h.line = l.position ORDER BY h.position))
            FROM commerce_order_lines AS l WHERE l.order_id = o.id ORDER BY l.position),
        ARRAY(SELECT ROW({}) FROM commerce_fulfillments AS f
            WHERE f.order_id = o.id ORDER BY f.position), {}",
        ORDERS.of("o"),
        ORDER_LINES.of("l"),
        FULFILLMENTS.of("f"),
        *payment::COLUMN
    )
});

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Columns<'_>) -> Result<OrderInputs> {
    let id = row.id()?;
    let version = row.version()?;
    let number = row.text()?;
    let cart_id = row.id()?;
    row.skip(1);
    let payment_status = row.word()?;
    row.skip(1);
    let origin = row.word()?;
    let customer_id = row.maybe(Columns::id)?;
    let secret = row.maybe(Columns::digest)?;
    let email = row.maybe(Columns::text)?;
    row.skip(1);
    let currency = row.text()?;
    let order = Order {
        id,
        number,
        cart_id,
        payment_status,
        origin,
        customer_id,
        secret,
        email,
        currency,
        subtotal: row.money(currency)?,
        discount_total: row.money(currency)?,
        shipping_total: row.money(currency)?,
        tax_total: row.money(currency)?,
        tax_included: row.bool()?,
        rounding: row.money(currency)?,
        total: row.money(currency)?,
        paid_total: row.money(currency)?,
        refunded_total: row.money(currency)?,
        authorized_total: row.money(currency)?,
        placed_at: row.time()?,
        expires_at: row.maybe(Columns::time)?,
        cancelled_at: row.maybe(Columns::time)?,
        cancel_reason: row.maybe(Columns::word)?,
        updated_at: row.time()?,
        terms: row.json()?,
        history: row.json()?,
        shipping_address: row.maybe(Columns::json)?,
        billing_address: row.maybe(Columns::json)?,
        shipping: row.maybe(Columns::json)?,
        taxes: row.json()?,
        pricing: row.json()?,
        note: row.maybe(Columns::text)?,
        cancel_note: row.maybe(Columns::text)?,
        lines: row.rows(|row| read_line(row, currency))?,
        fulfillments: row.rows(read_fulfillment)?,
    };
    let payments = row.rows(payment::read)?;
    Ok(OrderInputs { order: Versioned::new(version, order), payments })
}

fn read_line(row: &Columns<'_>, currency: Currency) -> Result<OrderLine> {
    row.skip(2);
    Ok(OrderLine {
        id: row.id()?,
        variant_id: row.id()?,
        product_id: row.id()?,
        sku: row.text()?,
        title: row.text()?,
        options: row.json()?,
        image: row.maybe(Columns::text)?,
        quantity: row.quantity()?,
        unit_price: row.money(currency)?,
        subtotal: row.money(currency)?,
        discount_total: row.money(currency)?,
        tax_total: row.money(currency)?,
        total: row.money(currency)?,
        requires_shipping: row.bool()?,
        track_inventory: row.bool()?,
        backordered: row.i64()?,
        fulfilled: row.i64()?,
        cancelled: row.i64()?,
        refunded: row.i64()?,
        adjustments: row.json()?,
        holds: row.rows(|row| Ok(Hold { location_id: row.id()?, quantity: row.i64()? }))?,
    })
}

fn read_fulfillment(row: &Columns<'_>) -> Result<Fulfillment> {
    row.skip(2);
    let id = row.id()?;
    let carrier = row.maybe(Columns::text)?;
    let number = row.maybe(Columns::text)?;
    let url = row.maybe(Columns::text)?;
    Ok(Fulfillment {
        id,
        tracking: number.map(|number| Tracking { carrier, number, url }),
        fulfilled_at: row.time()?,
        delivered_at: row.maybe(Columns::time)?,
        lines: row.json()?,
    })
}

/// An order with its payments.
pub(crate) async fn order(
    connection: &mut PgConnection,
    by: &OrderRef,
) -> Result<Option<OrderInputs>> {
    fn select(clause: &str) -> String {
        format!("SELECT {} FROM commerce_orders AS o WHERE {clause}", *COLUMNS)
    }
    static BY_ID: LazyLock<String> = LazyLock::new(|| select("o.id = $1"));
    static BY_NUMBER: LazyLock<String> = LazyLock::new(|| select("o.number = $1"));
    static BY_PAYMENT: LazyLock<String> = LazyLock::new(|| {
        select("o.id = (SELECT p.order_id FROM commerce_payments AS p WHERE p.id = $1)")
    });
    static BY_REFERENCE: LazyLock<String> = LazyLock::new(|| {
        select(
            "o.id = (SELECT p.order_id FROM commerce_payment_references AS r
                JOIN commerce_payments AS p ON p.id = r.payment_id
                WHERE r.gateway = $1 AND r.reference = $2)",
        )
    });
    let (sql, key, more) = match by {
        OrderRef::Id(id) => (BY_ID.as_str(), Cell::id(*id), None),
        OrderRef::Number(number) => (BY_NUMBER.as_str(), Cell::Text(number), None),
        OrderRef::Payment(id) => (BY_PAYMENT.as_str(), Cell::id(*id), None),
        OrderRef::Reference(gateway, reference) => {
            (BY_REFERENCE.as_str(), Cell::Text(gateway), Some(Cell::Text(reference)))
        }
    };
    let params = [key].into_iter().chain(more).map(Param::from);
    codec::first(connection, sql, params, read).await
}
