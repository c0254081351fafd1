//! Products: filtered, sorted, page by page.
//!
//! A page costs about the same however many products there are. There are two ways to that, and the
//! query chooses: where an index has the order that is asked for, it is gone through from the cursor
//! on, and what does not match is passed over; where few products match one of the filters, those
//! are looked up and sorted.

use commerce_core::{
    catalog::ProductStatus,
    id::CategoryId,
    search,
    store::{Cursor, CursorKey, Page, ProductFilter, ProductInputs, ProductQuery, ProductSort},
    text::Label,
};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{Select, Sort, blob, bytes, page, search::matches, text};
use crate::{
    codec::{self, Columns},
    error::Result,
    table::{document::NAME, facet, product},
};

/// The most products that are looked up and sorted. With `n` products of which more match, those on
/// a page are found among the first `20 n / SORTED_MAX` of an index, where a product is passed over in
/// a tenth of the time: this is where the two meet for some hundred thousand products.
const SORTED_MAX: usize = 500;
/// As [`SORTED_MAX`], of products with certain words: to pass one over, its words are looked up.
const SORTED_BY_WORDS_MAX: usize = 2_000;

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
    Category(CategoryId),
    Categories(String),
    Tag(String),
    Vendor(String),
    Type(String),
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
        let key = |label: &Label| label.to_lowercase();
        let mut all = Vec::new();
        match filter.categories.as_deref() {
            None => {}
            Some([one]) => all.push(Self::Category(*one)),
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
                vec![blob(*id)],
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
                vec![text(tag.as_str())],
                Some(("t.created_at", "t.product_id")),
            ),
            Self::Vendor(vendor) => (
                "commerce_products AS p INDEXED BY commerce_products_by_vendor",
                "p.vendor_key = ?",
                vec![text(vendor.as_str())],
                BY_AGE,
            ),
            Self::Type(kind) => (
                "commerce_products AS p INDEXED BY commerce_products_by_type",
                "p.type_key = ?",
                vec![text(kind.as_str())],
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

    /// Restricts a list of products to what matches, without another index to go through.
    pub(super) fn restrict(&self, select: &mut Select, of: &Of) {
        let facets = of.facets;
        let mut has = |facet: &str| {
            select.when(format!("instr({facets}, ?) > 0"), [text(facet)]);
        };
        match self {
            Self::Category(category) => has(&facet::category(*category)),
            Self::Tag(tag) => has(&facet::tag(tag)),
            Self::Vendor(vendor) => has(&facet::vendor(vendor)),
            Self::Type(kind) => has(&facet::kind(kind)),
            Self::Featured => has(facet::FEATURED),
            Self::Categories(categories) => select.when(
                format!(
                    "EXISTS (SELECT 1 FROM json_each(?) AS wanted
                    WHERE instr({facets}, char(10) || 'c:' || wanted.value || char(10)) > 0)"
                ),
                [text(categories.as_str())],
            ),
            // To look at a product's words takes a fraction of what it does to ask the index again
            // for each of them.
            Self::Words { words, .. } => {
                let one = "(instr(' ' || w.title || ' ' || w.skus || ' ' || w.tags, ?)
                    OR instr(' ' || w.description, ?))";
                let all = vec![one; words.len()].join(" AND ");
                let begin = |word| [text(format!(" {NAME}{word}")), text(format!(" {word}"))];
                select.when(
                    format!(
                        "EXISTS (SELECT 1 FROM commerce_product_words AS w
                        WHERE w.seq = p.seq AND {all})"
                    ),
                    words.iter().flat_map(begin),
                );
            }
            Self::Price([currency, from, to]) => match of.amount {
                Some(amount) => {
                    select.when(format!("{amount} BETWEEN ? AND ?"), [from.clone(), to.clone()]);
                }
                None => select.when(
                    format!(
                        "(SELECT own.amount FROM commerce_product_prices AS own
                        WHERE own.product_id = {} AND own.currency = ?) BETWEEN ? AND ?",
                        of.id
                    ),
                    [currency.clone(), from.clone(), to.clone()],
                ),
            },
        }
    }

    /// The most products that are looked up and sorted.
    fn sorted_max(&self) -> usize {
        if matches!(self, Self::Words { .. }) { SORTED_BY_WORDS_MAX } else { SORTED_MAX }
    }

    /// How many products match, if they are few enough to be sorted.
    fn few(&self, connection: &Connection) -> Result<Option<usize>> {
        let (sql, values) = match self {
            Self::Category(id) => (
                "SELECT 1 FROM commerce_product_categories WHERE category_id = ?1",
                vec![blob(*id)],
            ),
            Self::Categories(ids) => (
                "SELECT 1 FROM json_each(?1) AS wanted CROSS JOIN commerce_product_categories AS c
                    ON c.category_id = unhex(wanted.value)",
                vec![text(ids.as_str())],
            ),
            Self::Tag(tag) => {
                ("SELECT 1 FROM commerce_product_tags WHERE tag_key = ?1", vec![text(tag.as_str())])
            }
            Self::Vendor(vendor) => (
                "SELECT 1 FROM commerce_products WHERE vendor_key = ?1",
                vec![text(vendor.as_str())],
            ),
            Self::Type(kind) => {
                ("SELECT 1 FROM commerce_products WHERE type_key = ?1", vec![text(kind.as_str())])
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
        let max = self.sorted_max();
        let sql = format!("SELECT count(*) FROM ({sql} LIMIT {})", max + 1);
        let size = codec::number(connection, &sql, params_from_iter(values))?.unwrap_or(0);
        Ok(usize::try_from(size).ok().filter(|size| *size <= max))
    }
}

/// The columns in which a list of products has what all lists are restricted by. What is known before
/// `p` is looked up saves that for what is passed over.
#[derive(Debug)]
pub(super) struct Of {
    pub(super) id: &'static str,
    pub(super) status: &'static str,
    pub(super) facets: &'static str,
    /// The price in the query's currency, where it is known.
    amount: Option<&'static str>,
}

/// Where a product itself says it.
pub(super) const OF_PRODUCT: Of =
    Of { id: "p.id", status: "p.status", facets: "p.facets", amount: None };
/// Where it stands beside a price.
const OF_PRICE: Of =
    Of { id: "l.product_id", status: "l.status", facets: "l.facets", amount: Some("l.amount") };

/// The conditions of a query that have no index of their own, and that of its status.
pub(super) fn conditions(query: &ProductQuery, select: &mut Select, of: &Of) {
    let Of { id, status: its_status, facets, .. } = of;
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
        select.when(format!("instr({facets}, ?) = 0"), [text(facet::FEATURED)]);
    }
}

fn count(connection: &Connection, query: &ProductQuery, words: &[String]) -> Result<u64> {
    let narrow = Narrow::all(query, words);
    let mut select = match narrow.split_first() {
        Some((first, rest)) => {
            let mut select = from(first);
            rest.iter().for_each(|narrow| narrow.restrict(&mut select, &OF_PRODUCT));
            select
        }
        None => match query.filter.status {
            Some(status) => of_status(status, "commerce_products_by_status"),
            None => Select::from("commerce_products AS p"),
        },
    };
    conditions(query, &mut select, &OF_PRODUCT);
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
        if let Some(size) = one.few(connection)?
            && best.is_none_or(|(_, least)| size < least)
        {
            best = Some((at, size));
        }
    }
    Ok(best.map(|(at, _)| at))
}

/// Restricts a list to what matches all filters but the one that it was made from.
fn restrict(
    select: &mut Select,
    of: &Of,
    query: &ProductQuery,
    narrow: &[Narrow],
    but: Option<usize>,
) {
    for (at, one) in narrow.iter().enumerate() {
        if Some(at) != but {
            one.restrict(select, of);
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
    restrict(&mut select, &OF_PRODUCT, query, narrow, chosen);
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
            select
        }
    };
    restrict(&mut select, &OF_PRICE, query, narrow, chosen);
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
        restrict(&mut select, &OF_PRODUCT, query, narrow, chosen);
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
