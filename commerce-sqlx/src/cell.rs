//! How values go to the database: one by one, or a column of many rows as one array.
//!
//! Everything goes in the binary form of the protocol, whose numbers are big-endian. An array is
//! written as its rows come, so that a batch of any size is one parameter for each column.

use commerce_core::{id::Id, secret::Digest, time::Timestamp};
use serde::Serialize;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
};
use uuid::Uuid;

use crate::{codec, error::Result};

/// Milliseconds between 1970, from which the core counts, and 2000, from which PostgreSQL does.
pub(crate) const EPOCH: i64 = 946_684_800_000;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Bytes,
    Int,
    Json,
    Text,
    Time,
    Uuid,
}

impl Kind {
    /// The type's number, and that of its arrays: they are the same in every database.
    fn oids(self) -> (u32, u32) {
        match self {
            Self::Bool => (16, 1000),
            Self::Bytes => (17, 1001),
            Self::Int => (20, 1016),
            Self::Text => (25, 1009),
            Self::Json => (114, 199),
            Self::Time => (1184, 1185),
            Self::Uuid => (2950, 2951),
        }
    }

    /// The name of its arrays.
    pub(crate) fn array(self) -> &'static str {
        match self {
            Self::Bool => "bool[]",
            Self::Bytes => "bytea[]",
            Self::Int => "bigint[]",
            Self::Json => "json[]",
            Self::Text => "text[]",
            Self::Time => "timestamptz[]",
            Self::Uuid => "uuid[]",
        }
    }
}

/// The value of a column, borrowed from its record where it can be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Bytes(&'a [u8]),
    Digest(Digest),
    Int(i64),
    Json(String),
    Made(String),
    Text(&'a str),
    Time(Timestamp),
    Uuid(Uuid),
}

impl<'a> Cell<'a> {
    pub(crate) fn id<T: Id>(id: T) -> Self {
        Self::Uuid(id.uuid())
    }

    pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        codec::json(value).map(Self::Json)
    }

    pub(crate) fn count(value: impl TryInto<i64>) -> Self {
        Self::Int(codec::count(value))
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
        Self::maybe(value, Self::Time)
    }

    pub(crate) fn maybe_json<T: Serialize>(value: Option<&T>) -> Result<Self> {
        value.map_or(Ok(Self::Null), Self::json)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Bytes(_) | Self::Digest(_) => Kind::Bytes,
            Self::Int(_) => Kind::Int,
            Self::Json(_) => Kind::Json,
            Self::Null | Self::Made(_) | Self::Text(_) => Kind::Text,
            Self::Time(_) => Kind::Time,
            Self::Uuid(_) => Kind::Uuid,
        }
    }

    /// Writes the value; answers whether there is one.
    fn write(&self, to: &mut Vec<u8>) -> bool {
        match self {
            Self::Null => return false,
            Self::Bool(value) => to.push(u8::from(*value)),
            Self::Bytes(bytes) => to.extend_from_slice(bytes),
            Self::Digest(digest) => to.extend_from_slice(digest.as_bytes()),
            Self::Int(value) => to.extend_from_slice(&value.to_be_bytes()),
            Self::Json(text) | Self::Made(text) => to.extend_from_slice(text.as_bytes()),
            Self::Text(text) => to.extend_from_slice(text.as_bytes()),
            Self::Time(time) => {
                let micros = (time.as_millis() - EPOCH) * 1_000;
                to.extend_from_slice(&micros.to_be_bytes());
            }
            Self::Uuid(id) => to.extend_from_slice(id.as_bytes()),
        }
        true
    }
}

impl From<i64> for Cell<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Timestamp> for Cell<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

/// A column of many rows.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    kind: Kind,
    len: u32,
    elements: Vec<u8>,
}

impl Array {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, len: 0, elements: Vec::new() }
    }

    pub(crate) fn of<'a>(kind: Kind, cells: impl IntoIterator<Item = Cell<'a>>) -> Self {
        let mut array = Self::new(kind);
        cells.into_iter().for_each(|cell| array.push(&cell));
        array
    }

    pub(crate) fn ids<T: Id>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::of(Kind::Uuid, ids.into_iter().map(Cell::id))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, cell: &Cell<'_>) {
        debug_assert!(*cell == Cell::Null || cell.kind() == self.kind);
        self.len += 1;
        let start = self.elements.len();
        self.elements.extend_from_slice(&(-1_i32).to_be_bytes());
        if cell.write(&mut self.elements) {
            let length = self.elements.len() - start - 4;
            let length = i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes();
            self.elements.iter_mut().skip(start).zip(length).for_each(|(to, byte)| *to = byte);
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Param<'a> {
    One(Cell<'a>),
    Many(Array),
}

impl<'a> From<Cell<'a>> for Param<'a> {
    fn from(cell: Cell<'a>) -> Self {
        Self::One(cell)
    }
}

impl From<Array> for Param<'_> {
    fn from(array: Array) -> Self {
        Self::Many(array)
    }
}

impl Type<Postgres> for Param<'_> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Param<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::One(cell) => {
                return Ok(if cell.write(buffer) { IsNull::No } else { IsNull::Yes });
            }
            Self::Many(Array { kind, len, elements }) => {
                let dimensions = u32::from(*len > 0);
                for number in [dimensions, 1, kind.oids().0] {
                    buffer.extend_from_slice(&number.to_be_bytes());
                }
                if *len > 0 {
                    buffer.extend_from_slice(&len.to_be_bytes());
                    buffer.extend_from_slice(&1_u32.to_be_bytes());
                    buffer.extend_from_slice(elements);
                }
            }
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        let oid = match self {
            Self::One(cell) => cell.kind().oids().0,
            Self::Many(array) => array.kind.oids().1,
        };
        Some(PgTypeInfo::with_oid(Oid(oid)))
    }
}
