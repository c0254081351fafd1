//! Products and what belongs to them.

use std::sync::LazyLock;

use commerce_core::{
    catalog::Product,
    id::{CategoryId, Id, ProductId},
    store::{ProductInputs, ProductRef},
    text::Label,
    time::Timestamp,
    version::{Version, Versioned},
};
use rusqlite::{Connection, params};

use super::{
    Cell, facet, table, variant,
    wanted::{RowsOf, Wanted},
};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) PRODUCTS = "commerce_products", 1 keys, unique slug:
    id version slug title status tax_class featured gift_card vendor product_type title_key
    vendor_key type_key facets created_at updated_at options seo related tags categories images
    short_description attributes metadata description
}

table! {
    pub(crate) TAGS = "commerce_product_tags", 2 keys:
    product_id position tag tag_key created_at status
}

table! {
    pub(crate) IN_CATEGORIES = "commerce_product_categories", 2 keys:
    product_id position category_id created_at status
}

pub(crate) fn row(product: &Product, version: Version) -> Result<Vec<Cell<'_>>> {
    let key = |text: &Label| Cell::Made(text.to_lowercase());
    Ok(vec![
        Cell::id(product.id),
        Cell::count(version.get()),
        Cell::Text(&product.slug),
        Cell::Text(&product.title),
        Cell::Text(product.status.as_str()),
        Cell::Text(&product.tax_class),
        product.featured.into(),
        product.gift_card.into(),
        Cell::maybe_text(product.vendor.as_ref()),
        Cell::maybe_text(product.product_type.as_ref()),
        key(&product.title),
        Cell::maybe(product.vendor.as_ref(), key),
        Cell::maybe(product.product_type.as_ref(), key),
        Cell::Made(facet::all(product)),
        product.created_at.into(),
        product.updated_at.into(),
        Cell::json(&product.options)?,
        Cell::json(&product.seo)?,
        Cell::json(&product.related)?,
        Cell::json(&product.tags)?,
        Cell::json(&product.categories)?,
        Cell::json(&product.images)?,
        Cell::maybe_text(product.short_description.as_ref()),
        Cell::json(&product.attributes)?,
        Cell::json(&product.metadata)?,
        Cell::Text(&product.description),
    ])
}

pub(crate) fn tag_row<'a>(of: &'a Product, position: i64, tag: &'a Label) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::Text(tag),
        Cell::Made(tag.to_lowercase()),
        of.created_at.into(),
        Cell::Text(of.status.as_str()),
    ])
}

pub(crate) fn category_row<'a>(
    of: &'a Product,
    position: i64,
    category: &'a CategoryId,
) -> Result<Vec<Cell<'a>>> {
    Ok(vec![
        Cell::id(of.id),
        Cell::Integer(position),
        Cell::id(*category),
        of.created_at.into(),
        Cell::Text(of.status.as_str()),
    ])
}

/// Inserts a product. Its `seq` rises with the time of creation, and within a millisecond mostly with
/// the id. Where a millisecond has no room left, it comes after all others.
pub(crate) fn insert(connection: &Connection, product: &Product, version: Version) -> Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO commerce_products ({}, seq, priced_in) VALUES ({}?, '')",
            PRODUCTS.columns.join(", "),
            "?, ".repeat(PRODUCTS.columns.len())
        )
    });
    let mut row = row(product, version)?;
    row.push(Cell::Integer(free_seq(connection, product)?));
    codec::run(connection, &INSERT, rusqlite::params_from_iter(&row))?;
    Ok(())
}

fn free_seq(connection: &Connection, product: &Product) -> Result<i64> {
    const TAKEN: &str = "SELECT 1 FROM commerce_products WHERE seq = ?1";
    const NEXT: &str = "SELECT max(seq) + 1 FROM commerce_products";
    // Where those of one millisecond were all made by the same count, their ids differ in the bits
    // after the variant.
    let bits = (product.id.uuid().as_u128() >> 47) & 0x7fff;
    let first = first_seq(product.created_at) | i64::try_from(bits).unwrap_or(0);
    for seq in first..first + 8 {
        if codec::number(connection, TAKEN, [seq])?.is_none() {
            return Ok(seq);
        }
    }
    Ok(codec::number(connection, NEXT, [])?.unwrap_or(first))
}

/// The lowest `seq` of products that were made at a time.
pub(crate) fn first_seq(at: Timestamp) -> i64 {
    at.as_millis() << 15
}

/// Works out anew in which currencies a product is sold, and at which lowest prices.
pub(crate) fn price(connection: &Connection, id: ProductId) -> Result<()> {
    const LOWEST: &str =
        "SELECT p.value ->> 0 AS currency, min(p.value ->> 1), it.status, it.facets
        FROM commerce_products AS it
        CROSS JOIN commerce_variants AS v ON v.product_id = it.id AND v.active = 1
        CROSS JOIN json_each(v.prices) AS p
        WHERE it.id = ?1 GROUP BY currency ORDER BY currency";
    const BEFORE: &str = "SELECT currency, amount, status, facets FROM commerce_product_prices
        WHERE product_id = ?1 ORDER BY currency";
    const KEEP: &str = "INSERT INTO commerce_product_prices
        (product_id, currency, amount, status, facets) VALUES (?1, ?2, ?3, ?4, ?5)";
    const NOTE: &str =
        "UPDATE commerce_products SET priced_in = ?2 WHERE id = ?1 AND priced_in <> ?2";
    let product = id;
    let id = codec::key(id);
    let read = |row: &Columns<'_>| {
        Ok((row.str()?.to_owned(), row.i64()?, row.str()?.to_owned(), row.str()?.to_owned()))
    };
    let lowest = codec::all(connection, LOWEST, [id], read)?;
    if lowest != codec::all(connection, BEFORE, [id], read)? {
        forget_prices(connection, product)?;
        for (currency, amount, status, facets) in &lowest {
            codec::run(connection, KEEP, params![id, currency, amount, status, facets])?;
        }
    }
    let currencies: Vec<_> = lowest.into_iter().map(|(currency, ..)| currency).collect();
    codec::run(connection, NOTE, params![id, currencies.join(",")])?;
    Ok(())
}

/// Forgets at which prices a product is sold.
pub(crate) fn forget_prices(connection: &Connection, id: ProductId) -> Result<()> {
    const FORGET: &str = "DELETE FROM commerce_product_prices WHERE product_id = ?1";
    codec::run(connection, FORGET, [codec::key(id)])?;
    Ok(())
}

fn read(row: &Columns<'_>) -> Result<Versioned<Product>> {
    let id = row.id()?;
    let version = row.version()?;
    let product = Product {
        id,
        slug: row.text()?,
        title: row.text()?,
        status: row.word()?,
        tax_class: row.text()?,
        featured: row.bool()?,
        gift_card: row.bool()?,
        vendor: row.maybe(Columns::text)?,
        product_type: row.maybe(Columns::text)?,
        created_at: {
            row.skip(4);
            row.time()?
        },
        updated_at: row.time()?,
        options: row.json()?,
        seo: row.json()?,
        related: row.json()?,
        tags: row.json()?,
        categories: row.json()?,
        images: row.json()?,
        short_description: row.maybe(Columns::text)?,
        attributes: row.json()?,
        metadata: row.json()?,
        description: row.text()?,
    };
    Ok(Versioned::new(version, product))
}

fn alone(connection: &Connection, products: &Wanted) -> Result<Vec<Versioned<Product>>> {
    static PRODUCTS_OF: LazyLock<RowsOf> = LazyLock::new(|| RowsOf::table(&PRODUCTS, ""));
    PRODUCTS_OF.all(connection, products, read)
}

/// A product without its variants.
pub(crate) fn product_alone(
    connection: &Connection,
    id: ProductId,
) -> Result<Option<Versioned<Product>>> {
    Ok(alone(connection, &Wanted::one(id))?.pop())
}

/// Products with their variants and stock, in the order of the ids.
pub(crate) fn products(
    connection: &Connection,
    ids: impl IntoIterator<Item = ProductId>,
) -> Result<Vec<ProductInputs>> {
    let wanted = Wanted::new(ids);
    let products = alone(connection, &wanted)?;
    let mut variants = variant::of_products(connection, &wanted)?;
    let complete = products.into_iter().map(|product| {
        let (variants, levels) = variants.remove(&product.id).unwrap_or_default();
        ProductInputs { product, variants, levels }
    });
    Ok(complete.collect())
}

/// A product with its variants and stock.
pub(crate) fn product(connection: &Connection, by: &ProductRef) -> Result<Option<ProductInputs>> {
    static BY_SLUG: LazyLock<String> = LazyLock::new(|| PRODUCTS.select("WHERE slug = ?1"));
    let found = match by {
        ProductRef::Id(id) => product_alone(connection, *id)?,
        ProductRef::Slug(slug) => codec::first(connection, &BY_SLUG, [&**slug], read)?,
    };
    let Some(product) = found else { return Ok(None) };
    let mut found = variant::of_products(connection, &Wanted::one(product.id))?;
    let (variants, levels) = found.remove(&product.id).unwrap_or_default();
    Ok(Some(ProductInputs { product, variants, levels }))
}
