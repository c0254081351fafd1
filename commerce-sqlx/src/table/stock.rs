//! Stock levels and the ledger.

use std::sync::LazyLock;

use commerce_core::inventory::{Movement, StockLevel};

use super::{Cells, table};
use crate::{cell::Cell, codec::Columns, error::Result};

table! {
    pub(crate) LEVELS = "commerce_stock_levels", 2 keys:
    variant_id: Uuid, location_id: Uuid, on_hand: Int, held: Int,
}

table! {
    pub(crate) MOVEMENTS = "commerce_stock_movements", 1 keys:
    id: Uuid, variant_id: Uuid, location_id: Uuid, delta: Int, reason: Text, order_id: Uuid,
    note: Text, at: Time,
}

pub(crate) fn level_row(level: StockLevel) -> Cells<'static> {
    vec![
        Cell::id(level.variant_id),
        Cell::id(level.location_id),
        level.on_hand.into(),
        level.held.into(),
    ]
}

pub(crate) fn movement_row(movement: &Movement) -> Cells<'_> {
    vec![
        Cell::id(movement.id),
        Cell::id(movement.variant_id),
        Cell::id(movement.location_id),
        movement.delta.into(),
        Cell::Text(movement.reason.as_str()),
        Cell::maybe_id(movement.order_id),
        Cell::maybe_text(movement.note.as_ref()),
        movement.at.into(),
    ]
}

pub(crate) fn read_movement(row: &Columns<'_>) -> Result<Movement> {
    Ok(Movement {
        id: row.id()?,
        variant_id: row.id()?,
        location_id: row.id()?,
        delta: row.i64()?,
        reason: row.word()?,
        order_id: row.maybe(Columns::id)?,
        note: row.maybe(Columns::text)?,
        at: row.time()?,
    })
}

/// The levels of a variant `v`, by location: one column.
pub(crate) static COLUMN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "ARRAY(SELECT ROW({}) FROM commerce_stock_levels AS s
            WHERE s.variant_id = v.id ORDER BY s.location_id)",
        LEVELS.of("s")
    )
});

/// Reads a row of [`COLUMN`].
pub(crate) fn read_level(row: &Columns<'_>) -> Result<StockLevel> {
    Ok(StockLevel {
        variant_id: row.id()?,
        location_id: row.id()?,
        on_hand: row.i64()?,
        held: row.i64()?,
    })
}

/// Whether a tracked variant `v` has fewer units available than its threshold.
macro_rules! is_low {
    () => {
        "(v.track_inventory AND v.low_stock_threshold > coalesce((
            SELECT sum(s.on_hand - s.held) FROM commerce_stock_levels AS s
            JOIN commerce_locations AS l ON l.id = s.location_id AND l.active
            WHERE s.variant_id = v.id), 0))"
    };
}

pub(crate) use is_low;
