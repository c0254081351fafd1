//! Orders, their lines, holds and fulfilments.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    currency::Currency,
    id::OrderId,
    order::{Fulfillment, Hold, Order, OrderInputs, OrderLine, Tracking},
    store::OrderRef,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{
    Cell, payment, table,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) ORDERS = "commerce_orders", 1 keys, unique number cart_id:
    id version number cart_id status payment_status fulfillment_status origin customer_id secret
    email email_key currency subtotal discount_total shipping_total tax_total tax_included rounding
    total paid_total refunded_total authorized_total placed_at expires_at cancelled_at cancel_reason updated_at terms
    history shipping_address billing_address shipping taxes pricing note cancel_note
}

table! {
    pub(crate) ORDER_LINES = "commerce_order_lines", 2 keys:
    order_id position id variant_id product_id sku title options image quantity unit_price subtotal
    discount_total tax_total total requires_shipping track_inventory backordered fulfilled cancelled
    refunded adjustments
}

table! {
    pub(crate) HOLDS = "commerce_holds", 3 keys:
    order_id line position variant_id location_id quantity
}

table! {
    pub(crate) FULFILLMENTS = "commerce_fulfillments", 2 keys:
    order_id position id carrier tracking_number tracking_url fulfilled_at delivered_at lines
}

/// `other` is the state that a row is compared with, when it is.
pub(crate) fn row<'a>(
    order: &'a Order,
    version: Version,
    other: Option<&Order>,
) -> Result<Vec<Cell<'a>>> {
    let amount = |amount| codec::minor(amount, order.currency).map(Cell::Integer);
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
        Cell::maybe(order.secret.as_ref(), |digest| Cell::Blob(digest.as_bytes())),
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
        Cell::json_unless(&order.terms, other.map(|it| &it.terms))?,
        Cell::json_unless(&order.history, other.map(|it| &it.history))?,
        Cell::maybe_json_unless(&order.shipping_address, other.map(|it| &it.shipping_address))?,
        Cell::maybe_json_unless(&order.billing_address, other.map(|it| &it.billing_address))?,
        Cell::maybe_json_unless(&order.shipping, other.map(|it| &it.shipping))?,
        Cell::json_unless(&order.taxes, other.map(|it| &it.taxes))?,
        Cell::json_unless(&order.pricing, other.map(|it| &it.pricing))?,
        Cell::maybe_text(order.note.as_ref()),
        Cell::maybe_text(order.cancel_note.as_ref()),
    ])
}

fn line_row<'a>(of: &Order, position: i64, line: &'a OrderLine) -> Result<Vec<Cell<'a>>> {
    let amount = |amount| codec::minor(amount, of.currency).map(Cell::Integer);
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
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

fn hold_row(
    of: OrderId,
    line: i64,
    position: i64,
    variant: &OrderLine,
    hold: &Hold,
) -> Vec<Cell<'static>> {
    vec![
        Cell::id(of),
        Cell::Integer(line),
        Cell::Integer(position),
        Cell::id(variant.variant_id),
        Cell::id(hold.location_id),
        hold.quantity.into(),
    ]
}

fn fulfillment_row(of: OrderId, position: i64, sent: &Fulfillment) -> Result<Vec<Cell<'_>>> {
    let tracking = sent.tracking.as_ref();
    Ok(vec![
        Cell::id(of),
        Cell::Integer(position),
        Cell::id(sent.id),
        Cell::maybe_text(tracking.and_then(|tracking| tracking.carrier.as_ref())),
        Cell::maybe_text(tracking.map(|tracking| &tracking.number)),
        Cell::maybe_text(tracking.and_then(|tracking| tracking.url.as_ref())),
        sent.fulfilled_at.into(),
        Cell::maybe_time(sent.delivered_at),
        Cell::json(&sent.lines)?,
    ])
}

pub(crate) fn insert(connection: &Connection, order: &Order, version: Version) -> Result<()> {
    ORDERS.insert(connection, &row(order, version, None)?)?;
    for (at, line) in (0..).zip(&order.lines) {
        ORDER_LINES.insert(connection, &line_row(order, at, line)?)?;
        HOLDS.insert_all(connection, &line.holds, |position, hold| {
            Ok(hold_row(order.id, at, position, line, hold))
        })?;
    }
    FULFILLMENTS.insert_all(connection, &order.fulfillments, |position, sent| {
        fulfillment_row(order.id, position, sent)
    })
}

pub(crate) fn update(
    connection: &Connection,
    old: &Order,
    before: Version,
    new: &Order,
    after: Version,
) -> Result<()> {
    ORDERS.update(connection, &row(old, before, Some(new))?, &row(new, after, Some(old))?)?;
    if old.lines.len() == new.lines.len() && old.currency == new.currency {
        for (at, (before, after)) in (0..).zip(old.lines.iter().zip(&new.lines)) {
            if before == after {
                continue;
            }
            let (row, now) = (line_row(old, at, before)?, line_row(new, at, after)?);
            ORDER_LINES.update(connection, &row, &now)?;
            if before.variant_id == after.variant_id {
                HOLDS.update_all(connection, &before.holds, &after.holds, |position, hold| {
                    Ok(hold_row(new.id, at, position, after, hold))
                })?;
            } else {
                HOLDS.delete(connection, &[Cell::id(new.id), Cell::Integer(at)])?;
                HOLDS.insert_all(connection, &after.holds, |position, hold| {
                    Ok(hold_row(new.id, at, position, after, hold))
                })?;
            }
        }
    } else {
        ORDER_LINES.delete(connection, &[Cell::id(old.id)])?;
        HOLDS.delete(connection, &[Cell::id(old.id)])?;
        for (at, line) in (0..).zip(&new.lines) {
            ORDER_LINES.insert(connection, &line_row(new, at, line)?)?;
            HOLDS.insert_all(connection, &line.holds, |position, hold| {
                Ok(hold_row(new.id, at, position, line, hold))
            })?;
        }
    }
    FULFILLMENTS.update_all(connection, &old.fulfillments, &new.fulfillments, |position, sent| {
        fulfillment_row(new.id, position, sent)
    })
}

pub(crate) fn delete(connection: &Connection, id: OrderId) -> Result<()> {
    for table in [&FULFILLMENTS, &HOLDS, &ORDER_LINES, &ORDERS] {
        table.delete(connection, &[Cell::id(id)])?;
    }
    Ok(())
}

fn read(row: &Columns<'_>) -> Result<(Version, Order)> {
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
        lines: Vec::new(),
        fulfillments: Vec::new(),
    };
    Ok((version, order))
}

fn read_line(row: &Columns<'_>, currency: Currency, holds: Vec<Hold>) -> Result<OrderLine> {
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
        holds,
    })
}

fn read_fulfillment(row: &Columns<'_>) -> Result<Fulfillment> {
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

/// Orders with their payments, in the order of the ids.
pub(crate) fn orders(
    connection: &Connection,
    ids: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<OrderInputs>> {
    static ORDERS_OF: LazyLock<RowsOf> = LazyLock::new(|| RowsOf::table(&ORDERS, ""));
    static LINES_OF: LazyLock<RowsOf> =
        LazyLock::new(|| RowsOf::table(&ORDER_LINES, "it.position"));
    static HOLDS_OF: LazyLock<RowsOf> =
        LazyLock::new(|| RowsOf::table(&HOLDS, "it.line, it.position"));
    static FULFILLMENTS_OF: LazyLock<RowsOf> =
        LazyLock::new(|| RowsOf::table(&FULFILLMENTS, "it.position"));
    let wanted = Wanted::new(ids);
    let mut found = ORDERS_OF.all(connection, &wanted, read)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let places: HashMap<OrderId, usize> =
        found.iter().enumerate().map(|(at, (_, order))| (order.id, at)).collect();
    let mut holds: HashMap<(OrderId, i64), Vec<Hold>> = HashMap::new();
    HOLDS_OF.all(connection, &wanted, |row| {
        let key = (row.id()?, row.i64()?);
        row.skip(2);
        let hold = Hold { location_id: row.id()?, quantity: row.i64()? };
        holds.entry(key).or_default().push(hold);
        Ok(())
    })?;
    LINES_OF.all(connection, &wanted, |row| {
        let key = (row.id()?, row.i64()?);
        let order = places.get(&key.0).and_then(|at| found.get_mut(*at));
        if let Some((_, order)) = order {
            let holds = holds.remove(&key).unwrap_or_default();
            order.lines.push(read_line(row, order.currency, holds)?);
        }
        Ok(())
    })?;
    FULFILLMENTS_OF.all(connection, &wanted, |row| {
        let of: OrderId = row.id()?;
        row.skip(1);
        if let Some((_, order)) = places.get(&of).and_then(|at| found.get_mut(*at)) {
            order.fulfillments.push(read_fulfillment(row)?);
        }
        Ok(())
    })?;
    let mut payments: HashMap<OrderId, Vec<_>> = HashMap::new();
    for payment in payment::payments(connection, &wanted)? {
        payments.entry(payment.order_id).or_default().push(payment);
    }
    Ok(found
        .into_iter()
        .map(|(version, order)| OrderInputs {
            payments: payments.remove(&order.id).unwrap_or_default(),
            order: Versioned::new(version, order),
        })
        .collect())
}

/// An order with its payments.
pub(crate) fn order(connection: &Connection, by: &OrderRef) -> Result<Option<OrderInputs>> {
    const ID_OF: &str = "SELECT id FROM commerce_orders WHERE number = ?1";
    let id = match by {
        OrderRef::Id(id) => Some(*id),
        OrderRef::Number(number) => codec::first(connection, ID_OF, [&**number], |row| row.id())?,
        OrderRef::Payment(id) => payment::order_of(connection, *id)?,
        OrderRef::Reference(gateway, reference) => {
            match payment::referred_to(connection, gateway, reference)? {
                Some(id) => payment::order_of(connection, id)?,
                None => None,
            }
        }
    };
    match id {
        Some(id) => Ok(orders(connection, [id])?.pop()),
        None => Ok(None),
    }
}
