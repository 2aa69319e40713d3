//! Streams a segment's rows back, one batch in memory at a time.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, Int64Type, TimestampMillisecondType, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray};
use laneshift_units::{ServiceTier, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::schema::{INVOCATIONS_VERSION, SCHEMA, TABLE, TABLE_KEY, VERSION_KEY};
use crate::error::LedgerError;
use crate::row::Row;

/// Rows in memory at a time.
const BATCH_ROWS: usize = 8 * 1024;

/// Gives every row of a segment to `sink`. Returns how many there were.
///
/// # Errors
/// [`LedgerError::Io`] when the file cannot be opened, [`LedgerError::Damaged`] when it is not a segment of the version
/// that is read.
pub fn read_segment(path: &Path, sink: &mut dyn FnMut(&Row<'_>)) -> Result<u64, LedgerError> {
    let damaged = |reason: String| LedgerError::Damaged { path: path.display().to_string(), reason };
    let file = File::open(path).map_err(LedgerError::io("read the segment", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(e.to_string()))?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let value = |key: &str| metadata.and_then(|all| all.iter().find(|kv| kv.key == key)).and_then(|kv| kv.value.as_deref());
    if value(TABLE_KEY) != Some(TABLE) {
        return Err(damaged("it is no invocations table".to_owned()));
    }
    if value(VERSION_KEY) != Some(INVOCATIONS_VERSION) {
        let found = value(VERSION_KEY).unwrap_or("none");
        return Err(damaged(format!("it has version {found}, not {INVOCATIONS_VERSION}")));
    }
    if builder.schema().fields() != SCHEMA.fields() {
        return Err(damaged("it has other columns than its version says".to_owned()));
    }
    let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(|e| damaged(e.to_string()))?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        let batch = Batch::of(&batch).ok_or_else(|| damaged("a column has another type".to_owned()))?;
        for at in 0..batch.at.len() {
            sink(&batch.row(at));
        }
        rows += batch.at.len() as u64;
    }
    Ok(rows)
}

/// A column of texts.
struct Texts<'a> {
    keys: &'a PrimitiveArray<Int32Type>,
    values: &'a StringArray,
}

impl<'a> Texts<'a> {
    /// The text of a row; empty when it has none.
    fn get(&self, at: usize) -> &'a str {
        if self.keys.is_null(at) { "" } else { self.values.value(self.keys.value(at) as usize) }
    }
}

/// The columns of a batch, in the order of the schema.
struct Batch<'a> {
    at: &'a PrimitiveArray<TimestampMillisecondType>,
    texts: [Texts<'a>; 10],
    request_id: &'a FixedSizeBinaryArray,
    streamed: &'a BooleanArray,
    blocked: &'a BooleanArray,
    counts: [&'a PrimitiveArray<Int64Type>; 5],
    latency_ms: &'a PrimitiveArray<UInt32Type>,
    body: &'a BooleanArray,
    turns: [&'a PrimitiveArray<UInt32Type>; 3],
    flags: &'a PrimitiveArray<UInt16Type>,
    hashes: [&'a PrimitiveArray<UInt64Type>; 4],
}

impl<'a> Batch<'a> {
    /// `None` when a column has another type than the schema says.
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = |n: usize| batch.columns().get(n);
        let texts = |n| {
            let dictionary = column(n)?.as_dictionary_opt::<Int32Type>()?;
            Some(Texts { keys: dictionary.keys(), values: dictionary.values().as_string_opt()? })
        };
        let flags = |n| column(n)?.as_boolean_opt();
        fn numbers<T: ArrowPrimitiveType>(batch: &RecordBatch, n: usize) -> Option<&PrimitiveArray<T>> {
            batch.columns().get(n)?.as_primitive_opt::<T>()
        }
        Some(Self {
            at: numbers(batch, 0)?,
            texts: [
                texts(1)?,
                texts(2)?,
                texts(3)?,
                texts(4)?,
                texts(5)?,
                texts(6)?,
                texts(7)?,
                texts(8)?,
                texts(9)?,
                texts(10)?,
            ],
            request_id: column(11)?.as_fixed_size_binary_opt()?,
            streamed: flags(12)?,
            blocked: flags(13)?,
            counts: [numbers(batch, 14)?, numbers(batch, 15)?, numbers(batch, 16)?, numbers(batch, 17)?, numbers(batch, 18)?],
            latency_ms: numbers(batch, 19)?,
            body: flags(20)?,
            turns: [numbers(batch, 21)?, numbers(batch, 22)?, numbers(batch, 23)?],
            flags: numbers(batch, 24)?,
            hashes: [numbers(batch, 25)?, numbers(batch, 26)?, numbers(batch, 27)?, numbers(batch, 28)?],
        })
    }

    fn row(&self, at: usize) -> Row<'a> {
        // Counts are written from unsigned numbers; a negative one is a damaged byte, and none is the safe reading.
        let count = |n: usize| u64::try_from(self.counts[n].value(at)).unwrap_or(0);
        let maybe = |n: usize| self.counts[n].is_valid(at).then(|| count(n));
        let mut request_id = [0; 16];
        if self.request_id.is_valid(at) {
            request_id.copy_from_slice(self.request_id.value(at));
        }
        Row {
            at: Timestamp(self.at.value(at)),
            account: self.texts[0].get(at),
            region: self.texts[1].get(at),
            model_id: self.texts[2].get(at),
            operation: self.texts[3].get(at),
            role: self.texts[4].get(at),
            session: self.texts[5].get(at),
            workload: self.texts[6].get(at),
            declared: self.texts[7].get(at),
            tier: ServiceTier::parse(self.texts[8].get(at)),
            error_code: self.texts[9].get(at),
            request_id,
            streamed: self.streamed.value(at),
            blocked: self.blocked.value(at),
            input: maybe(0),
            output: maybe(1),
            cache_read: count(2),
            cache_write_5m: count(3),
            cache_write_1h: count(4),
            latency_ms: self.latency_ms.is_valid(at).then(|| self.latency_ms.value(at)),
            body: self.body.value(at),
            user_turns: self.turns[0].value(at),
            assistant_turns: self.turns[1].value(at),
            tool_results: self.turns[2].value(at),
            flags: self.flags.value(at),
            system_hash: self.hashes[0].value(at),
            lead_hash: self.hashes[1].value(at),
            payload_hash: self.hashes[2].value(at),
            body_bytes: self.hashes[3].value(at),
        }
    }
}
