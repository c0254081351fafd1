//! What can be wrong with a file, a product and a cell.

use std::{error::Error, fmt, io};

use super::{
    group::{PRODUCT_BYTES_MAX, ROWS_MAX, VARIANTS_MAX},
    product::TAGS_MAX,
    record::{COLUMNS_MAX, FIELD_BYTES_MAX, RECORD_BYTES_MAX},
};

/// The most problems that are kept of one product; further ones are only counted.
pub const PROBLEMS_MAX: usize = 100;

/// Why a file cannot be read as a product export at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is not even a line with column names.
    #[error("the file is empty")]
    Empty,
    /// It begins with a UTF-16 byte order mark.
    #[error("the file is UTF-16 text: save it as CSV in UTF-8")]
    Utf16,
    /// It begins as a ZIP archive does, such as a workbook of Excel.
    #[error("the file is a spreadsheet or another archive, and not text: save it as CSV in UTF-8")]
    Archive,
    /// The line of column names cannot be read.
    #[error("the column names on line {line} cannot be read: {reason}")]
    Header {
        /// The line on which it begins.
        line: u64,
        /// What is wrong with it.
        reason: Reason,
    },
    /// The columns are separated by something else than a comma.
    #[error("the columns are separated by {0:?} instead of a comma")]
    Separator(char),
    /// Columns without which it is not a product export.
    #[error("not a Shopify product export: no column {}", missing.join(", no column "))]
    MissingColumns {
        /// Their names.
        missing: Vec<&'static str>,
    },
    /// Two columns for the same thing.
    #[error("the columns {first:?} and {second:?} hold the same thing: delete one of them")]
    DuplicateColumn {
        /// The name of the first.
        first: String,
        /// The name of the second.
        second: String,
    },
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
}

/// Why the next item is not a product.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Something is wrong with a product; reading goes on with the next one.
    #[error(transparent)]
    Product(FailedProduct),
    /// The file cannot be read any further; this is the last item.
    #[error("the file cannot be read from line {line} on")]
    Io {
        /// The first line that belongs to no item yielded before.
        line: u64,
        /// What the input said.
        source: io::Error,
    },
}

/// A product that cannot be imported as it stands, or rows that belong to no product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedProduct {
    /// The line on which its first row begins, from 1.
    pub line: u64,
    /// The line on which its last row ends.
    pub last_line: u64,
    /// Its handle; `None` if it has none or it cannot be read.
    pub handle: Option<String>,
    /// What is wrong, in the order of the file; at least one, at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// How many problems there are altogether.
    pub problems_total: u64,
}

impl fmt::Display for FailedProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handle {
            Some(handle) => write!(f, "product {}", quoted(handle))?,
            None => f.write_str("rows without a product")?,
        }
        for (i, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { ": " } else { "; " })?;
        }
        match self.problems_total.saturating_sub(self.problems.len() as u64) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Error for FailedProduct {}

/// One thing that is wrong with a row of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The last line that the problem covers: after a row that cannot be told apart from the next,
    /// more of them may have to be skipped.
    pub last_line: u64,
    /// The column's name as the file has it; `None` if it concerns the whole row.
    pub column: Option<String>,
    /// The cell's text, shortened to [`Problem::VALUE_CHARS_MAX`]; `None` if there is none.
    pub value: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

impl Problem {
    /// The most characters of a value that is quoted, without the `…` at its end.
    pub const VALUE_CHARS_MAX: usize = 60;

    pub(in crate::import) fn shorten(value: &str) -> String {
        match value.char_indices().nth(Self::VALUE_CHARS_MAX) {
            Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
            None => value.to_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.last_line > self.line {
            write!(f, "lines {} to {}", self.line, self.last_line)?;
        } else {
            write!(f, "line {}", self.line)?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {}", quoted(column))?;
        }
        write!(f, ": {}", self.reason)?;
        match &self.value {
            Some(value) => write!(f, " (found {})", quoted(value)),
            None => Ok(()),
        }
    }
}

impl Error for Problem {}

/// A text of the file, shortened, on one line and without control characters.
fn quoted(text: &str) -> String {
    format!("{:?}", Problem::shorten(text))
}

/// What is wrong with a row or a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The file ends inside of a quoted cell.
    #[error("a quoted cell is not closed before the file ends")]
    QuoteUnclosed,
    /// A quote inside of a cell that is not quoted, or text after a closing quote.
    #[error(
        "a quote is misplaced: a cell with quotes in it is quoted as a whole, each one doubled"
    )]
    QuoteMisplaced,
    /// A cell above [`FIELD_BYTES_MAX`].
    #[error("the cell is longer than {FIELD_BYTES_MAX} bytes")]
    FieldTooLong,
    /// A row above [`RECORD_BYTES_MAX`].
    #[error("the row is longer than {RECORD_BYTES_MAX} bytes")]
    RowTooLong,
    /// A row with more or fewer cells than there are columns.
    #[error("the row has {found} cells where the file has {expected} columns")]
    Columns {
        /// The number of columns in the file.
        expected: usize,
        /// The number of cells in the row.
        found: usize,
    },
    /// More columns than [`COLUMNS_MAX`].
    #[error("there are more than {COLUMNS_MAX} columns")]
    ColumnsTooMany,
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8: save the file as UTF-8, or read it as Windows-1252")]
    NotUtf8,
    /// A NUL or another control character.
    #[error("the text has control characters in it")]
    ControlCharacter,
    /// A text that is too long.
    #[error("must have at most {chars_max} characters")]
    TooLong {
        /// The most characters that it may have.
        chars_max: usize,
    },
    /// A cell that must not be empty.
    #[error("must not be empty")]
    Missing,
    /// Not `true` or `false`.
    #[error("must be true or false")]
    NotBoolean,
    /// Not a price.
    #[error("must be a price in plain digits from 0 to 1000000000000, such as 19.99")]
    NotPrice,
    /// Not a weight.
    #[error("must be a weight in plain digits from 0 to 1000000000")]
    NotWeight,
    /// A weight without its unit.
    #[error("a weight needs its unit: g, kg, oz or lb")]
    WeightWithoutUnit,
    /// Not a unit of weight.
    #[error("must be g, kg, oz or lb")]
    NotWeightUnit,
    /// Not a stock quantity.
    #[error("must be a whole number from -1000000000 to 1000000000")]
    NotQuantity,
    /// Not the position of an image.
    #[error("must be a whole number from 1 to 1000000")]
    NotPosition,
    /// Not a product status.
    #[error("must be active, draft, archived or unlisted")]
    NotStatus,
    /// Not an inventory policy.
    #[error("must be deny or continue")]
    NotPolicy,
    /// Not an address on the web.
    #[error("must be an http or https address of at most 2048 characters")]
    NotUrl,
    /// More tags than [`TAGS_MAX`].
    #[error("a product has at most {TAGS_MAX} tags")]
    TagsTooMany,
    /// Two options of one name.
    #[error("the product has another option of this name")]
    OptionRepeated,
    /// A value for an option that the product does not have.
    #[error("the product has no name for this option")]
    OptionUnnamed,
    /// A variant whose option values another one has.
    #[error("the variant on line {line} has the same option values")]
    VariantRepeated {
        /// The line of the other one.
        line: u64,
    },
    /// A product without any variant.
    #[error("the product has no variant: none of its rows has a price")]
    VariantMissing,
    /// A row with neither a variant nor an image.
    #[error("the row has neither a variant nor an image")]
    RowEmpty,
    /// More variants than [`VARIANTS_MAX`].
    #[error("a product has at most {VARIANTS_MAX} variants")]
    VariantsTooMany,
    /// More rows than [`ROWS_MAX`].
    #[error("a product has at most {ROWS_MAX} rows")]
    RowsTooMany,
    /// More text than [`PRODUCT_BYTES_MAX`].
    #[error("a product has at most {PRODUCT_BYTES_MAX} bytes")]
    ProductTooLong,
}
