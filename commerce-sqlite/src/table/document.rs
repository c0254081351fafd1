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
    const CODES: &str = "SELECT sku, barcode FROM commerce_variants
        WHERE product_id = ?1 ORDER BY position, id";
    const BEFORE: &str = "SELECT status, created_at, title, skus, tags, description
        FROM commerce_product_words WHERE seq = ?1";
    const INSERT: &str = "INSERT INTO commerce_product_words
        (seq, id, status, created_at, title, skus, tags, description)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT DO UPDATE SET status = excluded.status, created_at = excluded.created_at,
            title = excluded.title, skus = excluded.skus, tags = excluded.tags,
            description = excluded.description";
    const INDEX: &str = "INSERT INTO commerce_products_fts (rowid, title, skus, tags, description)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let Some(seq) = seq_of(connection, id)? else { return Ok(()) };
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
        let said = (row.str()?, row.i64()?) == (status, created_at);
        Ok((said, fields(row)? == [&title, &skus, &tags, description.as_str()]))
    })?;
    let (said, same) = before.unwrap_or_default();
    if said && same {
        return Ok(());
    }
    if before.is_some() && !same {
        // The index takes out the words that it finds in their table.
        codec::run(connection, FORGET, [seq])?;
    }
    let row = params![seq, codec::key(id), status, created_at, title, skus, tags, description];
    codec::run(connection, INSERT, row)?;
    if !same {
        codec::run(connection, INDEX, params![seq, title, skus, tags, description])?;
    }
    Ok(())
}

/// Takes the words of a `seq` out of the index, while they stand in their table.
const FORGET: &str = "DELETE FROM commerce_products_fts WHERE rowid = ?1";

/// Forgets what a product is found by.
pub(crate) fn forget(connection: &Connection, id: ProductId) -> Result<()> {
    const DELETE: &str = "DELETE FROM commerce_product_words WHERE seq = ?1";
    let Some(seq) = seq_of(connection, id)? else { return Ok(()) };
    codec::run(connection, FORGET, [seq])?;
    codec::run(connection, DELETE, [seq])?;
    Ok(())
}

fn seq_of(connection: &Connection, id: ProductId) -> Result<Option<i64>> {
    const SEQ: &str = "SELECT seq FROM commerce_products WHERE id = ?1";
    codec::number(connection, SEQ, [codec::key(id)])
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

#[cfg(test)]
mod tests {
    use commerce_core::{
        Commerce,
        access::Caller,
        catalog::{CreateProduct, PatchProduct, ProductStatus},
        currency::Currency,
        shop::Shop,
        store::Commit,
        text::Label,
        time::Timestamp,
        version::Versioned,
    };
    use pollster::block_on;
    use rusqlite::Connection;

    use super::*;
    use crate::{SqliteStore, SystemClock, SystemIds};

    #[test]
    fn the_index_has_the_words_that_stand_in_their_table() {
        const CHECK: &str = "INSERT INTO commerce_products_fts (commerce_products_fts, rank)
            VALUES ('integrity-check', 1)";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let shop = Commerce::new(SqliteStore::open(&path).unwrap(), SystemClock, SystemIds);
        let connection = Connection::open(&path).unwrap();
        let found = |word: &str| {
            connection.execute(CHECK, []).unwrap();
            let sql = "SELECT count(*) FROM commerce_products_fts
                WHERE commerce_products_fts MATCH '\"=' || ?1 || '\"'";
            codec::number(&connection, sql, [word]).unwrap().unwrap()
        };
        block_on(async {
            let system = &Caller::system();
            shop.open(Shop::new("Words", Currency::EUR).unwrap()).await.unwrap();
            let mut made = Vec::new();
            for title in ["Linen shirt", "Linen scarf"] {
                let request = CreateProduct::new(title).unwrap();
                made.push(shop.create_product(system, &request).await.unwrap().output);
            }
            assert_eq!(found("linen"), 2);
            let change = |status, title: Option<&str>| PatchProduct {
                status,
                title: title.map(|title| Label::new(title).unwrap()),
                ..PatchProduct::default()
            };
            let patch = change(Some(ProductStatus::Active), None);
            shop.patch_product(system, made[0].id, &patch, None).await.unwrap();
            assert_eq!((found("linen"), found("shirt")), (2, 1));
            let patch = change(None, Some("Woollen shirt"));
            shop.patch_product(system, made[0].id, &patch, None).await.unwrap();
            assert_eq!((found("linen"), found("woollen"), found("shirt")), (1, 1, 1));
            let scarf = product::product_alone(&connection, made[1].id).unwrap().unwrap();
            let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
            commit.remove(&Versioned::new(scarf.version, (*scarf).clone()));
            shop.store().commit(&commit).await.unwrap();
            assert_eq!((found("linen"), found("woollen")), (0, 1));
        });
        let words = codec::number(&connection, "SELECT count(*) FROM commerce_product_words", []);
        assert_eq!(words.unwrap(), Some(1));
    }
}
