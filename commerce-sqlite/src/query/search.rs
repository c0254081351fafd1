//! Full-text search, ranked.

use std::cmp::Reverse;

use commerce_core::{
    id::{Id, ProductId},
    search::{self, Rank},
    store::{Cursor, CursorKey, Page, ProductFilter, ProductInputs, ProductQuery},
    time::Timestamp,
};
use rusqlite::{Connection, types::Value};

use super::{
    Select, page,
    product::{Narrow, OF_PRODUCT, conditions},
    text,
};
use crate::{
    codec,
    error::{Error, Result},
    table::{
        document::{self, NAME},
        product,
    },
};

/// Of the products made in one millisecond, the most that are looked at to find the newest by id.
const EQUALS_MAX: usize = 4_096;

/// What the full-text index is asked for: products with a word that begins as each of these does.
pub(super) fn matches(words: &[String]) -> String {
    // A word has no quotation marks in it.
    let any = |word: &String| format!("(\"{word}\"* OR \"{NAME}{word}\"*)");
    words.iter().map(any).collect::<Vec<_>>().join(" AND ")
}

/// As [`matches`], of the words of names alone.
fn matches_by_name(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{NAME}{word}\"*")).collect::<Vec<_>>().join(" AND ")
}

struct Candidate {
    id: ProductId,
    created_at: Timestamp,
    rank: Rank,
}

/// Products by how well they match, the newest of equals first.
pub(super) fn ranked(connection: &Connection, query: &ProductQuery) -> Result<Page<ProductInputs>> {
    let words = query.filter.text.as_deref().map(search::query).unwrap_or_default();
    let mut found = candidates(connection, query, &words)?;
    let total = query.page.total.then(|| u64::try_from(found.len()).unwrap_or(u64::MAX));
    found.sort_unstable_by_key(|it| Reverse((it.rank.score, it.id)));
    let after = match &query.page.after {
        Some(Cursor { key: CursorKey::Number(score), id }) => Some((*score, *id)),
        Some(Cursor { key: CursorKey::Text(_), .. }) => Some((i64::MAX, uuid::Uuid::max())),
        None => None,
    };
    let keys = found
        .into_iter()
        .map(|it| (i64::from(it.rank.score), it.id.uuid()))
        .filter(|key| after.is_none_or(|after| *key < after))
        .take(query.page.limit.saturating_add(1))
        .map(|(score, id)| Cursor { key: CursorKey::Number(score), id })
        .collect();
    page(keys, &query.page, total, |ids| product::products(connection, ids))
}

/// The products to rank.
fn candidates(
    connection: &Connection,
    query: &ProductQuery,
    words: &[String],
) -> Result<Vec<Candidate>> {
    let by_age = |found: &mut Vec<Candidate>| {
        found.sort_unstable_by_key(|it| Reverse((it.created_at, it.id)));
    };
    let mut found = newest(connection, query, words, &matches(words), i64::MAX)?;
    by_age(&mut found);
    // Where there are more, the older ones by name may be missing.
    if let Some(last) = found.get(search::CANDIDATES_MAX - 1)
        && found.iter().filter(|it| it.rank.by_name).count() < search::CANDIDATES_MAX
    {
        let before = product::first_seq(last.created_at);
        found.extend(newest(connection, query, words, &matches_by_name(words), before)?);
        by_age(&mut found);
    }
    search::keep_candidates(&mut found, |it| it.rank.by_name);
    Ok(found)
}

/// The newest products before a place in the full-text index that match what it is asked for, and a
/// few more where several are equally new. Without words, the newest of all.
fn newest(
    connection: &Connection,
    query: &ProductQuery,
    words: &[String],
    matching: &str,
    before: i64,
) -> Result<Vec<Candidate>> {
    let ProductFilter { status, text: words_too, .. } = &query.filter;
    let plain = ProductFilter { status: *status, text: words_too.clone(), ..Default::default() };
    let (mut select, columns, order) = if words.is_empty() {
        let table = "commerce_products AS p INDEXED BY commerce_products_by_age";
        (Select::from(table), "p.id, p.created_at", "ORDER BY p.created_at DESC, p.id DESC")
    } else {
        // The table of words knows enough of products, `p`, unless something else is asked of them.
        let (tables, columns) = if query.filter == plain {
            (
                "commerce_products_fts AS f
                    CROSS JOIN commerce_product_words AS p ON p.seq = f.rowid",
                "p.id, p.created_at, p.title, p.skus, p.tags, p.description",
            )
        } else {
            (
                "commerce_products_fts AS f
                    CROSS JOIN commerce_products AS p ON p.seq = f.rowid
                    CROSS JOIN commerce_product_words AS w ON w.seq = f.rowid",
                "p.id, p.created_at, w.title, w.skus, w.tags, w.description",
            )
        };
        let mut select = Select::from(tables);
        let matches = "f.commerce_products_fts MATCH ? AND f.rowid < ?";
        select.when(matches, [text(matching), Value::Integer(before)]);
        (select, columns, "ORDER BY f.rowid DESC")
    };
    for narrow in Narrow::all(query, &[]) {
        narrow.restrict(&mut select, &OF_PRODUCT);
    }
    conditions(query, &mut select, &OF_PRODUCT);
    let sql = select.sql(columns, order);
    #[cfg(test)]
    codec::plan::note(connection, &sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(select.values())?;
    let mut found: Vec<Candidate> = Vec::new();
    while let Some(row) = rows.next()? {
        let row = codec::Columns::new(row);
        let id = row.id()?;
        let created_at = row.time()?;
        if let Some(last) = found.get(search::CANDIDATES_MAX - 1)
            && (created_at < last.created_at || found.len() >= search::CANDIDATES_MAX + EQUALS_MAX)
        {
            break;
        }
        let fields = if words.is_empty() { [""; 4] } else { document::fields(&row)? };
        let rank = search::rank(fields, words);
        found.extend(rank.map(|rank| Candidate { id, created_at, rank }));
    }
    Ok::<_, Error>(found)
}
