//! The records of a CSV file, strictly by RFC 4180, each in bounded memory.
//!
//! The usual readers grow a record until its closing quote, however far away, and take a misplaced
//! quote as text. Here such a record is refused, and the caller can go on at the next line, so that
//! one wrong quote does not swallow the products after it.

use std::io::{self, Read};

use super::{
    encoding::{Encoding, push_windows_1252},
    problem::Reason,
};

/// The most bytes of one cell: 1 MiB.
pub const FIELD_BYTES_MAX: usize = 1 << 20;
/// The most bytes of one row as it stands in the file: 2 MiB.
pub const RECORD_BYTES_MAX: usize = 2 << 20;
/// The most columns.
pub const COLUMNS_MAX: usize = 4096;

/// How much is asked of the input at a time.
const CHUNK: usize = 64 << 10;

/// The cells of one row, without their quotes.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    /// The line on which it ends.
    pub(super) last_line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    /// The number of cells.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All cells together, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The cell at `index`, empty if there is none.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(index).copied().unwrap_or_default();
        self.text.get(start.unwrap_or_default()..end).unwrap_or_default()
    }

    /// Whether no cell has anything but space in it.
    pub(super) fn is_blank(&self) -> bool {
        self.text.iter().all(u8::is_ascii_whitespace)
    }

    /// Turns the cells into UTF-8.
    pub(super) fn decode(&mut self, encoding: Encoding) {
        match encoding {
            Encoding::Utf8 => {}
            Encoding::Windows1252 if self.text.is_ascii() => {}
            Encoding::Windows1252 => {
                let mut decoded =
                    Self { line: self.line, last_line: self.last_line, ..Self::default() };
                for index in 0..self.len() {
                    push_windows_1252(&mut decoded.text, self.cell(index));
                    decoded.ends.push(decoded.text.len());
                }
                *self = decoded;
            }
        }
    }

    fn clear(&mut self, line: u64) {
        self.line = line;
        self.last_line = line;
        self.text.clear();
        self.ends.clear();
    }

    fn end_cell(&mut self) -> Result<(), Reason> {
        if self.ends.len() >= COLUMNS_MAX {
            return Err(Reason::ColumnsTooMany);
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.text.extend_from_slice(bytes);
        let start = self.ends.last().copied().unwrap_or_default();
        if self.text.len() - start > FIELD_BYTES_MAX {
            return Err(Reason::FieldTooLong);
        }
        Ok(())
    }
}

/// Where in a record the next byte stands.
#[derive(Clone, Copy)]
enum Place {
    /// At the beginning of a cell.
    Start,
    /// In a cell that is not quoted.
    Plain,
    /// Between the quotes of a cell.
    Quoted,
    /// After a quote in a quoted cell: it is closed, or the quote is doubled.
    Quote,
}

/// Cuts an input into records.
///
/// After [`Records::read`] one of [`Records::accept`] and [`Records::skip_line`] moves on.
pub(super) struct Records<R> {
    input: R,
    window: Vec<u8>,
    /// The part of the window that is filled and not yet used up.
    start: usize,
    filled: usize,
    at_end: bool,
    /// The line of the file at `start`.
    line: u64,
    /// Where the record read last ends, from `start`, and the line after it.
    next: (usize, u64),
    bytes_used: u64,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            window: Vec::new(),
            start: 0,
            filled: 0,
            at_end: false,
            line: 1,
            next: (0, 1),
            bytes_used: 0,
        }
    }

    /// The line that is read next.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes of the input belong to what was accepted or skipped.
    pub(super) fn bytes_used(&self) -> u64 {
        self.bytes_used
    }

    /// Steps over `prefix` if the input begins with it.
    pub(super) fn strip_prefix(&mut self, prefix: &[u8]) -> io::Result<bool> {
        for (offset, byte) in prefix.iter().enumerate() {
            if self.peek(offset)? != Some(*byte) {
                return Ok(false);
            }
        }
        self.consume(prefix.len());
        Ok(true)
    }

    /// Reads the record that begins at the current line; `None` at the end of the input.
    ///
    /// When it is refused, `record` has the cells before the one that is wrong.
    pub(super) fn read(&mut self, record: &mut Record) -> io::Result<Option<Result<(), Reason>>> {
        record.clear(self.line);
        let mut offset = 0;
        match self.scan(record, &mut offset)? {
            Scan::End => Ok(None),
            Scan::Wrong(reason) => Ok(Some(Err(reason))),
            Scan::Record { line_ended } => {
                self.next = (offset, record.last_line + u64::from(line_ended));
                Ok(Some(Ok(())))
            }
        }
    }

    /// Moves past the record that was read last.
    pub(super) fn accept(&mut self) {
        let (length, line) = self.next;
        self.consume(length);
        self.line = line;
        self.next = (0, line);
    }

    /// Moves to the next line of the file, wherever quotes stand. False at the end of the input.
    pub(super) fn skip_line(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            let rest = self.rest(0);
            let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                any |= !rest.is_empty();
                self.consume(rest.len());
                if self.fill()? {
                    continue;
                }
                self.line += u64::from(any);
                return Ok(any);
            };
            let length = length + self.line_end(length)?;
            self.consume(length);
            self.line += 1;
            return Ok(true);
        }
    }

    fn scan(&mut self, record: &mut Record, offset: &mut usize) -> io::Result<Scan> {
        let mut place = Place::Start;
        loop {
            if *offset > RECORD_BYTES_MAX {
                return Ok(Scan::Wrong(Reason::RowTooLong));
            }
            let rest = self.rest(*offset);
            let Some(&byte) = rest.first() else {
                if self.fill()? {
                    continue;
                }
                return Ok(match place {
                    _ if *offset == 0 => Scan::End,
                    Place::Quoted => Scan::Wrong(Reason::QuoteUnclosed),
                    _ => match record.end_cell() {
                        Ok(()) => Scan::Record { line_ended: false },
                        Err(reason) => Scan::Wrong(reason),
                    },
                });
            };
            let mut length = 1;
            let mut ends_line = false;
            let step = match (place, byte) {
                (Place::Start, b'"') => {
                    place = Place::Quoted;
                    Ok(())
                }
                (Place::Start | Place::Plain | Place::Quote, b',') => {
                    place = Place::Start;
                    record.end_cell()
                }
                (Place::Start | Place::Plain | Place::Quote, b'\n' | b'\r') => {
                    ends_line = true;
                    record.end_cell()
                }
                (Place::Quote, b'"') => {
                    place = Place::Quoted;
                    record.push(b"\"")
                }
                (Place::Plain, b'"') | (Place::Quote, _) => Err(Reason::QuoteMisplaced),
                (Place::Start | Place::Plain, _) => {
                    place = Place::Plain;
                    let text = up_to(rest, |byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
                    length = text.len();
                    record.push(text)
                }
                (Place::Quoted, b'"') => {
                    place = Place::Quote;
                    Ok(())
                }
                (Place::Quoted, b'\n' | b'\r') => {
                    length = self.line_end(*offset)?;
                    record.last_line += 1;
                    record.push(self.rest(*offset).get(..length).unwrap_or_default())
                }
                (Place::Quoted, _) => {
                    let text = up_to(rest, |byte| matches!(byte, b'"' | b'\n' | b'\r'));
                    length = text.len();
                    record.push(text)
                }
            };
            if let Err(reason) = step {
                return Ok(Scan::Wrong(reason));
            }
            if ends_line {
                *offset += self.line_end(*offset)?;
                return Ok(Scan::Record { line_ended: true });
            }
            *offset += length;
        }
    }

    /// The length of the line end at `offset`: CR LF, LF, or CR alone.
    fn line_end(&mut self, offset: usize) -> io::Result<usize> {
        let pair = self.peek(offset)? == Some(b'\r') && self.peek(offset + 1)? == Some(b'\n');
        Ok(if pair { 2 } else { 1 })
    }

    fn peek(&mut self, offset: usize) -> io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.rest(offset).first() {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn rest(&self, offset: usize) -> &[u8] {
        self.window.get(self.start + offset..self.filled).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
        self.bytes_used += length as u64;
        if self.start >= self.filled {
            self.start = 0;
            self.filled = 0;
        }
    }

    /// Reads some more of the input behind what the window has. False at the end of the input.
    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 && self.filled + CHUNK > self.window.len() {
            self.window.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.filled + CHUNK > self.window.len() {
            // Doubling keeps moving bytes cheap; a scan stops soon after RECORD_BYTES_MAX.
            let length = (self.window.len() * 2).clamp(2 * CHUNK, RECORD_BYTES_MAX + 3 * CHUNK);
            self.window.resize(length.max(self.filled + CHUNK), 0);
        }
        let room = self.window.get_mut(self.filled..).unwrap_or_default();
        let length = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                answer => break answer?,
            }
        };
        self.filled += length;
        self.at_end = length == 0;
        Ok(!self.at_end)
    }
}

impl<R> std::fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("line", &self.line).finish_non_exhaustive()
    }
}

enum Scan {
    Record { line_ended: bool },
    Wrong(Reason),
    End,
}

fn up_to(bytes: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    let length = bytes.iter().position(|byte| ends(*byte)).unwrap_or(bytes.len());
    bytes.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An input that gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(room.len());
            self.0.read(&mut room[..length])
        }
    }

    type Cells = Vec<Vec<u8>>;

    /// Every record with its lines, and what is wrong with others.
    fn records(input: impl Read) -> Vec<Result<(u64, u64, Cells), Reason>> {
        let mut records = Records::new(input);
        let mut record = Record::default();
        let mut all = Vec::new();
        while let Some(answer) = records.read(&mut record).unwrap() {
            all.push(answer.map(|()| {
                let cells = (0..record.len()).map(|i| record.cell(i).to_vec()).collect();
                (record.line, record.last_line, cells)
            }));
            if all.last().unwrap().is_ok() {
                records.accept();
            } else {
                records.skip_line().unwrap();
            }
        }
        all
    }

    #[test]
    fn lines_are_counted_through_quotes_and_line_ends_of_every_kind() {
        let lines: Vec<_> = records(&b"a\r\nb,\"1\r\n2\r3\n4\"\r\n\nc\rd"[..])
            .into_iter()
            .map(|record| record.map(|(first, last, cells)| (first, last, cells.len())))
            .collect();
        assert_eq!(
            lines,
            [Ok((1, 1, 1)), Ok((2, 5, 2)), Ok((6, 6, 1)), Ok((7, 7, 1)), Ok((8, 8, 1))]
        );
    }

    #[test]
    fn wrong_quotes_cost_one_line() {
        let wrong = |text: &str| {
            records(text.as_bytes()).into_iter().filter_map(Result::err).collect::<Vec<_>>()
        };
        assert_eq!(wrong("a\"b\nc"), [Reason::QuoteMisplaced]);
        assert_eq!(wrong("\"a\"b\nc"), [Reason::QuoteMisplaced]);
        assert_eq!(wrong("a\n\"b\nc\nd"), [Reason::QuoteUnclosed]);
        assert_eq!(wrong("\"a\"\"b\"\n\"\""), []);
    }

    #[test]
    fn what_is_too_long_is_refused_in_bounded_memory() {
        let mut long = Records::new(io::repeat(b'x').take(50 << 20));
        let mut record = Record::default();
        assert_eq!(long.read(&mut record).unwrap(), Some(Err(Reason::FieldTooLong)));
        assert!(long.skip_line().unwrap());
        assert_eq!(long.read(&mut record).unwrap(), None);
        assert!(long.window.capacity() < 2 * RECORD_BYTES_MAX);

        let cells = b"xxxxxxxxxxxxxxx,".repeat(1000).repeat(1000);
        assert_eq!(records(&cells[..]), [Err(Reason::ColumnsTooMany)]);
        let cell = [b"x".repeat(FIELD_BYTES_MAX / 2), b",".to_vec()].concat().repeat(5);
        assert_eq!(records(&cell[..]), [Err(Reason::RowTooLong)]);
        let cell = "x".repeat(FIELD_BYTES_MAX);
        assert!(matches!(&records(cell.as_bytes())[..], [Ok(_)]));
    }

    #[test]
    fn windows_1252_is_decoded_cell_by_cell() {
        let mut records = Records::new(&b"caf\xe9,\x80 5,plain"[..]);
        let mut record = Record::default();
        records.read(&mut record).unwrap().unwrap().unwrap();
        record.decode(Encoding::Windows1252);
        let cells: Vec<_> = (0..3).map(|i| str::from_utf8(record.cell(i)).unwrap()).collect();
        assert_eq!(cells, ["café", "€ 5", "plain"]);
    }

    proptest! {
        #[test]
        fn good_files_mean_what_the_csv_crate_takes_them_for(
            rows in prop::collection::vec(prop::collection::vec("[ab,\"\r\n é]{0,6}", 2..5), 0..8),
            crlf: bool,
            piece in 1..9_usize,
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let ours: Vec<Cells> =
                records(Trickle(&file, piece)).into_iter().map(|r| r.unwrap().2).collect();
            let theirs: Vec<Cells> = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(&file[..])
                .byte_records()
                .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
                .collect();
            prop_assert_eq!(&ours, &theirs);
        }

        #[test]
        fn any_bytes_end_and_every_line_is_passed_once(
            bytes in prop::collection::vec(prop::sample::select(&b"a,\"\n\r"[..]), 0..200),
            piece in 1..9_usize,
        ) {
            let mut records = Records::new(Trickle(&bytes, piece));
            let mut record = Record::default();
            let mut line = 1;
            while let Some(answer) = records.read(&mut record).unwrap() {
                prop_assert_eq!(record.line, line);
                if answer.is_ok() {
                    records.accept();
                } else {
                    prop_assert!(records.skip_line().unwrap());
                }
                prop_assert!(records.line() > line || records.bytes_used() == bytes.len() as u64);
                line = records.line();
            }
            prop_assert_eq!(records.bytes_used(), bytes.len() as u64);
        }
    }
}
