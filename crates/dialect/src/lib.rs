//! Lines of batch files, into Bedrock's records and back: Bedrock's own, OpenAI's, and Anthropic's.
//!
//! [`read`] recognises a line by its content and gives what Bedrock runs; [`write_line`] gives the outcome in the shape that the
//! line came in. Promises: what cannot be carried over is refused by name, and never dropped in silence; a message about a line
//! shows nothing of its content; a line that is written is one line of JSON, whatever the model answered. Leaves out: files,
//! prices, which model runs where.
//!
//! Calls of OpenAI's API that are answered at once have their own door ([`ChatCall`], [`EmbeddingsCall`]) to the same rooms, and calls
//! of Converse that only Claude's own API takes one beside them ([`claude_of_converse`]).
//!
//! Between the shapes stands one small conversation ([`chat`]): each shape is read into it and written from it.

mod anthropic;
mod bedrock;
mod chat;
mod claude;
mod converse;
mod embeddings;
mod family;
mod fields;
mod live;
mod openai;
mod over_claude;
mod read;
mod reply;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use bedrock::{MOST_OUTPUT, gives_vectors, output_limit};
pub use family::is_bedrocks;
pub use live::{Answers, ChatCall, ChatStream, EmbeddingsCall};
pub use over_claude::{claude_of_converse, converse_event, converse_metadata, converse_of_claude};
pub use read::{LINE_BYTES_MAX, read};
pub use write::{Line, Outcome, write_line};

/// The shape of a record's `modelInput`; AWS's `modelInvocationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The model's own body.
    InvokeModel,
    /// The body of Converse.
    Converse,
}

impl Shape {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }

    /// Reads AWS's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InvokeModel, Self::Converse].into_iter().find(|shape| shape.name() == text)
    }
}

/// How a line was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// As AWS's batch records.
    #[default]
    Bedrock,
    /// As OpenAI's batch lines for `/v1/chat/completions`.
    OpenAiChat,
    /// As OpenAI's batch lines for `/v1/embeddings`.
    OpenAiEmbeddings,
    /// As the requests of Anthropic's Message Batches.
    Anthropic,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Bedrock, Self::OpenAiChat, Self::OpenAiEmbeddings, Self::Anthropic];

    /// The name in stored formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiEmbeddings => "openai-embeddings",
            Self::Anthropic => "anthropic",
        }
    }

    /// Reads [`Dialect::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == text)
    }
}

/// A line, read.
#[derive(Debug)]
pub struct Request<'a> {
    /// The caller's id.
    pub id: Option<Cow<'a, str>>,
    /// How it was written.
    pub dialect: Dialect,
    /// The model that runs it.
    pub model: Cow<'a, str>,
    /// The shape of `input`.
    pub shape: Shape,
    /// `modelInput`: JSON, on one line.
    pub input: Cow<'a, str>,
    /// The most output tokens that it asks for.
    pub output_max: Option<u64>,
}
