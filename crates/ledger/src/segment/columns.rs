//! Rows turned into columns, one batch at a time.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, FixedSizeBinaryBuilder, PrimitiveBuilder};
use arrow_array::types::{ArrowPrimitiveType, Int64Type, TimestampMillisecondType, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use laneshift_units::ServiceTier;

use super::intern::Interner;
use super::schema::{SCHEMA, TEXT_COLUMNS};
use crate::row::Row;

/// The position of the tier among the text columns, the only one that can be missing.
const TIER: usize = 8;

/// Rows that wait for their batch.
pub(super) struct Columns {
    rows: usize,
    at: PrimitiveBuilder<TimestampMillisecondType>,
    texts: [Interner; TEXT_COLUMNS.len()],
    request_id: FixedSizeBinaryBuilder,
    streamed: BooleanBuilder,
    blocked: BooleanBuilder,
    input: PrimitiveBuilder<Int64Type>,
    output: PrimitiveBuilder<Int64Type>,
    cache_read: PrimitiveBuilder<Int64Type>,
    cache_write_5m: PrimitiveBuilder<Int64Type>,
    cache_write_1h: PrimitiveBuilder<Int64Type>,
    latency_ms: PrimitiveBuilder<UInt32Type>,
    body: BooleanBuilder,
    user_turns: PrimitiveBuilder<UInt32Type>,
    assistant_turns: PrimitiveBuilder<UInt32Type>,
    tool_results: PrimitiveBuilder<UInt32Type>,
    flags: PrimitiveBuilder<UInt16Type>,
    system_hash: PrimitiveBuilder<UInt64Type>,
    lead_hash: PrimitiveBuilder<UInt64Type>,
    payload_hash: PrimitiveBuilder<UInt64Type>,
    body_bytes: PrimitiveBuilder<UInt64Type>,
}

/// A count as stored; a row's counts are at most [`crate::row::TOKENS_MAX`].
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Columns {
    pub(super) fn new() -> Self {
        Self {
            rows: 0,
            at: PrimitiveBuilder::new().with_timezone("UTC"),
            texts: Default::default(),
            request_id: FixedSizeBinaryBuilder::new(16),
            streamed: BooleanBuilder::new(),
            blocked: BooleanBuilder::new(),
            input: PrimitiveBuilder::new(),
            output: PrimitiveBuilder::new(),
            cache_read: PrimitiveBuilder::new(),
            cache_write_5m: PrimitiveBuilder::new(),
            cache_write_1h: PrimitiveBuilder::new(),
            latency_ms: PrimitiveBuilder::new(),
            body: BooleanBuilder::new(),
            user_turns: PrimitiveBuilder::new(),
            assistant_turns: PrimitiveBuilder::new(),
            tool_results: PrimitiveBuilder::new(),
            flags: PrimitiveBuilder::new(),
            system_hash: PrimitiveBuilder::new(),
            lead_hash: PrimitiveBuilder::new(),
            payload_hash: PrimitiveBuilder::new(),
            body_bytes: PrimitiveBuilder::new(),
        }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, row: &Row<'_>) -> Result<(), ArrowError> {
        self.rows += 1;
        self.at.append_value(row.at.0);
        let tier = row.tier.map_or("", ServiceTier::name);
        let texts = [
            row.account,
            row.region,
            row.model_id,
            row.operation,
            row.role,
            row.session,
            row.workload,
            row.declared,
            tier,
            row.error_code,
        ];
        for (n, (column, text)) in self.texts.iter_mut().zip(texts).enumerate() {
            if n == TIER && text.is_empty() { column.push_null() } else { column.push(text) }
        }
        match row.request_id {
            id if id == [0; 16] => self.request_id.append_null(),
            id => self.request_id.append_value(id)?,
        }
        self.streamed.append_value(row.streamed);
        self.blocked.append_value(row.blocked);
        self.input.append_option(row.input.map(signed));
        self.output.append_option(row.output.map(signed));
        self.cache_read.append_value(signed(row.cache_read));
        self.cache_write_5m.append_value(signed(row.cache_write_5m));
        self.cache_write_1h.append_value(signed(row.cache_write_1h));
        self.latency_ms.append_option(row.latency_ms);
        self.body.append_value(row.body);
        self.user_turns.append_value(row.user_turns);
        self.assistant_turns.append_value(row.assistant_turns);
        self.tool_results.append_value(row.tool_results);
        self.flags.append_value(row.flags);
        self.system_hash.append_value(row.system_hash);
        self.lead_hash.append_value(row.lead_hash);
        self.payload_hash.append_value(row.payload_hash);
        self.body_bytes.append_value(row.body_bytes);
        Ok(())
    }

    /// The rows so far as a batch, in the order of the schema.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let mut columns: Vec<ArrayRef> = vec![numbers(&mut self.at)];
        for texts in &mut self.texts {
            columns.push(texts.take()?);
        }
        columns.extend::<[ArrayRef; 18]>([
            Arc::new(self.request_id.finish()),
            Arc::new(self.streamed.finish()),
            Arc::new(self.blocked.finish()),
            numbers(&mut self.input),
            numbers(&mut self.output),
            numbers(&mut self.cache_read),
            numbers(&mut self.cache_write_5m),
            numbers(&mut self.cache_write_1h),
            numbers(&mut self.latency_ms),
            Arc::new(self.body.finish()),
            numbers(&mut self.user_turns),
            numbers(&mut self.assistant_turns),
            numbers(&mut self.tool_results),
            numbers(&mut self.flags),
            numbers(&mut self.system_hash),
            numbers(&mut self.lead_hash),
            numbers(&mut self.payload_hash),
            numbers(&mut self.body_bytes),
        ]);
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
    }
}

fn numbers<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>) -> ArrayRef {
    Arc::new(builder.finish())
}
