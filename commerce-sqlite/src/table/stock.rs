//! Stock levels, the ledger, and which variants are low.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    id::{ProductId, VariantId},
    inventory::{LevelKey, Movement, StockLevel},
};
use rusqlite::{Connection, Params, params};

use super::{
    Cell, table,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) MOVEMENTS = "commerce_stock_movements", 1 keys:
    id variant_id location_id delta reason order_id note at
}

pub(crate) fn movement_row(movement: &Movement) -> Vec<Cell<'_>> {
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

fn read_level(row: &Columns<'_>) -> Result<StockLevel> {
    Ok(StockLevel {
        variant_id: row.id()?,
        location_id: row.id()?,
        on_hand: row.i64()?,
        held: row.i64()?,
    })
}

/// A level; zero where there never was any.
pub(crate) fn level(connection: &Connection, key: LevelKey) -> Result<StockLevel> {
    const LEVEL: &str = "SELECT on_hand, held FROM commerce_stock_levels
        WHERE variant_id = ?1 AND location_id = ?2";
    let params = [codec::key(key.variant_id), codec::key(key.location_id)];
    let found = codec::first(connection, LEVEL, params, |row| Ok((row.i64()?, row.i64()?)))?;
    let (on_hand, held) = found.unwrap_or((0, 0));
    Ok(StockLevel { variant_id: key.variant_id, location_id: key.location_id, on_hand, held })
}

/// The levels of variants, those of one by location.
pub(crate) fn levels(
    connection: &Connection,
    variants: &Wanted,
) -> Result<HashMap<VariantId, Vec<StockLevel>>> {
    static LEVELS_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        let columns = "s.variant_id, s.location_id, s.on_hand, s.held";
        RowsOf::new(columns, "commerce_stock_levels AS s", "s.variant_id", "", "s.location_id")
    });
    Ok(by_variant(LEVELS_OF.all(connection, variants, read_level)?))
}

/// The levels that a statement finds, each once, those of one variant by location.
pub(crate) fn levels_by(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<HashMap<VariantId, Vec<StockLevel>>> {
    Ok(by_variant(codec::all(connection, sql, params, read_level)?))
}

fn by_variant(levels: Vec<StockLevel>) -> HashMap<VariantId, Vec<StockLevel>> {
    let mut found: HashMap<_, Vec<StockLevel>> = HashMap::new();
    for level in levels {
        found.entry(level.variant_id).or_default().push(level);
    }
    for levels in found.values_mut() {
        levels.sort_unstable_by_key(|level| level.location_id);
        levels.dedup();
    }
    found
}

/// The levels of all variants of a product, in no order.
pub(crate) fn levels_of_product(
    connection: &Connection,
    product: ProductId,
) -> Result<Vec<StockLevel>> {
    const LEVELS_OF: &str = "SELECT s.variant_id, s.location_id, s.on_hand, s.held
        FROM commerce_variants AS v
        CROSS JOIN commerce_stock_levels AS s ON s.variant_id = v.id
        WHERE v.product_id = ?1";
    codec::all(connection, LEVELS_OF, [codec::key(product)], read_level)
}

/// Levels that a batch has moved: read once, written once, however many commits move them.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    /// Each as it is stored, and as it is now.
    levels: HashMap<LevelKey, (StockLevel, StockLevel)>,
}

impl Levels {
    pub(crate) fn get(&mut self, connection: &Connection, key: LevelKey) -> Result<StockLevel> {
        if let Some((_, now)) = self.levels.get(&key) {
            return Ok(*now);
        }
        let stored = level(connection, key)?;
        self.levels.insert(key, (stored, stored));
        Ok(stored)
    }

    pub(crate) fn set(&mut self, level: StockLevel) {
        let stored = StockLevel::zero(level.key());
        self.levels.entry(level.key()).or_insert((stored, stored)).1 = level;
    }

    /// Writes what has changed.
    pub(crate) fn write(self, connection: &Connection) -> Result<()> {
        const UPSERT: &str = "INSERT INTO commerce_stock_levels
            (variant_id, location_id, on_hand, held) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET on_hand = excluded.on_hand, held = excluded.held";
        const THRESHOLD_MAX: &str =
            "SELECT value FROM commerce_counters WHERE name = 'low_stock_threshold_max'";
        let mut changed: Vec<_> =
            self.levels.into_values().filter(|(stored, now)| stored != now).collect();
        if changed.is_empty() {
            return Ok(());
        }
        changed.sort_unstable_by_key(|(stored, _)| stored.key());
        let threshold = codec::number(connection, THRESHOLD_MAX, [])?.unwrap_or(i64::MAX);
        for (stored, now) in changed {
            let key = now.key();
            let row = params![
                codec::key(key.variant_id),
                codec::key(key.location_id),
                now.on_hand,
                now.held
            ];
            codec::run(connection, UPSERT, row)?;
            // With as many units in one place as any threshold asks for, before and after, nothing
            // can have become low, or have been.
            if stored.available() < threshold || now.available() < threshold {
                mark_low(connection, key.variant_id)?;
            }
        }
        Ok(())
    }
}

/// Whether a tracked variant `v` has fewer units available than its threshold.
macro_rules! is_low {
    () => {
        "(v.track_inventory = 1 AND v.low_stock_threshold > coalesce((
            SELECT sum(s.on_hand - s.held) FROM commerce_stock_levels AS s
            JOIN commerce_locations AS l ON l.id = s.location_id AND l.active = 1
            WHERE s.variant_id = v.id), 0))"
    };
}

/// Notes whether a variant is low.
pub(crate) fn mark_low(connection: &Connection, id: VariantId) -> Result<()> {
    const LOW: &str =
        concat!("SELECT v.low, ", is_low!(), " FROM commerce_variants AS v WHERE v.id = ?1");
    const MARK: &str = "UPDATE commerce_variants SET low = ?2 WHERE id = ?1";
    let found =
        codec::first(connection, LOW, [codec::key(id)], |row| Ok((row.bool()?, row.bool()?)))?;
    match found {
        Some((before, now)) if before != now => {
            codec::run(connection, MARK, params![codec::key(id), now])?;
        }
        _ => {}
    }
    Ok(())
}

/// Notes which variants are low, after a location has become active or has ceased to be.
pub(crate) fn mark_all_low(connection: &Connection) -> Result<()> {
    const MARK: &str =
        concat!("UPDATE commerce_variants AS v SET low = NOT v.low WHERE v.low <> ", is_low!());
    codec::run(connection, MARK, [])?;
    Ok(())
}
