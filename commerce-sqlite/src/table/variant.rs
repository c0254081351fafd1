//! Variants, their prices, and what selling them needs.

use std::{collections::HashMap, sync::LazyLock};

use commerce_core::{
    catalog::{Backorder, Dimensions, Image, Price, Sellable, Variant},
    id::{ProductId, VariantId},
    inventory::StockLevel,
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
    id version product_id sku title options cost cost_currency grams length_mm width_mm height_mm
    barcode track_inventory backorder low_stock_threshold requires_shipping taxable tax_code active
    image_id position created_at updated_at metadata low
}

table! {
    pub(crate) PRICES = "commerce_variant_prices", 2 keys:
    variant_id position currency amount compare_at
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

pub(crate) fn price_row(of: VariantId, position: i64, price: &Price) -> Result<Vec<Cell<'static>>> {
    let currency = price.amount.currency();
    let compare_at = price.compare_at.map(|amount| codec::minor(amount, currency)).transpose()?;
    Ok(vec![
        Cell::id(of),
        Cell::Integer(position),
        Cell::Text(currency.code()),
        price.amount.minor().into(),
        Cell::maybe(compare_at, Cell::Integer),
    ])
}

type Levels = HashMap<VariantId, Vec<StockLevel>>;

fn read(id: VariantId, row: &Columns<'_>) -> Result<(Version, Variant)> {
    let version = row.version()?;
    let variant = Variant {
        id,
        product_id: row.id()?,
        sku: row.text()?,
        title: row.text()?,
        options: row.json()?,
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
        prices: Vec::new(),
    };
    row.skip(1);
    Ok((version, variant))
}

fn read_price(row: &Columns<'_>) -> Result<Option<Price>> {
    let Some(currency) = row.maybe(Columns::text)? else {
        row.skip(2);
        return Ok(None);
    };
    let amount = row.money(currency)?;
    let compare_at = row.maybe(|row| row.money(currency))?;
    Ok(Some(Price { amount, compare_at }))
}

/// Variants `v`, each once for each of its prices: the columns of the variant, those of the price,
/// and `others`; and what is joined for them.
fn priced(others: &str, joins: &str) -> (String, String) {
    let columns =
        format!("{}, p.currency, p.amount, p.compare_at{others}", VARIANTS.columns_of("v"));
    let joins = format!("{joins} LEFT JOIN commerce_variant_prices AS p ON p.variant_id = v.id");
    (columns, joins)
}

/// Rows of variants by their ids.
fn priced_by_id(others: &str, joins: &str) -> RowsOf {
    let (columns, joins) = priced(others, joins);
    RowsOf::new(&columns, "commerce_variants AS v", "v.id", &joins, "p.position")
}

/// The variants of such rows, each with what is made of the other columns.
fn read_priced<T>(
    connection: &Connection,
    rows: &RowsOf,
    wanted: &Wanted,
    read_others: impl Fn(&Columns<'_>) -> Result<T>,
) -> Result<Vec<(Versioned<Variant>, T)>> {
    let mut found: Vec<(Version, Variant, T)> = Vec::new();
    rows.all(connection, wanted, |row| {
        let id = row.id()?;
        match found.last_mut().filter(|(_, last, _)| last.id == id) {
            Some((_, variant, _)) => {
                row.skip(VARIANTS.columns.len() - 1);
                variant.prices.extend(read_price(row)?);
            }
            None => {
                let (version, mut variant) = read(id, row)?;
                variant.prices.extend(read_price(row)?);
                found.push((version, variant, read_others(row)?));
            }
        }
        Ok(())
    })?;
    let versioned = |(version, variant, others)| (Versioned::new(version, variant), others);
    Ok(found.into_iter().map(versioned).collect())
}

/// Variants, in the order of the ids.
pub(crate) fn variants(connection: &Connection, ids: &Wanted) -> Result<Vec<Versioned<Variant>>> {
    static VARIANTS_OF: LazyLock<RowsOf> = LazyLock::new(|| priced_by_id("", ""));
    let found = read_priced(connection, &VARIANTS_OF, ids, |_| Ok(()))?;
    Ok(found.into_iter().map(|(variant, ())| variant).collect())
}

/// The variants of products, by product, those of one by position.
pub(crate) fn variants_of_products(
    connection: &Connection,
    products: &Wanted,
) -> Result<HashMap<ProductId, Vec<Versioned<Variant>>>> {
    static VARIANTS_OF: LazyLock<RowsOf> = LazyLock::new(|| {
        let (columns, joins) = priced("", "");
        let order = "v.position, v.id, p.position";
        RowsOf::grouped(&columns, "commerce_variants AS v", "v.product_id", &joins, order)
    });
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (variant, ()) in read_priced(connection, &VARIANTS_OF, products, |_| Ok(()))? {
        found.entry(variant.product_id).or_default().push(variant);
    }
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
        priced_by_id(of_product, product)
    });
    let mut distinct: Vec<_> = variants.into_iter().collect();
    if distinct.is_empty() {
        return Ok(Vec::new());
    }
    distinct.sort_unstable();
    distinct.dedup();
    let ids = Wanted::new(distinct);
    let read_product = |row: &Columns<'_>| {
        let (title, status, tax_class) = (row.text()?, row.word()?, row.text()?);
        Ok((title, status, tax_class, row.json::<Vec<Image>>()?))
    };
    let found = read_priced(connection, &SELLABLES, &ids, read_product)?.into_iter().map(
        |(variant, (title, status, tax_class, images))| Sellable {
            levels: levels.remove(&variant.id).unwrap_or_default(),
            title,
            status,
            tax_class,
            image: image_of(&variant, images),
            variant,
        },
    );
    Ok(found.collect())
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
