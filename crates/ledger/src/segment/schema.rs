//! The schema of the `invocations` table and how its columns are encoded.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// The version of the table that is written, and the only one that is read.
pub const INVOCATIONS_VERSION: &str = "1";

pub(super) const TABLE_KEY: &str = "laneshift.table";
pub(super) const TABLE: &str = "invocations";
pub(super) const VERSION_KEY: &str = "laneshift.invocations.version";

/// Rows in a row group.
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// The fastest level: the columns are small after dictionary encoding, and the hashes do not compress at any level.
const ZSTD_LEVEL: i32 = 1;

/// Texts, in the order of [`super::columns::Texts`].
pub(super) const TEXT_COLUMNS: [&str; 10] =
    ["account", "region", "model_id", "operation", "role", "session", "workload", "declared", "service_tier", "error_code"];

pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let needed = |name: &str, data_type| Field::new(name, data_type, false);
    let optional = |name: &str, data_type| Field::new(name, data_type, true);
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![needed("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())))];
    fields.extend(TEXT_COLUMNS.map(|name| Field::new(name, text.clone(), name == "service_tier")));
    fields.extend([
        optional("request_id", DataType::FixedSizeBinary(16)),
        needed("streamed", DataType::Boolean),
        needed("blocked", DataType::Boolean),
        optional("input_tokens", DataType::Int64),
        optional("output_tokens", DataType::Int64),
        needed("cache_read_tokens", DataType::Int64),
        needed("cache_write_5m_tokens", DataType::Int64),
        needed("cache_write_1h_tokens", DataType::Int64),
        optional("latency_ms", DataType::UInt32),
        needed("has_body", DataType::Boolean),
        needed("user_turns", DataType::UInt32),
        needed("assistant_turns", DataType::UInt32),
        needed("tool_results", DataType::UInt32),
        needed("flags", DataType::UInt16),
        needed("system_hash", DataType::UInt64),
        needed("lead_hash", DataType::UInt64),
        needed("payload_hash", DataType::UInt64),
        needed("body_bytes", DataType::UInt64),
    ]);
    Arc::new(Schema::new(fields))
});

pub(super) fn properties() -> Result<WriterProperties, ParquetError> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![pair(TABLE_KEY, TABLE), pair(VERSION_KEY, INVOCATIONS_VERSION)]))
        // Readers skip row groups by time; nothing is found by the ranges of other columns.
        .set_column_statistics_enabled(ColumnPath::from("at"), EnabledStatistics::Chunk);
    // Nearly every value is another one: a dictionary would be built in vain.
    for name in ["request_id", "payload_hash", "input_tokens", "output_tokens", "latency_ms", "body_bytes", "at"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in ["input_tokens", "output_tokens", "latency_ms", "body_bytes", "at"] {
        properties = properties.set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    properties = properties.set_column_compression(ColumnPath::from("payload_hash"), Compression::UNCOMPRESSED);
    properties = properties.set_column_compression(ColumnPath::from("request_id"), Compression::UNCOMPRESSED);
    Ok(properties.build())
}
