//! How statements are run, and how values are read back.
//!
//! A read is one statement, so that it is one snapshot and one round trip, and leaves nothing behind
//! when it is dropped half-way. What belongs to a record comes with it as an array of rows in a
//! column of its own: `ARRAY(SELECT ROW(…) …)`.

use std::{cell::Cell as Place, fmt::Display, str::FromStr};

use commerce_core::{
    currency::Currency, id::Id, money::Money, quantity::Quantity, secret::Digest, time::Timestamp,
    version::Version,
};
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as WordError},
};
use sqlx::{
    PgConnection, Row, SqlSafeStr, ValueRef,
    postgres::{PgArguments, PgRow},
};
use uuid::Uuid;

use crate::{
    cell::{EPOCH, Param},
    error::{Error, Result},
};

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

fn arguments<'a>(params: impl IntoIterator<Item = Param<'a>>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for param in params {
        sqlx::Arguments::add(&mut arguments, param).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Rows of one statement, which is kept prepared.
pub(crate) async fn all<T>(
    connection: &mut PgConnection,
    sql: impl SqlSafeStr,
    params: impl IntoIterator<Item = Param<'_>>,
    mut read: impl FnMut(&Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let query = sqlx::query_with(sql, arguments(params)?);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| read(&Columns::of_row(row)?)).collect()
}

/// The first row of one statement, which is kept prepared.
pub(crate) async fn first<T>(
    connection: &mut PgConnection,
    sql: impl SqlSafeStr,
    params: impl IntoIterator<Item = Param<'_>>,
    read: impl FnOnce(&Columns<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let query = sqlx::query_with(sql, arguments(params)?);
    let row = query.fetch_optional(connection).await?;
    row.map(|row| read(&Columns::of_row(&row)?)).transpose()
}

/// Runs one statement, which is kept prepared; answers how many rows it changed.
pub(crate) async fn run(
    connection: &mut PgConnection,
    sql: impl SqlSafeStr,
    params: impl IntoIterator<Item = Param<'_>>,
) -> Result<u64> {
    let query = sqlx::query_with(sql, arguments(params)?);
    Ok(query.execute(connection).await?.rows_affected())
}

/// A row, read column by column from the first to the last.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    values: Vec<Option<&'a [u8]>>,
    next: Place<usize>,
}

fn corrupt(why: impl Display) -> Error {
    Error::Corrupt(why.to_string())
}

/// Takes bytes from the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count).ok_or_else(|| corrupt("too few bytes"))?;
    *bytes = rest;
    Ok(front)
}

fn number(bytes: &[u8]) -> Result<i64> {
    match bytes.len() {
        8 => bytes.try_into().map(i64::from_be_bytes).map_err(corrupt),
        4 => bytes.try_into().map(|bytes| i32::from_be_bytes(bytes).into()).map_err(corrupt),
        _ => Err(corrupt("not a whole number")),
    }
}

fn take_number(bytes: &mut &[u8]) -> Result<i64> {
    number(take(bytes, 4)?)
}

/// A value after its length, which is negative where there is none.
fn take_value<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    match usize::try_from(take_number(bytes)?) {
        Ok(length) => take(bytes, length).map(Some),
        Err(_) => Ok(None),
    }
}

/// The elements of an array of one dimension.
fn elements(mut bytes: &[u8]) -> Result<Vec<Option<&[u8]>>> {
    let dimensions = take_number(&mut bytes)?;
    take(&mut bytes, 8)?;
    if dimensions == 0 {
        return Ok(Vec::new());
    }
    let length = take_number(&mut bytes)?;
    take(&mut bytes, 4)?;
    (0..length).map(|_| take_value(&mut bytes)).collect()
}

impl<'a> Columns<'a> {
    fn of_row(row: &'a PgRow) -> Result<Self> {
        let value = |at| {
            let value = row.try_get_raw(at)?;
            if value.is_null() {
                return Ok(None);
            }
            value.as_bytes().map(Some).map_err(|error| Error::Database(sqlx::Error::Decode(error)))
        };
        let values = (0..row.len()).map(value).collect::<Result<_>>()?;
        Ok(Self { values, next: Place::new(0) })
    }

    fn of_record(mut bytes: &'a [u8]) -> Result<Self> {
        let columns = take_number(&mut bytes)?;
        let value = |_| {
            take(&mut bytes, 4)?;
            take_value(&mut bytes)
        };
        let values = (0..columns).map(value).collect::<Result<_>>()?;
        Ok(Self { values, next: Place::new(0) })
    }

    fn peek(&self) -> Result<Option<&'a [u8]>> {
        self.values.get(self.next.get()).copied().ok_or_else(|| self.broken("is missing"))
    }

    fn raw(&self) -> Result<&'a [u8]> {
        let value = self.peek()?;
        self.skip(1);
        value.ok_or_else(|| self.broken("is null"))
    }

    /// Passes over columns.
    pub(crate) fn skip(&self, columns: usize) {
        self.next.set(self.next.get() + columns);
    }

    fn broken(&self, why: impl Display) -> Error {
        Error::Corrupt(format!("column {}: {why}", self.next.get()))
    }

    /// A value that may be absent.
    pub(crate) fn maybe<T>(&self, read: impl FnOnce(&Self) -> Result<T>) -> Result<Option<T>> {
        if self.peek()?.is_none() {
            self.skip(1);
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }

    pub(crate) fn str(&self) -> Result<&'a str> {
        std::str::from_utf8(self.raw()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn bytes(&self) -> Result<&'a [u8]> {
        self.raw()
    }

    pub(crate) fn i64(&self) -> Result<i64> {
        number(self.raw()?).map_err(|error| self.broken(error))
    }

    /// A whole number of a narrower type.
    pub(crate) fn int<T: TryFrom<i64>>(&self) -> Result<T> {
        T::try_from(self.i64()?).map_err(|_| self.broken("out of range"))
    }

    pub(crate) fn bool(&self) -> Result<bool> {
        Ok(self.raw()? != [0])
    }

    pub(crate) fn uuid(&self) -> Result<Uuid> {
        Uuid::from_slice(self.raw()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn id<T: Id>(&self) -> Result<T> {
        self.uuid().map(T::from_uuid)
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

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.raw()?).map_err(|error| self.broken(error))
    }

    pub(crate) fn time(&self) -> Result<Timestamp> {
        let millis = self.i64()?.div_euclid(1_000).saturating_add(EPOCH);
        Timestamp::from_millis(millis).map_err(|error| self.broken(error))
    }

    pub(crate) fn digest(&self) -> Result<Digest> {
        let bytes = self.raw()?.try_into().map_err(|error| self.broken(error))?;
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

    /// An array of rows.
    pub(crate) fn rows<T>(
        &self,
        mut read: impl FnMut(&Columns<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let row = |row: Option<&'a [u8]>| {
            read(&Columns::of_record(row.ok_or_else(|| self.broken("has no row"))?)?)
        };
        elements(self.raw()?)?.into_iter().map(row).collect()
    }

    /// An array of single values.
    pub(crate) fn list<T>(
        &self,
        mut read: impl FnMut(&Columns<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let value = |value| read(&Columns { values: vec![value], next: Place::new(0) });
        elements(self.raw()?)?.into_iter().map(value).collect()
    }
}
