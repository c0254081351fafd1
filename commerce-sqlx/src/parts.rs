//! A statement that writes, put together of parts.
//!
//! The parts run in the order in which they are added, all on the snapshot with which the statement
//! begins: none sees what another has written.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    cell::{Array, Param},
    codec::{self, Columns},
    error::{Error, Result},
};

#[derive(Debug, Default)]
pub(crate) struct Parts {
    with: Vec<String>,
    /// The parts that write, and how many rows each must change, if that is known.
    writing: Vec<(String, Option<i64>)>,
    params: Vec<Param<'static>>,
}

impl Parts {
    /// Adds a parameter; answers how it is written.
    pub(crate) fn param(&mut self, array: Array) -> String {
        let kind = array.kind().array();
        self.params.push(array.into());
        format!("${}::{kind}", self.params.len())
    }

    /// Adds a query that later parts use.
    pub(crate) fn query(&mut self, name: &str, sql: &str) {
        self.with.push(format!("{name} AS ({sql})"));
    }

    /// Adds a part that writes, and must change so many rows if that is said.
    pub(crate) fn write(&mut self, name: impl Into<String>, sql: &str, rows: Option<usize>) {
        let name = name.into();
        self.query(&name, &format!("{sql} RETURNING 1"));
        self.writing.push((name, rows.map(codec::count)));
    }

    /// Adds a query that is asked for what it does, and whose rows nobody wants.
    pub(crate) fn call(&mut self, name: &str, sql: &str) {
        self.query(name, sql);
        self.writing.push((name.to_owned(), None));
    }

    /// Runs it all, in one round trip.
    pub(crate) async fn run(self, connection: &mut PgConnection) -> Result<()> {
        let Self { with, writing, params } = self;
        if writing.is_empty() {
            return Ok(());
        }
        // A part runs when its rows are counted.
        let counts: Vec<_> =
            writing.iter().map(|(name, _)| format!("(SELECT count(*) FROM {name})")).collect();
        let sql = format!("WITH {} SELECT {}", with.join(", "), counts.join(", "));
        let right = |row: &Columns<'_>| {
            for (_, expected) in &writing {
                let changed = row.i64()?;
                if expected.is_some_and(|rows| rows != changed) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        // A row that should be there and is not: somebody has written past this crate.
        match codec::first(connection, AssertSqlSafe(sql), params, right).await? {
            Some(true) => Ok(()),
            _ => Err(Error::Corrupt("rows of a record are missing".to_owned())),
        }
    }
}

/// A query of rows that are given by their columns, each an array. `unnest` of several arrays in the
/// place of a table would say the same, but keeps each column in a table of its own before it makes
/// rows of them, which takes the server three times as long.
pub(crate) fn rows<'a>(columns: impl IntoIterator<Item = (&'a str, &'a String)>) -> String {
    let column = |(name, all): (&str, &String)| format!("unnest({all}) AS {name}");
    let columns: Vec<_> = columns.into_iter().map(column).collect();
    format!("SELECT {}", columns.join(", "))
}
