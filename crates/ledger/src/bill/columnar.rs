//! Bills in Parquet, one batch of rows in memory at a time, needed columns only.
//!
//! The schema that a writer may have stored for Arrow is not used: a dictionary of strings then reads as strings, and
//! the types that are left are few.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, MapArray,
    PrimitiveArray, RecordBatch, StringArray,
};
use arrow_schema::{DataType, TimeUnit};
use laneshift_units::Timestamp;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use super::columns::{Column, columns_of};
use super::convert::convert;
use super::error::{BillError, Reject};
use super::guard::guarded;
use super::line::BillLine;
use super::row::{Pairs, RawRow};
use super::stats::BillStats;

/// Rows in memory at a time.
const BATCH_ROWS: usize = 4096;

/// Reads a bill in Parquet. As [`super::read_bill`] otherwise.
///
/// # Errors
/// [`BillError`] when the file as a whole cannot be read as a bill.
pub fn read_parquet<R: ChunkReader + 'static>(
    source: R,
    name: &str,
    sink: &mut dyn FnMut(BillLine),
    reject: &mut dyn FnMut(Reject),
) -> Result<BillStats, BillError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(source, options))
        .map_err(|e| BillError::unreadable(name, e))?;
    let columns = columns_of(name, builder.schema().fields().iter().map(|f| f.name().as_str()))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().map(|(at, _)| *at));
    let mut batches = guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())
        .map_err(|e| BillError::unreadable(name, e))?;
    let mut stats = BillStats::default();
    while let Some(batch) = guarded(|| batches.next().transpose()).map_err(|e| BillError::unreadable(name, e))? {
        // A projection keeps the order of the file, and so does the list of columns.
        let wanted = columns.iter().map(|(_, column)| column);
        let cells = cells(&batch, wanted).map_err(|what| BillError::unreadable(name, what))?;
        for at in 0..batch.num_rows() {
            stats.rows += 1;
            match convert(&row(&cells, at), &mut stats) {
                Ok(Some(line)) => sink(line),
                Ok(None) => {}
                Err(reason) => {
                    stats.rejected += 1;
                    reject(Reject { line: stats.rows, reason });
                }
            }
        }
    }
    Ok(stats)
}

fn cells<'a>(batch: &'a RecordBatch, wanted: impl Iterator<Item = &'a Column>) -> Result<Vec<(&'a Column, Cells<'a>)>, String> {
    let schema = batch.schema_ref();
    let each = wanted.zip(batch.columns()).zip(schema.fields());
    each.map(|((column, array), field)| {
        let cells = Cells::of(array.as_ref());
        let fits = match (&cells, column) {
            (Some(Cells::Maps(_)), Column::Field(_)) | (None, _) => false,
            (Some(_), _) => true,
        };
        let cells = cells.filter(|_| fits);
        cells
            .map(|cells| (column, cells))
            .ok_or_else(|| format!("the column {} has the type {}", field.name(), field.data_type()))
    })
    .collect()
}

fn row<'a>(cells: &[(&'a Column, Cells<'a>)], at: usize) -> RawRow<'a> {
    let mut row = RawRow::default();
    for (column, cells) in cells {
        match (column, cells.map(at), cells.text(at)) {
            (Column::Product, Some(map), _) => row.set_product(Pairs::Map(map)),
            (Column::Tags, Some(map), _) => row.add_tags(Pairs::Map(map)),
            (Column::Field(field), _, text) => row.set(*field, text.unwrap_or_default()),
            (Column::Tag(key), _, Some(text)) => row.add_tags(Pairs::One(key, text)),
            (Column::Product, None, Some(Cow::Borrowed(json))) => row.set_product(Pairs::Json(json)),
            (Column::Tags, None, Some(Cow::Borrowed(json))) => row.add_tags(Pairs::Json(json)),
            _ => {}
        }
    }
    row
}

/// A map of strings in one cell.
#[derive(Clone, Copy)]
pub(super) struct MapCell<'a> {
    map: &'a MapArray,
    at: usize,
}

impl MapCell<'_> {
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let offsets = self.map.value_offsets();
        let (Ok(start), Ok(end)) = (usize::try_from(offsets[self.at]), usize::try_from(offsets[self.at + 1])) else {
            return Vec::new();
        };
        let (Some(keys), Some(values)) = (Cells::of(self.map.keys().as_ref()), Cells::of(self.map.values().as_ref())) else {
            return Vec::new();
        };
        (start..end).filter_map(|i| Some((keys.text(i)?.into_owned(), values.text(i)?.into_owned()))).collect()
    }
}

/// A column of a batch, of a type that a bill can have.
enum Cells<'a> {
    Strings(&'a StringArray),
    Bytes(&'a BinaryArray),
    Floats(&'a Float64Array),
    ShortFloats(&'a Float32Array),
    Decimals(&'a Decimal128Array),
    Longs(&'a Int64Array),
    Ints(&'a Int32Array),
    Booleans(&'a BooleanArray),
    /// Milliseconds since 1970.
    Moments(Box<dyn Fn(usize) -> i64 + 'a>, &'a dyn Array),
    Maps(&'a MapArray),
    Nothing,
}

impl<'a> Cells<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Strings(array.as_string()),
            DataType::Binary => Self::Bytes(array.as_binary()),
            DataType::Float64 => Self::Floats(array.as_primitive::<Float64Type>()),
            DataType::Float32 => Self::ShortFloats(array.as_primitive::<Float32Type>()),
            DataType::Decimal128(..) => Self::Decimals(array.as_primitive::<Decimal128Type>()),
            DataType::Int64 => Self::Longs(array.as_primitive::<Int64Type>()),
            DataType::Int32 => Self::Ints(array.as_primitive::<Int32Type>()),
            DataType::Boolean => Self::Booleans(array.as_boolean()),
            DataType::Timestamp(TimeUnit::Second, _) => Self::moments::<TimestampSecondType>(array, |s| s.saturating_mul(1000)),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Self::moments::<TimestampMillisecondType>(array, |ms| ms),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::moments::<TimestampMicrosecondType>(array, |us| us.div_euclid(1000))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Self::moments::<TimestampNanosecondType>(array, |ns| ns.div_euclid(1_000_000))
            }
            DataType::Date32 => {
                let days: &PrimitiveArray<Date32Type> = array.as_primitive();
                Self::Moments(Box::new(|i| Timestamp::from_day_index(i64::from(days.value(i))).0), array)
            }
            DataType::Map(..) => Self::Maps(array.as_map()),
            DataType::Null => Self::Nothing,
            _ => return None,
        })
    }

    fn moments<T: ArrowPrimitiveType<Native = i64>>(array: &'a dyn Array, to_ms: fn(i64) -> i64) -> Self {
        let moments: &PrimitiveArray<T> = array.as_primitive();
        Self::Moments(Box::new(move |i| to_ms(moments.value(i))), array)
    }

    /// The text of a cell; `None` when it is null, a map, or not UTF-8.
    fn text(&self, at: usize) -> Option<Cow<'a, str>> {
        fn owned<T: ToString>(is_null: bool, value: impl FnOnce() -> T) -> Option<Cow<'static, str>> {
            (!is_null).then(|| Cow::Owned(value().to_string()))
        }
        match self {
            Self::Strings(a) => (!a.is_null(at)).then(|| Cow::Borrowed(a.value(at))),
            Self::Bytes(a) if a.is_null(at) => None,
            Self::Bytes(a) => std::str::from_utf8(a.value(at)).ok().map(Cow::Borrowed),
            // The shortest decimal that reads back as the same float: what AWS printed before it became one.
            Self::Floats(a) => owned(a.is_null(at), || a.value(at)),
            Self::ShortFloats(a) => owned(a.is_null(at), || a.value(at)),
            Self::Decimals(a) => owned(a.is_null(at), || a.value_as_string(at)),
            Self::Longs(a) => owned(a.is_null(at), || a.value(at)),
            Self::Ints(a) => owned(a.is_null(at), || a.value(at)),
            Self::Booleans(a) => owned(a.is_null(at), || a.value(at)),
            Self::Moments(ms, a) => owned(a.is_null(at), || Timestamp(ms(at))),
            Self::Maps(_) | Self::Nothing => None,
        }
    }

    fn map(&self, at: usize) -> Option<MapCell<'a>> {
        match self {
            Self::Maps(map) if !map.is_null(at) => Some(MapCell { map, at }),
            _ => None,
        }
    }
}
