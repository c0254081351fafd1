//! The tables, noun by noun: how each record is written, as a difference, and read back.

pub(crate) mod cart;
pub(crate) mod category;
pub(crate) mod checkout;
pub(crate) mod customer;
pub(crate) mod document;
pub(crate) mod journal;
pub(crate) mod order;
pub(crate) mod payment;
pub(crate) mod product;
pub(crate) mod shop;
pub(crate) mod stock;
pub(crate) mod token;
pub(crate) mod variant;
pub(crate) mod webhook;

use commerce_core::version::Version;

use crate::cell::{Cell, Kind};

/// The columns of one row, in the order of its table.
pub(crate) type Cells<'a> = Vec<Cell<'a>>;

/// A record at a version, or none.
pub(crate) type At<'a, T> = Option<(Version, &'a T)>;

/// A table and its columns, in the order in which they are written and read.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// How many of the columns, from the first, are its key.
    pub(crate) keys: usize,
    /// The columns that no two rows may have the same of. Whoever writes one of them, even as it was,
    /// locks the row against whoever refers to it.
    pub(crate) unique: &'static [&'static str],
    pub(crate) columns: &'static [(&'static str, Kind)],
}

/// Declares a [`Table`].
macro_rules! table {
    ($(#[$doc:meta])* $vis:vis $ident:ident = $name:literal, $keys:literal keys
     $(, unique $($unique:ident)+)?: $($column:ident: $kind:ident),* $(,)?) => {
        $(#[$doc])*
        $vis static $ident: $crate::table::Table = $crate::table::Table {
            name: $name,
            keys: $keys,
            unique: &[$($(stringify!($unique)),+)?],
            columns: &[$((stringify!($column), $crate::cell::Kind::$kind)),*],
        };
    };
}

pub(crate) use table;

impl Table {
    /// The names of its columns, with commas between them.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The columns of a row that goes by another name, with commas between them.
    pub(crate) fn of(&self, row: &str) -> String {
        let columns = self.columns.iter().map(|(name, _)| format!("{row}.{name}"));
        columns.collect::<Vec<_>>().join(", ")
    }
}
