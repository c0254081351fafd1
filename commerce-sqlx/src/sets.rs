//! Writing set by set: all rows of a batch that go into one table in the same way are one part of a
//! statement, with one array for each column.
//!
//! Rows are found by their keys alone, and all of them have been locked, or are new, or belong to a
//! record that was locked. How many rows each part must change is known, and checked.

use std::collections::BTreeMap;

use commerce_core::{store::Stored, version::Version};

use crate::{
    cell::{Array, Cell},
    error::Result,
    parts::{Parts, rows},
    table::{At, Cells, Table},
};

/// What is done with the rows of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// They are new; the database refuses one that is not.
    Insert,
    /// They take the place of those with the same key, if such are there. A join by arrays would say
    /// that of rows that are, but the planner takes every array for a short one and compares each row
    /// with each.
    Put,
    /// As [`Put`](Self::Put), and their unique columns are others.
    Move,
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
            Deed::Insert | Deed::Put | Deed::Move => table.columns.len(),
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

    /// Writes a row that is there, and is locked.
    pub(crate) fn update(&mut self, table: &'static Table, row: &[Cell<'_>]) {
        self.push(table, Deed::Put, row);
    }

    /// Gives a record another version.
    pub(crate) fn touch(&mut self, table: &'static Table, key: Cell<'_>, version: Version) {
        self.push(table, Deed::Touch, &[key, Cell::count(version.get())]);
    }

    /// Writes the row of a record as it was and as it is to be.
    pub(crate) fn record<'a, T: Stored>(
        &mut self,
        table: &'static Table,
        before: At<'a, T>,
        after: At<'a, T>,
        row: impl Fn(&'a T, Version) -> Result<Cells<'a>>,
    ) -> Result<()> {
        match (before, after) {
            (None, None) => {}
            (None, Some((version, new))) => self.push(table, Deed::Insert, &row(new, version)?),
            (Some((_, old)), Some((version, new))) => {
                let moves = !table.unique.is_empty() && old.unique_keys() != new.unique_keys();
                let deed = if moves { Deed::Move } else { Deed::Put };
                self.push(table, deed, &row(new, version)?);
            }
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

    /// Adds it all to a statement.
    pub(crate) fn write(self, parts: &mut Parts) {
        for (at, ((_, deed), set)) in self.0.into_iter().enumerate() {
            let rows = set.rows;
            let sql = set.sql(deed, parts);
            parts.write(format!("s{at}"), &sql, Some(rows));
        }
    }
}

impl Set {
    fn sql(self, deed: Deed, parts: &mut Parts) -> String {
        let Table { name, keys, unique, columns } = self.table;
        let arrays: Vec<_> = self.columns.into_iter().map(|array| parts.param(array)).collect();
        let rows = rows(columns.iter().map(|(name, _)| *name).zip(&arrays));
        let keys: Vec<_> = columns.iter().take(*keys).map(|(key, _)| *key).collect();
        let mut same = keys.iter().map(|key| format!("t.{key} = n.{key}")).collect::<Vec<_>>();
        // However a join is planned, and a plan made for an empty table is kept when it has grown, its
        // rows are found by an index.
        same.extend(
            keys.iter().zip(&arrays).take(1).map(|(key, all)| format!("t.{key} = ANY({all})")),
        );
        let (keys, same) = (keys.join(", "), same.join(" AND "));
        let names = self.table.names();
        match deed {
            Deed::Insert => format!("INSERT INTO {name} ({names}) {rows}"),
            Deed::Put | Deed::Move => {
                let rest = columns.iter().skip(self.table.keys).map(|(name, _)| *name);
                let rest = rest.filter(|name| deed == Deed::Move || !unique.contains(name));
                let rest: Vec<_> = rest.map(|name| format!("{name} = excluded.{name}")).collect();
                let rest = rest.join(", ");
                format!(
                    "INSERT INTO {name} ({names}) {rows} ON CONFLICT ({keys}) DO UPDATE SET {rest}"
                )
            }
            Deed::Touch => format!(
                "UPDATE {name} AS t SET version = n.version FROM ({rows}) AS n WHERE {same}"
            ),
            Deed::Delete => format!("DELETE FROM {name} AS t USING ({rows}) AS n WHERE {same}"),
        }
    }
}
