//! Reads a table under a mapping.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use csv::{ByteRecord, ReaderBuilder};
use xxhash_rust::xxh3::Xxh3;

use super::{Field, Mapping, Source};
use crate::decode::LINE_BYTES_MAX;
use crate::pseudonym::Pseudonyms;
use crate::row::Row;

/// Bytes read at a time; the header's delimiter is guessed from the first.
const READ_BYTES: usize = 64 * 1024;

/// A record of a table.
pub(crate) struct Record<'a> {
    /// The line it begins in; the header is line 1.
    pub(crate) line: u64,
    /// Where it begins in the uncompressed text.
    pub(crate) offset: u64,
    /// Its size there.
    pub(crate) bytes: u64,
    /// The row, or why it is none and the hash of its fields.
    pub(crate) row: Result<Row<'a>, (String, u64)>,
}

/// Why a table is not read to its end.
#[derive(Debug)]
pub(crate) enum TableError {
    /// It is not the table that the mapping explains.
    Table(String),
    /// The stream broke.
    Stream(io::Error),
}

impl Mapping {
    /// Gives each record of a table to `each`.
    pub(crate) fn read(
        &self,
        text: &mut dyn Read,
        pseudonyms: Option<&Pseudonyms>,
        each: &mut dyn FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TableError> {
        let left = Cell::new(LINE_BYTES_MAX);
        let mut text = BufReader::with_capacity(READ_BYTES, Bounded { inner: text, left: &left });
        let delimiter = delimiter(text.fill_buf().map_err(TableError::Stream)?);
        let mut table = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
        let header = table.byte_headers().map_err(|e| failed(e, &left))?;
        let columns = self.columns(header)?;
        let mut record = ByteRecord::new();
        while table.read_byte_record(&mut record).map_err(|e| failed(e, &left))? {
            left.set(LINE_BYTES_MAX);
            let (line, offset) = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
            let bytes = table.position().byte().saturating_sub(offset);
            let flow = match row(&columns, &record) {
                Ok(row) => {
                    let hidden = |name| pseudonyms.map_or(Cow::Borrowed(name), |p| Cow::Owned(p.of(name)));
                    let (role, session) = (hidden(row.role), hidden(row.session));
                    each(Record { line, offset, bytes, row: Ok(Row { role: &role, session: &session, ..row }) })
                }
                Err(reason) => each(Record { line, offset, bytes, row: Err((reason, hash(&record))) }),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn columns<'a>(&'a self, header: &ByteRecord) -> Result<Vec<(Field, Place<'a>)>, TableError> {
        let place = |source: &'a Source| match source {
            Source::Constant(text) => Ok(Place::Constant(text)),
            Source::Column(name) => {
                let at = header.iter().position(|cell| cell.trim_ascii() == name.as_bytes());
                at.map(Place::Column).ok_or_else(|| TableError::Table(format!("the table has no column {name}")))
            }
        };
        self.parts.iter().map(|(field, source)| Ok((*field, place(source)?))).collect()
    }
}

/// Where a field's text is in every record.
enum Place<'a> {
    Column(usize),
    Constant(&'a str),
}

fn row<'a>(columns: &[(Field, Place<'a>)], record: &'a ByteRecord) -> Result<Row<'a>, String> {
    let mut row = Row::default();
    for (field, place) in columns {
        let cell = match place {
            Place::Constant(text) => Some(*text),
            Place::Column(at) => std::str::from_utf8(record.get(*at).unwrap_or_default()).ok(),
        };
        cell.and_then(|cell| field.fill(&mut row, cell)).ok_or_else(|| format!("field {} cannot be read", field.name()))?;
    }
    Ok(row)
}

/// Hash of the fields, joined by commas.
fn hash(record: &ByteRecord) -> u64 {
    let mut hash = Xxh3::new();
    for (n, cell) in record.iter().enumerate() {
        hash.update(if n == 0 { b"" } else { b"," });
        hash.update(cell);
    }
    hash.digest()
}

/// The most frequent of the usual delimiters in the first line.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|b| **b == delimiter).count();
    [b';', b'\t', b','].into_iter().max_by_key(|d| count(*d)).unwrap_or(b',')
}

fn failed(error: csv::Error, left: &Cell<usize>) -> TableError {
    if left.get() == 0 {
        return TableError::Table("a record is longer than 256 MB, or a quote is never closed".to_owned());
    }
    match error.into_kind() {
        csv::ErrorKind::Io(e) => TableError::Stream(e),
        _ => TableError::Table("it is no table with delimiters".to_owned()),
    }
}

/// Breaks a stream whose record has no end, before it fills the memory.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    /// Bytes that the record may still have.
    left: &'a Cell<usize>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self.inner.read(out)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}
