//! What follows from what a batch has written, and is worked out by the database once after it: the
//! lowest prices and the words of products, which variants are low, and the places in the outbox.
//!
//! It is a statement of its own because it must see what was written before it. Its parts run in the
//! order in which they are named: the end of the outbox is locked last, and held no longer than until
//! the batch is committed, because all servers wait for it.

use std::collections::BTreeSet;

use commerce_core::{
    catalog::Variant,
    id::{ProductId, VariantId},
    store::Record,
};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    cell::{Array, Cell, Kind, Param},
    codec,
    error::Result,
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
    variants: [Array; 2],
    /// Whether any variant may have: a location counts that did not, or the other way round.
    places: bool,
    /// The entries of the outbox, in their order.
    entries: [Array; 2],
}

impl Settle {
    pub(crate) fn of(net: &Net<'_>) -> Result<Self> {
        let mut settle = Self {
            products: BTreeSet::new(),
            variants: [Array::new(Kind::Uuid), Array::new(Kind::Int)],
            places: false,
            entries: [Array::new(Kind::Time), Array::new(Kind::Json)],
        };
        for change in net.records.values() {
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
        for (key, moved) in &net.levels {
            settle.count(key.variant_id, moved.least);
        }
        let [times, events] = &mut settle.entries;
        for (at, told) in &net.entries {
            times.push(&Cell::Time(*at));
            events.push(&Cell::json(told)?);
        }
        Ok(settle)
    }

    fn count(&mut self, id: VariantId, least: i64) {
        let [ids, leasts] = &mut self.variants;
        ids.push(&Cell::id(id));
        leasts.push(&Cell::Int(least));
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
    }

    /// Works it out, in one round trip.
    pub(crate) async fn write(self, connection: &mut PgConnection) -> Result<()> {
        let Self { products, variants, places, entries } = self;
        let mut parts = Parts::default();
        if !products.is_empty() {
            parts.products(products);
        }
        if places {
            parts.all_low();
        } else if !variants.iter().all(Array::is_empty) {
            parts.low(variants);
        }
        if !entries.iter().all(Array::is_empty) {
            parts.tell(entries);
        }
        if !parts.names.is_empty() {
            codec::run(connection, AssertSqlSafe(parts.sql()), parts.params).await?;
        }
        Ok(())
    }
}

/// The statement as it is put together.
#[derive(Debug, Default)]
struct Parts {
    with: Vec<String>,
    /// The parts that write, in the order in which they are to run.
    names: Vec<&'static str>,
    params: Vec<Param<'static>>,
}

impl Parts {
    fn param(&mut self, array: Array) -> usize {
        self.params.push(array.into());
        self.params.len()
    }

    fn products(&mut self, ids: BTreeSet<ProductId>) {
        let ids = self.param(Array::ids(ids));
        self.with.push(format!(
            "lowest AS (SELECT v.product_id, m.currency, min(m.amount) AS amount
                FROM commerce_variants AS v
                JOIN commerce_variant_prices AS m ON m.variant_id = v.id
                WHERE v.product_id = ANY(${ids}) AND v.active GROUP BY v.product_id, m.currency),
            unpriced AS (DELETE FROM commerce_product_prices AS t
                WHERE t.product_id = ANY(${ids}) AND NOT EXISTS (SELECT FROM lowest AS l
                    WHERE l.product_id = t.product_id AND l.currency = t.currency) RETURNING 1),
            priced AS (INSERT INTO commerce_product_prices AS t (product_id, currency, amount)
                SELECT product_id, currency, amount FROM lowest
                ON CONFLICT (product_id, currency) DO UPDATE SET amount = excluded.amount
                WHERE t.amount <> excluded.amount RETURNING 1),
            described AS (UPDATE commerce_products AS p
                SET words = n.words, priced_in = n.priced_in
                FROM (SELECT it.id,
                    (it.own_words || coalesce((SELECT string_agg(w.words, '') FROM (
                        SELECT v.words, sum(octet_length(v.words))
                            OVER (ORDER BY v.position, v.id) AS bytes
                        FROM commerce_variants AS v WHERE v.product_id = it.id) AS w
                        WHERE w.bytes <= {}), ''))::tsvector AS words,
                    coalesce((SELECT string_agg(l.currency, ',' ORDER BY l.currency)
                        FROM lowest AS l WHERE l.product_id = it.id), '') AS priced_in
                    FROM commerce_products AS it WHERE it.id = ANY(${ids})) AS n
                WHERE p.id = n.id AND (p.words <> n.words OR p.priced_in <> n.priced_in)
                RETURNING 1)",
            document::CODES_MAX
        ));
        self.names.extend(["unpriced", "priced", "described"]);
    }

    fn low(&mut self, [ids, leasts]: [Array; 2]) {
        let (ids, leasts) = (self.param(ids), self.param(leasts));
        // With as many units in one place as any threshold asks for, nothing can have become low, or
        // have been.
        self.with.push(format!(
            "low AS (UPDATE commerce_variants AS v SET low = NOT v.low
                WHERE v.id IN (SELECT m.id FROM unnest(${ids}::uuid[], ${leasts}::bigint[])
                    AS m (id, least)
                    WHERE m.least < (SELECT max(low_stock_threshold) FROM commerce_variants))
                AND v.low <> {} RETURNING 1)",
            is_low!()
        ));
        self.names.push("low");
    }

    fn all_low(&mut self) {
        self.with.push(format!(
            "low AS (UPDATE commerce_variants AS v SET low = NOT v.low WHERE v.low <> {}
                RETURNING 1)",
            is_low!()
        ));
        self.names.push("low");
    }

    fn tell(&mut self, [times, events]: [Array; 2]) {
        let (times, events) = (self.param(times), self.param(events));
        self.with.push(format!(
            "last AS (UPDATE commerce_counters SET value = value + cardinality(${times})
                WHERE name = 'outbox' RETURNING value - cardinality(${times}) AS position),
            told AS (INSERT INTO commerce_outbox (position, at, events)
                SELECT last.position + e.place, e.at, e.events FROM last,
                unnest(${times}::timestamptz[], ${events}::json[])
                    WITH ORDINALITY AS e (at, events, place) RETURNING 1),
            heard AS (SELECT pg_notify(current_schema(), ''))"
        ));
        self.names.extend(["told", "heard"]);
    }

    fn sql(&self) -> String {
        let counts: Vec<_> =
            self.names.iter().map(|name| format!("(SELECT count(*) FROM {name})")).collect();
        format!("WITH {} SELECT {}", self.with.join(", "), counts.join(", "))
    }
}
