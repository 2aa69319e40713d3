//! Requests: what a body says, whichever family of models it is written for.
//!
//! A reader a family turns a body into one [`Ask`]; the toy model, the prompt cache and an upstream read only that.
//! Promises: the same body gives the same `Ask`, with a hash for every prefix of the prompt in the order in which the
//! cache sees it: tools, system, messages. Leaves out: headers, and what an account may call. Refusals follow the
//! manner of AWS and Anthropic; only some of their words could be checked against a source.

mod blocks;
mod claude;
mod converse;
mod draft;
mod fields;
mod nova;
mod openai;
mod plain;

use laneshift_units::ServiceTier;
use serde_json::{Map, Value};

use crate::models::{Family, Model};

/// The most cache checkpoints of a request.
// Amazon Bedrock User Guide, "Prompt caching", read 2026-11-23.
pub const CHECKPOINTS_MAX: usize = 4;
/// The most stop sequences of a request.
// Amazon Bedrock API Reference, InferenceConfiguration, read 2026-11-23.
pub const STOP_SEQUENCES_MAX: usize = 2500;

/// A request, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The blocks of the prompt in the order in which a cache sees them.
    pub segments: Vec<Segment>,
    /// Where the caller wants the prompt cached, in order.
    pub checkpoints: Vec<Checkpoint>,
    /// The most output tokens: asked for, or the model's default.
    pub max_tokens: u64,
    /// Texts at which the answer ends.
    pub stop_sequences: Vec<String>,
    /// The tools offered.
    pub tools: Vec<Tool>,
    /// Whether a tool must be called.
    pub tool_choice: ToolChoice,
    /// The JSON schema that the answer must fit.
    pub output_schema: Option<Value>,
    /// The text of the last turn of the user; empty when it has none.
    pub last_user_text: String,
    /// Whether the last turn of the user brings a tool's result.
    pub brings_tool_result: bool,
    /// The conversation, enough to pass on.
    pub chat: Vec<ChatTurn>,
    /// The embedding asked for, when the model embeds.
    pub embedding: Option<Embedding>,
    /// Whether the model should reason aloud first.
    pub thinking: bool,
    /// Sampling, passed on to an upstream.
    pub sampling: Sampling,
    /// The tier that the body names; `InvokeModel` names it in a header instead.
    pub tier: Option<ServiceTier>,
    /// A hash of the whole body.
    pub seed: u64,
}

impl Ask {
    /// All tokens of the prompt.
    pub fn input_tokens(&self) -> u64 {
        self.segments.iter().map(|segment| segment.tokens).sum()
    }
}

/// A block of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// A hash of the prompt up to the end of this block.
    pub hash: u128,
    /// The tokens of this block alone.
    pub tokens: u64,
}

/// A place in the prompt up to which it is to be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many segments lie before it.
    pub upto: usize,
    /// How long the entry lives.
    pub ttl: Ttl,
}

/// How long a cache entry lives after its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ttl {
    /// Five minutes.
    FiveMinutes,
    /// An hour.
    Hour,
}

impl Ttl {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }

    /// Reads [`Ttl::name`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::FiveMinutes, Self::Hour].into_iter().find(|ttl| ttl.name() == text)
    }

    /// The time in milliseconds.
    pub const fn ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 300_000,
            Self::Hour => 3_600_000,
        }
    }
}

/// A tool offered to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for, where the caller says so.
    pub description: Option<String>,
    /// The JSON schema of its input.
    pub schema: Value,
}

/// Whether a tool must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None may be called.
    Never,
    /// Any must be called.
    Any,
    /// This one must be called.
    Tool(String),
}

/// What kind of vector is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    /// Its length.
    pub dimensions: usize,
    /// Whether its norm is one.
    pub normalize: bool,
}

/// How freely the model chooses words; the toy model does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// The temperature.
    pub temperature: Option<f64>,
    /// The probability mass to choose from.
    pub top_p: Option<f64>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The system prompt.
    System,
    /// The caller, or a tool.
    User,
    /// The model.
    Assistant,
}

/// A turn of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatTurn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<ChatPart>,
}

/// A part of a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatPart {
    /// Text.
    Text(String),
    /// An image, as a URL (mostly a `data:` one).
    Image(String),
    /// The model calls a tool.
    ToolUse {
        /// The id of the call.
        id: String,
        /// The tool.
        name: String,
        /// Its input.
        input: Value,
    },
    /// What a tool returned.
    ToolResult {
        /// The id of the call.
        id: String,
        /// The result as text.
        text: String,
    },
}

/// The request cannot be answered: a `ValidationException`, or a batch record's error 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Why, in the provider's words.
    pub message: String,
}

impl Refused {
    pub(crate) fn because(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Reads the body of `Converse` or `ConverseStream`.
///
/// # Errors
/// [`Refused`] when the provider would not take it.
pub fn read_converse(model: &Model, body: &Value) -> Result<Ask, Refused> {
    converse::read(model, body)
}

/// Reads the body of `InvokeModel` or `InvokeModelWithResponseStream`.
///
/// # Errors
/// [`Refused`] when the provider would not take it.
pub fn read_invoke(model: &Model, body: &[u8]) -> Result<Ask, Refused> {
    let body: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| Refused::because("Malformed input request, please reformat your input and try again."))?;
    let body = Value::Object(body);
    match model.family {
        Family::ClaudeMessages => claude::read(model, &body),
        Family::Nova => nova::read(model, &body),
        Family::TitanEmbed => plain::read_titan(model, &body),
        Family::Llama => plain::read_llama(model, &body),
        Family::OpenAiChat => openai::read(model, &body),
    }
}

#[cfg(test)]
mod tests;
