//! From the records of the file to its products.

use std::{
    fmt,
    io::{self, Read},
};

use super::{
    super::seen::Seen,
    column::{Columns, Field, Header, UnmappedColumn},
    encoding::Encoding,
    group::Group,
    problem::{FileError, Problem, ReadError, Reason},
    product::ShopifyProduct,
    record::{Record, Records},
};

/// Yields the products of a Shopify product export in the order of the file.
///
/// Memory does not grow with the file: it holds the product at hand, whose size is bounded by
/// [`ROWS_MAX`](super::ROWS_MAX) and [`PRODUCT_BYTES_MAX`](super::PRODUCT_BYTES_MAX), one row of at
/// most [`RECORD_BYTES_MAX`](super::RECORD_BYTES_MAX), and 4 MiB to know handles again.
///
/// # Errors
/// Items are [`ReadError::Product`] for what is wrong with a product, after which reading goes on,
/// and [`ReadError::Io`], which is the last one. A row that cannot be read fails the product whose
/// handle it has, or else the one before it, which may now lack a variant.
pub struct ShopifyReader<R> {
    records: Records<R>,
    record: Record,
    columns: Columns,
    encoding: Encoding,
    seen: Seen,
    ahead: Option<Step>,
    /// Whether `record` has a row that was read while looking for the end of unreadable ones.
    row_waits: bool,
    rows: u64,
    done: bool,
}

/// What stands next in the file.
#[derive(Debug)]
enum Step {
    /// The row in `record`.
    Row { handle: Option<String> },
    /// Lines that are not a row.
    Unreadable { handle: Option<String>, problem: Problem },
}

impl Step {
    fn handle(&self) -> Option<&str> {
        match self {
            Self::Row { handle } | Self::Unreadable { handle, .. } => handle.as_deref(),
        }
    }
}

impl<R: Read> ShopifyReader<R> {
    /// Reads the column names of a file in UTF-8.
    ///
    /// # Errors
    /// When it is not a product export: see [`FileError`].
    pub fn new(input: R) -> Result<Self, FileError> {
        Self::with_encoding(input, Encoding::Utf8)
    }

    /// Reads the column names of a file in this encoding.
    ///
    /// # Errors
    /// When it is not a product export: see [`FileError`].
    pub fn with_encoding(input: R, encoding: Encoding) -> Result<Self, FileError> {
        let mut records = Records::new(input);
        if records.strip_prefix(b"\xff\xfe")? || records.strip_prefix(b"\xfe\xff")? {
            return Err(FileError::Utf16);
        }
        if records.strip_prefix(b"PK\x03\x04")? {
            return Err(FileError::Archive);
        }
        records.strip_prefix(b"\xef\xbb\xbf")?;
        let mut record = Record::default();
        let columns = loop {
            let line = records.line();
            match records.read(&mut record)?.ok_or(FileError::Empty)? {
                Ok(()) if record.is_blank() => records.accept(),
                Ok(()) => {
                    record.decode(encoding);
                    break header(&record)
                        .map_err(|reason| FileError::Header { line, reason })
                        .and_then(|names| Columns::new(&names))?;
                }
                Err(reason) => return Err(FileError::Header { line, reason }),
            }
        };
        records.accept();
        Ok(Self {
            records,
            record,
            columns,
            encoding,
            seen: Seen::small(),
            ahead: None,
            row_waits: false,
            rows: 0,
            done: false,
        })
    }

    /// The columns with values that found no place in a product, so far, in the order of the file.
    pub fn unmapped(&self) -> Vec<UnmappedColumn> {
        self.columns.unmapped()
    }

    /// The names of the columns that the file has.
    pub fn header(&self) -> Header {
        self.columns.header()
    }

    /// How many rows were read so far, without column names, empty rows and unreadable ones.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many bytes of the input were used so far, which tells how far the reading has come.
    pub fn bytes(&self) -> u64 {
        self.records.bytes_used()
    }

    fn product(&mut self) -> Option<Result<ShopifyProduct, ReadError>> {
        let mut group: Option<Group> = None;
        loop {
            if self.ahead.is_none() {
                let line = group.as_ref().map_or(self.records.line(), Group::line);
                match self.step() {
                    Ok(step) => self.ahead = step,
                    Err(source) => {
                        self.done = true;
                        return Some(Err(ReadError::Io { line, source }));
                    }
                }
            }
            if let (Some(group), Some(step)) = (&group, &self.ahead)
                && !self.belongs(step, group)
            {
                break;
            }
            let Some(step) = self.ahead.take() else { break };
            let group = group.get_or_insert_with(|| {
                let line = match &step {
                    Step::Row { .. } => self.record.line,
                    Step::Unreadable { problem, .. } => problem.line,
                };
                let again = step.handle().is_some_and(|handle| self.seen.contains(handle));
                Group::new(step.handle().map(str::to_owned), line, again)
            });
            match step {
                Step::Row { .. } => group.add(&self.record, &mut self.columns),
                Step::Unreadable { problem, .. } => group.add_unreadable(problem),
            }
        }
        let product = group?.finish(&self.columns);
        if let Ok(product) = &product {
            self.seen.insert(&product.handle);
        }
        Some(product.map_err(ReadError::Product))
    }

    /// Whether rows are of this product: they have its handle, or none to tell otherwise.
    fn belongs(&self, step: &Step, group: &Group) -> bool {
        match step {
            Step::Row { handle: None } => !self.columns.has(&self.record, Field::Title),
            Step::Unreadable { handle: None, .. } => true,
            _ => step.handle() == group.handle(),
        }
    }

    /// Reads up to the next row that is not empty.
    fn step(&mut self) -> io::Result<Option<Step>> {
        loop {
            if !self.row_waits {
                match self.read()? {
                    None => return Ok(None),
                    Some(Ok(())) => self.records.accept(),
                    Some(Err(reason)) => return self.skip(reason).map(Some),
                }
            }
            self.row_waits = false;
            if self.record.is_blank() {
                continue;
            }
            self.rows += 1;
            self.record.decode(self.encoding);
            self.columns.count_unknown(&self.record);
            return Ok(Some(Step::Row { handle: self.handle() }));
        }
    }

    /// Reads the next record, which is a row only with as many cells as there are columns.
    fn read(&mut self) -> io::Result<Option<Result<(), Reason>>> {
        let answer = self.records.read(&mut self.record)?;
        let [expected, found] = [self.columns.len(), self.record.len()];
        Ok(match answer {
            Some(Ok(())) if found != expected && !self.record.is_blank() => {
                Some(Err(Reason::Columns { expected, found }))
            }
            answer => answer,
        })
    }

    /// Steps over lines that are not a row, up to one that is.
    fn skip(&mut self, reason: Reason) -> io::Result<Step> {
        let line = self.record.line;
        // With a wrong number of cells on one line it is plain where the next row begins.
        let next_is_row = matches!(reason, Reason::Columns { .. }) && self.record.last_line == line;
        let in_cell =
            matches!(reason, Reason::QuoteUnclosed | Reason::QuoteMisplaced | Reason::FieldTooLong);
        let column = self.columns.name_at(self.record.len()).filter(|_| in_cell);
        let mut problem = Problem {
            line,
            last_line: line,
            column: column.map(str::to_owned),
            value: None,
            reason,
        };
        self.record.decode(self.encoding);
        let handle = self.handle();
        self.records.skip_line()?;
        while !next_is_row && !self.row_waits {
            let line = self.records.line();
            match self.read()? {
                None => break,
                Some(Ok(())) if self.record.is_blank() || self.looks_like_row() => {
                    self.records.accept();
                    self.row_waits = !self.record.is_blank();
                }
                Some(_) => {
                    self.records.skip_line()?;
                    problem.last_line = line;
                }
            }
        }
        Ok(Step::Unreadable { handle, problem })
    }

    /// Whether a record with the right number of cells is not rather a line of HTML.
    fn looks_like_row(&self) -> bool {
        self.handle().is_some_and(|handle| !handle.contains(['<', '>']))
    }

    fn handle(&self) -> Option<String> {
        let cell = self.columns.index(Field::Handle).map(|index| self.record.cell(index))?;
        let handle = String::from_utf8_lossy(cell);
        Some(handle.trim()).filter(|handle| !handle.is_empty()).map(str::to_owned)
    }
}

impl<R: Read> Iterator for ShopifyReader<R> {
    type Item = Result<ShopifyProduct, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.product();
        self.done |= item.is_none();
        item
    }
}

impl<R> fmt::Debug for ShopifyReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShopifyReader")
            .field("records", &self.records)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

fn header(record: &Record) -> Result<Vec<&str>, Reason> {
    (0..record.len())
        .map(|index| {
            let name = str::from_utf8(record.cell(index)).map_err(|_| Reason::NotUtf8)?;
            if name.contains('\0') { Err(Reason::ControlCharacter) } else { Ok(name) }
        })
        .collect()
}
