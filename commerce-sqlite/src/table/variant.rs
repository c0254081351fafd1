//! Variants, their prices, and what selling them needs.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    catalog::{Backorder, Dimensions, Image, Price, Sellable, Variant},
    id::{ProductId, VariantId},
    inventory::StockLevel,
    money::Money,
    store::VariantRef,
    text::Url,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{
    Cell, stock, table,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::{Error, Result},
};

table! {
    pub(crate) VARIANTS = "commerce_variants", 1 keys, unique sku options:
    id version product_id sku title options prices cost cost_currency grams length_mm width_mm height_mm
    barcode track_inventory backorder low_stock_threshold requires_shipping taxable tax_code active
    image_id position created_at updated_at metadata low
}

/// `low` is what the row says already, and is settled once its levels are known.
pub(crate) fn row(variant: &Variant, version: Version) -> Result<Vec<Cell<'_>>> {
    let size = variant.dimensions;
    Ok(vec![
        Cell::id(variant.id),
        Cell::count(version.get()),
        Cell::id(variant.product_id),
        Cell::Text(&variant.sku),
        Cell::Text(&variant.title),
        Cell::json(&variant.options)?,
        prices_cell(&variant.prices)?,
        Cell::maybe(variant.cost, |cost| Cell::Integer(cost.minor())),
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
        false.into(),
    ])
}

type Levels = HashMap<VariantId, Vec<StockLevel>>;

fn read(id: VariantId, row: &Columns<'_>) -> Result<Versioned<Variant>> {
    let version = row.version()?;
    let variant = Variant {
        id,
        product_id: row.id()?,
        sku: row.text()?,
        title: row.text()?,
        options: row.json()?,
        prices: read_prices(row)?,
        cost: row.maybe_priced()?,
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
    };
    row.skip(1);
    Ok(Versioned::new(version, variant))
}

/// Prices as they stand in the row of a variant.
type Prices<'a> = Vec<(&'a str, i64, Option<i64>)>;

fn prices_cell(prices: &[Price]) -> Result<Cell<'static>> {
    let row = |price: &Price| {
        let currency = price.amount.currency();
        let compare_at =
            price.compare_at.map(|amount| codec::minor(amount, currency)).transpose()?;
        Ok((currency.code(), price.amount.minor(), compare_at))
    };
    Cell::json(&prices.iter().map(row).collect::<Result<Prices<'_>>>()?)
}

fn read_prices(row: &Columns<'_>) -> Result<Vec<Price>> {
    let prices: Prices<'_> = row.json()?;
    let read = |(code, minor, compare_at): (&str, i64, Option<i64>)| {
        let currency = code.parse().map_err(|error| row.broken(error))?;
        let money = |minor| Money::new(minor, currency);
        Ok(Price { amount: money(minor), compare_at: compare_at.map(money) })
    };
    prices.into_iter().map(read).collect()
}

/// Rows of variants `v` by their ids, with other columns of what is joined.
fn by_id(others: &str, joins: &str) -> RowsOf {
    let columns = VARIANTS.columns_of("v") + others;
    RowsOf::new(&columns, "commerce_variants AS v", "v.id", joins, "")
}

/// Variants, in the order of the ids.
pub(crate) fn variants(connection: &Connection, ids: &Wanted) -> Result<Vec<Versioned<Variant>>> {
    static VARIANTS_OF: LazyLock<RowsOf> = LazyLock::new(|| by_id("", ""));
    VARIANTS_OF.all(connection, ids, |row| read(row.id()?, row))
}

/// The variants of a product by position, and their stock in the same order.
pub(crate) type Stocked = (Vec<Versioned<Variant>>, Vec<StockLevel>);

/// The variants of products with their stock, by product.
pub(crate) fn of_products(
    connection: &Connection,
    products: &Wanted,
) -> Result<HashMap<ProductId, Stocked>> {
    static VARIANTS_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        let columns = VARIANTS.columns_of("v") + ", s.location_id, s.on_hand, s.held";
        let levels = "LEFT JOIN commerce_stock_levels AS s ON s.variant_id = v.id";
        let order = "v.position, v.id, s.location_id";
        RowsOf::grouped(&columns, "commerce_variants AS v", "v.product_id", levels, order)
    });
    let mut found: HashMap<_, Stocked> = HashMap::new();
    let mut last = None;
    VARIANTS_OF.all(connection, products, |row| {
        let variant_id = row.id()?;
        // A variant comes once for each of its levels.
        let product_id = match last {
            Some((id, product_id)) if id == variant_id => {
                row.skip(VARIANTS.columns.len() - 1);
                product_id
            }
            _ => {
                let variant = read(variant_id, row)?;
                let product_id = variant.product_id;
                found.entry(product_id).or_default().0.push(variant);
                product_id
            }
        };
        last = Some((variant_id, product_id));
        if let Some(location_id) = row.maybe(Columns::id)? {
            let (on_hand, held) = (row.i64()?, row.i64()?);
            let level = StockLevel { variant_id, location_id, on_hand, held };
            found.entry(product_id).or_default().1.push(level);
        }
        Ok(())
    })?;
    Ok(found)
}

/// What selling variants needs, with their stock: those that exist, each once.
pub(crate) fn stocked(
    connection: &Connection,
    variants: impl IntoIterator<Item = VariantId>,
) -> Result<Vec<Sellable>> {
    let variants: Vec<_> = variants.into_iter().collect();
    let levels = stock::levels(connection, &Wanted::new(variants.iter().copied()))?;
    sellables(connection, variants, levels)
}

/// What selling variants needs: those that exist, each once, with the levels that are given.
pub(crate) fn sellables(
    connection: &Connection,
    variants: impl IntoIterator<Item = VariantId>,
    mut levels: Levels,
) -> Result<Vec<Sellable>> {
    static SELLABLES: LazyLock<RowsOf> = LazyLock::new(|| {
        let of_product = ", it.title, it.status, it.tax_class, it.images";
        let product = "CROSS JOIN commerce_products AS it ON it.id = v.product_id";
        by_id(of_product, product)
    });
    let mut distinct: Vec<_> = variants.into_iter().collect();
    if distinct.is_empty() {
        return Ok(Vec::new());
    }
    distinct.sort_unstable();
    distinct.dedup();
    let ids = Wanted::new(distinct);
    SELLABLES.all(connection, &ids, |row| {
        let variant = read(row.id()?, row)?;
        Ok(Sellable {
            levels: levels.remove(&variant.id).unwrap_or_default(),
            title: row.text()?,
            status: row.word()?,
            tax_class: row.text()?,
            image: image_of(&variant, row.json()?),
            variant,
        })
    })
}

/// Where a variant's own image is, or the product's first.
fn image_of(variant: &Variant, mut images: Vec<Image>) -> Option<Url> {
    let own = images.iter().position(|image| Some(image.id) == variant.image_id);
    let place = own.unwrap_or(0);
    (place < images.len()).then(|| images.swap_remove(place).url)
}

/// What selling one variant needs.
pub(crate) fn sellable(connection: &Connection, by: &VariantRef) -> Result<Option<Sellable>> {
    const ID_OF: &str = "SELECT id FROM commerce_variants WHERE sku = ?1";
    let id = match by {
        VariantRef::Id(id) => Some(*id),
        VariantRef::Sku(sku) => codec::first(connection, ID_OF, [&**sku], |row| row.id())?,
    };
    Ok(stocked(connection, id)?.pop())
}
