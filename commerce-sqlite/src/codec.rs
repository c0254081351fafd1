//! How values stand in columns, and how they are read back.

use std::{cell::Cell, fmt::Display, str::FromStr};

use commerce_core::{
    currency::Currency, id::Id, money::Money, quantity::Quantity, secret::Digest, time::Timestamp,
    version::Version,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, types::ValueRef};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as WordError},
};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The column of an id.
pub(crate) fn key<T: Id>(id: T) -> [u8; 16] {
    id.uuid().into_bytes()
}

/// The column of an amount that stands beside its currency.
pub(crate) fn minor(amount: Money, currency: Currency) -> Result<i64> {
    amount.minor_in(currency).map_err(|_| Error::Unfit("an amount in another currency"))
}

/// The column of a snapshot.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Unfit("a value that has no JSON"))
}

/// The column of a number that is never as large as the column.
pub(crate) fn count(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A list of ids as JSON, for `json_each` and `unhex`.
pub(crate) fn ids<T: Id>(ids: impl IntoIterator<Item = T>) -> String {
    let mut list = String::from("[");
    for id in ids {
        if list.len() > 1 {
            list.push(',');
        }
        list.push('"');
        let mut digits = [0; 32];
        list.push_str(id.uuid().simple().encode_lower(&mut digits));
        list.push('"');
    }
    list.push(']');
    list
}

/// The statements that something runs, and what SQLite plans to do for each, for tests that look at it.
#[cfg(test)]
pub(crate) mod plan {
    use std::cell::RefCell;

    use rusqlite::Connection;

    #[derive(Default)]
    struct Noted {
        statements: Vec<String>,
        steps: Vec<(String, String)>,
    }

    thread_local! {
        static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
    }

    /// Notes a statement and its plan while somebody listens.
    pub(crate) fn note(connection: &Connection, sql: &str) {
        NOTED.with_borrow_mut(|noted| {
            let Some(noted) = noted else { return };
            noted.statements.push(sql.to_owned());
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().unwrap() {
                noted.steps.push((row.get(3).unwrap(), sql.to_owned()));
            }
        });
    }

    fn noted<T>(run: impl FnOnce() -> T) -> (Noted, T) {
        NOTED.set(Some(Noted::default()));
        let done = run();
        (NOTED.take().unwrap(), done)
    }

    /// The steps of all statements that something runs, each with its statement.
    pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (Vec<(String, String)>, T) {
        let (noted, done) = noted(run);
        (noted.steps, done)
    }

    /// The statements that something runs.
    pub(crate) fn statements_of<T>(run: impl FnOnce() -> T) -> (Vec<String>, T) {
        let (noted, done) = noted(run);
        (noted.statements, done)
    }
}

/// Rows of one statement, which is kept prepared.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    #[cfg(test)]
    plan::note(connection, sql);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Columns::new(row))?);
    }
    Ok(found)
}

/// The first row of one statement, which is kept prepared.
pub(crate) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Columns<'_>) -> Result<T>,
) -> Result<Option<T>> {
    #[cfg(test)]
    plan::note(connection, sql);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(|row| read(&Columns::new(row))).transpose()
}

/// One number.
pub(crate) fn number(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<i64>> {
    #[cfg(test)]
    plan::note(connection, sql);
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?)
}

/// Runs one statement, which is kept prepared; answers how many rows it changed.
pub(crate) fn run(connection: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    #[cfg(test)]
    plan::note(connection, sql);
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// A row, read column by column from the first to the last.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    row: &'a Row<'a>,
    next: Cell<usize>,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a Row<'a>) -> Self {
        Self { row, next: Cell::new(0) }
    }

    fn peek(&self) -> Result<ValueRef<'a>> {
        Ok(self.row.get_ref(self.next.get())?)
    }

    fn raw(&self) -> Result<ValueRef<'a>> {
        let value = self.peek()?;
        self.skip(1);
        Ok(value)
    }

    /// Passes over columns.
    pub(crate) fn skip(&self, columns: usize) {
        self.next.set(self.next.get() + columns);
    }

    pub(crate) fn broken(&self, why: impl Display) -> Error {
        let column = self.row.as_ref().column_name(self.next.get().saturating_sub(1));
        Error::Corrupt(format!("column {}: {why}", column.unwrap_or("?")))
    }

    /// A value that may be absent.
    pub(crate) fn maybe<T>(&self, read: impl FnOnce(&Self) -> Result<T>) -> Result<Option<T>> {
        if self.peek()? == ValueRef::Null {
            self.skip(1);
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }

    pub(crate) fn str(&self) -> Result<&'a str> {
        self.raw()?.as_str().map_err(|error| self.broken(error))
    }

    pub(crate) fn bytes(&self) -> Result<&'a [u8]> {
        self.raw()?.as_blob().map_err(|error| self.broken(error))
    }

    pub(crate) fn i64(&self) -> Result<i64> {
        self.raw()?.as_i64().map_err(|error| self.broken(error))
    }

    /// A whole number of a narrower type.
    pub(crate) fn int<T: TryFrom<i64>>(&self) -> Result<T> {
        T::try_from(self.i64()?).map_err(|_| self.broken("out of range"))
    }

    pub(crate) fn bool(&self) -> Result<bool> {
        Ok(self.i64()? != 0)
    }

    pub(crate) fn uuid(&self) -> Result<Uuid> {
        Uuid::from_slice(self.bytes()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn id<T: Id>(&self) -> Result<T> {
        self.uuid().map(T::from_uuid)
    }

    /// Whether the next value is a number.
    pub(crate) fn is_integer(&self) -> Result<bool> {
        Ok(matches!(self.peek()?, ValueRef::Integer(_)))
    }

    /// A text with a rule.
    pub(crate) fn text<T: FromStr<Err: Display>>(&self) -> Result<T> {
        self.str()?.parse().map_err(|error| self.broken(error))
    }

    /// The word of a state.
    pub(crate) fn word<T: DeserializeOwned>(&self) -> Result<T> {
        let word = IntoDeserializer::<WordError>::into_deserializer(self.str()?);
        T::deserialize(word).map_err(|error| self.broken(error))
    }

    pub(crate) fn json<T: Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.str()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn time(&self) -> Result<Timestamp> {
        Timestamp::from_millis(self.i64()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn digest(&self) -> Result<Digest> {
        let bytes = self.bytes()?.try_into().map_err(|error| self.broken(error))?;
        Ok(Digest::from_bytes(bytes))
    }

    pub(crate) fn quantity(&self) -> Result<Quantity> {
        Quantity::new(self.i64()?).map_err(|error| self.broken(error))
    }

    /// An amount whose currency stands elsewhere.
    pub(crate) fn money(&self, currency: Currency) -> Result<Money> {
        Ok(Money::new(self.i64()?, currency))
    }

    /// An amount with its currency in the next column.
    pub(crate) fn priced(&self) -> Result<Money> {
        let minor = self.i64()?;
        Ok(Money::new(minor, self.text()?))
    }

    /// An amount with its currency in the next column, both of which may be absent.
    pub(crate) fn maybe_priced(&self) -> Result<Option<Money>> {
        let amount = self.maybe(Self::priced)?;
        if amount.is_none() {
            self.skip(1);
        }
        Ok(amount)
    }

    pub(crate) fn version(&self) -> Result<Version> {
        self.int().map(Version::new)
    }
}
