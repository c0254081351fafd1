//! Full-text search, ranked.
//!
//! What begins a word may begin many, and the index puts together all products with any of these before
//! it tells the first: of a million products, that took seconds for a letter. So the newest products
//! are looked at first. If the words are common among them, so are the candidates.

use std::cmp::Reverse;

use commerce_core::{
    catalog::ProductStatus,
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
    error::Result,
    table::{
        document::{self, NAME},
        product,
    },
};

/// Of the products made in one millisecond, the most that are looked at to find the newest by id.
const EQUALS_MAX: usize = 4_096;

/// So many of the newest products are looked at to see whether words are common.
const SAMPLE: usize = 200;
/// They are if so many of these have them.
const COMMON: usize = 4;
/// The most products that are gone through for words that are common.
const ROWS_MAX: usize = 100 * search::CANDIDATES_MAX;

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
    let mut found = newest(connection, query, words, false, i64::MAX)?;
    by_age(&mut found);
    // Where there are more, the older ones by name may be missing.
    if let Some(last) = found.get(search::CANDIDATES_MAX - 1)
        && found.iter().filter(|it| it.rank.by_name).count() < search::CANDIDATES_MAX
    {
        let before = product::first_seq(last.created_at);
        found.extend(newest(connection, query, words, true, before)?);
        by_age(&mut found);
    }
    search::keep_candidates(&mut found, |it| it.rank.by_name);
    Ok(found)
}

/// The newest candidates so far.
#[derive(Default)]
struct Newest {
    found: Vec<Candidate>,
}

impl Newest {
    /// Whether there are enough of them before one that was made at a time.
    fn are_all(&self, created_at: Timestamp) -> bool {
        self.found.get(search::CANDIDATES_MAX - 1).is_some_and(|last| {
            created_at < last.created_at || self.found.len() >= search::CANDIDATES_MAX + EQUALS_MAX
        })
    }
}

/// The newest products before a place in the full-text index that match, or match by name, and a few
/// more where several are equally new. Without words, the newest of all.
fn newest(
    connection: &Connection,
    query: &ProductQuery,
    words: &[String],
    by_name: bool,
    before: i64,
) -> Result<Vec<Candidate>> {
    // The index itself knows enough of products unless something else is asked of them.
    let ProductFilter { status, text, similar, .. } = &query.filter;
    let (text, similar) = (text.clone(), *similar);
    let plain = ProductFilter { status: *status, text, similar, ..ProductFilter::default() };
    let plain = query.filter == plain;
    if plain
        && !words.is_empty()
        && let Some(found) = among_newest(connection, *status, words, by_name, before)?
    {
        return Ok(found);
    }
    by_words(connection, query, words, plain, by_name, before)
}

/// As [`newest`], by going through the newest products, if the words are common among them.
fn among_newest(
    connection: &Connection,
    status: Option<ProductStatus>,
    words: &[String],
    by_name: bool,
    before: i64,
) -> Result<Option<Vec<Candidate>>> {
    const NEWEST: &str =
        "SELECT p.id, p.created_at, p.status, p.title, p.skus, p.tags, p.description
        FROM commerce_products_fts AS p WHERE p.rowid < ?1 ORDER BY p.rowid DESC";
    let mut statement = connection.prepare_cached(NEWEST)?;
    let mut rows = statement.query([before])?;
    let mut newest = Newest::default();
    let (mut seen, mut have) = (0, 0);
    while let Some(row) = rows.next()? {
        if seen == SAMPLE && have < COMMON || seen == ROWS_MAX {
            return Ok(None);
        }
        let row = codec::Columns::new(row);
        let id = row.id()?;
        let created_at = row.time()?;
        if newest.are_all(created_at) {
            return Ok(Some(newest.found));
        }
        let its_status = row.str()?;
        let wanted = status.is_none_or(|status| its_status == status.as_str());
        let rank = search::rank(document::fields(&row)?, words);
        let rank = rank.filter(|rank| rank.by_name || !by_name);
        seen += 1;
        have += usize::from(rank.is_some());
        if wanted {
            newest.found.extend(rank.map(|rank| Candidate { id, created_at, rank }));
        }
    }
    Ok((have >= COMMON).then_some(newest.found))
}

/// As [`newest`], by the full-text index.
fn by_words(
    connection: &Connection,
    query: &ProductQuery,
    words: &[String],
    plain: bool,
    by_name: bool,
    before: i64,
) -> Result<Vec<Candidate>> {
    let matching = if by_name { matches_by_name(words) } else { matches(words) };
    let (mut select, columns, order) = if words.is_empty() {
        let table = "commerce_products AS p INDEXED BY commerce_products_by_age";
        (Select::from(table), "p.id, p.created_at", "ORDER BY p.created_at DESC, p.id DESC")
    } else {
        let (tables, matches, columns, order) = if plain {
            (
                "commerce_products_fts AS p",
                "p.commerce_products_fts MATCH ? AND p.rowid < ?",
                "p.id, p.created_at, p.title, p.skus, p.tags, p.description",
                "ORDER BY p.rowid DESC",
            )
        } else {
            (
                "commerce_products_fts AS f
                    CROSS JOIN commerce_products AS p ON p.seq = f.rowid",
                "f.commerce_products_fts MATCH ? AND f.rowid < ?",
                "p.id, p.created_at, f.title, f.skus, f.tags, f.description",
                "ORDER BY f.rowid DESC",
            )
        };
        let mut select = Select::from(tables);
        select.when(matches, [text(matching), Value::Integer(before)]);
        (select, columns, order)
    };
    for narrow in Narrow::all(&query.filter, &[]) {
        narrow.restrict(&mut select, "p.id");
    }
    conditions(query, &mut select, OF_PRODUCT);
    let sql = select.sql(columns, order);
    #[cfg(test)]
    codec::plan::note(connection, &sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(select.values())?;
    let mut newest = Newest::default();
    while let Some(row) = rows.next()? {
        let row = codec::Columns::new(row);
        let id = row.id()?;
        let created_at = row.time()?;
        if newest.are_all(created_at) {
            break;
        }
        let fields = if words.is_empty() { [""; 4] } else { document::fields(&row)? };
        let rank = search::rank(fields, words);
        newest.found.extend(rank.map(|rank| Candidate { id, created_at, rank }));
    }
    Ok(newest.found)
}
