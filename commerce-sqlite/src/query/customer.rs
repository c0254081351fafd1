//! Customers and API tokens, the newest first.

use commerce_core::{
    access::ApiToken,
    customer::Customer,
    search,
    store::{CustomerQuery, Page, PageRequest},
    version::Versioned,
};
use rusqlite::{Connection, params};

use super::{Select, Sort, page, text};
use crate::{
    codec,
    error::Result,
    table::{customer, token},
};

/// The most customers with a word that are sorted; of more, all customers are gone through in order.
const SORTED_MAX: i64 = 5_000;

pub(super) fn customers(
    connection: &Connection,
    query: &CustomerQuery,
) -> Result<Page<Versioned<Customer>>> {
    const WITH: &str = "SELECT count(*) FROM (SELECT 1 FROM commerce_customer_words
        WHERE word BETWEEN ?1 AND ?2 LIMIT ?3)";
    const HAS: &str = "EXISTS (SELECT 1 FROM commerce_customer_words AS w
        WHERE w.customer_id = c.id AND w.word BETWEEN ? AND ?)";
    const RARE: &str = "(SELECT DISTINCT customer_id FROM commerce_customer_words
        WHERE word BETWEEN ? AND ?) AS candidates
        CROSS JOIN commerce_customers AS c ON c.id = candidates.customer_id";
    let words = query.text.as_deref().map(search::query).unwrap_or_default();
    let mut ranges: Vec<_> = words.into_iter().map(beginning_with).collect();
    let mut rarest = None;
    for (place, (from, to)) in ranges.iter().enumerate() {
        let count = codec::number(connection, WITH, params![from, to, SORTED_MAX + 1])?;
        let count = count.unwrap_or(0);
        if count <= SORTED_MAX && rarest.is_none_or(|(least, _)| count < least) {
            rarest = Some((count, place));
        }
    }
    let mut select = match rarest {
        Some((_, place)) => {
            let (from, to) = ranges.swap_remove(place);
            Select { params: vec![text(from), text(to)], ..Select::from(RARE) }
        }
        None => Select::from("commerce_customers AS c"),
    };
    for (from, to) in ranges {
        select.when(HAS, [text(from), text(to)]);
    }
    let total = query.page.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "c.created_at", id: "c.id", descending: true };
    let keys = sort.keys(connection, select, query.page.after.as_ref(), query.page.limit)?;
    page(keys, &query.page, total, |ids| customer::customers(connection, ids))
}

/// Between which words all stand that begin so.
fn beginning_with(word: String) -> (String, String) {
    let last = format!("{word}{}", char::MAX);
    (word, last)
}

pub(super) fn api_tokens(
    connection: &Connection,
    request: &PageRequest,
) -> Result<Page<Versioned<ApiToken>>> {
    let select = Select::from("commerce_api_tokens AS t");
    let total = request.total.then(|| select.count(connection)).transpose()?;
    let sort = Sort { key: "t.created_at", id: "t.id", descending: true };
    let keys = sort.keys(connection, select, request.after.as_ref(), request.limit)?;
    page(keys, request, total, |ids| token::api_tokens(connection, ids))
}
