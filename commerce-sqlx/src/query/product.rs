//! Products: filtered and sorted, page by page.
//!
//! Which index a list is read by is left to the planner, which knows how many products meet each
//! filter; every order and every filter has one.

use commerce_core::{
    search,
    store::{CursorKey, Page, ProductFilter, ProductInputs, ProductQuery, ProductSort},
};
use sqlx::PgConnection;

use super::{
    KeyKind, List, Named, Select, Sort, Sql, Words, count, page, ranked,
    similar::{self, Trigrams},
};
use crate::{
    cell::{Array, Cell},
    error::Result,
    table::{document, product},
};

/// The words of a product `p`.
pub(super) const WORDS: &str = "p.words";
/// Sorts after every price.
const NO_PRICE: i64 = i64::MAX;

pub(super) async fn products(
    connection: &mut PgConnection,
    query: &ProductQuery,
    trigrams: Option<&Trigrams>,
) -> Result<Page<ProductInputs>> {
    let words = query.filter.text.as_deref().map(search::query).unwrap_or_default();
    let wanted = query.filter.similar && query.sort.is_none() && !words.is_empty();
    let Some(trigrams) = trigrams.filter(|_| wanted) else {
        return exact(connection, query, &words).await;
    };
    let after = query.page.after.as_ref().map(|after| &after.key);
    // What is only similar has keys of its own, by which a later page is known.
    if !matches!(after, Some(CursorKey::Number(..0))) {
        let found = exact(connection, query, &words).await?;
        if after.is_some() || !found.items.is_empty() {
            return Ok(found);
        }
    }
    similar::products(connection, query, &words, trigrams).await
}

/// Products by their keys.
pub(super) fn named() -> Named<'static> {
    let join = "LEFT JOIN commerce_products AS p ON p.id = k.id";
    Named { columns: &product::COLUMNS, join }
}

/// The products that have the words.
async fn exact(
    connection: &mut PgConnection,
    query: &ProductQuery,
    words: &[String],
) -> Result<Page<ProductInputs>> {
    let select = matching(query, words);
    let count = query.page.total.then(|| count(select.clone()));
    let by = |key, kind| Sort { key, kind, id: "p.id", descending: query.descending };
    let (rows, sort) = match query.sort {
        Some(ProductSort::CreatedAt) => {
            let sort = by("p.created_at", KeyKind::Time);
            (sort.keys(select, &query.page), sort)
        }
        Some(ProductSort::Title) => {
            let sort = by("p.title_key", KeyKind::Text);
            (sort.keys(select, &query.page), sort)
        }
        Some(ProductSort::Price) => {
            (by_price(query, of_any_price(query, words)), by("key", KeyKind::Int))
        }
        None => return ranked::products(connection, query, select, words).await,
    };
    let list = List { found: None, rows, sort, count, named: Some(named()) };
    page(connection, &query.page, list, product::read).await
}

/// The products `p` that a query is about.
pub(super) fn matching<'a>(query: &ProductQuery, words: &[String]) -> Select<'a> {
    let mut select = of_any_price(query, words);
    let ProductFilter { min_price, max_price, .. } = &query.filter;
    if min_price.is_none() && max_price.is_none() {
        return select;
    }
    const PRICED: &str = "p.id IN (SELECT l.product_id
        FROM commerce_product_prices AS l WHERE l.currency = ?";
    let mut priced = Sql::with(PRICED, [Cell::Text(query.currency.code()).into()]);
    for (bound, price) in [(" AND l.amount >= ?", min_price), (" AND l.amount <= ?", max_price)] {
        if let Some(price) = price {
            priced.push(Sql::with(bound, [Cell::Int(*price).into()]));
        }
    }
    select.conditions.push(priced.between("", ")"));
    select
}

/// The products `p` that a query would be about if it said nothing of prices.
fn of_any_price<'a>(query: &ProductQuery, words: &[String]) -> Select<'a> {
    let ProductFilter {
        status,
        categories,
        tag,
        vendor,
        product_type,
        text: _,
        similar: _,
        min_price: _,
        max_price: _,
        in_stock,
        featured,
    } = &query.filter;
    let mut select = Select::from("commerce_products AS p");
    if let Some(status) = status {
        select.when("p.status = ?", [Cell::Text(status.as_str()).into()]);
    }
    if let Some(ids) = categories {
        const IN_CATEGORIES: &str = "p.id IN (SELECT c.product_id
            FROM commerce_product_categories AS c WHERE c.category_id = ANY(?))";
        select.when(IN_CATEGORIES, [Array::ids(ids.iter().copied()).into()]);
    }
    if let Some(tag) = tag {
        const TAGGED: &str = "p.id IN (SELECT t.product_id
            FROM commerce_product_tags AS t WHERE t.tag_key = ?)";
        select.when(TAGGED, [Cell::Made(tag.to_lowercase()).into()]);
    }
    if let Some(vendor) = vendor {
        select.when("p.vendor_key = ?", [Cell::Made(vendor.to_lowercase()).into()]);
    }
    if let Some(kind) = product_type {
        select.when("p.type_key = ?", [Cell::Made(kind.to_lowercase()).into()]);
    }
    if !words.is_empty() {
        select.words = Some(Words { column: WORDS, queries: document::query(words) });
    }
    if let Some(wanted) = in_stock {
        const IN_STOCK: &str = "(EXISTS (SELECT FROM commerce_shop) AND EXISTS (
            SELECT FROM commerce_variants AS v WHERE v.product_id = p.id AND v.active
            AND (NOT v.track_inventory OR v.backorder = 'allow' OR (
                SELECT sum(s.on_hand - s.held) FROM commerce_stock_levels AS s
                JOIN commerce_locations AS l ON l.id = s.location_id AND l.active
                WHERE s.variant_id = v.id) > 0)))";
        let not = if *wanted { "" } else { "NOT " };
        select.when_seen(format!("{not}{IN_STOCK}"), []);
    }
    match featured {
        Some(true) => select.when("p.featured", []),
        Some(false) => select.when_seen("NOT p.featured", []),
        None => {}
    }
    select
}

/// The keys of a page by price: those with one by that, and those without, which count as dearest, by
/// id. The latter are one list for each set of other currencies.
fn by_price<'a>(query: &ProductQuery, select: Select<'a>) -> Sql<'a> {
    let code = || Cell::Text(query.currency.code()).into();
    let sort = Sort {
        key: "l.amount",
        kind: KeyKind::Int,
        id: "l.product_id",
        descending: query.descending,
    };
    let mut priced = select.clone();
    const ROW_BY_ROW: &str = " CROSS JOIN LATERAL (SELECT t.* FROM commerce_product_prices AS t
        WHERE t.product_id = p.id OFFSET 0) AS l";
    let mut row_by_row = priced.from.clone();
    row_by_row.text(ROW_BY_ROW);
    priced.row_by_row = Some(row_by_row);
    priced.from.text(" JOIN commerce_product_prices AS l ON l.product_id = p.id");
    priced.when("l.currency = ?", [code()]);
    // The index begins and ends where the wanted prices do.
    if let Some(min) = query.filter.min_price {
        priced.when("l.amount >= ?", [Cell::Int(min).into()]);
    }
    if let Some(max) = query.filter.max_price {
        priced.when("l.amount <= ?", [Cell::Int(max).into()]);
    }
    let priced = sort.keys(priced, &query.page);
    // A price that is asked for is one that there is.
    if query.filter.min_price.or(query.filter.max_price).is_some() {
        return priced;
    }
    let direction = sort.direction();
    let limit = query.page.limit.saturating_add(1);
    let mut keys = Sql::new("SELECT key, id FROM ((");
    keys.push(priced);
    keys.text(") UNION ALL (");
    let mut unpriced = select;
    unpriced.when("p.priced_in = sets.priced_in", []);
    let no_price = NO_PRICE.to_string();
    Sort { key: &no_price, id: "p.id", ..sort }.after(&mut unpriced, query.page.after.as_ref());
    keys.text(
        "WITH RECURSIVE sets AS (SELECT min(priced_in) AS priced_in FROM commerce_products
            UNION ALL SELECT (SELECT min(o.priced_in) FROM commerce_products AS o
                WHERE o.priced_in > sets.priced_in)
            FROM sets WHERE sets.priced_in IS NOT NULL)
        SELECT ",
    );
    keys.text(&no_price);
    keys.text(" AS key, u.id FROM sets CROSS JOIN LATERAL (");
    keys.push(Sort { key: "p.id", id: "p.id", ..sort }.first(unpriced, limit));
    keys.push(Sql::with(
        ") AS u WHERE NOT ? = ANY(string_to_array(sets.priced_in, ','))",
        [code()],
    ));
    keys.text(&format!(
        " ORDER BY u.id {direction} LIMIT {limit})) AS both_kinds
        ORDER BY key {direction}, id {direction} LIMIT {limit}"
    ));
    keys
}
