//! The `bill_lines` table of the ledger: bill lines as Parquet, with a version.
//!
//! Promises: what is written reads back the same, money to the picodollar; a file of another version or another
//! schema is refused. Leaves out: where the file is, and partitions.

use std::error::Error;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use laneshift_units::{Money, PriceMode, TokenClass, Tokens};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::ChunkReader;

use super::guard::guarded;
use super::line::{BillKind, BillLine, LineItemType, Streaming};

/// The version of the table that is written, and the only one that is read.
pub const BILL_LINES_VERSION: &str = "1";

const VERSION_KEY: &str = "laneshift.bill_lines.version";

/// Lines that wait in memory for a batch.
const BATCH_LINES: usize = 8192;

/// Lines in a row group.
const ROW_GROUP_LINES: usize = 256 * 1024;

/// Money as stored: exact picodollars.
const MONEY: DataType = DataType::Decimal128(38, 12);

/// A `bill_lines` file that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file is no `bill_lines` table of the version that is read.
    #[error("read bill_lines: the file has the version {found}, not {BILL_LINES_VERSION}")]
    Version {
        /// The version found, or `none`.
        found: String,
    },
    /// A value cannot be what this table holds.
    #[error("read bill_lines: the column {column} holds what it cannot hold")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// A value does not fit into the table.
    #[error("write bill_lines: the column {column} cannot hold a value so large")]
    TooLarge {
        /// The column.
        column: &'static str,
    },
    /// The file cannot be written or read.
    #[error("write or read bill_lines")]
    File(#[source] Box<dyn Error + Send + Sync>),
}

impl From<ParquetError> for TableError {
    fn from(e: ParquetError) -> Self {
        Self::File(Box::new(e))
    }
}

impl From<ArrowError> for TableError {
    fn from(e: ArrowError) -> Self {
        Self::File(Box::new(e))
    }
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let needed = |name, data_type| Field::new(name, data_type, false);
    let optional = |name, data_type| Field::new(name, data_type, true);
    let pair = Fields::from(vec![needed("key", DataType::Utf8), optional("value", DataType::Utf8)]);
    let tags = DataType::Map(Arc::new(needed("entries", DataType::Struct(pair))), false);
    Arc::new(Schema::new(vec![
        needed("day", DataType::Date32),
        needed("account", DataType::Utf8),
        needed("region", DataType::Utf8),
        needed("kind", DataType::Utf8),
        optional("token_class", DataType::Utf8),
        optional("price_mode", DataType::Utf8),
        optional("is_global", DataType::Boolean),
        optional("is_long_context", DataType::Boolean),
        optional("is_mantle", DataType::Boolean),
        optional("model", DataType::Utf8),
        needed("streaming", DataType::Utf8),
        optional("principal", DataType::Utf8),
        needed("tags", tags),
        optional("tokens", DataType::Int64),
        needed("amount_text", DataType::Utf8),
        needed("pricing_unit", DataType::Utf8),
        optional("list_cost_usd", MONEY),
        needed("unblended_cost_usd", MONEY),
        optional("net_cost_usd", MONEY),
        needed("product_code", DataType::Utf8),
        needed("usage_type", DataType::Utf8),
        needed("operation", DataType::Utf8),
        needed("is_marketplace", DataType::Boolean),
        needed("line_item_type", DataType::Utf8),
    ]))
});

const TOKENS: &str = "bedrock_tokens";
const BEDROCK_OTHER: &str = "bedrock_other";
const OTHER_AI_ML: &str = "other_ai_ml";

const fn kind_name(kind: BillKind) -> &'static str {
    match kind {
        BillKind::BedrockTokens { .. } => TOKENS,
        BillKind::BedrockOther => BEDROCK_OTHER,
        BillKind::OtherAiMl => OTHER_AI_ML,
    }
}

/// Writes a `bill_lines` file.
pub struct BillLineWriter<W: Write + Send> {
    parquet: ArrowWriter<W>,
    waiting: Vec<BillLine>,
}

impl<W: Write + Send> BillLineWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// [`TableError::File`] when it cannot be begun.
    pub fn new(out: W) -> Result<Self, TableError> {
        let version = KeyValue::new(VERSION_KEY.to_owned(), BILL_LINES_VERSION.to_owned());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_LINES))
            .set_key_value_metadata(Some(vec![version]))
            .build();
        Ok(Self { parquet: ArrowWriter::try_new(out, Arc::clone(&SCHEMA), Some(properties))?, waiting: Vec::new() })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`TableError`] when a value does not fit or the file cannot be written.
    pub fn push(&mut self, line: BillLine) -> Result<(), TableError> {
        self.waiting.push(line);
        if self.waiting.len() >= BATCH_LINES { self.flush() } else { Ok(()) }
    }

    /// Ends the file; without this it is no Parquet file.
    ///
    /// # Errors
    /// [`TableError`] when a value does not fit or the file cannot be written.
    pub fn finish(mut self) -> Result<W, TableError> {
        self.flush()?;
        Ok(self.parquet.into_inner()?)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let batch = to_batch(&self.waiting)?;
        self.waiting.clear();
        Ok(self.parquet.write(&batch)?)
    }
}

/// What only lines of tokens have: class, mode, global, long context, mantle.
type TokenParts = (TokenClass, PriceMode, bool, bool, bool);

const fn token_parts(line: &BillLine) -> Option<TokenParts> {
    match line.kind {
        BillKind::BedrockTokens { class, mode, global, long_context, mantle } => {
            Some((class, mode, global, long_context, mantle))
        }
        BillKind::BedrockOther | BillKind::OtherAiMl => None,
    }
}

fn to_batch(lines: &[BillLine]) -> Result<RecordBatch, TableError> {
    let text = |of: fn(&BillLine) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(lines.iter().map(of))) };
    let maybe_text = |of: fn(&BillLine) -> Option<&str>| -> ArrayRef { Arc::new(lines.iter().map(of).collect::<StringArray>()) };
    let maybe_flag = |of: fn(TokenParts) -> bool| -> ArrayRef {
        Arc::new(lines.iter().map(|l| token_parts(l).map(of)).collect::<BooleanArray>())
    };
    let money = |of: fn(&BillLine) -> Option<Money>| -> Result<ArrayRef, TableError> {
        let picos: Decimal128Array = lines.iter().map(|l| of(l).map(Money::pico)).collect();
        Ok(Arc::new(picos.with_data_type(MONEY)))
    };
    let days = lines.iter().map(|l| i32::try_from(l.day)).collect::<Result<Vec<_>, _>>();
    let days = days.map_err(|_| TableError::TooLarge { column: "day" })?;
    let tokens = lines.iter().map(|l| l.tokens.map(|t| i64::try_from(t.0)).transpose()).collect::<Result<Vec<_>, _>>();
    let tokens = tokens.map_err(|_| TableError::TooLarge { column: "tokens" })?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(days)),
        text(|l| &l.account),
        text(|l| &l.region),
        text(|l| kind_name(l.kind)),
        maybe_text(|l| token_parts(l).map(|p| p.0.name())),
        maybe_text(|l| token_parts(l).map(|p| p.1.name())),
        maybe_flag(|p| p.2),
        maybe_flag(|p| p.3),
        maybe_flag(|p| p.4),
        maybe_text(|l| l.model.as_deref()),
        text(|l| l.streaming.name()),
        maybe_text(|l| l.principal.as_deref()),
        tags(lines)?,
        Arc::new(Int64Array::from(tokens)),
        text(|l| &l.amount_text),
        text(|l| &l.pricing_unit),
        money(|l| l.list_cost)?,
        money(|l| Some(l.unblended_cost))?,
        money(|l| l.net_cost)?,
        text(|l| &l.product_code),
        text(|l| &l.usage_type),
        text(|l| &l.operation),
        Arc::new(lines.iter().map(|l| Some(l.marketplace)).collect::<BooleanArray>()),
        text(|l| l.line_item_type.name()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
}

fn tags(lines: &[BillLine]) -> Result<ArrayRef, TableError> {
    let names = MapFieldNames { entry: "entries".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for line in lines {
        for (key, value) in &line.tags {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// Reads a `bill_lines` file, giving each line to `sink`. Returns how many there were.
///
/// # Errors
/// [`TableError`] when the file is not a `bill_lines` table of this version or cannot be read.
pub fn read_bill_lines<R: ChunkReader + 'static>(source: R, sink: &mut dyn FnMut(BillLine)) -> Result<u64, TableError> {
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(source)).map_err(TableError::File)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let version = metadata.and_then(|all| all.iter().find(|kv| kv.key == VERSION_KEY)).and_then(|kv| kv.value.clone());
    if version.as_deref() != Some(BILL_LINES_VERSION) {
        return Err(TableError::Version { found: version.unwrap_or_else(|| "none".to_owned()) });
    }
    for (found, expected) in builder.schema().fields().iter().zip(SCHEMA.fields()) {
        if found.name() != expected.name() || found.data_type() != expected.data_type() {
            return Err(TableError::Version { found: format!("{BILL_LINES_VERSION} with another {}", found.name()) });
        }
    }
    if builder.schema().fields().len() != SCHEMA.fields().len() {
        return Err(TableError::Version { found: format!("{BILL_LINES_VERSION} with other columns") });
    }
    let mut lines = 0;
    let mut batches = guarded(|| builder.with_batch_size(BATCH_LINES).build()).map_err(TableError::File)?;
    while let Some(batch) = guarded(|| batches.next().transpose()).map_err(TableError::File)? {
        for at in 0..batch.num_rows() {
            sink(line_at(&batch, at)?);
            lines += 1;
        }
    }
    Ok(lines)
}

/// One row of a batch whose schema has been checked.
struct Row<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

impl<'a> Row<'a> {
    fn column(&self, name: &'static str) -> Result<&'a ArrayRef, TableError> {
        self.batch.column_by_name(name).ok_or(TableError::Corrupt { column: name })
    }

    /// The column, unless this row has no value in it.
    fn present(&self, name: &'static str) -> Result<Option<&'a ArrayRef>, TableError> {
        Ok(Some(self.column(name)?).filter(|c| !c.is_null(self.at)))
    }

    fn text(&self, name: &'static str) -> Result<Option<&'a str>, TableError> {
        Ok(self.present(name)?.map(|c| c.as_string::<i32>().value(self.at)))
    }

    fn owned(&self, name: &'static str) -> Result<String, TableError> {
        Ok(self.text(name)?.ok_or(TableError::Corrupt { column: name })?.to_owned())
    }

    fn money(&self, name: &'static str) -> Result<Option<Money>, TableError> {
        Ok(self.present(name)?.map(|c| Money::from_pico(c.as_primitive::<Decimal128Type>().value(self.at))))
    }

    fn flag(&self, name: &'static str) -> Result<bool, TableError> {
        let column = self.present(name)?.ok_or(TableError::Corrupt { column: name })?;
        Ok(column.as_boolean().value(self.at))
    }

    /// The value among `all` that has the name stored here.
    fn named<T: Copy>(&self, column: &'static str, all: &[T], name: fn(T) -> &'static str) -> Result<T, TableError> {
        let text = self.text(column)?;
        all.iter().copied().find(|t| Some(name(*t)) == text).ok_or(TableError::Corrupt { column })
    }

    fn kind(&self) -> Result<BillKind, TableError> {
        Ok(match self.text("kind")? {
            Some(TOKENS) => BillKind::BedrockTokens {
                class: self.named("token_class", &TokenClass::ALL, TokenClass::name)?,
                mode: self.named("price_mode", &PriceMode::ALL, PriceMode::name)?,
                global: self.flag("is_global")?,
                long_context: self.flag("is_long_context")?,
                mantle: self.flag("is_mantle")?,
            },
            Some(BEDROCK_OTHER) => BillKind::BedrockOther,
            Some(OTHER_AI_ML) => BillKind::OtherAiMl,
            Some(_) | None => return Err(TableError::Corrupt { column: "kind" }),
        })
    }

    fn tags(&self) -> Result<Vec<(String, String)>, TableError> {
        let Some(column) = self.present("tags")? else { return Ok(Vec::new()) };
        let entries = column.as_map().value(self.at);
        let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        Ok(keys.iter().zip(values).filter_map(|(k, v)| Some((k?.to_owned(), v?.to_owned()))).collect())
    }
}

fn line_at(batch: &RecordBatch, at: usize) -> Result<BillLine, TableError> {
    let row = Row { batch, at };
    let tokens = row.present("tokens")?.map(|c| u64::try_from(c.as_primitive::<Int64Type>().value(at)));
    let tokens = tokens.transpose().map_err(|_| TableError::Corrupt { column: "tokens" })?;
    Ok(BillLine {
        day: i64::from(row.column("day")?.as_primitive::<Date32Type>().value(at)),
        account: row.owned("account")?,
        region: row.owned("region")?,
        kind: row.kind()?,
        model: row.text("model")?.map(str::to_owned),
        streaming: row.named("streaming", &Streaming::ALL, Streaming::name)?,
        principal: row.text("principal")?.map(str::to_owned),
        tags: row.tags()?,
        tokens: tokens.map(Tokens),
        amount_text: row.owned("amount_text")?,
        pricing_unit: row.owned("pricing_unit")?,
        list_cost: row.money("list_cost_usd")?,
        unblended_cost: row.money("unblended_cost_usd")?.ok_or(TableError::Corrupt { column: "unblended_cost_usd" })?,
        net_cost: row.money("net_cost_usd")?,
        product_code: row.owned("product_code")?,
        usage_type: row.owned("usage_type")?,
        operation: row.owned("operation")?,
        marketplace: row.flag("is_marketplace")?,
        line_item_type: row.named("line_item_type", &LineItemType::ALL, LineItemType::name)?,
    })
}
