//! Lists and searches: each page is one statement, and so one snapshot.

mod customer;
mod first;
mod order;
mod product;
mod ranked;
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
    cell::{Array, Cell, Kind, Param},
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

    /// The piece between texts without parameters.
    fn between(mut self, before: &str, after: &str) -> Self {
        self.text.insert_str(0, before);
        self.text.push_str(after);
        self
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
    words: Option<Words>,
}

/// Words that are looked for.
#[derive(Debug, Clone)]
struct Words {
    /// Where a row has its words.
    column: &'static str,
    /// What it is asked for each of those that are looked for.
    queries: Vec<String>,
}

impl Words {
    /// The query for all of them.
    fn all<'a>(&self) -> Sql<'a> {
        Sql::with("?::tsquery", [Cell::Made(self.queries.join(" & ")).into()])
    }

    /// The query for each of them, in an array, if there are several.
    fn each<'a>(&self) -> Option<Sql<'a>> {
        let words = self.queries.iter().map(|query| Cell::Text(query));
        let several = self.queries.len() > 1;
        several.then(|| Sql::with("?::text[]::tsquery[]", [Array::of(Kind::Text, words).into()]))
    }
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

    /// With a condition without values.
    fn only(mut self, condition: impl Into<String>) -> Self {
        self.when(condition, []);
        self
    }

    fn sql(self, columns: impl Into<Sql<'a>>, tail: &str) -> Sql<'a> {
        let Self { from, row_by_row: _, conditions, unindexed, words } = self;
        let words = words.map(|words| words.all().between(&format!("{} @@ ", words.column), ""));
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

/// A statement in steps, each of which is run at most once, if it is asked for, and knows those before it.
fn parts<'a>(steps: impl IntoIterator<Item = (&'static str, Sql<'a>)>, last: Sql<'a>) -> Sql<'a> {
    let mut sql = Sql::new("WITH ");
    for (at, (name, step)) in steps.into_iter().enumerate() {
        sql.text(if at == 0 { "" } else { ", " });
        sql.push(step.between(&format!("{name} AS MATERIALIZED ("), ")"));
    }
    sql.text(" ");
    sql.push(last);
    sql
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

    /// The same with columns of the rows that are selected, for a list that has them at hand in its order:
    /// they need not be looked up by their ids then.
    fn rows<'a>(self, mut select: Select<'a>, columns: &str, request: &PageRequest) -> Sql<'a> {
        self.after(&mut select, request.after.as_ref());
        let Self { key, id, .. } = self;
        let direction = self.direction();
        let limit = request.limit.saturating_add(1);
        select.sql(
            format!("{key} AS key, {id} AS id, {columns}"),
            &format!("ORDER BY {key} {direction}, {id} {direction} LIMIT {limit}"),
        )
    }
}

/// A list as it is read.
struct List<'a> {
    /// Of what it is a part, as `found`, if it is to be found once for its rows and their number.
    found: Option<Sql<'a>>,
    /// The rows of one page, and one more, which begin with `key` and `id`.
    rows: Sql<'a>,
    sort: Sort<'a>,
    /// All items, if they are to be counted.
    count: Option<Sql<'a>>,
    /// What is to be read of the items whose keys the rows are, if these are no more than that.
    named: Option<Named<'a>>,
}

/// Items that are named by keys `k`.
#[derive(Clone, Copy)]
struct Named<'a> {
    /// Their columns.
    columns: &'a str,
    /// Where they are: what is joined to the keys.
    join: &'a str,
}

/// Reads a page.
async fn page<T>(
    connection: &mut PgConnection,
    request: &PageRequest,
    list: List<'_>,
    mut read: impl FnMut(&Columns<'_>) -> Result<T>,
) -> Result<Page<T>> {
    let List { found, rows, sort, count, named } = list;
    let direction = sort.direction();
    let mut sql = Sql::new("SELECT t.total, k.*");
    if let Some(Named { columns, .. }) = named {
        sql.text(", ");
        sql.text(columns);
    }
    sql.text(" FROM (");
    sql.push(count.unwrap_or_else(|| Sql::new("SELECT NULL::bigint")));
    sql.text(") AS t (total) LEFT JOIN (");
    sql.push(rows);
    sql.text(") AS k ON true ");
    sql.text(named.map_or("", |named| named.join));
    // By key and id: there may be several columns of that name.
    sql.text(&format!(" ORDER BY 2 {direction}, 3 {direction}"));
    if let Some(found) = found {
        sql = parts([("found", found)], sql);
    }
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
