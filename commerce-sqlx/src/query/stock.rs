//! Stock by SKU, and the ledger.

use commerce_core::{
    inventory::Movement,
    store::{MovementFilter, Page, PageRequest, StockFilter, StockItem},
};
use sqlx::PgConnection;

use super::{KeyKind, List, Named, Select, Sort, count, page};
use crate::{
    cell::Cell,
    error::Result,
    table::{
        stock::{self, MOVEMENTS, is_low},
        variant,
    },
};

pub(super) async fn stock(
    connection: &mut PgConnection,
    filter: &StockFilter,
    request: &PageRequest,
) -> Result<Page<StockItem>> {
    const IS_AT: &str = "EXISTS (SELECT FROM commerce_stock_levels AS s
        WHERE s.variant_id = v.id AND s.location_id = ?)";
    let mut select = Select::from("commerce_variants AS v");
    if let Some(location) = filter.location_id {
        select.when(IS_AT, [Cell::id(location).into()]);
    }
    if let Some(sku) = &filter.sku {
        select.when("v.sku = ?", [Cell::Text(sku).into()]);
    }
    if filter.low {
        // The mark finds them; whether it is still right is seen by the levels. Without a shop there
        // are no locations that count.
        select.when("v.low", []);
        select.when(is_low!(), []);
        select.when("EXISTS (SELECT FROM commerce_shop)", []);
    } else {
        select.when("v.track_inventory", []);
    }
    let sort = Sort { key: "v.sku", kind: KeyKind::Text, id: "v.id", descending: false };
    let list = List {
        found: None,
        count: request.total.then(|| count(select.clone())),
        rows: sort.keys(select, request),
        sort,
        named: Some(Named {
            columns: &variant::COLUMNS,
            join: "LEFT JOIN commerce_variants AS v ON v.id = k.id",
        }),
    };
    page(connection, request, list, |row| {
        let (variant, mut levels) = variant::read(row)?;
        if let Some(location) = filter.location_id {
            levels.retain(|level| level.location_id == location);
        }
        Ok(StockItem { variant, levels })
    })
    .await
}

pub(super) async fn movements(
    connection: &mut PgConnection,
    filter: &MovementFilter,
    request: &PageRequest,
) -> Result<Page<Movement>> {
    let mut select = Select::from("commerce_stock_movements AS m");
    select.when("m.variant_id = ?", [Cell::id(filter.variant_id).into()]);
    if let Some(location) = filter.location_id {
        select.when("m.location_id = ?", [Cell::id(location).into()]);
    }
    let sort = Sort { key: "m.at", kind: KeyKind::Time, id: "m.id", descending: true };
    let list = List {
        found: None,
        count: request.total.then(|| count(select.clone())),
        rows: sort.rows(select, &MOVEMENTS.of("m"), request),
        sort,
        named: None,
    };
    page(connection, request, list, stock::read_movement).await
}
