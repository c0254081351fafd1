//! Carts and their lines.

use std::sync::LazyLock;

use commerce_core::{
    cart::{Cart, CartLine},
    id::{CartId, CustomerId},
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) CARTS = "commerce_carts", 1 keys:
    id: Uuid, version: Int, status: Text, origin: Text, currency: Text, customer_id: Uuid,
    secret: Bytes, email: Text, shipping_address: Json, billing_address: Json,
    shipping_method: Uuid, discount_codes: Json, note: Text, order_id: Uuid, created_at: Time,
    updated_at: Time, expires_at: Time,
}

table! {
    pub(crate) CART_LINES = "commerce_cart_lines", 2 keys:
    cart_id: Uuid, position: Int, id: Uuid, variant_id: Uuid, quantity: Int, set_price: Int,
    set_price_currency: Text,
}

fn row(cart: &Cart, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::id(cart.id),
        Cell::count(version.get()),
        Cell::Text(cart.status.as_str()),
        Cell::Text(cart.origin.as_str()),
        Cell::Text(cart.currency.code()),
        Cell::maybe_id(cart.customer_id),
        Cell::maybe(cart.secret, Cell::Digest),
        Cell::maybe_text(cart.email.as_ref()),
        Cell::maybe_json(cart.shipping_address.as_ref())?,
        Cell::maybe_json(cart.billing_address.as_ref())?,
        Cell::maybe_id(cart.shipping_method),
        Cell::json(&cart.discount_codes)?,
        Cell::maybe_text(cart.note.as_ref()),
        Cell::maybe_id(cart.order_id),
        cart.created_at.into(),
        cart.updated_at.into(),
        cart.expires_at.into(),
    ])
}

fn line_rows(cart: &Cart) -> Result<Vec<Cells<'_>>> {
    let row = |(position, line): (i64, &CartLine)| {
        vec![
            Cell::id(cart.id),
            Cell::Int(position),
            Cell::id(line.id),
            Cell::id(line.variant_id),
            line.quantity.get().into(),
            Cell::maybe(line.set_price, |price| Cell::Int(price.minor())),
            Cell::maybe(line.set_price, |price| Cell::Text(price.currency().code())),
        ]
    };
    Ok((0..).zip(&cart.lines).map(row).collect())
}

/// Writes the difference between a cart as it was and as it is to be.
pub(crate) fn write(sets: &mut Sets, before: At<'_, Cart>, after: At<'_, Cart>) -> Result<()> {
    sets.record(&CARTS, before, after, row)?;
    if before.map(|(_, it)| &it.lines) != after.map(|(_, it)| &it.lines) {
        sets.belongings(&CART_LINES, before, after, line_rows)?;
    }
    Ok(())
}

/// The columns of a cart `c`, with its lines.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, ARRAY(SELECT ROW(l.id, l.variant_id, l.quantity, l.set_price, l.set_price_currency)
            FROM commerce_cart_lines AS l WHERE l.cart_id = c.id ORDER BY l.position)",
        CARTS.of("c")
    )
});

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Columns<'_>) -> Result<Versioned<Cart>> {
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
        lines: row.rows(|row| {
            Ok(CartLine {
                id: row.id()?,
                variant_id: row.id()?,
                quantity: row.quantity()?,
                set_price: row.maybe_priced()?,
            })
        })?,
    };
    Ok(Versioned::new(version, cart))
}

pub(crate) async fn cart(
    connection: &mut PgConnection,
    id: CartId,
) -> Result<Option<Versioned<Cart>>> {
    static BY_ID: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM commerce_carts AS c WHERE c.id = $1", *COLUMNS));
    codec::first(connection, BY_ID.as_str(), [Cell::id(id).into()], read).await
}

/// A customer's open cart.
pub(crate) async fn open_cart(
    connection: &mut PgConnection,
    of: CustomerId,
) -> Result<Option<Versioned<Cart>>> {
    static OPEN: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {} FROM commerce_carts AS c
            WHERE c.customer_id = $1 AND c.status = 'open' AND c.origin = 'storefront'",
            *COLUMNS
        )
    });
    codec::first(connection, OPEN.as_str(), [Cell::id(of).into()], read).await
}
