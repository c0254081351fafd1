//! The tables, noun by noun: how each record is written, as a difference, and read back.

pub(crate) mod cart;
pub(crate) mod category;
pub(crate) mod customer;
pub(crate) mod document;
pub(crate) mod facet;
pub(crate) mod journal;
pub(crate) mod order;
pub(crate) mod payment;
pub(crate) mod product;
pub(crate) mod shop;
pub(crate) mod stock;
pub(crate) mod token;
pub(crate) mod variant;
pub(crate) mod wanted;
pub(crate) mod webhook;

use commerce_core::{id::Id, time::Timestamp};
use rusqlite::{
    Connection, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{codec, error::Result};

/// The value of a column, borrowed from its record where it can be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Integer(i64),
    Id([u8; 16]),
    Text(&'a str),
    Made(String),
    Blob(&'a [u8]),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Id(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Made(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'a> Cell<'a> {
    pub(crate) fn id<T: Id>(id: T) -> Self {
        Self::Id(codec::key(id))
    }

    pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        codec::json(value).map(Self::Made)
    }

    pub(crate) fn count(value: impl TryInto<i64>) -> Self {
        Self::Integer(codec::count(value))
    }

    /// Null if there is none.
    pub(crate) fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, cell)
    }

    pub(crate) fn maybe_text<T: AsRef<str>>(value: Option<&'a T>) -> Self {
        Self::maybe(value, |text| Self::Text(text.as_ref()))
    }

    pub(crate) fn maybe_id<T: Id>(value: Option<T>) -> Self {
        Self::maybe(value, Self::id)
    }

    pub(crate) fn maybe_time(value: Option<Timestamp>) -> Self {
        Self::maybe(value, Self::from)
    }

    pub(crate) fn maybe_json<T: Serialize>(value: Option<&T>) -> Result<Self> {
        value.map_or(Ok(Self::Null), Self::json)
    }

    /// The value as JSON, or nothing where the other state of the record has the same: a column
    /// that stays as it is need not be made only to be compared.
    pub(crate) fn json_unless<T: Serialize + PartialEq>(
        value: &T,
        other: Option<&T>,
    ) -> Result<Self> {
        if other == Some(value) { Ok(Self::Null) } else { Self::json(value) }
    }

    /// As [`json_unless`](Self::json_unless), of a value that may be absent.
    pub(crate) fn maybe_json_unless<T: Serialize + PartialEq>(
        value: &Option<T>,
        other: Option<&Option<T>>,
    ) -> Result<Self> {
        match value {
            Some(inner) if other != Some(value) => Self::json(inner),
            _ => Ok(Self::Null),
        }
    }
}

impl From<i64> for Cell<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<Timestamp> for Cell<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_millis())
    }
}

/// A table and its columns, in the order in which they are written and read.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// How many of the columns, from the first, are its key.
    pub(crate) keys: usize,
    pub(crate) columns: &'static [&'static str],
    /// The columns in which no two rows may be equal, apart from the key.
    pub(crate) unique: &'static [&'static str],
    /// `INSERT INTO name (columns) VALUES (…)`.
    pub(crate) insert: &'static str,
    /// `SELECT columns FROM name`.
    pub(crate) select: &'static str,
}

/// Declares a [`Table`].
macro_rules! table {
    ($(#[$doc:meta])* $vis:vis $ident:ident = $name:literal, $keys:literal keys
     $(, unique $($unique:ident)*)?: $first:ident $($column:ident)*) => {
        $(#[$doc])*
        $vis const $ident: $crate::table::Table = $crate::table::Table {
            name: $name,
            keys: $keys,
            columns: &[stringify!($first) $(, stringify!($column))*],
            unique: &[$($(stringify!($unique)),*)?],
            insert: concat!(
                "INSERT INTO ", $name, " (", stringify!($first) $(, ", ", stringify!($column))*,
                ") VALUES (?" $(, $crate::table::placeholder!($column))*, ")"
            ),
            select: concat!(
                "SELECT ", stringify!($first) $(, ", ", stringify!($column))*, " FROM ", $name
            ),
        };
    };
}

macro_rules! placeholder {
    ($column:ident) => {
        ", ?"
    };
}

pub(crate) use {placeholder, table};

impl Table {
    /// All columns of the rows that a clause names.
    pub(crate) fn select(&self, clause: &str) -> String {
        [self.select, " ", clause].concat()
    }

    /// All columns of the rows that a JSON list of ids names, in its order.
    pub(crate) fn select_in_order(&self) -> String {
        format!(
            "SELECT {} FROM json_each(?1) AS wanted
            CROSS JOIN {} AS it ON it.id = unhex(wanted.value)
            ORDER BY wanted.key",
            self.columns_of("it"),
            self.name
        )
    }

    /// The columns of a table that a statement calls so.
    pub(crate) fn columns_of(&self, alias: &str) -> String {
        let columns: Vec<_> =
            self.columns.iter().map(|column| [alias, ".", column].concat()).collect();
        columns.join(", ")
    }

    pub(crate) fn insert(&self, connection: &Connection, row: &[Cell<'_>]) -> Result<()> {
        codec::run(connection, self.insert, params_from_iter(row))?;
        Ok(())
    }

    /// Writes the columns that differ. An index is only touched if one of its columns is named, so
    /// what stays the same must not be.
    pub(crate) fn update(
        &self,
        connection: &Connection,
        old: &[Cell<'_>],
        new: &[Cell<'_>],
    ) -> Result<()> {
        let mut sql = String::with_capacity(256);
        let mut values = Vec::with_capacity(new.len());
        for ((column, before), after) in self.columns.iter().zip(old).zip(new) {
            if before != after {
                sql.push_str(if values.is_empty() { " SET " } else { ", " });
                sql.push_str(column);
                sql.push_str(" = ?");
                values.push(after);
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        self.by_key(&mut sql);
        values.extend(old.iter().take(self.keys));
        let sql = ["UPDATE ", self.name, &sql].concat();
        codec::run(connection, &sql, params_from_iter(values))?;
        Ok(())
    }

    /// The row with its own id, which no other row has, in the place of all that must be unique: so
    /// it stands aside while another row takes what was its own.
    pub(crate) fn aside<'a>(&self, row: &[Cell<'a>]) -> Vec<Cell<'a>> {
        let Some(Cell::Id(id)) = row.first() else { return row.to_vec() };
        let cells = self.columns.iter().zip(row).map(|(column, cell)| match cell {
            cell if !self.unique.contains(column) => cell.clone(),
            // No text of a record begins like this.
            Cell::Text(_) | Cell::Made(_) => {
                Cell::Made(format!("\u{1}{}", Uuid::from_bytes(*id).simple()))
            }
            Cell::Id(_) | Cell::Blob(_) => Cell::Id(*id),
            Cell::Null | Cell::Integer(_) => cell.clone(),
        });
        cells.collect()
    }

    /// Deletes the row with this key, or all rows whose key begins so.
    pub(crate) fn delete(&self, connection: &Connection, key: &[Cell<'_>]) -> Result<()> {
        let mut sql = format!("DELETE FROM {}", self.name);
        let columns = self.columns.iter().take(key.len());
        for (index, column) in columns.enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(column);
            sql.push_str(" = ?");
        }
        codec::run(connection, &sql, params_from_iter(key))?;
        Ok(())
    }

    fn by_key(&self, sql: &mut String) {
        for (index, column) in self.columns.iter().take(self.keys).enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(column);
            sql.push_str(" = ?");
        }
    }

    /// Inserts the rows that belong to a record, in their order.
    pub(crate) fn insert_all<'a, T>(
        &self,
        connection: &Connection,
        values: &'a [T],
        row: impl Fn(i64, &'a T) -> Result<Vec<Cell<'a>>>,
    ) -> Result<()> {
        for (position, value) in (0..).zip(values) {
            self.insert(connection, &row(position, value)?)?;
        }
        Ok(())
    }

    /// Writes the difference between the rows that belong to a record, place by place.
    pub(crate) fn update_all<'a, T: PartialEq>(
        &self,
        connection: &Connection,
        old: &'a [T],
        new: &'a [T],
        row: impl Fn(i64, &'a T) -> Result<Vec<Cell<'a>>>,
    ) -> Result<()> {
        let (mut old, mut new) = (old.iter(), new.iter());
        for position in 0.. {
            match (old.next(), new.next()) {
                (None, None) => break,
                (Some(before), Some(after)) if before == after => {}
                (Some(before), Some(after)) => {
                    self.update(connection, &row(position, before)?, &row(position, after)?)?;
                }
                (None, Some(after)) => self.insert(connection, &row(position, after)?)?,
                (Some(before), None) => {
                    let row = row(position, before)?;
                    self.delete(connection, row.get(..self.keys).unwrap_or(&row))?;
                }
            }
        }
        Ok(())
    }
}
