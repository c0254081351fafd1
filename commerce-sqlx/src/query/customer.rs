//! Customers and API tokens, the newest first.

use commerce_core::{
    access::ApiToken,
    customer::Customer,
    search,
    store::{CustomerQuery, Page, PageRequest},
    version::Versioned,
};
use sqlx::PgConnection;

use super::{KeyKind, List, Named, Select, Sort, Words, count, page};
use crate::{
    error::Result,
    table::{
        customer, document,
        token::{self, TOKENS},
    },
};

pub(super) async fn customers(
    connection: &mut PgConnection,
    query: &CustomerQuery,
) -> Result<Page<Versioned<Customer>>> {
    let words = query.text.as_deref().map(search::query).unwrap_or_default();
    let mut select = Select::from("commerce_customers AS c");
    if !words.is_empty() {
        let queries = document::query_of_customer(&words);
        select.words = Some(Words { column: "c.words", queries });
    }
    let sort = Sort { key: "c.created_at", kind: KeyKind::Time, id: "c.id", descending: true };
    let list = List {
        found: None,
        count: query.page.total.then(|| count(select.clone())),
        rows: sort.keys(select, &query.page),
        sort,
        named: Some(Named {
            columns: &customer::COLUMNS,
            join: "LEFT JOIN commerce_customers AS c ON c.id = k.id",
        }),
    };
    page(connection, &query.page, list, customer::read).await
}

pub(super) async fn api_tokens(
    connection: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Versioned<ApiToken>>> {
    let select = Select::from("commerce_api_tokens AS t");
    let sort = Sort { key: "t.created_at", kind: KeyKind::Time, id: "t.id", descending: true };
    let list = List {
        found: None,
        count: request.total.then(|| count(select.clone())),
        rows: sort.rows(select, &TOKENS.of("t"), request),
        sort,
        named: None,
    };
    page(connection, request, list, token::read).await
}
