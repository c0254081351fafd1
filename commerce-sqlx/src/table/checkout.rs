//! All that pricing and placing a cart need, in one statement.

use std::sync::LazyLock;

use commerce_core::{
    cart::CheckoutInputs,
    id::{CartId, VariantId},
};
use sqlx::PgConnection;

use super::{cart, shop, variant};
use crate::{
    cell::{Array, Cell},
    codec,
    error::Result,
};

/// A cart with all that pricing and placing it need, and what `also` names besides.
pub(crate) async fn inputs(
    connection: &mut PgConnection,
    cart: CartId,
    also: &[VariantId],
) -> Result<Option<CheckoutInputs>> {
    static INPUTS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {}, {}, ARRAY(SELECT ROW({}) FROM {} WHERE v.id = ANY($2 || ARRAY(
                SELECT variant_id FROM commerce_cart_lines WHERE cart_id = c.id)))
            FROM commerce_carts AS c CROSS JOIN commerce_shop AS s WHERE c.id = $1",
            *shop::COLUMNS,
            *cart::COLUMNS,
            *variant::SELLABLE,
            variant::SELLABLE_FROM
        )
    });
    let params = [Cell::id(cart).into(), Array::ids(also.iter().copied()).into()];
    codec::first(connection, INPUTS.as_str(), params, |row| {
        let setup = shop::read(row)?;
        let cart = cart::read(row)?;
        let sellables = row.rows(variant::read_sellable)?;
        Ok(CheckoutInputs { setup, cart, sellables })
    })
    .await
}
