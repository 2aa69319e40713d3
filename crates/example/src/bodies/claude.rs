//! Claude's own bodies under InvokeModel, whole and streamed.

use serde::Serialize;

use super::talk::{Message as Said, Talk};
use crate::chance::Chance;
use crate::company::Workload;
use crate::events::Event;
use crate::part::{Part, Turns};

/// A request.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    anthropic_version: &'static str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: Vec<Block>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text { text: String },
    ToolUse { id: String, name: &'static str, input: ToolInput },
    ToolResult { tool_use_id: String, content: String },
}

#[derive(Debug, Serialize)]
struct ToolInput {
    q: String,
}

#[derive(Debug, Serialize)]
struct Tool {
    name: &'static str,
    input_schema: serde_json::Value,
}

impl Request {
    pub(crate) fn new(talk: &Talk, part: &Part) -> Self {
        let tools = matches!(part.turns, Turns::Tools(_));
        Self {
            anthropic_version: "bedrock-2023-05-31",
            max_tokens: talk.max_tokens,
            system: talk.system.clone(),
            messages: talk.messages.iter().map(message).collect(),
            tools: if tools {
                vec![Tool { name: "lookup", input_schema: serde_json::json!({"type": "object"}) }]
            } else {
                Vec::new()
            },
        }
    }
}

fn message(said: &Said) -> Message {
    let (role, block) = match said.clone() {
        Said::User(text) => ("user", Block::Text { text }),
        Said::Assistant(text) => ("assistant", Block::Text { text }),
        Said::ToolUse(id, q) => ("assistant", Block::ToolUse { id, name: "lookup", input: ToolInput { q } }),
        Said::ToolResult(tool_use_id, content) => ("user", Block::ToolResult { tool_use_id, content }),
    };
    Message { role, content: vec![block] }
}

/// A whole answer.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: String,
    content: Vec<Block>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'static str>,
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl Usage {
    fn of(event: &Event) -> Self {
        let u = &event.usage;
        let written = u.cache_write_5m.0 + u.cache_write_1h.0;
        Self {
            input_tokens: u.input.0,
            cache_creation_input_tokens: written,
            cache_read_input_tokens: u.cache_read.0,
            cache_creation: (written > 0).then_some(CacheCreation {
                ephemeral_5m_input_tokens: u.cache_write_5m.0,
                ephemeral_1h_input_tokens: u.cache_write_1h.0,
            }),
            output_tokens: u.output.0,
        }
    }
}

impl Answer {
    pub(crate) fn new(talk: &Talk, event: &Event, workload: &Workload) -> Self {
        Self {
            id: format!("msg_bdrk_{}", Chance::new(talk.seed ^ 1).hex(20)),
            r#type: "message",
            role: "assistant",
            model: workload.model.model.as_str().trim_start_matches("anthropic.").to_owned(),
            content: vec![Block::Text { text: talk.answer.clone() }],
            stop_reason: Some("end_turn"),
            usage: Usage::of(event),
        }
    }
}

/// One event of a streamed answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum StreamEvent {
    MessageStart {
        message: Answer,
    },
    ContentBlockStart {
        index: u8,
        content_block: EmptyText,
    },
    ContentBlockDelta {
        index: u8,
        delta: TextDelta,
    },
    ContentBlockStop {
        index: u8,
    },
    MessageDelta {
        delta: Stop,
        usage: OutputUsage,
    },
    MessageStop {
        #[serde(rename = "amazon-bedrock-invocationMetrics")]
        metrics: InvocationMetrics,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct EmptyText {
    r#type: &'static str,
    text: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct TextDelta {
    r#type: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stop {
    stop_reason: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct OutputUsage {
    output_tokens: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvocationMetrics {
    input_token_count: u64,
    output_token_count: u64,
    invocation_latency: u64,
    first_byte_latency: u64,
    cache_read_input_token_count: u64,
    cache_write_input_token_count: u64,
}

/// Characters of text in one event of a stream, at least.
const DELTA_CHARS: usize = 48;
/// Events of text in one stream, at most.
const DELTAS_MAX: usize = 40;

/// A streamed answer, as the log keeps it: all events in an array.
pub(crate) fn stream(talk: &Talk, event: &Event, workload: &Workload) -> Vec<StreamEvent> {
    let mut opening = Answer::new(talk, event, workload);
    opening.content.clear();
    opening.stop_reason = None;
    opening.usage.output_tokens = 1;
    let mut events = vec![
        StreamEvent::MessageStart { message: opening },
        StreamEvent::ContentBlockStart { index: 0, content_block: EmptyText { r#type: "text", text: "" } },
    ];
    let step = DELTA_CHARS.max(talk.answer.len().div_ceil(DELTAS_MAX));
    for piece in talk.answer.as_bytes().chunks(step) {
        let text = std::str::from_utf8(piece).expect("made-up text is ASCII").to_owned();
        events.push(StreamEvent::ContentBlockDelta { index: 0, delta: TextDelta { r#type: "text_delta", text } });
    }
    let u = &event.usage;
    let first_byte = (event.latency_ms / 5).min(400 + talk.seed % 900).min(event.latency_ms);
    events.push(StreamEvent::ContentBlockStop { index: 0 });
    events.push(StreamEvent::MessageDelta {
        delta: Stop { stop_reason: "end_turn" },
        usage: OutputUsage { output_tokens: u.output.0 },
    });
    events.push(StreamEvent::MessageStop {
        metrics: InvocationMetrics {
            input_token_count: u.input.0,
            output_token_count: u.output.0,
            invocation_latency: event.latency_ms,
            first_byte_latency: first_byte,
            cache_read_input_token_count: u.cache_read.0,
            cache_write_input_token_count: u.cache_write_5m.0 + u.cache_write_1h.0,
        },
    });
    events
}
