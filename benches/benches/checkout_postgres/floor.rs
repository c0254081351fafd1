//! The floor: one writer, written by hand, that leaves the same rows in the same tables.
//!
//! What a shop's checkouts wrote is read from its database afterwards, column by column. The floor
//! then writes exactly those rows into a copy of the database as it was before, in batches: one
//! statement for each, which takes one array for each column and nothing reads, decides or encodes,
//! between `BEGIN` and `COMMIT`.

use std::time::{Duration, Instant};

use sqlx::{
    AssertSqlSafe, Connection, Encode, PgConnection, Postgres, Row, Type, ValueRef,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

/// The values of one column, in the binary form of the protocol.
#[derive(Debug, Clone)]
struct Column {
    element: Oid,
    array: Oid,
    values: Vec<Option<Vec<u8>>>,
}

/// Some of the values of a column, as one array.
struct Slice<'a>(&'a Column, &'a [Option<Vec<u8>>]);

impl Type<Postgres> for Slice<'_> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Slice<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Self(column, values) = self;
        for number in [1, 1, column.element.0, values.len() as u32, 1] {
            buffer.extend_from_slice(&number.to_be_bytes());
        }
        for value in *values {
            let length = value.as_ref().map_or(-1, |bytes| bytes.len() as i32);
            buffer.extend_from_slice(&length.to_be_bytes());
            buffer.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.0.array))
    }
}

/// A part of the statement: `N` stands for the rows, made of arrays in the way that is cheapest (each
/// unnested where it is selected).
struct Part {
    sql: String,
    columns: Vec<Column>,
    /// Rows for each checkout.
    each: usize,
}

/// What checkouts wrote.
pub(crate) struct Rows {
    checkouts: usize,
    parts: Vec<Part>,
}

/// The tables into which a checkout puts new rows, and by what they are in the order of the orders.
const INSERTED: [(&str, &str, &str); 6] = [
    ("commerce_orders", "", "t.id"),
    ("commerce_order_lines", "", "t.order_id, t.position"),
    ("commerce_holds", "", "t.order_id, t.line, t.position"),
    ("commerce_payments", "", "t.order_id"),
    ("commerce_outcomes", "", "t.at, t.scope"),
    ("commerce_outbox", "WHERE t.events::text LIKE '%order.placed%'", "t.position"),
];

/// How the shop has its statements planned: once each, along the keys. The floor is to have no less.
const BY_KEY: &str = "SET jit = off; SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

impl Rows {
    /// What so many checkouts wrote into a database in which there had been none.
    pub(crate) async fn of(connection: &mut PgConnection, checkouts: usize) -> Self {
        let mut parts = Vec::new();
        for (table, condition, order) in INSERTED {
            const NAMES: &str = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
                FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped";
            let names: String =
                sqlx::query_scalar(NAMES).bind(table).fetch_one(&mut *connection).await.unwrap();
            let read = format!("SELECT t.* FROM {table} AS t {condition} ORDER BY {order}");
            let sql = format!("INSERT INTO {table} ({names}) SELECT * FROM N AS n");
            parts.push(Part::read(connection, sql, &read, checkouts).await);
        }
        let read = "SELECT t.id, t.version, t.status, t.order_id, t.updated_at
            FROM commerce_carts AS t WHERE t.status = 'completed' ORDER BY t.order_id";
        let sql = "UPDATE commerce_carts AS t SET version = n.version, status = n.status,
            order_id = n.order_id, updated_at = n.updated_at
            FROM N AS n (id, version, status, order_id, updated_at) WHERE t.id = n.id";
        parts.push(Part::read(connection, sql.to_owned(), read, checkouts).await);
        let read = "SELECT t.variant_id, t.location_id, t.quantity
            FROM commerce_holds AS t ORDER BY t.order_id, t.line, t.position";
        let sql = "UPDATE commerce_stock_levels AS t SET held = t.held + n.quantity
            FROM (SELECT variant_id, location_id, sum(quantity)::bigint AS quantity
                FROM N AS n (variant_id, location_id, quantity) GROUP BY 1, 2) AS n
            WHERE t.variant_id = n.variant_id AND t.location_id = n.location_id
            AND t.held + n.quantity <= t.on_hand";
        parts.push(Part::read(connection, sql.to_owned(), read, checkouts).await);
        let read = "SELECT t.position FROM commerce_outbox AS t
            WHERE t.events::text LIKE '%order.placed%' ORDER BY t.position";
        let sql = "UPDATE commerce_counters AS t SET value = n.value
            FROM (SELECT max(position) AS value FROM N AS n (position)) AS n
            WHERE t.name = 'outbox'";
        parts.push(Part::read(connection, sql.to_owned(), read, checkouts).await);
        Self { checkouts, parts }
    }

    /// Writes it all, durably after each batch of checkouts.
    pub(crate) async fn write(&self, connection: &mut PgConnection, batch: usize) -> Duration {
        let sql = self.sql();
        sqlx::raw_sql(BY_KEY).execute(&mut *connection).await.unwrap();
        let started = Instant::now();
        for first in (0..self.checkouts).step_by(batch) {
            let end = (first + batch).min(self.checkouts);
            let mut arguments = PgArguments::default();
            for part in &self.parts {
                for column in &part.columns {
                    let some = &column.values[first * part.each..end * part.each];
                    sqlx::Arguments::add(&mut arguments, Slice(column, some)).unwrap();
                }
            }
            let mut transaction = connection.begin().await.unwrap();
            let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments);
            query.execute(&mut *transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
        started.elapsed()
    }

    fn sql(&self) -> String {
        let mut params = 0;
        let parts: Vec<_> = self
            .parts
            .iter()
            .enumerate()
            .map(|(number, part)| {
                let arrays: Vec<_> = part
                    .columns
                    .iter()
                    .map(|_| {
                        params += 1;
                        format!("unnest(${params})")
                    })
                    .collect();
                let rows = format!("(SELECT {})", arrays.join(", "));
                format!(
                    "s{number} AS ({} RETURNING 1)",
                    part.sql.replace("FROM N", &format!("FROM {rows}"))
                )
            })
            .collect();
        let counts: Vec<_> =
            (0..parts.len()).map(|number| format!("(SELECT count(*) FROM s{number})")).collect();
        format!("WITH {} SELECT {}", parts.join(", "), counts.join(", "))
    }
}

impl Part {
    async fn read(
        connection: &mut PgConnection,
        sql: String,
        read: &str,
        checkouts: usize,
    ) -> Self {
        let rows = sqlx::query(AssertSqlSafe(read)).fetch_all(&mut *connection).await.unwrap();
        assert!(
            rows.len() >= checkouts && rows.len().is_multiple_of(checkouts),
            "{read}: {}",
            rows.len()
        );
        let mut columns = Vec::new();
        for at in 0..rows[0].len() {
            let oid = |row: &sqlx::postgres::PgRow| {
                let value = row.try_get_raw(at).unwrap();
                value.type_info().oid().unwrap()
            };
            let element = oid(&rows[0]);
            let array = sqlx::query_scalar("SELECT typarray FROM pg_type WHERE oid = $1")
                .bind(element)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let values = rows
                .iter()
                .map(|row| {
                    let value = row.try_get_raw(at).unwrap();
                    (!value.is_null()).then(|| value.as_bytes().unwrap().to_vec())
                })
                .collect();
            columns.push(Column { element, array, values });
        }
        Self { sql, columns, each: rows.len() / checkouts }
    }
}
