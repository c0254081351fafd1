//! Reading the rows of wanted records: of one, or of a page of them in one statement.

use commerce_core::id::Id;
use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    codec::{self, Columns},
    error::Result,
};

/// The ids of wanted records.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Most reads want one record, and an index finds it without a list being taken apart.
    One([u8; 16]),
    /// A list as JSON, for `json_each` and `unhex`.
    Many(String),
}

impl Wanted {
    pub(crate) fn new<T: Id>(ids: impl IntoIterator<Item = T>) -> Self {
        let mut ids = ids.into_iter();
        match (ids.next(), ids.next()) {
            (Some(one), None) => Self::one(one),
            (first, second) => Self::Many(codec::ids(first.into_iter().chain(second).chain(ids))),
        }
    }

    pub(crate) fn one<T: Id>(id: T) -> Self {
        Self::One(codec::key(id))
    }
}

impl ToSql for Wanted {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::One(id) => ValueRef::Blob(id),
            Self::Many(ids) => ValueRef::Text(ids.as_bytes()),
        }))
    }
}

/// A query for rows of wanted records, in the order in which the records are wanted unless it says
/// otherwise.
#[derive(Debug)]
pub(crate) struct RowsOf {
    one: String,
    many: String,
}

impl RowsOf {
    /// `columns` of the table `from`, whose column `key` is the wanted id, and of what `joins` adds
    /// to it. Columns are named with their table: a list of ids has columns of its own. Rows of one
    /// record come in the order of `order`, if any is given.
    pub(crate) fn new(columns: &str, from: &str, key: &str, joins: &str, order: &str) -> Self {
        let (by, comma) = if order.is_empty() { ("", "") } else { ("ORDER BY ", ", ") };
        Self {
            one: format!("SELECT {columns} FROM {from} {joins} WHERE {key} = ?1 {by}{order}"),
            many: format!(
                "SELECT {columns} FROM json_each(?1) AS wanted
                CROSS JOIN {from} ON {key} = unhex(wanted.value) {joins}
                ORDER BY wanted.key{comma}{order}"
            ),
        }
    }

    /// As [`new`](Self::new), but the records come in the order of their ids: where an index has the
    /// order within each, nothing is sorted.
    pub(crate) fn grouped(columns: &str, from: &str, key: &str, joins: &str, order: &str) -> Self {
        let comma = if order.is_empty() { "" } else { ", " };
        let of = |condition: &str| {
            format!(
                "SELECT {columns} FROM {from} {joins} WHERE {key} {condition}
                ORDER BY {key}{comma}{order}"
            )
        };
        Self { one: of("= ?1"), many: of("IN (SELECT unhex(value) FROM json_each(?1))") }
    }

    /// All columns of a table, called `it`, whose first column is the wanted id.
    pub(crate) fn table(table: &super::Table, order: &str) -> Self {
        let key = format!("it.{}", table.columns.first().copied().unwrap_or_default());
        let from = format!("{} AS it", table.name);
        Self::new(&table.columns_of("it"), &from, &key, "", order)
    }

    pub(crate) fn all<T>(
        &self,
        connection: &Connection,
        wanted: &Wanted,
        read: impl FnMut(&Columns<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let sql = match wanted {
            Wanted::One(_) => &self.one,
            Wanted::Many(_) => &self.many,
        };
        codec::all(connection, sql, [wanted], read)
    }
}
