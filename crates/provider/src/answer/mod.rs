//! Answers: what a model said, and how each surface of Bedrock writes it.
//!
//! A surface is a file: Converse, Claude, Nova, the single texts of Titan and Llama, OpenAI. Each writes an answer whole
//! and as the chunks of a stream. Promises: the pieces of a stream concatenate to the whole answer, and the pieces of a
//! tool's input to valid JSON. Leaves out: event-stream frames and response headers.

mod claude;
mod converse;
mod nova;
mod openai;
mod pieces;
mod plain;
mod upstream;

use laneshift_units::{ServiceTier, Timestamp, Usage};
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::models::{Family, Model};
use crate::tokens;

pub use converse::{converse_events, write_converse};
pub use upstream::{answer_from_chat, to_chat};

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The blocks, in order.
    pub content: Vec<Content>,
    /// Why it ended.
    pub stop: Stop,
    /// The tokens it took.
    pub output_tokens: u64,
    /// How much longer than usual it takes, in milliseconds.
    pub slow_ms: u64,
}

/// A block of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// Reasoning before the text.
    Reasoning(String),
    /// A call of a tool.
    ToolUse {
        /// The id of the call.
        id: String,
        /// The tool.
        name: String,
        /// Its input.
        input: Value,
    },
    /// A vector.
    Embedding(Vec<f32>),
}

impl Content {
    /// Its tokens by the emulator's count.
    pub fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) | Self::Reasoning(text) => tokens::of_text(text),
            Self::ToolUse { name, input, .. } => tokens::of_text(name) + tokens::of_json(input),
            Self::Embedding(_) => 0,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model was done.
    EndTurn,
    /// It reached the most tokens.
    MaxTokens,
    /// It came to this stop sequence.
    StopSequence(String),
    /// It calls a tool.
    ToolUse,
    /// The provider's filter cut it.
    ContentFiltered,
}

impl Stop {
    /// The name that Converse and Nova use; Claude's Messages share it, but for a filtered answer.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence(_) => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::ContentFiltered => "content_filtered",
        }
    }
}

/// What was counted and measured while answering.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The tokens by class.
    pub usage: Usage,
    /// The tier that served.
    pub tier: ServiceTier,
    /// Whether the latency-optimised version served.
    pub latency_optimized: bool,
    /// Whether `totalTokens` counts cached tokens.
    pub total_includes_cache: bool,
    /// From the request to the end of the answer, in milliseconds.
    pub latency_ms: u64,
    /// From the request to the first byte of the answer, in milliseconds.
    pub first_byte_ms: u64,
    /// The request's id.
    pub request_id: &'a str,
    /// When the answer began.
    pub at: Timestamp,
}

impl Counted<'_> {
    const fn total(&self) -> u64 {
        if self.total_includes_cache { self.usage.total().0 } else { self.usage.input.0 + self.usage.output.0 }
    }

    const fn cache_write(&self) -> u64 {
        self.usage.cache_write_5m.0 + self.usage.cache_write_1h.0
    }

    /// The key that the last chunk of every stream of `InvokeModel` carries.
    // Seen by several clients, not in AWS's documents; read 2026-11-23.
    fn metrics(&self) -> Value {
        json!({
            "inputTokenCount": self.usage.input.0,
            "outputTokenCount": self.usage.output.0,
            "invocationLatency": self.latency_ms,
            "firstByteLatency": self.first_byte_ms,
            "cacheReadInputTokenCount": self.usage.cache_read.0,
            "cacheWriteInputTokenCount": self.cache_write(),
        })
    }
}

/// The body of `InvokeModel`'s response, in the words of the model's family.
pub fn write_invoke(model: &Model, ask: &Ask, answer: &Answer, counted: &Counted<'_>) -> Value {
    match model.family {
        Family::ClaudeMessages => claude::write(model, answer, counted),
        Family::Nova => nova::write(answer, counted),
        Family::TitanEmbed => plain::write_titan(ask, answer),
        Family::Llama => plain::write_llama(answer, counted),
        Family::OpenAiChat => openai::write(model, answer, counted),
    }
}

/// The chunks of `InvokeModelWithResponseStream`, in the words of the model's family.
pub fn invoke_chunks(model: &Model, ask: &Ask, answer: &Answer, counted: &Counted<'_>) -> Vec<Value> {
    let mut chunks = match model.family {
        Family::ClaudeMessages => claude::chunks(model, answer, counted),
        Family::Nova => nova::chunks(answer, counted),
        Family::TitanEmbed => vec![plain::write_titan(ask, answer)],
        Family::Llama => plain::llama_chunks(answer, counted),
        Family::OpenAiChat => openai::chunks(model, answer, counted),
    };
    if let Some(Value::Object(last)) = chunks.last_mut() {
        last.insert("amazon-bedrock-invocationMetrics".to_owned(), counted.metrics());
    }
    chunks
}

/// All text of an answer in one.
fn whole_text(answer: &Answer) -> String {
    answer.content.iter().filter_map(|block| if let Content::Text(text) = block { Some(&**text) } else { None }).collect()
}

#[cfg(test)]
mod tests;
