//! Lists and searches: each page is one statement, and so one snapshot.

mod customer;
mod first;
mod order;
mod product;
pub(crate) mod similar;
mod stock;
mod webhook;

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    customer::Customer,
    inventory::Movement,
    order::OrderInputs,
    store::{
        Cursor, CursorKey, CustomerQuery, MovementFilter, OrderQuery, Page, PageRequest,
        PaymentItem, PaymentQuery, ProductInputs, ProductQuery, Queries, StockFilter, StockItem,
        StoreResult, WebhookQuery,
    },
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    PgStore,
    cell::{Cell, Param},
    codec::{self, Columns},
    error::Result,
    readers::read,
};

#[async_trait]
impl Queries for PgStore {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        let (query, trigrams) = (query.clone(), self.trigrams());
        read!(self.lists(), |connection| product::products(connection, &query, trigrams.as_ref()))
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        let query = query.clone();
        read!(self.lists(), |connection| order::orders(connection, &query))
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        let query = query.clone();
        read!(self.lists(), |connection| order::payments(connection, &query))
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        let query = query.clone();
        read!(self.lists(), |connection| webhook::webhooks(connection, &query))
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        let query = query.clone();
        read!(self.lists(), |connection| customer::customers(connection, &query))
    }

    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        let page = page.clone();
        read!(self.lists(), |connection| customer::api_tokens(connection, &page))
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        let (filter, page) = (filter.clone(), page.clone());
        read!(self.lists(), |connection| stock::stock(connection, &filter, &page))
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        let (filter, page) = (filter.clone(), page.clone());
        read!(self.lists(), |connection| stock::movements(connection, &filter, &page))
    }
}

/// A piece of a statement, in which each `?` is one of the parameters.
#[derive(Debug, Clone, Default)]
struct Sql<'a> {
    text: String,
    params: Vec<Param<'a>>,
}

impl<'a> Sql<'a> {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), params: Vec::new() }
    }

    fn with(text: impl Into<String>, params: impl IntoIterator<Item = Param<'a>>) -> Self {
        Self { text: text.into(), params: params.into_iter().collect() }
    }

    /// Adds another piece.
    fn push(&mut self, piece: Self) {
        self.text.push_str(&piece.text);
        self.params.extend(piece.params);
    }

    /// Adds text without parameters.
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The statement, with its parameters numbered.
    fn numbered(&self) -> String {
        let mut numbered = String::with_capacity(self.text.len() + 32);
        for (at, piece) in self.text.split('?').enumerate() {
            if at > 0 {
                numbered.push_str(&format!("${at}"));
            }
            numbered.push_str(piece);
        }
        numbered
    }
}

/// Rows of some tables that meet all of some conditions.
#[derive(Debug, Clone, Default)]
struct Select<'a> {
    from: Sql<'a>,
    /// The same tables, with what is joined looked up row by row, for the few that have some words.
    row_by_row: Option<Sql<'a>>,
    conditions: Vec<Sql<'a>>,
    /// Conditions without an index.
    unindexed: Vec<Sql<'a>>,
    /// That a row has some words.
    words: Option<Sql<'a>>,
}

impl<'a> Select<'a> {
    fn from(tables: impl Into<String>) -> Self {
        Self { from: Sql::new(tables), ..Self::default() }
    }

    /// Adds a condition; each `?` in it is one of the values.
    fn when(&mut self, condition: impl Into<String>, values: impl IntoIterator<Item = Param<'a>>) {
        self.conditions.push(Sql::with(condition, values));
    }

    /// Adds a condition that no index helps with; each `?` in it is one of the values.
    fn when_seen(
        &mut self,
        condition: impl Into<String>,
        values: impl IntoIterator<Item = Param<'a>>,
    ) {
        self.unindexed.push(Sql::with(condition, values));
    }

    fn sql(self, columns: impl Into<Sql<'a>>, tail: &str) -> Sql<'a> {
        let Self { from, row_by_row: _, conditions, unindexed, words } = self;
        let mut sql = Sql::new("SELECT ");
        sql.push(columns.into());
        sql.text(" FROM ");
        sql.push(from);
        for (at, condition) in conditions.into_iter().chain(unindexed).chain(words).enumerate() {
            sql.text(if at == 0 { " WHERE " } else { " AND " });
            sql.push(condition);
        }
        sql.text(" ");
        sql.text(tail);
        sql
    }
}

impl From<&str> for Sql<'_> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Sql<'_> {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The type of a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Int,
    Text,
    Time,
}

impl KeyKind {
    fn read(self, row: &Columns<'_>) -> Result<CursorKey> {
        Ok(match self {
            Self::Int => CursorKey::Number(row.i64()?),
            Self::Text => CursorKey::Text(row.str()?.to_owned()),
            Self::Time => CursorKey::Number(row.time()?.as_millis()),
        })
    }

    /// A key of a cursor as a value of this type, if it can be one.
    fn cell(self, key: &CursorKey) -> Option<Cell<'static>> {
        match (self, key) {
            (Self::Int, CursorKey::Number(number)) => Some(Cell::Int(*number)),
            (Self::Time, CursorKey::Number(millis)) => {
                let nearest = if *millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
                Some(Cell::Time(Timestamp::from_millis(*millis).unwrap_or(nearest)))
            }
            // No text of the database has this character, and it takes none.
            (Self::Text, CursorKey::Text(text)) => Some(Cell::Made(text.replace('\0', ""))),
            (Self::Int | Self::Time, CursorKey::Text(_)) | (Self::Text, CursorKey::Number(_)) => {
                None
            }
        }
    }
}

/// By what a list is sorted: a key and the id, both in the same direction.
#[derive(Debug, Clone, Copy)]
struct Sort<'a> {
    key: &'a str,
    kind: KeyKind,
    id: &'a str,
    descending: bool,
}

impl Sort<'_> {
    fn direction(self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }

    /// Begins the list after an item.
    fn after(self, select: &mut Select<'_>, after: Option<&Cursor>) {
        let Some(after) = after else { return };
        let Self { key, kind, id, descending } = self;
        let sign = if descending { "<" } else { ">" };
        match kind.cell(&after.key) {
            Some(last) => {
                let condition = format!("({key}, {id}) {sign} (?, ?)");
                select.when(condition, [last.into(), Cell::Uuid(after.id).into()]);
            }
            // A cursor of another list: numbers come before texts.
            None if descending == (kind == KeyKind::Text) => select.when("false", []),
            None => {}
        }
    }

    /// The keys of one page as `key` and `id`, and one more if there is one.
    fn keys<'a>(self, mut select: Select<'a>, request: &PageRequest) -> Sql<'a> {
        self.after(&mut select, request.after.as_ref());
        self.first(select, request.limit.saturating_add(1))
    }
}

/// A list as it is read: its keys, and what is to be read of the items that they name.
struct List<'a> {
    /// The keys, as `key` and `id`, of one page and one item more.
    keys: Sql<'a>,
    sort: Sort<'a>,
    /// All items, if they are to be counted.
    count: Option<Sql<'a>>,
    /// The columns of an item.
    columns: &'a str,
    /// Where they are: what is joined to the keys `k`.
    join: &'a str,
}

/// Reads a page.
async fn page<T>(
    connection: &mut PgConnection,
    request: &PageRequest,
    list: List<'_>,
    mut read: impl FnMut(&Columns<'_>) -> Result<T>,
) -> Result<Page<T>> {
    let List { keys, sort, count, columns, join } = list;
    let direction = sort.direction();
    let mut sql = Sql::new("SELECT t.total, k.key, k.id, ");
    sql.text(columns);
    sql.text(" FROM (");
    sql.push(count.unwrap_or_else(|| Sql::new("SELECT NULL::bigint")));
    sql.text(") AS t (total) LEFT JOIN (");
    sql.push(keys);
    sql.text(") AS k ON true ");
    sql.text(join);
    sql.text(&format!(" ORDER BY k.key {direction}, k.id {direction}"));
    let text = sql.numbered();
    let mut total = None;
    let rows = codec::all(connection, AssertSqlSafe(text), sql.params, |row| {
        total = row.maybe(Columns::int)?;
        let Some(key) = row.maybe(|row| sort.kind.read(row))? else { return Ok(None) };
        let cursor = Cursor { key, id: row.uuid()? };
        Ok(Some((cursor, read(row)?)))
    })
    .await?;
    let (mut cursors, mut items): (Vec<_>, Vec<_>) = rows.into_iter().flatten().unzip();
    let more = items.len() > request.limit;
    items.truncate(request.limit);
    cursors.truncate(request.limit);
    Ok(Page { items, next: if more { cursors.pop() } else { None }, total })
}

fn count(select: Select<'_>) -> Sql<'_> {
    select.sql("count(*)", "")
}
