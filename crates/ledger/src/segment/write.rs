//! Writes one segment: buffers rows, encodes them batch by batch, and makes the file durable at the end.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;

use super::columns::Columns;
use super::schema::{SCHEMA, properties};
use crate::error::LedgerError;
use crate::row::Row;

/// Rows in a batch: enough to make encoding cheap, few enough to stay in the processor's cache.
const BATCH_ROWS: usize = 8 * 1024;

/// A segment that is being written. Without [`SegmentWriter::finish`] its file is no Parquet file.
pub(crate) struct SegmentWriter {
    path: PathBuf,
    parquet: ArrowWriter<BufWriter<File>>,
    columns: Columns,
    rows: u64,
}

impl SegmentWriter {
    /// Begins a file that does not exist yet.
    pub(crate) fn create(path: &Path) -> Result<Self, LedgerError> {
        let file = File::create_new(path).map_err(LedgerError::io("create the segment", path))?;
        let properties = properties().map_err(|e| failed(path, e))?;
        let parquet =
            ArrowWriter::try_new(BufWriter::new(file), Arc::clone(&SCHEMA), Some(properties)).map_err(|e| failed(path, e))?;
        Ok(Self { path: path.to_owned(), parquet, columns: Columns::new(), rows: 0 })
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), LedgerError> {
        self.columns.push(row).map_err(|e| failed(&self.path, e))?;
        self.rows += 1;
        if self.columns.rows() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Rows added so far.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file and waits until it is on the disk.
    pub(crate) fn finish(mut self) -> Result<(), LedgerError> {
        self.flush()?;
        let Self { path, parquet, .. } = self;
        let file = parquet.into_inner().map_err(|e| failed(&path, e))?;
        let file = file.into_inner().map_err(|e| failed(&path, e.into_error()))?;
        file.sync_all().map_err(LedgerError::io("write the segment", &path))
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        if self.columns.rows() == 0 {
            return Ok(());
        }
        let batch = self.columns.take().map_err(|e| failed(&self.path, e))?;
        self.parquet.write(&batch).map_err(|e| failed(&self.path, e))
    }
}

fn failed(path: &Path, source: impl Error + Send + Sync + 'static) -> LedgerError {
    LedgerError::Io { doing: "write the segment", path: path.display().to_string(), source: Box::new(source) }
}
