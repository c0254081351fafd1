//! Lists and searches.

mod customer;
mod order;
#[cfg(test)]
pub(crate) mod plans;
mod product;
mod search;
mod stock;
#[cfg(test)]
mod ways;
mod webhook;

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    customer::Customer,
    id::Id,
    inventory::Movement,
    order::OrderInputs,
    store::{
        Cursor, CursorKey, CustomerQuery, MovementFilter, OrderQuery, Page, PageRequest,
        PaymentItem, PaymentQuery, ProductInputs, ProductQuery, Queries, StockFilter, StockItem,
        StoreResult, WebhookQuery,
    },
    version::Versioned,
    webhook::Webhook,
};
use rusqlite::{Connection, params_from_iter, types::Value};
use uuid::Uuid;

use crate::{
    SqliteStore,
    codec::{self, Columns},
    error::Result,
};

#[async_trait]
impl Queries for SqliteStore {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        self.read(|connection| product::products(connection, query))
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        self.read(|connection| order::orders(connection, query))
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        self.read(|connection| order::payments(connection, query))
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        self.read(|connection| webhook::webhooks(connection, query))
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        self.read(|connection| customer::customers(connection, query))
    }

    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        self.read(|connection| customer::api_tokens(connection, page))
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        self.read(|connection| stock::stock(connection, filter, page))
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        self.read(|connection| stock::movements(connection, filter, page))
    }
}

/// A statement that is put together from conditions.
#[derive(Debug, Clone, Default)]
struct Select {
    from: String,
    conditions: Vec<String>,
    params: Vec<Value>,
}

impl Select {
    fn from(tables: impl Into<String>) -> Self {
        Self { from: tables.into(), ..Self::default() }
    }

    /// Adds a condition; each `?` in it is one of the values.
    fn when(&mut self, condition: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition.into());
        self.params.extend(values);
    }

    fn sql(&self, columns: &str, tail: &str) -> String {
        let clause = if self.conditions.is_empty() { "" } else { " WHERE " };
        let conditions = self.conditions.join(" AND ");
        format!("SELECT {columns} FROM {}{clause}{conditions} {tail}", self.from)
    }

    fn count(&self, connection: &Connection) -> Result<u64> {
        let count = codec::number(connection, &self.sql("count(*)", ""), self.values())?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    fn values(&self) -> impl rusqlite::Params + '_ {
        params_from_iter(&self.params)
    }
}

/// The columns by which a list is sorted: a key and the id, both in the same direction.
#[derive(Debug, Clone, Copy)]
struct Sort<'a> {
    key: &'a str,
    id: &'a str,
    descending: bool,
}

impl Sort<'_> {
    /// Reads the keys of one page, and of one item more if there is one.
    fn keys(
        self,
        connection: &Connection,
        mut select: Select,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Cursor>> {
        let Self { key, id, descending } = self;
        let (sign, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some(Cursor { key: last, id: last_id }) = after {
            let last = match last {
                CursorKey::Number(number) => Value::Integer(*number),
                CursorKey::Text(text) => Value::Text(text.clone()),
            };
            let last_id = Value::Blob(last_id.as_bytes().to_vec());
            select.when(format!("({key}, {id}) {sign} (?, ?)"), [last, last_id]);
        }
        let limit = limit.saturating_add(1);
        let sql = select.sql(
            &format!("{key}, {id}"),
            &format!("ORDER BY {key} {direction}, {id} {direction} LIMIT {limit}"),
        );
        codec::all(connection, &sql, select.values(), |row| {
            let key = row.key()?;
            Ok(Cursor { key, id: row.uuid()? })
        })
    }
}

/// A page of what the keys name, of which there may be one more than the page has room for.
fn page<T, I: Id>(
    mut keys: Vec<Cursor>,
    request: &PageRequest,
    total: Option<u64>,
    read: impl FnOnce(Vec<I>) -> Result<Vec<T>>,
) -> Result<Page<T>> {
    let more = keys.len() > request.limit;
    keys.truncate(request.limit);
    let next = if more { keys.last().cloned() } else { None };
    let ids = keys.into_iter().map(|cursor| I::from_uuid(cursor.id)).collect::<Vec<_>>();
    let items = if ids.is_empty() { Vec::new() } else { read(ids)? };
    Ok(Page { items, next, total })
}

impl Columns<'_> {
    fn key(&self) -> Result<CursorKey> {
        if self.is_integer()? {
            Ok(CursorKey::Number(self.i64()?))
        } else {
            Ok(CursorKey::Text(self.str()?.to_owned()))
        }
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn blob<T: Id>(id: T) -> Value {
    Value::Blob(id.uuid().as_bytes().to_vec())
}

fn bytes(id: Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}
