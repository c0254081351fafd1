//! Products: filtered, sorted, page by page.
//!
//! A page costs about the same however many products there are. There are two ways to that, and the
//! query chooses: where an index has the order that is asked for, it is gone through from the cursor
//! on, and what does not match is passed over; where few products match one of the filters, those
//! are looked up and sorted.

use commerce_core::{
    catalog::ProductStatus,
    search,
    store::{Cursor, CursorKey, Page, ProductFilter, ProductInputs, ProductQuery, ProductSort},
};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{Select, Sort, blob, bytes, page, search::matches, text};
use crate::{
    codec::{self, Columns},
    error::Result,
    table::{document::NAME, product},
};

/// The most products that are looked up and sorted. With `n` products of which more match, those on
/// a page are found among the first `20 n / SORTED_MAX` of an index: this is where the two meet for
/// some hundred thousand products.
const SORTED_MAX: usize = 2_000;

/// Sorts after every price.
const NO_PRICE: i64 = i64::MAX;

pub(super) fn products(
    connection: &Connection,
    query: &ProductQuery,
) -> Result<Page<ProductInputs>> {
    let read = |ids| product::products(connection, ids);
    if query.filter.categories.as_ref().is_some_and(Vec::is_empty) {
        let total = query.page.total.then_some(0);
        return Ok(Page { items: Vec::new(), next: None, total });
    }
    let Some(sort) = query.sort else {
        return super::search::ranked(connection, query);
    };
    let words = query.filter.text.as_deref().map(search::query).unwrap_or_default();
    let total = query.page.total.then(|| count(connection, query, &words)).transpose()?;
    let narrow = Narrow::all(query, &words);
    let chosen = choose(connection, &narrow, sort)?;
    let keys = by(connection, query, &narrow, chosen)?;
    page(keys, &query.page, total, read)
}

/// What narrows a list down by an index of its own.
#[derive(Debug, Clone)]
pub(super) enum Narrow {
    Category(Value),
    Categories(String),
    Tag(Value),
    Vendor(Value),
    Type(Value),
    Featured,
    /// Words, and what the full-text index is asked for to find them.
    Words {
        words: Vec<String>,
        matching: String,
    },
    /// Prices in a currency, from the lowest to the highest that will do.
    Price([Value; 3]),
}

impl Narrow {
    /// The narrowing filters of a query.
    pub(super) fn all(query: &ProductQuery, words: &[String]) -> Vec<Self> {
        let filter = &query.filter;
        let key = |label: &commerce_core::text::Label| text(label.to_lowercase());
        let mut all = Vec::new();
        match filter.categories.as_deref() {
            None => {}
            Some([one]) => all.push(Self::Category(blob(*one))),
            Some(several) => all.push(Self::Categories(codec::ids(several.iter().copied()))),
        }
        all.extend(filter.tag.as_ref().map(key).map(Self::Tag));
        all.extend(filter.vendor.as_ref().map(key).map(Self::Vendor));
        all.extend(filter.product_type.as_ref().map(key).map(Self::Type));
        if filter.featured == Some(true) {
            all.push(Self::Featured);
        }
        if !words.is_empty() {
            all.push(Self::Words { words: words.to_vec(), matching: matches(words) });
        }
        if filter.min_price.is_some() || filter.max_price.is_some() {
            let from = Value::Integer(filter.min_price.unwrap_or(i64::MIN));
            let to = Value::Integer(filter.max_price.unwrap_or(i64::MAX));
            all.push(Self::Price([text(query.currency.code()), from, to]));
        }
        all
    }

    /// A list of the products that match, as `p`. Where the filter has an index in the order of
    /// creation, the columns of that order are the last two.
    fn source(
        &self,
    ) -> (&'static str, &'static str, Vec<Value>, Option<(&'static str, &'static str)>) {
        const BY_AGE: Option<(&str, &str)> = Some(("p.created_at", "p.id"));
        match self {
            Self::Category(id) => (
                "commerce_product_categories AS c CROSS JOIN commerce_products AS p
                    ON p.id = c.product_id",
                "c.category_id = ?",
                vec![id.clone()],
                Some(("c.created_at", "c.product_id")),
            ),
            Self::Categories(ids) => (
                "(SELECT DISTINCT c.product_id FROM json_each(?) AS wanted
                    CROSS JOIN commerce_product_categories AS c
                    ON c.category_id = unhex(wanted.value)) AS c
                    CROSS JOIN commerce_products AS p ON p.id = c.product_id",
                "",
                vec![text(ids.as_str())],
                None,
            ),
            Self::Tag(tag) => (
                "commerce_product_tags AS t CROSS JOIN commerce_products AS p
                    ON p.id = t.product_id",
                "t.tag_key = ?",
                vec![tag.clone()],
                Some(("t.created_at", "t.product_id")),
            ),
            Self::Vendor(vendor) => (
                "commerce_products AS p INDEXED BY commerce_products_by_vendor",
                "p.vendor_key = ?",
                vec![vendor.clone()],
                BY_AGE,
            ),
            Self::Type(kind) => (
                "commerce_products AS p INDEXED BY commerce_products_by_type",
                "p.type_key = ?",
                vec![kind.clone()],
                BY_AGE,
            ),
            Self::Featured => (
                "commerce_products AS p INDEXED BY commerce_products_featured",
                "p.featured = 1",
                Vec::new(),
                BY_AGE,
            ),
            Self::Words { matching, .. } => (
                "commerce_products_fts AS f CROSS JOIN commerce_products AS p ON p.seq = f.rowid",
                "f.commerce_products_fts MATCH ?",
                vec![text(matching.as_str())],
                None,
            ),
            Self::Price(range) => (
                "commerce_product_prices AS own INDEXED BY commerce_product_prices_by_amount
                    CROSS JOIN commerce_products AS p ON p.id = own.product_id",
                "own.currency = ? AND own.amount BETWEEN ? AND ?",
                range.to_vec(),
                None,
            ),
        }
    }

    /// Restricts a list of products `p`, whose id is in the column `id`, without another index to go
    /// through than that of the product: `+` hides one that all of a large category would be read by.
    pub(super) fn restrict(&self, select: &mut Select, id: &str) {
        match self {
            Self::Category(category) => select.when(
                format!(
                    "EXISTS (SELECT 1 FROM commerce_product_categories AS c
                    WHERE c.product_id = {id} AND +c.category_id = ?)"
                ),
                [category.clone()],
            ),
            Self::Categories(categories) => select.when(
                format!(
                    "EXISTS (SELECT 1 FROM commerce_product_categories AS c
                    WHERE c.product_id = {id}
                    AND +c.category_id IN (SELECT unhex(value) FROM json_each(?)))"
                ),
                [text(categories.as_str())],
            ),
            Self::Tag(tag) => select.when(
                format!(
                    "EXISTS (SELECT 1 FROM commerce_product_tags AS t
                    WHERE t.product_id = {id} AND +t.tag_key = ?)"
                ),
                [tag.clone()],
            ),
            Self::Vendor(vendor) => select.when("+p.vendor_key = ?", [vendor.clone()]),
            Self::Type(kind) => select.when("+p.type_key = ?", [kind.clone()]),
            Self::Featured => select.when("+p.featured = 1", []),
            // To look at a product's words takes a fraction of what it does to ask the index again
            // for each of them.
            Self::Words { words, .. } => {
                let one = "(instr(' ' || f.title || ' ' || f.skus || ' ' || f.tags, ?)
                    OR instr(' ' || f.description, ?))";
                let all = vec![one; words.len()].join(" AND ");
                let begin = |word| [text(format!(" {NAME}{word}")), text(format!(" {word}"))];
                select.when(
                    format!(
                        "EXISTS (SELECT 1 FROM commerce_products_fts AS f
                        WHERE f.rowid = p.seq AND {all})"
                    ),
                    words.iter().flat_map(begin),
                );
            }
            Self::Price(range) => select.when(
                format!(
                    "(SELECT own.amount FROM commerce_product_prices AS own
                    WHERE own.product_id = {id} AND own.currency = ?) BETWEEN ? AND ?"
                ),
                range.clone(),
            ),
        }
    }

    /// How many products match, as far as `SORTED_MAX` and one more.
    fn size(&self, connection: &Connection) -> Result<usize> {
        let (sql, values) = match self {
            Self::Category(id) => (
                "SELECT 1 FROM commerce_product_categories WHERE category_id = ?1",
                vec![id.clone()],
            ),
            Self::Categories(ids) => (
                "SELECT 1 FROM json_each(?1) AS wanted CROSS JOIN commerce_product_categories AS c
                    ON c.category_id = unhex(wanted.value)",
                vec![text(ids.as_str())],
            ),
            Self::Tag(tag) => {
                ("SELECT 1 FROM commerce_product_tags WHERE tag_key = ?1", vec![tag.clone()])
            }
            Self::Vendor(vendor) => {
                ("SELECT 1 FROM commerce_products WHERE vendor_key = ?1", vec![vendor.clone()])
            }
            Self::Type(kind) => {
                ("SELECT 1 FROM commerce_products WHERE type_key = ?1", vec![kind.clone()])
            }
            Self::Featured => ("SELECT 1 FROM commerce_products WHERE featured = 1", Vec::new()),
            Self::Words { matching, .. } => (
                "SELECT 1 FROM commerce_products_fts WHERE commerce_products_fts MATCH ?1",
                vec![text(matching.as_str())],
            ),
            Self::Price(range) => (
                "SELECT 1 FROM commerce_product_prices
                    WHERE currency = ?1 AND amount BETWEEN ?2 AND ?3",
                range.to_vec(),
            ),
        };
        let sql = format!("SELECT count(*) FROM ({sql} LIMIT {})", SORTED_MAX + 1);
        let size = codec::number(connection, &sql, params_from_iter(values))?.unwrap_or(0);
        Ok(usize::try_from(size).unwrap_or(usize::MAX))
    }
}

/// Where a product itself says its id and its status.
pub(super) const OF_PRODUCT: [&str; 2] = ["p.id", "p.status"];

/// The conditions of a query that have no index of their own, and that of its status; `of` has the
/// products' ids and their statuses.
pub(super) fn conditions(query: &ProductQuery, select: &mut Select, of: [&str; 2]) {
    let [id, its_status] = of;
    let ProductFilter { status, in_stock, featured, .. } = &query.filter;
    if let Some(status) = status {
        select.when(format!("+{its_status} = ?"), [text(status.as_str())]);
    }
    if let Some(wanted) = in_stock {
        let in_stock = format!(
            "(EXISTS (SELECT 1 FROM commerce_shop) AND EXISTS (
                SELECT 1 FROM commerce_variants AS v WHERE v.product_id = {id} AND v.active = 1
                AND (v.track_inventory = 0 OR v.backorder = 'allow' OR (
                    SELECT sum(s.on_hand - s.held) FROM commerce_stock_levels AS s
                    JOIN commerce_locations AS at ON at.id = s.location_id AND at.active = 1
                    WHERE s.variant_id = v.id) > 0)))"
        );
        let not = if *wanted { "" } else { "NOT " };
        select.when(format!("{not}{in_stock}"), []);
    }
    if *featured == Some(false) {
        select.when("p.featured = 0", []);
    }
}

fn count(connection: &Connection, query: &ProductQuery, words: &[String]) -> Result<u64> {
    let narrow = Narrow::all(query, words);
    let mut select = match narrow.split_first() {
        Some((first, rest)) => {
            let mut select = from(first);
            rest.iter().for_each(|narrow| narrow.restrict(&mut select, "p.id"));
            select
        }
        None => match query.filter.status {
            Some(status) => of_status(status, "commerce_products_by_status"),
            None => Select::from("commerce_products AS p"),
        },
    };
    conditions(query, &mut select, OF_PRODUCT);
    select.count(connection)
}

/// All that match a filter, by its own index.
fn from(narrow: &Narrow) -> Select {
    let (tables, condition, values, _) = narrow.source();
    let mut select = Select::from(tables);
    if condition.is_empty() {
        select.params.extend(values);
    } else {
        select.when(condition, values);
    }
    select
}

fn of_status(status: ProductStatus, index: &str) -> Select {
    let mut select = Select::from(format!("commerce_products AS p INDEXED BY {index}"));
    select.when("p.status = ?", [text(status.as_str())]);
    select
}

/// The smallest of the filters with an index, if few products match it.
fn smallest(connection: &Connection, narrow: &[Narrow]) -> Result<Option<usize>> {
    let mut best: Option<(usize, usize)> = None;
    for (at, one) in narrow.iter().enumerate() {
        let size = one.size(connection)?;
        if size <= SORTED_MAX && best.is_none_or(|(_, least)| size < least) {
            best = Some((at, size));
        }
    }
    Ok(best.map(|(at, _)| at))
}

/// Restricts a list to what matches all filters but the one that it was made from. `of` has the
/// products' ids and their statuses: what is known before `p` is looked up saves that for what is
/// passed over.
fn restrict(
    select: &mut Select,
    of: [&str; 2],
    query: &ProductQuery,
    narrow: &[Narrow],
    but: Option<usize>,
) {
    for (at, one) in narrow.iter().enumerate() {
        if Some(at) != but {
            one.restrict(select, of[0]);
        }
    }
    conditions(query, select, of);
}

/// The filter by whose index the products are found, if one of them helps.
fn choose(connection: &Connection, narrow: &[Narrow], sort: ProductSort) -> Result<Option<usize>> {
    let in_order = |one: &Narrow| sort == ProductSort::CreatedAt && one.source().3.is_some();
    match narrow {
        [] => Ok(None),
        // The index of the order begins and ends where the wanted prices do.
        [Narrow::Price(_)] if sort == ProductSort::Price => Ok(None),
        // One filter whose index has the order needs no choice.
        [one] if in_order(one) => Ok(Some(0)),
        several => match smallest(connection, several)? {
            Some(at) => Ok(Some(at)),
            None => Ok(several.iter().position(in_order)),
        },
    }
}

/// The keys of a page, found by the index of the chosen filter or, without one, of the order.
pub(super) fn by(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
) -> Result<Vec<Cursor>> {
    match query.sort {
        None | Some(ProductSort::CreatedAt) => {
            by_column(connection, query, narrow, chosen, "p.created_at")
        }
        Some(ProductSort::Title) => by_column(connection, query, narrow, chosen, "p.title_key"),
        Some(ProductSort::Price) => by_price(connection, query, narrow, chosen),
    }
}

fn by_column(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
    column: &str,
) -> Result<Vec<Cursor>> {
    let by_age = column == "p.created_at";
    let mut sort = Sort { key: column, id: "p.id", descending: query.descending };
    let mut select = match chosen.and_then(|at| narrow.get(at)) {
        Some(one) => {
            if by_age && let (_, _, _, Some((key, id))) = one.source() {
                sort = Sort { key, id, ..sort };
            }
            from(one)
        }
        None => match (query.filter.status, by_age) {
            (Some(status), true) => of_status(status, "commerce_products_by_status"),
            (Some(status), false) => of_status(status, "commerce_products_by_status_and_title"),
            (None, true) => {
                Select::from("commerce_products AS p INDEXED BY commerce_products_by_age")
            }
            (None, false) => {
                Select::from("commerce_products AS p INDEXED BY commerce_products_by_title")
            }
        },
    };
    restrict(&mut select, OF_PRODUCT, query, narrow, chosen);
    sort.keys(connection, select, query.page.after.as_ref(), query.page.limit)
}

/// Those with a price by that; those without count as dearest.
fn by_price(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
) -> Result<Vec<Cursor>> {
    let after = query.page.after.as_ref();
    let wanted = query.page.limit.saturating_add(1);
    let last = match after {
        Some(Cursor { key: CursorKey::Number(price), .. }) => Some(*price),
        _ => None,
    };
    let list = |priced: bool| -> Result<Vec<Cursor>> {
        if priced {
            with_price(connection, query, narrow, chosen, after)
        } else {
            without_price(
                connection,
                query,
                narrow,
                chosen,
                after.filter(|_| last == Some(NO_PRICE)),
            )
        }
    };
    // A price that is asked for is one that there is.
    let unpriced = query.filter.min_price.is_none() && query.filter.max_price.is_none();
    let mut keys = Vec::new();
    if query.descending {
        if unpriced && last.is_none_or(|last| last == NO_PRICE) {
            keys = list(false)?;
        }
        if keys.len() < wanted {
            keys.extend(list(true)?);
        }
    } else {
        if last != Some(NO_PRICE) {
            keys = list(true)?;
        }
        if unpriced && keys.len() < wanted {
            keys.extend(list(false)?);
        }
    }
    keys.truncate(wanted);
    Ok(keys)
}

fn with_price(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
    after: Option<&Cursor>,
) -> Result<Vec<Cursor>> {
    let sort = Sort { key: "l.amount", id: "l.product_id", descending: query.descending };
    let mut select = match chosen.and_then(|at| narrow.get(at)) {
        Some(one) => {
            let mut select = from(one);
            select.from.push_str(" CROSS JOIN commerce_product_prices AS l ON l.product_id = p.id");
            select.when("l.currency = ?", [text(query.currency.code())]);
            select
        }
        None => {
            let mut select = Select::from(
                "commerce_product_prices AS l INDEXED BY commerce_product_prices_by_amount
                LEFT JOIN commerce_products AS p ON p.id = l.product_id",
            );
            select.when("l.currency = ?", [text(query.currency.code())]);
            // The ids stand one after another: what matches across two of them is found out next.
            for one in narrow {
                if let Narrow::Category(category) = one {
                    select.when("instr(l.categories, ?) > 0", [category.clone()]);
                }
            }
            // The index begins and ends where the wanted prices do.
            if let Some(min) = query.filter.min_price {
                select.when("l.amount >= ?", [Value::Integer(min)]);
            }
            if let Some(max) = query.filter.max_price {
                select.when("l.amount <= ?", [Value::Integer(max)]);
            }
            select
        }
    };
    restrict(&mut select, ["l.product_id", "l.status"], query, narrow, chosen);
    sort.keys(connection, select, after, query.page.limit)
}

/// By id, those that have no price in the currency: one list for each set of other currencies.
fn without_price(
    connection: &Connection,
    query: &ProductQuery,
    narrow: &[Narrow],
    chosen: Option<usize>,
    after: Option<&Cursor>,
) -> Result<Vec<Cursor>> {
    const FIRST: &str = "SELECT min(priced_in) FROM commerce_products";
    const NEXT: &str = "SELECT min(priced_in) FROM commerce_products WHERE priced_in > ?1";
    let code = query.currency.code();
    let limit = query.page.limit.saturating_add(1);
    let (sign, direction) = if query.descending { ("<", "DESC") } else { (">", "ASC") };
    let read = |mut select: Select| -> Result<Vec<Cursor>> {
        restrict(&mut select, OF_PRODUCT, query, narrow, chosen);
        if let Some(after) = after {
            select.when(format!("p.id {sign} ?"), [bytes(after.id)]);
        }
        let sql = select.sql("p.id", &format!("ORDER BY p.id {direction} LIMIT {limit}"));
        codec::all(connection, &sql, select.values(), |row| {
            Ok(Cursor { key: CursorKey::Number(NO_PRICE), id: row.uuid()? })
        })
    };
    if let Some(one) = chosen.and_then(|at| narrow.get(at)) {
        let mut select = from(one);
        select.when(
            "NOT EXISTS (SELECT 1 FROM commerce_product_prices AS l
                WHERE l.product_id = p.id AND l.currency = ?)",
            [text(code)],
        );
        return read(select);
    }
    let mut keys = Vec::new();
    let some = |row: &Columns<'_>| row.maybe(|row| Ok(row.str()?.to_owned()));
    let mut set = codec::first(connection, FIRST, [], some)?.flatten();
    while let Some(currencies) = set {
        if !currencies.split(',').any(|other| other == code) {
            let mut select =
                Select::from("commerce_products AS p INDEXED BY commerce_products_by_currencies");
            select.when("p.priced_in = ?", [text(currencies.as_str())]);
            keys.extend(read(select)?);
        }
        set = codec::first(connection, NEXT, [currencies], some)?.flatten();
    }
    keys.sort_unstable_by_key(|cursor| cursor.id);
    if query.descending {
        keys.reverse();
    }
    keys.truncate(limit);
    Ok(keys)
}
