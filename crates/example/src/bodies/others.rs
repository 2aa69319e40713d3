//! Own bodies of Llama, of OpenAI's open weights, and of Titan embeddings.

use laneshift_units::ServiceTier;
use serde::Serialize;

use super::talk::{Message, Talk};
use crate::chance::Chance;
use crate::company::Workload;
use crate::events::Event;
use crate::part::Part;

/// A request to Llama.
#[derive(Debug, Serialize)]
pub(crate) struct LlamaRequest {
    prompt: String,
    max_gen_len: u64,
    temperature: f64,
}

impl LlamaRequest {
    pub(crate) fn new(talk: &Talk) -> Self {
        let system = talk.system.as_deref().unwrap_or_default();
        let prompt = format!(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{}\
             <|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            talk.first_text()
        );
        Self { prompt, max_gen_len: talk.max_tokens, temperature: 0.2 }
    }
}

/// Llama's answer.
#[derive(Debug, Serialize)]
pub(crate) struct LlamaAnswer {
    generation: String,
    prompt_token_count: u64,
    generation_token_count: u64,
    stop_reason: &'static str,
}

impl LlamaAnswer {
    pub(crate) fn new(talk: &Talk, event: &Event) -> Self {
        Self {
            generation: talk.answer.clone(),
            prompt_token_count: event.usage.input.0,
            generation_token_count: event.usage.output.0,
            stop_reason: "stop",
        }
    }
}

/// A chat completion request.
#[derive(Debug, Serialize)]
pub(crate) struct OpenAiRequest {
    model: String,
    messages: Vec<OpenAiMessage>,
    max_completion_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct OpenAiMessage {
    role: &'static str,
    content: String,
}

fn tier(part: &Part) -> Option<&'static str> {
    (part.tier != ServiceTier::Default).then(|| part.tier.name())
}

impl OpenAiRequest {
    pub(crate) fn new(talk: &Talk, workload: &Workload, part: &Part) -> Self {
        let system = talk.system.iter().map(|text| OpenAiMessage { role: "system", content: text.clone() });
        let said = talk.messages.iter().map(|m| match m.clone() {
            Message::User(content) => OpenAiMessage { role: "user", content },
            Message::Assistant(content) | Message::ToolUse(_, content) => OpenAiMessage { role: "assistant", content },
            Message::ToolResult(_, content) => OpenAiMessage { role: "tool", content },
        });
        Self {
            model: workload.model.model.as_str().to_owned(),
            messages: system.chain(said).collect(),
            max_completion_tokens: talk.max_tokens,
            service_tier: tier(part),
        }
    }
}

/// A chat completion.
#[derive(Debug, Serialize)]
pub(crate) struct OpenAiAnswer {
    id: String,
    object: &'static str,
    model: String,
    choices: Vec<Choice>,
    usage: OpenAiUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Choice {
    index: u8,
    message: OpenAiMessage,
    finish_reason: &'static str,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl OpenAiAnswer {
    pub(crate) fn new(talk: &Talk, event: &Event, workload: &Workload, part: &Part) -> Self {
        let u = &event.usage;
        Self {
            id: format!("chatcmpl-{}", Chance::new(talk.seed ^ 1).hex(24)),
            object: "chat.completion",
            model: workload.model.model.as_str().to_owned(),
            choices: vec![Choice {
                index: 0,
                message: OpenAiMessage { role: "assistant", content: talk.answer.clone() },
                finish_reason: "stop",
            }],
            usage: OpenAiUsage { prompt_tokens: u.input.0, completion_tokens: u.output.0, total_tokens: u.total().0 },
            service_tier: tier(part),
        }
    }
}

/// A request for an embedding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TitanRequest {
    input_text: String,
    dimensions: u32,
    normalize: bool,
}

impl TitanRequest {
    pub(crate) fn new(talk: &Talk) -> Self {
        Self { input_text: talk.first_text().to_owned(), dimensions: 256, normalize: true }
    }
}

/// An embedding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TitanAnswer {
    embedding: Vec<f64>,
    input_text_token_count: u64,
}

/// Numbers in a made-up embedding: fewer than asked for, enough to be recognised.
const DIMENSIONS_SHOWN: usize = 64;

impl TitanAnswer {
    pub(crate) fn new(talk: &Talk, event: &Event) -> Self {
        let mut chance = Chance::new(talk.seed ^ 2);
        let mut number = || (chance.below(200_001) as f64 - 100_000.0) / 1e6;
        Self { embedding: (0..DIMENSIONS_SHOWN).map(|_| number()).collect(), input_text_token_count: event.usage.input.0 }
    }
}
