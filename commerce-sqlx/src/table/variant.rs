//! Variants, their prices, and what selling them needs.

use std::sync::LazyLock;

use commerce_core::{
    catalog::{Backorder, Dimensions, Price, Sellable, Variant},
    id::VariantId,
    inventory::StockLevel,
    secret::Digest,
    store::VariantRef,
    text::Label,
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, document, stock, table};
use crate::{
    cell::{Array, Cell},
    codec::{self, Columns},
    error::{Error, Result},
    sets::Sets,
};

table! {
    pub(crate) VARIANTS = "commerce_variants", 1 keys, unique sku product_id options_key:
    id: Uuid, version: Int, product_id: Uuid, sku: Text, title: Text, options: Json,
    options_key: Bytes, cost: Int, cost_currency: Text, grams: Int, length_mm: Int, width_mm: Int,
    height_mm: Int, barcode: Text, track_inventory: Bool, backorder: Text,
    low_stock_threshold: Int, requires_shipping: Bool, taxable: Bool, tax_code: Text, active: Bool,
    image_id: Uuid, position: Int, created_at: Time, updated_at: Time, metadata: Json, words: Text,
}

table! {
    pub(crate) PRICES = "commerce_variant_prices", 2 keys:
    variant_id: Uuid, position: Int, currency: Text, amount: Int, compare_at: Int,
}

/// By what the options of a variant are told from those of another.
pub(crate) fn options_key(options: &[Label]) -> Result<Digest> {
    Ok(Digest::of(codec::json(options)?.as_bytes()))
}

fn row(variant: &Variant, version: Version) -> Result<Cells<'_>> {
    let size = variant.dimensions;
    Ok(vec![
        Cell::id(variant.id),
        Cell::count(version.get()),
        Cell::id(variant.product_id),
        Cell::Text(&variant.sku),
        Cell::Text(&variant.title),
        Cell::json(&variant.options)?,
        Cell::Digest(options_key(&variant.options)?),
        Cell::maybe(variant.cost, |cost| Cell::Int(cost.minor())),
        Cell::maybe(variant.cost, |cost| Cell::Text(cost.currency().code())),
        variant.grams.into(),
        Cell::maybe(size, |size| Cell::count(size.length_mm)),
        Cell::maybe(size, |size| Cell::count(size.width_mm)),
        Cell::maybe(size, |size| Cell::count(size.height_mm)),
        Cell::maybe_text(variant.barcode.as_ref()),
        variant.track_inventory.into(),
        Cell::Text(match variant.backorder {
            Backorder::Deny => "deny",
            Backorder::Allow => "allow",
        }),
        variant.low_stock_threshold.into(),
        variant.requires_shipping.into(),
        variant.taxable.into(),
        Cell::maybe_text(variant.tax_code.as_ref()),
        variant.active.into(),
        Cell::maybe_id(variant.image_id),
        Cell::count(variant.position),
        variant.created_at.into(),
        variant.updated_at.into(),
        Cell::json(&variant.metadata)?,
        Cell::Made(document::codes(variant)),
    ])
}

fn price_rows(variant: &Variant) -> Result<Vec<Cells<'_>>> {
    let row = |(position, price): (i64, &Price)| {
        let currency = price.amount.currency();
        let compare_at = price.compare_at.map(|it| codec::minor(it, currency)).transpose()?;
        Ok(vec![
            Cell::id(variant.id),
            Cell::Int(position),
            Cell::Text(currency.code()),
            price.amount.minor().into(),
            Cell::maybe(compare_at, Cell::Int),
        ])
    };
    (0..).zip(&variant.prices).map(row).collect()
}

/// Writes the difference between a variant as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Variant>,
    after: At<'_, Variant>,
) -> Result<()> {
    sets.record(&VARIANTS, before, after, row)?;
    sets.belongings(&PRICES, before, after, price_rows)
}

/// The columns of a variant `v`, with its prices and levels.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, ARRAY(SELECT ROW(m.currency, m.amount, m.compare_at)
            FROM commerce_variant_prices AS m WHERE m.variant_id = v.id ORDER BY m.position), {}",
        VARIANTS.of("v"),
        *stock::COLUMN
    )
});

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Columns<'_>) -> Result<(Versioned<Variant>, Vec<StockLevel>)> {
    let id = row.id()?;
    let version = row.version()?;
    let variant = Variant {
        id,
        product_id: row.id()?,
        sku: row.text()?,
        title: row.text()?,
        options: row.json()?,
        cost: {
            row.skip(1);
            row.maybe_priced()?
        },
        grams: row.i64()?,
        dimensions: {
            let length_mm = row.maybe(Columns::int)?;
            let width_mm = row.maybe(Columns::int)?;
            let height_mm = row.maybe(Columns::int)?;
            match (length_mm, width_mm, height_mm) {
                (Some(length_mm), Some(width_mm), Some(height_mm)) => {
                    Some(Dimensions { length_mm, width_mm, height_mm })
                }
                _ => None,
            }
        },
        barcode: row.maybe(Columns::text)?,
        track_inventory: row.bool()?,
        backorder: match row.str()? {
            "deny" => Backorder::Deny,
            "allow" => Backorder::Allow,
            other => return Err(Error::Corrupt(format!("column backorder: {other}"))),
        },
        low_stock_threshold: row.i64()?,
        requires_shipping: row.bool()?,
        taxable: row.bool()?,
        tax_code: row.maybe(Columns::text)?,
        active: row.bool()?,
        image_id: row.maybe(Columns::id)?,
        position: row.int()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        metadata: row.json()?,
        prices: {
            row.skip(1);
            row.rows(|row| {
                let currency = row.text()?;
                let amount = row.money(currency)?;
                let compare_at = row.maybe(|row| row.money(currency))?;
                Ok(Price { amount, compare_at })
            })?
        },
    };
    let levels = row.rows(stock::read_level)?;
    Ok((Versioned::new(version, variant), levels))
}

/// The columns of a variant `v` and of what selling it takes over of its product `p`.
pub(crate) static SELLABLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, p.title, p.status, p.tax_class, coalesce(
            (SELECT url FROM commerce_product_images
                WHERE product_id = p.id AND id = v.image_id LIMIT 1),
            (SELECT url FROM commerce_product_images
                WHERE product_id = p.id ORDER BY position LIMIT 1))",
        *COLUMNS
    )
});

/// Where the variants are that [`SELLABLE`] is of.
pub(crate) const SELLABLE_FROM: &str =
    "commerce_variants AS v JOIN commerce_products AS p ON p.id = v.product_id";

/// Reads [`SELLABLE`].
pub(crate) fn read_sellable(row: &Columns<'_>) -> Result<Sellable> {
    let (variant, levels) = read(row)?;
    Ok(Sellable {
        title: row.text()?,
        status: row.word()?,
        tax_class: row.text()?,
        image: row.maybe(Columns::text)?,
        levels,
        variant,
    })
}

/// What selling variants needs: those that exist, each once.
pub(crate) async fn sellables(
    connection: &mut PgConnection,
    variants: &[VariantId],
) -> Result<Vec<Sellable>> {
    static OF: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM {SELLABLE_FROM} WHERE v.id = ANY($1)", *SELLABLE));
    let ids = Array::ids(variants.iter().copied());
    codec::all(connection, OF.as_str(), [ids.into()], read_sellable).await
}

/// What selling one variant needs.
pub(crate) async fn sellable(
    connection: &mut PgConnection,
    by: &VariantRef,
) -> Result<Option<Sellable>> {
    fn select(clause: &str) -> String {
        format!("SELECT {} FROM {SELLABLE_FROM} WHERE {clause}", *SELLABLE)
    }
    static BY_ID: LazyLock<String> = LazyLock::new(|| select("v.id = $1"));
    static BY_SKU: LazyLock<String> = LazyLock::new(|| select("v.sku = $1"));
    let (sql, key) = match by {
        VariantRef::Id(id) => (BY_ID.as_str(), Cell::id(*id)),
        VariantRef::Sku(sku) => (BY_SKU.as_str(), Cell::Text(sku)),
    };
    codec::first(connection, sql, [key.into()], read_sellable).await
}
