//! What products are found by, in the full-text index.

use commerce_core::{id::ProductId, search::Document};
use rusqlite::{Connection, params};

use crate::{
    codec::{self, Columns},
    error::Result,
    table::product,
};

/// Writes anew what a product is found by.
pub(crate) fn index(connection: &Connection, id: ProductId) -> Result<()> {
    const SEQ: &str = "SELECT seq FROM commerce_products WHERE id = ?1";
    const CODES: &str = "SELECT sku, barcode FROM commerce_variants
        WHERE product_id = ?1 ORDER BY position, id";
    const BEFORE: &str = "SELECT status, created_at, title, skus, tags, description
        FROM commerce_products_fts WHERE rowid = ?1";
    const INSERT: &str = "INSERT INTO commerce_products_fts
        (rowid, title, skus, tags, description, id, status, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    const UPDATE: &str = "UPDATE commerce_products_fts
        SET title = ?2, skus = ?3, tags = ?4, description = ?5, id = ?6, status = ?7,
            created_at = ?8
        WHERE rowid = ?1";
    let Some(seq) = codec::number(connection, SEQ, [codec::key(id)])? else { return Ok(()) };
    let Some(product) = product::product_alone(connection, id)? else { return Ok(()) };
    let mut codes = Vec::new();
    codec::all(connection, CODES, [codec::key(id)], |row| {
        codes.push(row.str()?.to_owned());
        codes.extend(row.maybe(Columns::str)?.map(str::to_owned));
        Ok(())
    })?;
    let document = Document::with_codes(&product, codes.iter().map(String::as_str));
    let Document { title, skus, tags, description } = &document;
    let [title, skus, tags] = [title, skus, tags].map(|words| as_names(words));
    let status = product.status.as_str();
    let created_at = product.created_at.as_millis();
    let before = codec::first(connection, BEFORE, [seq], |row| {
        let same = (row.str()?, row.i64()?) == (status, created_at);
        Ok(same && fields(row)? == [&title, &skus, &tags, description.as_str()])
    })?;
    if before == Some(true) {
        return Ok(());
    }
    let sql = if before.is_some() { UPDATE } else { INSERT };
    let row = params![seq, title, skus, tags, description, codec::key(id), status, created_at];
    codec::run(connection, sql, row)?;
    Ok(())
}

/// Forgets what a product is found by.
pub(crate) fn forget(connection: &Connection, id: ProductId) -> Result<()> {
    const DELETE: &str = "DELETE FROM commerce_products_fts
        WHERE rowid = (SELECT seq FROM commerce_products WHERE id = ?1)";
    codec::run(connection, DELETE, [codec::key(id)])?;
    Ok(())
}

/// Marks a word as that of a name. No word has this character in it.
pub(crate) const NAME: &str = "=";

fn as_names(words: &str) -> String {
    let words = words.split(' ').filter(|word| !word.is_empty());
    words.map(|word| [NAME, word].concat()).collect::<Vec<_>>().join(" ")
}

/// The columns `title`, `skus`, `tags` and `description`.
pub(crate) fn fields<'a>(row: &Columns<'a>) -> Result<[&'a str; 4]> {
    Ok([row.str()?, row.str()?, row.str()?, row.str()?])
}
