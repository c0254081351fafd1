//! Carts and their lines.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    cart::{Cart, CartLine},
    id::{CartId, CustomerId, VariantId},
    inventory::StockLevel,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{Cell, stock, table};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) CARTS = "commerce_carts", 1 keys, unique customer_id:
    id version status origin currency customer_id secret email shipping_address billing_address
    shipping_method discount_codes note order_id created_at updated_at expires_at
}

table! {
    pub(crate) CART_LINES = "commerce_cart_lines", 2 keys:
    cart_id position id variant_id quantity set_price set_price_currency
}

/// `other` is the state that a row is compared with, when it is.
pub(crate) fn row<'a>(
    cart: &'a Cart,
    version: Version,
    other: Option<&Cart>,
) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(cart.id),
        Cell::count(version.get()),
        Cell::Text(cart.status.as_str()),
        Cell::Text(cart.origin.as_str()),
        Cell::Text(cart.currency.code()),
        Cell::maybe_id(cart.customer_id),
        Cell::maybe(cart.secret.as_ref(), |digest| Cell::Blob(digest.as_bytes())),
        Cell::maybe_text(cart.email.as_ref()),
        Cell::maybe_json_unless(&cart.shipping_address, other.map(|it| &it.shipping_address))?,
        Cell::maybe_json_unless(&cart.billing_address, other.map(|it| &it.billing_address))?,
        Cell::maybe_id(cart.shipping_method),
        Cell::json_unless(&cart.discount_codes, other.map(|it| &it.discount_codes))?,
        Cell::maybe_text(cart.note.as_ref()),
        Cell::maybe_id(cart.order_id),
        cart.created_at.into(),
        cart.updated_at.into(),
        cart.expires_at.into(),
    ])
}

pub(crate) fn line_row(of: CartId, position: i64, line: &CartLine) -> Result<Vec<Cell<'_>>> {
    Ok(vec![
        Cell::id(of),
        Cell::Integer(position),
        Cell::id(line.id),
        Cell::id(line.variant_id),
        line.quantity.get().into(),
        Cell::maybe(line.set_price, |price| Cell::Integer(price.minor())),
        Cell::maybe(line.set_price, |price| Cell::Text(price.currency().code())),
    ])
}

/// The levels of what a cart's lines want, those of one variant by location.
pub(crate) fn levels(
    connection: &Connection,
    of: CartId,
) -> Result<HashMap<VariantId, Vec<StockLevel>>> {
    // Sorting and leaving out what comes twice are cheaper here than in a statement, which opens a
    // table of its own for each.
    const LEVELS: &str = "SELECT s.variant_id, s.location_id, s.on_hand, s.held
        FROM commerce_cart_lines AS l
        CROSS JOIN commerce_stock_levels AS s ON s.variant_id = l.variant_id
        WHERE l.cart_id = ?1";
    stock::levels_by(connection, LEVELS, [codec::key(of)])
}

/// Writes the difference between the lines of a cart before and after.
///
/// Positions only say what comes before what, and may leave some out: a line that goes moves no
/// other, and a line that comes is one row.
pub(crate) fn update_lines(
    connection: &Connection,
    of: CartId,
    old: &[CartLine],
    new: &[CartLine],
) -> Result<()> {
    const POSITIONS: &str =
        "SELECT position FROM commerce_cart_lines WHERE cart_id = ?1 ORDER BY position";
    const LAST: &str = "SELECT max(position) FROM commerce_cart_lines WHERE cart_id = ?1";
    if old == new {
        return Ok(());
    }
    let row = |position, line| line_row(of, position, line);
    let same = old.iter().zip(new).take_while(|(before, after)| before == after).count();
    if same == old.len() {
        let last: Option<i64> =
            codec::first(connection, LAST, [codec::key(of)], |row| row.maybe(Columns::i64))?
                .flatten();
        let first = last.map_or(0, |last| last + 1);
        for (position, line) in (first..).zip(new.iter().skip(same)) {
            CART_LINES.insert(connection, &row(position, line)?)?;
        }
        return Ok(());
    }
    let positions = codec::all(connection, POSITIONS, [codec::key(of)], |row| row.i64())?;
    let mut rest: HashMap<_, _> =
        old.iter().zip(positions.iter().copied()).map(|(line, at)| (line.id, (at, line))).collect();
    let mut last = -1;
    let mut planned = Vec::with_capacity(new.len());
    for line in new {
        let before = rest.remove(&line.id);
        let next = match before {
            Some((at, _)) if at > last => at,
            // A line that has moved up among the others: all are written anew.
            Some(_) => {
                CART_LINES.delete(connection, &[Cell::id(of)])?;
                return CART_LINES.insert_all(connection, new, row);
            }
            None => positions.last().copied().unwrap_or(-1).max(last) + 1,
        };
        last = next;
        planned.push((next, before, line));
    }
    for (position, _) in rest.into_values() {
        CART_LINES.delete(connection, &[Cell::id(of), Cell::Integer(position)])?;
    }
    for (position, before, line) in planned {
        match before {
            Some((_, before)) if before == line => {}
            Some((_, before)) => {
                CART_LINES.update(connection, &row(position, before)?, &row(position, line)?)?;
            }
            None => CART_LINES.insert(connection, &row(position, line)?)?,
        }
    }
    Ok(())
}

fn read(row: &Columns<'_>) -> Result<(Version, Cart)> {
    let id = row.id()?;
    let version = row.version()?;
    let cart = Cart {
        id,
        status: row.word()?,
        origin: row.word()?,
        currency: row.text()?,
        customer_id: row.maybe(Columns::id)?,
        secret: row.maybe(Columns::digest)?,
        email: row.maybe(Columns::text)?,
        shipping_address: row.maybe(Columns::json)?,
        billing_address: row.maybe(Columns::json)?,
        shipping_method: row.maybe(Columns::id)?,
        discount_codes: row.json()?,
        note: row.maybe(Columns::text)?,
        order_id: row.maybe(Columns::id)?,
        created_at: row.time()?,
        updated_at: row.time()?,
        expires_at: row.time()?,
        lines: Vec::new(),
    };
    Ok((version, cart))
}

fn with_lines(
    connection: &Connection,
    found: Option<(Version, Cart)>,
) -> Result<Option<Versioned<Cart>>> {
    static LINES: LazyLock<String> =
        LazyLock::new(|| CART_LINES.select("WHERE cart_id = ?1 ORDER BY position"));
    let Some((version, mut cart)) = found else { return Ok(None) };
    cart.lines = codec::all(connection, &LINES, [codec::key(cart.id)], |row| {
        row.skip(2);
        Ok(CartLine {
            id: row.id()?,
            variant_id: row.id()?,
            quantity: row.quantity()?,
            set_price: row.maybe_priced()?,
        })
    })?;
    Ok(Some(Versioned::new(version, cart)))
}

pub(crate) fn cart(connection: &Connection, id: CartId) -> Result<Option<Versioned<Cart>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| CARTS.select("WHERE id = ?1"));
    with_lines(connection, codec::first(connection, &BY_ID, [codec::key(id)], read)?)
}

/// A customer's open cart.
pub(crate) fn open_cart(
    connection: &Connection,
    of: CustomerId,
) -> Result<Option<Versioned<Cart>>> {
    static OPEN: LazyLock<String> = LazyLock::new(|| {
        CARTS.select("WHERE customer_id = ?1 AND status = 'open' AND origin = 'storefront'")
    });
    with_lines(connection, codec::first(connection, &OPEN, [codec::key(of)], read)?)
}
