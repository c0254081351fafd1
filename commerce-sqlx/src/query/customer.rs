//! Customers and API tokens, the newest first.

use commerce_core::{
    access::ApiToken,
    customer::Customer,
    search,
    store::{CustomerQuery, Page, PageRequest},
    version::Versioned,
};
use sqlx::PgConnection;

use super::{KeyKind, List, Select, Sort, Sql, count, page};
use crate::{
    cell::Cell,
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
        let words = Cell::Made(document::query_of_customer(&words)).into();
        select.words = Some(Sql::with("c.words @@ ?::tsquery", [words]));
    }
    let sort = Sort { key: "c.created_at", kind: KeyKind::Time, id: "c.id", descending: true };
    let list = List {
        count: query.page.total.then(|| count(select.clone())),
        keys: sort.keys(select, &query.page),
        sort,
        columns: &customer::COLUMNS,
        join: "LEFT JOIN commerce_customers AS c ON c.id = k.id",
    };
    page(connection, &query.page, list, customer::read).await
}

pub(super) async fn api_tokens(
    connection: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Versioned<ApiToken>>> {
    let select = Select::from("commerce_api_tokens AS t");
    let sort = Sort { key: "t.created_at", kind: KeyKind::Time, id: "t.id", descending: true };
    let columns = TOKENS.of("a");
    let list = List {
        count: request.total.then(|| count(select.clone())),
        keys: sort.keys(select, request),
        sort,
        columns: &columns,
        join: "LEFT JOIN commerce_api_tokens AS a ON a.id = k.id",
    };
    page(connection, request, list, token::read).await
}
