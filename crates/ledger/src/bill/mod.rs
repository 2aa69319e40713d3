//! The bill as evidence: reads AWS cost and usage reports, keeps what concerns models, sums it.
//!
//! Reads CUR 2.0 and legacy CUR, as CSV, gzipped CSV or Parquet, with columns in any order and any capitals.
//! Promises: costs and token counts come from decimal text and are exact; a bad row costs that row and is reported
//! with its line and its reason; memory is bounded by one record or one batch of rows; the order of rows and files
//! changes no sum. Leaves out: FOCUS exports (recognised, refused), currencies other than USD (rejected by the row),
//! overlapping exports of one period (the caller picks the files).

mod adjust;
mod aggregate;
mod columnar;
mod columns;
mod convert;
mod delimited;
mod error;
mod guard;
mod line;
mod principal;
mod product;
mod quantity;
mod recognise;
mod row;
mod stats;
mod table;

pub use adjust::{AdjustmentKey, BillScope};
pub use aggregate::{BillSum, BillTable, OtherKey, TokenKey};
pub use columnar::read_parquet;
pub use delimited::read_csv;
pub use error::{BillError, Reject};
pub use line::{BillKind, BillLine, LineItemType, Streaming};
pub use principal::principal_name;
pub use recognise::{BillFormat, looks_like_bill};
pub use stats::BillStats;
pub use table::{BILL_LINES_VERSION, BillLineWriter, TableError, read_bill_lines};

use parquet::file::reader::ChunkReader;

/// How many bytes at the start of a file are looked at to recognise it.
const RECOGNISE_BYTES_MAX: usize = 64 * 1024;

/// Reads one file of a bill, of any format this module knows, from a [`std::fs::File`] or from bytes in memory.
///
/// Lines that concern models go to `sink`, bad rows to `reject`; everything else is only counted. What was given to
/// `sink` before an error stays given: a caller that needs all or nothing collects first.
///
/// # Errors
/// [`BillError`] when the file as a whole cannot be read as a bill.
pub fn read_bill<R: ChunkReader + 'static>(
    source: R,
    name: &str,
    sink: &mut dyn FnMut(BillLine),
    reject: &mut dyn FnMut(Reject),
) -> Result<BillStats, BillError> {
    let unreadable = |e| BillError::unreadable(name, e);
    let len = usize::try_from(source.len()).unwrap_or(usize::MAX).min(RECOGNISE_BYTES_MAX);
    let first_bytes = source.get_bytes(0, len).map_err(unreadable)?;
    match looks_like_bill(&first_bytes) {
        Some(BillFormat::Parquet) => read_parquet(source, name, sink, reject),
        Some(BillFormat::Csv | BillFormat::CsvGz) => read_csv(source.get_read(0).map_err(unreadable)?, name, sink, reject),
        Some(BillFormat::Focus) => Err(BillError::Focus { name: name.to_owned() }),
        None => Err(BillError::NotABill { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
