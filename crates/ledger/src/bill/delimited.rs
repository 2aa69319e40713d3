//! Bills in CSV, plain or gzipped, one record in memory at a time.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use csv::ByteRecord;
use flate2::bufread::MultiGzDecoder;

use super::columns::{Column, columns_of};
use super::convert::convert;
use super::error::{BillError, Reject};
use super::line::BillLine;
use super::row::{Pairs, RawRow};
use super::stats::BillStats;

/// The longest record that is read. A longer one is a quote that never closes.
const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads a bill in CSV, plain or gzipped, from any stream. As [`super::read_bill`] otherwise.
///
/// # Errors
/// [`BillError`] when the file as a whole cannot be read as a bill.
pub fn read_csv(
    reader: impl Read,
    name: &str,
    sink: &mut dyn FnMut(BillLine),
    reject: &mut dyn FnMut(Reject),
) -> Result<BillStats, BillError> {
    let mut reader = BufReader::new(reader);
    let is_gzip = reader.fill_buf().map_err(|e| BillError::unreadable(name, e))?.starts_with(&[0x1f, 0x8b]);
    if is_gzip { read_plain(MultiGzDecoder::new(reader), name, sink, reject) } else { read_plain(reader, name, sink, reject) }
}

fn read_plain(
    reader: impl Read,
    name: &str,
    sink: &mut dyn FnMut(BillLine),
    reject: &mut dyn FnMut(Reject),
) -> Result<BillStats, BillError> {
    let unreadable = |e| BillError::unreadable(name, e);
    let budget = Rc::new(Cell::new(RECORD_BYTES_MAX));
    let bounded = Bounded { inner: reader, left: Rc::clone(&budget) };
    let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bounded);
    let mut record = ByteRecord::new();
    csv.read_byte_record(&mut record).map_err(unreadable)?;
    let headers: Vec<String> = record.iter().map(|h| String::from_utf8_lossy(h).trim().to_owned()).collect();
    let columns = columns_of(name, headers.iter().map(String::as_str))?;
    let mut stats = BillStats::default();
    loop {
        budget.set(RECORD_BYTES_MAX);
        if !csv.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(stats);
        }
        stats.rows += 1;
        match read_record(&record, headers.len(), &columns, &mut stats) {
            Ok(Some(line)) => sink(line),
            Ok(None) => {}
            Err(reason) => {
                stats.rejected += 1;
                reject(Reject { line: record.position().map_or(0, csv::Position::line), reason });
            }
        }
    }
}

fn read_record(
    record: &ByteRecord,
    width: usize,
    columns: &[(usize, Column)],
    stats: &mut BillStats,
) -> Result<Option<BillLine>, String> {
    if record.len() != width {
        return Err(format!("{} fields where the header has {width}", record.len()));
    }
    let mut row = RawRow::default();
    for (at, column) in columns {
        let bytes = record.get(*at).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "a field is not UTF-8")?;
        match column {
            Column::Field(field) => row.set(*field, Cow::Borrowed(text)),
            _ if text.is_empty() => {}
            Column::Product => row.set_product(Pairs::Json(text)),
            Column::Tags => row.add_tags(Pairs::Json(text)),
            Column::Tag(key) => row.add_tags(Pairs::One(key, Cow::Borrowed(text))),
        }
    }
    convert(&row, stats)
}

/// A reader that gives up when one record takes more bytes than are left.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let left = self.left.get().checked_sub(n as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("a record is longer than 16 MiB: a quote never closes"))?);
        Ok(n)
    }
}
