//! Writing set by set: all rows of a batch that go into one table in the same way are one part of one
//! statement, with one array for each column.
//!
//! Rows are found by their keys alone, and all of them have been locked, or are new, or belong to a
//! record that was locked. How many rows each part must change is known, and checked.

use std::{collections::BTreeMap, fmt::Write};

use commerce_core::version::Version;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    cell::{Array, Cell, Param},
    codec::{self, Columns},
    error::{Error, Result},
    table::{At, Cells, Table},
};

/// What is done with the rows of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// They are new; the database refuses one that is not.
    Insert,
    /// They are new, or take the place of those with the same key.
    Put,
    /// They are there, and all their columns are written.
    Update,
    /// They are there, and get another version.
    Touch,
    /// They are there, and go.
    Delete,
}

#[derive(Debug)]
struct Set {
    table: &'static Table,
    columns: Vec<Array>,
    rows: usize,
}

/// What is written in one statement.
#[derive(Debug, Default)]
pub(crate) struct Sets(BTreeMap<(&'static str, Deed), Set>);

impl Sets {
    fn push(&mut self, table: &'static Table, deed: Deed, row: &[Cell<'_>]) {
        let columns = match deed {
            Deed::Delete => table.keys,
            // The version comes after the key.
            Deed::Touch => table.keys + 1,
            Deed::Insert | Deed::Put | Deed::Update => table.columns.len(),
        };
        let set = self.0.entry((table.name, deed)).or_insert_with(|| Set {
            table,
            columns: table
                .columns
                .iter()
                .take(columns)
                .map(|(_, kind)| Array::new(*kind))
                .collect(),
            rows: 0,
        });
        set.rows += 1;
        for (column, cell) in set.columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }

    /// Inserts a row.
    pub(crate) fn insert(&mut self, table: &'static Table, row: &[Cell<'_>]) {
        self.push(table, Deed::Insert, row);
    }

    /// Writes a row that is there.
    pub(crate) fn update(&mut self, table: &'static Table, row: &[Cell<'_>]) {
        self.push(table, Deed::Update, row);
    }

    /// Gives a record another version.
    pub(crate) fn touch(&mut self, table: &'static Table, key: Cell<'_>, version: Version) {
        self.push(table, Deed::Touch, &[key, Cell::count(version.get())]);
    }

    /// Writes the row of a record as it was and as it is to be.
    pub(crate) fn record<'a, T>(
        &mut self,
        table: &'static Table,
        before: At<'a, T>,
        after: At<'a, T>,
        row: impl Fn(&'a T, Version) -> Result<Cells<'a>>,
    ) -> Result<()> {
        match (before, after) {
            (None, None) => {}
            (None, Some((version, new))) => self.push(table, Deed::Insert, &row(new, version)?),
            (Some(_), Some((version, new))) => self.push(table, Deed::Update, &row(new, version)?),
            (Some((version, old)), None) => self.push(table, Deed::Delete, &row(old, version)?),
        }
        Ok(())
    }

    /// Writes the difference between the rows that belong to a record, place by place.
    pub(crate) fn belongings<'a, T>(
        &mut self,
        table: &'static Table,
        before: At<'a, T>,
        after: At<'a, T>,
        rows: impl Fn(&'a T) -> Result<Vec<Cells<'a>>>,
    ) -> Result<()> {
        let place = |row: &Cells<'a>| -> Vec<i64> {
            let keys = row.iter().take(table.keys).skip(1);
            keys.filter_map(|cell| if let Cell::Int(at) = cell { Some(*at) } else { None })
                .collect()
        };
        let rows = |at: At<'a, T>| at.map_or(Ok(Vec::new()), |(_, record)| rows(record));
        let mut rest: BTreeMap<_, _> =
            rows(before)?.into_iter().map(|row| (place(&row), row)).collect();
        // Of a record that is new, no row can be there, and the database need not look.
        let deed = if before.is_none() { Deed::Insert } else { Deed::Put };
        for row in rows(after)? {
            if rest.remove(&place(&row)).as_ref() != Some(&row) {
                self.push(table, deed, &row);
            }
        }
        for row in rest.into_values() {
            self.push(table, Deed::Delete, &row);
        }
        Ok(())
    }

    /// Writes all of it, in one round trip.
    pub(crate) async fn write(self, connection: &mut PgConnection) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.0.values().map(|set| codec::count(set.rows)).collect();
        let sql = self.sql();
        let params = self.0.into_values().flat_map(|set| set.columns).map(Param::Many);
        let read = |row: &Columns<'_>| rows.iter().map(|_| row.i64()).collect::<Result<Vec<_>>>();
        let changed = codec::first(connection, AssertSqlSafe(sql), params, read).await?;
        // A row that should be there and is not: somebody has written past this crate.
        if changed.as_ref() != Some(&rows) {
            return Err(Error::Corrupt("rows of a record are missing".to_owned()));
        }
        Ok(())
    }

    fn sql(&self) -> String {
        let mut sql = String::with_capacity(4_096);
        let mut params = 0;
        for (at, ((_, deed), set)) in self.0.iter().enumerate() {
            sql.push_str(if at == 0 { "WITH " } else { ", " });
            // Writing to a string cannot fail.
            let _ = write!(sql, "s{at} AS (");
            set.sql(*deed, &mut params, &mut sql);
            sql.push_str(" RETURNING 1)");
        }
        for at in 0..self.0.len() {
            let next = if at == 0 { " SELECT" } else { "," };
            let _ = write!(sql, "{next} (SELECT count(*) FROM s{at})");
        }
        sql
    }
}

impl Set {
    fn sql(&self, deed: Deed, params: &mut usize, sql: &mut String) {
        let Table { name, keys, columns } = self.table;
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (_, kind) in columns.iter().take(self.columns.len()) {
            *params += 1;
            arrays.push(format!("${params}::{}", kind.array()));
        }
        let rows = format!("unnest({})", arrays.join(", "));
        let keys: Vec<_> = columns.iter().take(*keys).map(|(key, _)| *key).collect();
        let mut same = keys.iter().map(|key| format!("t.{key} = n.{key}")).collect::<Vec<_>>();
        // However a join is planned, and a plan made for an empty table is kept when it has grown, its
        // rows are found by an index.
        same.extend(
            keys.iter().zip(&arrays).take(1).map(|(key, all)| format!("t.{key} = ANY({all})")),
        );
        let (keys, same) = (keys.join(", "), same.join(" AND "));
        let names = self.table.names();
        let assign = |from: &str| {
            let rest = columns.iter().skip(self.table.keys);
            rest.map(|(name, _)| format!("{name} = {from}.{name}")).collect::<Vec<_>>().join(", ")
        };
        // Writing to a string cannot fail.
        let _ = match deed {
            Deed::Insert => write!(sql, "INSERT INTO {name} ({names}) SELECT * FROM {rows}"),
            Deed::Put => write!(
                sql,
                "INSERT INTO {name} ({names}) SELECT * FROM {rows}
                ON CONFLICT ({keys}) DO UPDATE SET {}",
                assign("excluded")
            ),
            Deed::Update => write!(
                sql,
                "UPDATE {name} AS t SET {} FROM {rows} AS n ({names}) WHERE {same}",
                assign("n")
            ),
            Deed::Touch => write!(
                sql,
                "UPDATE {name} AS t SET version = n.version
                FROM {rows} AS n ({keys}, version) WHERE {same}"
            ),
            Deed::Delete => {
                write!(sql, "DELETE FROM {name} AS t USING {rows} AS n ({keys}) WHERE {same}")
            }
        };
    }
}
