//! Stock by SKU, and the ledger.

use commerce_core::{
    id::{MovementId, VariantId},
    inventory::Movement,
    store::{MovementFilter, Page, PageRequest, StockFilter, StockItem},
};
use rusqlite::{Connection, types::Value};

use super::{Select, Sort, blob, page};
use crate::{
    codec,
    error::Result,
    table::{
        stock::{self, MOVEMENTS},
        variant,
        wanted::Wanted,
    },
};

/// The most variants at a location that are sorted; of more, the SKUs are gone through in order.
const SORTED_MAX: i64 = 5_000;

pub(super) fn stock(
    connection: &Connection,
    filter: &StockFilter,
    request: &PageRequest,
) -> Result<Page<StockItem>> {
    const AT: &str = "SELECT count(*) FROM (
        SELECT 1 FROM commerce_stock_levels WHERE location_id = ?1 LIMIT ?2)";
    const IS_AT: &str = "EXISTS (SELECT 1 FROM commerce_stock_levels AS s
        WHERE s.variant_id = v.id AND s.location_id = ?)";
    let mut select = Select::from("commerce_variants AS v");
    if let Some(location) = filter.location_id {
        let few = !filter.low && filter.sku.is_none() && {
            let count = codec::number(
                connection,
                AT,
                rusqlite::params![codec::key(location), SORTED_MAX + 1],
            )?;
            count.unwrap_or(0) <= SORTED_MAX
        };
        if few {
            select.from = "commerce_stock_levels AS s CROSS JOIN commerce_variants AS v
                ON v.id = s.variant_id"
                .to_owned();
            select.when("s.location_id = ?", [blob(location)]);
        } else {
            select.when(IS_AT, [blob(location)]);
        }
    }
    if let Some(sku) = &filter.sku {
        select.when("v.sku = ?", [Value::Text(sku.to_string())]);
    }
    if filter.low {
        // Only tracked variants are ever marked so, and only where there is a shop at all.
        select.when("v.low = 1 AND EXISTS (SELECT 1 FROM commerce_shop)", []);
    } else {
        select.when("v.track_inventory = 1", []);
    }
    let total = request.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "v.sku", id: "v.id", descending: false };
    let keys = sort.keys(connection, select, request.after.as_ref(), request.limit)?;
    page(keys, request, total, |ids: Vec<VariantId>| {
        let ids = Wanted::new(ids);
        let mut levels = stock::levels(connection, &ids)?;
        let variants = variant::variants(connection, &ids)?;
        Ok(variants
            .into_iter()
            .map(|variant| {
                let mut levels = levels.remove(&variant.id).unwrap_or_default();
                if let Some(location) = filter.location_id {
                    levels.retain(|level| level.location_id == location);
                }
                StockItem { variant, levels }
            })
            .collect())
    })
}

pub(super) fn movements(
    connection: &Connection,
    filter: &MovementFilter,
    request: &PageRequest,
) -> Result<Page<Movement>> {
    let mut select = Select::from("commerce_stock_movements AS m");
    select.when("m.variant_id = ?", [blob(filter.variant_id)]);
    if let Some(location) = filter.location_id {
        select.when("m.location_id = ?", [blob(location)]);
    }
    let total = request.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "m.at", id: "m.id", descending: true };
    let keys = sort.keys(connection, select, request.after.as_ref(), request.limit)?;
    let times: Vec<_> = keys.iter().map(|cursor| cursor.key.clone()).collect();
    page(keys, request, total, |ids: Vec<MovementId>| {
        let sql = MOVEMENTS.select("WHERE variant_id = ?1 AND at = ?2 AND id = ?3");
        let mut ordered = Vec::with_capacity(ids.len());
        for (id, at) in ids.into_iter().zip(times) {
            let commerce_core::store::CursorKey::Number(at) = at else { continue };
            let params = [blob(filter.variant_id), Value::Integer(at), blob(id)];
            let row = codec::first(
                connection,
                &sql,
                rusqlite::params_from_iter(params),
                stock::read_movement,
            )?;
            if let Some(row) = row {
                ordered.push(row);
            }
        }
        Ok(ordered)
    })
}
