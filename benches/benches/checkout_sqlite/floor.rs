//! The floor: a loop written by hand that leaves the same rows in the same file.
//!
//! What a shop's checkouts wrote is read from its file afterwards, table by table. The loop then
//! writes exactly those rows into a copy of the file as it was before: the same columns into the
//! same tables with the same indexes, nothing read, decided or encoded.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use commerce_benches::callers::processor_time;
use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter, types::Value};

/// What checkouts wrote.
#[derive(Debug)]
pub(crate) struct Rows {
    checkouts: usize,
    statements: Vec<Statement>,
}

/// A statement, and the rows that it is run for: as many for each checkout.
#[derive(Debug)]
struct Statement {
    table: String,
    verb: &'static str,
    sql: String,
    rows: Vec<Vec<Value>>,
}

/// A table of the file.
struct Table {
    name: String,
    columns: Vec<String>,
    /// What tells one row from another.
    key: Vec<String>,
}

impl Table {
    fn all(connection: &Connection) -> Vec<Self> {
        // As they were made: what others refer to comes before them.
        let sql = "SELECT l.name, l.wr FROM main.sqlite_schema AS s JOIN pragma_table_list AS l
                       ON l.schema = 'main' AND l.type = s.type AND l.name = s.name
                   WHERE s.type = 'table' AND s.name LIKE 'commerce\\_%' ESCAPE '\\' ORDER BY s.rowid";
        let mut statement = connection.prepare(sql).unwrap();
        let named: Vec<(String, bool)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        named.into_iter().map(|(name, keyed)| Self::new(connection, name, keyed)).collect()
    }

    fn new(connection: &Connection, name: String, keyed: bool) -> Self {
        let sql = "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid";
        let mut statement = connection.prepare(sql).unwrap();
        let columns: Vec<(String, i64)> = statement
            .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut key: Vec<_> = columns.iter().filter(|(_, place)| *place > 0).cloned().collect();
        key.sort_by_key(|(_, place)| *place);
        let key = if keyed {
            key.into_iter().map(|(name, _)| name).collect()
        } else {
            vec!["rowid".to_owned()]
        };
        Self { name, columns: columns.into_iter().map(|(name, _)| name).collect(), key }
    }

    fn same_row(&self) -> String {
        let pairs: Vec<_> = self.key.iter().map(|key| format!("b.{key} = a.{key}")).collect();
        pairs.join(" AND ")
    }

    fn rows(
        &self,
        connection: &Connection,
        columns: &[String],
        condition: &str,
    ) -> Vec<Vec<Value>> {
        let columns: Vec<_> = columns.iter().map(|column| format!("a.{column}")).collect();
        // Order by order, so that a checkout's lines are those of its order, and otherwise in the order in
        // which they came: rows are numbered, and keys begin with the time.
        let of_order = if self.name == "commerce_orders" { "id" } else { "order_id" };
        let of_order = self.columns.iter().filter(|column| *column == of_order);
        let key: Vec<_> = of_order.chain(&self.key).map(|key| format!("a.{key}")).collect();
        let sql = format!(
            "SELECT {} FROM main.{} a LEFT JOIN before.{} b ON {} WHERE {condition} ORDER BY {}",
            columns.join(", "),
            self.name,
            self.name,
            self.same_row(),
            key.join(", "),
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let count = statement.column_count();
        statement
            .query_map([], |row| (0..count).map(|index| row.get(index)).collect())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn inserted(&self, connection: &Connection) -> Option<Statement> {
        let condition = format!("b.{} IS NULL", self.key[0]);
        let rows = self.rows(connection, &self.columns, &condition);
        let marks = vec!["?"; self.columns.len()].join(", ");
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({marks})", self.name, self.columns.join(", "));
        let table = self.name.clone();
        (!rows.is_empty()).then_some(Statement { table, verb: "insert", sql, rows })
    }

    fn updated(&self, connection: &Connection) -> Option<Statement> {
        let changed: Vec<String> = self
            .columns
            .iter()
            .filter(|column| {
                let sql = format!(
                    "SELECT EXISTS (SELECT 1 FROM main.{0} a JOIN before.{0} b ON {1}
                     WHERE a.{column} IS NOT b.{column})",
                    self.name,
                    self.same_row()
                );
                connection.query_row(&sql, [], |row| row.get(0)).unwrap()
            })
            .cloned()
            .collect();
        if changed.is_empty() {
            return None;
        }
        let differs: Vec<_> = changed.iter().map(|c| format!("a.{c} IS NOT b.{c}")).collect();
        let condition = format!("b.{} IS NOT NULL AND ({})", self.key[0], differs.join(" OR "));
        let columns: Vec<_> = changed.iter().chain(&self.key).cloned().collect();
        let rows = self.rows(connection, &columns, &condition);
        let set: Vec<_> = changed.iter().map(|column| format!("{column} = ?")).collect();
        let at: Vec<_> = self.key.iter().map(|key| format!("{key} = ?")).collect();
        let sql = format!("UPDATE {} SET {} WHERE {}", self.name, set.join(", "), at.join(" AND "));
        Some(Statement { table: self.name.clone(), verb: "update", sql, rows })
    }
}

impl Rows {
    /// What so many checkouts wrote between two states of a file.
    pub(crate) fn between(before: &Path, after: &Path, checkouts: usize) -> Self {
        let connection = Connection::open(after).unwrap();
        let before = before.to_str().unwrap();
        connection.execute("ATTACH DATABASE ? AS before", [before]).unwrap();
        let mut statements = Vec::new();
        for table in Table::all(&connection) {
            statements.extend(table.inserted(&connection));
            // A level moves as often as units are held of it, and only its end can be seen.
            if table.name != "commerce_stock_levels" {
                statements.extend(table.updated(&connection));
            }
        }
        let mut held = connection
            .prepare(
                "SELECT h.quantity, h.variant_id, h.location_id FROM main.commerce_holds h
                 LEFT JOIN before.commerce_holds b USING (order_id, line, position)
                 WHERE b.order_id IS NULL ORDER BY h.order_id, h.line, h.position",
            )
            .unwrap();
        let rows = held.query_map([], |row| (0..3).map(|index| row.get(index)).collect());
        statements.push(Statement {
            table: "commerce_stock_levels".to_owned(),
            verb: "update",
            sql: "UPDATE commerce_stock_levels SET held = held + ?1
                  WHERE variant_id = ?2 AND location_id = ?3 AND held + ?1 <= on_hand"
                .to_owned(),
            rows: rows.unwrap().map(Result::unwrap).collect(),
        });
        // What is not written for each checkout is written once for many, such as a counter.
        statements.retain(|statement| statement.rows.len() % checkouts == 0);
        Self { checkouts, statements }
    }

    /// What each checkout writes, in words.
    pub(crate) fn describe(&self) -> String {
        let parts: Vec<_> = self
            .statements
            .iter()
            .map(|s| format!("{} {} {}", s.verb, s.rows.len() / self.checkouts, s.table))
            .collect();
        parts.join(", ")
    }

    /// Writes it all into the file, durably after each batch of checkouts; answers how long it took,
    /// and how much of that the processor worked.
    pub(crate) fn write(&self, path: &Path, batch: usize) -> [Duration; 2] {
        let mut connection = Connection::open(path).unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;
                 PRAGMA journal_size_limit = 67108864;",
            )
            .unwrap();
        let (started, worked) = (Instant::now(), processor_time());
        for first in (0..self.checkouts).step_by(batch) {
            let end = (first + batch).min(self.checkouts);
            let immediate = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(immediate).unwrap();
            for checkout in first..end {
                self.write_one(&transaction, checkout);
            }
            transaction.commit().unwrap();
        }
        [started.elapsed(), processor_time() - worked]
    }

    fn write_one(&self, transaction: &Transaction<'_>, checkout: usize) {
        for statement in &self.statements {
            let each = statement.rows.len() / self.checkouts;
            let rows = &statement.rows[checkout * each..(checkout + 1) * each];
            let mut prepared = transaction.prepare_cached(&statement.sql).unwrap();
            for row in rows {
                assert_eq!(prepared.execute(params_from_iter(row)).unwrap(), 1);
            }
        }
    }
}
