//! Reads on the embedder's own connection: the same code as the store's.
//!
//! Inside a transaction they see what it has written so far; outside, each statement sees the state
//! of its own instant, so begin one where several reads must agree.

use commerce_core::{
    cart::{Cart, CheckoutInputs},
    catalog::Sellable,
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    order::OrderInputs,
    shop::Setup,
    store::{
        CustomerRef, OrderRef, Outcome, OutcomeKey, ProductInputs, ProductRef, StoreResult,
        VariantRef,
    },
    version::Versioned,
};
use rusqlite::Connection;

use crate::{
    error::Result,
    table::{cart, customer, journal, order, product, shop, variant},
};

fn checkout_inputs(
    connection: &Connection,
    setup: Setup,
    cart: CartId,
    also: &[VariantId],
) -> Result<Option<CheckoutInputs>> {
    let Some(cart) = cart::cart(connection, cart)? else { return Ok(None) };
    let mut wanted: Vec<_> = cart.lines.iter().map(|line| line.variant_id).collect();
    wanted.extend(also);
    let sellables = variant::stocked(connection, wanted)?;
    Ok(Some(CheckoutInputs { setup, cart, sellables }))
}

/// The shop's configuration and locations; `None` where there is no shop yet.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_setup_in(connection: &Connection) -> StoreResult<Option<Setup>> {
    Ok(shop::setup(connection)?)
}

/// A product with its variants and their stock.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_product_in(
    connection: &Connection,
    by: &ProductRef,
) -> StoreResult<Option<ProductInputs>> {
    Ok(product::product(connection, by)?)
}

/// A variant with what selling it needs.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_variant_in(connection: &Connection, by: &VariantRef) -> StoreResult<Option<Sellable>> {
    Ok(variant::sellable(connection, by)?)
}

/// Those of the variants that exist, in no order, each once.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_sellables_in(
    connection: &Connection,
    variants: &[VariantId],
) -> StoreResult<Vec<Sellable>> {
    Ok(variant::stocked(connection, variants.iter().copied())?)
}

/// A cart.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_cart_in(connection: &Connection, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
    Ok(cart::cart(connection, id)?)
}

/// A customer's open cart.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_open_cart_in(
    connection: &Connection,
    customer: CustomerId,
) -> StoreResult<Option<Versioned<Cart>>> {
    Ok(cart::open_cart(connection, customer)?)
}

/// A cart with all that pricing and placing it need, and what `also` names besides.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_checkout_inputs_in(
    connection: &Connection,
    cart: CartId,
    also: &[VariantId],
) -> StoreResult<Option<CheckoutInputs>> {
    match shop::setup(connection)? {
        Some(setup) => Ok(checkout_inputs(connection, setup, cart, also)?),
        None => Ok(None),
    }
}

/// An order with its payments.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_order_in(connection: &Connection, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
    Ok(order::order(connection, by)?)
}

/// A customer.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_customer_in(
    connection: &Connection,
    by: &CustomerRef,
) -> StoreResult<Option<Versioned<Customer>>> {
    Ok(customer::customer(connection, by)?)
}

/// What was answered to an operation under a key.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors).
pub fn read_outcome_in(connection: &Connection, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
    Ok(journal::outcome(connection, key)?)
}
