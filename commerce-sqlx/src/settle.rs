//! What follows from what a batch has written: the lowest prices and the words of products, which
//! variants are low, and the places in the outbox.
//!
//! It ends with the outbox: its end is locked last, and held no longer than until the batch is
//! committed, because all servers wait for it. Units are counted here, as all levels of what moves are
//! known. So what follows from moves alone is written together with them; only what the database works
//! out of products, variants and locations is a statement of its own, which must see those that were
//! written before it.

use std::collections::{BTreeMap, BTreeSet};

use commerce_core::{
    catalog::Variant,
    id::{ProductId, VariantId},
    inventory::StockLevel,
    store::{Record, RecordKey},
};

use crate::{
    cell::{Array, Cell, Kind},
    draft::Records,
    error::Result,
    parts::{Parts, rows},
    table::{document, stock::is_low},
    view::Net,
};

/// What is to be worked out.
#[derive(Debug)]
pub(crate) struct Settle {
    /// The products whose prices or words may be others now.
    products: BTreeSet<ProductId>,
    /// The variants that may have become low or ceased to be, each with the fewest units of it that
    /// were available in a place.
    variants: BTreeMap<VariantId, i64>,
    /// Their levels, as they are to be.
    levels: Vec<StockLevel>,
    /// Whether any variant may have: a location counts that did not, or the other way round.
    places: bool,
    /// Whether it must see what the batch has written.
    after: bool,
    /// The entries of the outbox, in their order.
    entries: [Array; 2],
}

impl Settle {
    pub(crate) fn of(records: &Records<'_>, net: &Net) -> Result<Self> {
        let mut settle = Self {
            products: BTreeSet::new(),
            variants: BTreeMap::new(),
            levels: Vec::new(),
            places: false,
            after: false,
            entries: [Array::new(Kind::Time), Array::new(Kind::Json)],
        };
        for change in records.values() {
            let [before, after] = [change.before, change.after].map(|at| at.map(|(_, it)| it));
            match (before, after) {
                (_, Some(Record::Product(it))) | (Some(Record::Product(it)), None) => {
                    settle.products.insert(it.id);
                }
                (Some(Record::Variant(old)), Some(Record::Variant(new))) => {
                    settle.variant(Some(old), new);
                }
                (None, Some(Record::Variant(new))) => settle.variant(None, new),
                (Some(Record::Variant(old)), None) => {
                    settle.products.insert(old.product_id);
                }
                (Some(Record::Location(old)), Some(Record::Location(new))) => {
                    settle.places |= old.active != new.active;
                }
                (Some(Record::Location(_)), None) | (None, Some(Record::Location(_))) => {
                    settle.places = true;
                }
                _ => {}
            }
        }
        let touched = net.touched.keys().any(|key| matches!(key, RecordKey::Variant(_)));
        settle.after |= touched || settle.places || !settle.products.is_empty();
        for (key, moved) in &net.levels {
            settle.count(key.variant_id, moved.least);
        }
        let levels = net.stock.values().copied();
        settle.levels =
            levels.filter(|level| settle.variants.contains_key(&level.variant_id)).collect();
        let [times, events] = &mut settle.entries;
        for (at, told) in &net.entries {
            times.push(&Cell::Time(*at));
            events.push(&Cell::json(told)?);
        }
        Ok(settle)
    }

    /// Whether it must see what the batch has written, in a statement after it.
    pub(crate) fn is_after(&self) -> bool {
        self.after
    }

    fn count(&mut self, id: VariantId, least: i64) {
        let fewest = self.variants.entry(id).or_insert(least);
        *fewest = least.min(*fewest);
    }

    fn variant(&mut self, old: Option<&Variant>, new: &Variant) {
        let listed = old.is_none_or(|old| {
            old.active != new.active
                || old.prices != new.prices
                || old.product_id != new.product_id
                || old.sku != new.sku
                || old.barcode != new.barcode
                || old.position != new.position
        });
        if listed {
            self.products.extend(old.map(|old| old.product_id).into_iter().chain([new.product_id]));
        }
        let counted = old.is_none_or(|old| {
            old.track_inventory != new.track_inventory
                || old.low_stock_threshold != new.low_stock_threshold
        });
        if counted {
            self.count(new.id, i64::MIN);
        }
        // A statement writes a row but once, and this one's is written already.
        self.after = true;
    }

    /// Adds it to a statement.
    pub(crate) fn write(self, parts: &mut Parts) {
        let Self { products, variants, levels, places, entries, .. } = self;
        if !products.is_empty() {
            describe(parts, products);
        }
        if places {
            let low = format!(
                "UPDATE commerce_variants AS v SET low = NOT v.low WHERE v.low <> {}",
                is_low!()
            );
            parts.write("low", &low, None);
        } else if !variants.is_empty() {
            mark_low(parts, &variants, &levels);
        }
        if !entries.iter().all(Array::is_empty) {
            tell(parts, entries);
        }
    }
}

/// Finds the lowest prices and the words of products. What is asked of each is asked by an index, behind
/// an `OFFSET 0` where the planner could else make a join of it: a batch may have thousands of products.
fn describe(parts: &mut Parts, ids: BTreeSet<ProductId>) {
    const PRICES: &str = "commerce_variants AS v
        JOIN commerce_variant_prices AS m ON m.variant_id = v.id AND v.active";
    let ids = parts.param(Array::ids(ids));
    parts.write(
        "unpriced",
        &format!(
            "DELETE FROM commerce_product_prices AS t
            WHERE t.product_id = ANY({ids}) AND NOT EXISTS (SELECT FROM {PRICES}
                WHERE v.product_id = t.product_id AND m.currency = t.currency OFFSET 0)"
        ),
        None,
    );
    parts.write(
        "priced",
        &format!(
            "INSERT INTO commerce_product_prices AS t (product_id, currency, amount)
            SELECT v.product_id, m.currency, min(m.amount) FROM {PRICES}
            WHERE v.product_id = ANY({ids}) GROUP BY v.product_id, m.currency
            ON CONFLICT (product_id, currency) DO UPDATE SET amount = excluded.amount
            WHERE t.amount <> excluded.amount"
        ),
        None,
    );
    parts.write(
        "described",
        &format!(
            "UPDATE commerce_products AS p
            SET words = n.words, priced_in = n.priced_in
            FROM (SELECT it.id,
                (it.own_words || coalesce((SELECT string_agg(w.words, '') FROM (
                    SELECT v.words, sum(octet_length(v.words))
                        OVER (ORDER BY v.position, v.id) AS bytes
                    FROM commerce_variants AS v WHERE v.product_id = it.id) AS w
                    WHERE w.bytes <= {}), ''))::tsvector AS words,
                coalesce((SELECT string_agg(DISTINCT m.currency, ',' ORDER BY m.currency)
                    FROM {PRICES} WHERE v.product_id = it.id), '') AS priced_in
                FROM commerce_products AS it WHERE it.id = ANY({ids})) AS n
            WHERE p.id = n.id AND (p.words <> n.words OR p.priced_in <> n.priced_in)",
            document::CODES_MAX
        ),
        None,
    );
}

/// Marks the variants that are low now, and no others of these.
fn mark_low(parts: &mut Parts, variants: &BTreeMap<VariantId, i64>, levels: &[StockLevel]) {
    let mut columns = [Kind::Uuid, Kind::Int, Kind::Uuid, Kind::Int].map(Array::new);
    let mut row = |id: VariantId, place, available| {
        let least = variants.get(&id).copied().unwrap_or(i64::MIN);
        let row = [Cell::id(id), Cell::Int(least), place, Cell::Int(available)];
        columns.iter_mut().zip(&row).for_each(|(column, cell)| column.push(cell));
    };
    // What is nowhere has none.
    variants.keys().for_each(|id| row(*id, Cell::Null, 0));
    levels.iter().for_each(|it| row(it.variant_id, Cell::id(it.location_id), it.available()));
    let columns = columns.map(|column| parts.param(column));
    let counts = rows(["id", "least", "location_id", "available"].into_iter().zip(&columns));
    // With as many units in one place as any threshold asks for, nothing can have become low, or have
    // been.
    parts.query(
        "counted",
        &format!(
            "SELECT n.id, coalesce(sum(n.available) FILTER (WHERE l.active), 0) AS available
            FROM ({counts}) AS n LEFT JOIN commerce_locations AS l ON l.id = n.location_id
            WHERE n.least < (SELECT max(low_stock_threshold) FROM commerce_variants) GROUP BY n.id"
        ),
    );
    const TURNS: &str = "v.low <> (v.track_inventory AND v.low_stock_threshold > n.available)";
    parts.query(
        "turned",
        &format!(
            "SELECT n.id, n.available FROM counted AS n CROSS JOIN LATERAL (
                SELECT * FROM commerce_variants AS t WHERE t.id = n.id OFFSET 0) AS v
            WHERE {TURNS}"
        ),
    );
    // Levels are locked by now, and variants come before them.
    parts.query(
        "marked",
        &format!(
            "SELECT v.id FROM turned AS n CROSS JOIN LATERAL (
                SELECT v.id FROM commerce_variants AS v WHERE v.id = n.id AND {TURNS}
                FOR NO KEY UPDATE NOWAIT) AS v"
        ),
    );
    parts.write(
        "low",
        "UPDATE commerce_variants AS v SET low = NOT v.low
            WHERE v.id = ANY(ARRAY(SELECT id FROM marked))",
        None,
    );
}

/// Puts entries at the end of the outbox, and says so to those who listen.
fn tell(parts: &mut Parts, entries: [Array; 2]) {
    let [times, events] = entries.map(|column| parts.param(column));
    parts.query(
        "last",
        &format!(
            "UPDATE commerce_counters SET value = value + cardinality({times})
            WHERE name = 'outbox' RETURNING value - cardinality({times}) AS position"
        ),
    );
    let told = rows([("at", &times), ("events", &events)]);
    parts.write(
        "told",
        &format!(
            "INSERT INTO commerce_outbox (position, at, events)
            SELECT last.position + e.place, e.at, e.events
            FROM last, ({told}, generate_subscripts({times}, 1) AS place) AS e"
        ),
        None,
    );
    parts.call("heard", "SELECT pg_notify(current_schema(), '')");
}
