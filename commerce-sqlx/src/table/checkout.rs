//! All that pricing and placing carts need, in one statement.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use commerce_core::{
    cart::CheckoutInputs,
    id::{CartId, VariantId},
};
use sqlx::PgConnection;

use super::{cart, shop, variant};
use crate::{cell::Array, codec, error::Result};

/// A cart that is to be priced or placed, and what is to be read besides what it has.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) cart: CartId,
    pub(crate) also: Vec<VariantId>,
}

/// Each of the carts with all that pricing and placing it need, in their order.
pub(crate) async fn inputs(
    connection: &mut PgConnection,
    wanted: &[Wanted],
) -> Result<Vec<Option<CheckoutInputs>>> {
    static INPUTS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {}, ARRAY(SELECT ROW({}) FROM commerce_carts AS c WHERE c.id = ANY($1)),
            ARRAY(SELECT ROW({}) FROM {} WHERE v.id = ANY($2 || ARRAY(
                SELECT variant_id FROM commerce_cart_lines WHERE cart_id = ANY($1))))
            FROM commerce_shop AS s",
            *shop::COLUMNS,
            *cart::COLUMNS,
            *variant::SELLABLE,
            variant::SELLABLE_FROM
        )
    });
    let carts = Array::ids(wanted.iter().map(|it| it.cart));
    let also = Array::ids(wanted.iter().flat_map(|it| it.also.iter().copied()));
    let read = codec::first(connection, INPUTS.as_str(), [carts.into(), also.into()], |row| {
        Ok((shop::read(row)?, row.rows(cart::read)?, row.rows(variant::read_sellable)?))
    });
    let Some((setup, mut carts, mut sellables)) = read.await? else {
        return Ok(wanted.iter().map(|_| None).collect());
    };
    if let [_] = wanted {
        // All that was read is for one.
        sellables.sort_unstable_by_key(|it| it.variant.id);
        return Ok(vec![carts.pop().map(|cart| CheckoutInputs { setup, cart, sellables })]);
    }
    let carts: HashMap<_, _> = carts.into_iter().map(|cart| (cart.id, cart)).collect();
    let sellables: HashMap<_, _> = sellables.into_iter().map(|it| (it.variant.id, it)).collect();
    let inputs = |Wanted { cart, also }: &Wanted| {
        let cart = carts.get(cart)?.clone();
        let variants = cart.lines.iter().map(|line| line.variant_id).chain(also.iter().copied());
        let variants: BTreeSet<_> = variants.collect();
        let sellables = variants.iter().filter_map(|id| sellables.get(id).cloned()).collect();
        Some(CheckoutInputs { setup: setup.clone(), cart, sellables })
    };
    Ok(wanted.iter().map(inputs).collect())
}
