//! Bodies of Converse and ConverseStream, and Nova's own bodies, which look nearly the same.

use laneshift_units::ServiceTier;
use serde::Serialize;

use super::talk::{Message as Said, Talk};
use crate::events::{Event, Outcome};
use crate::part::Part;

/// A request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<&'static str>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block>,
    inference_config: InferenceConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Tier>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: Vec<Block>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Block {
    Text(String),
    ToolUse(ToolUse),
    ToolResult(ToolResult),
    CachePoint(CachePoint),
}

#[derive(Debug, Serialize)]
struct CachePoint {
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse {
    tool_use_id: String,
    name: &'static str,
    input: ToolInput,
}

#[derive(Debug, Serialize)]
struct ToolInput {
    q: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    tool_use_id: String,
    content: Vec<Block>,
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig {
    max_tokens: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig {
    tools: Vec<Tool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tool {
    tool_spec: ToolSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolSpec {
    name: &'static str,
    input_schema: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct Tier {
    r#type: &'static str,
}

impl Tier {
    fn of(part: &Part) -> Option<Self> {
        (part.tier != ServiceTier::Default).then(|| Self { r#type: part.tier.name() })
    }
}

impl Request {
    pub(crate) fn new(talk: &Talk, part: &Part) -> Self {
        let uses_tools = matches!(part.turns, crate::part::Turns::Tools(_));
        let mut system: Vec<Block> = talk.system.iter().cloned().map(Block::Text).collect();
        if talk.cached {
            system.push(Block::CachePoint(CachePoint { r#type: "default" }));
        }
        Self {
            schema_version: None,
            messages: talk.messages.iter().map(message).collect(),
            system,
            inference_config: InferenceConfig { max_tokens: talk.max_tokens },
            tool_config: uses_tools.then(|| ToolConfig { tools: vec![lookup()] }),
            service_tier: Tier::of(part),
        }
    }

    /// Nova's own shape.
    pub(crate) fn nova(talk: &Talk, part: &Part) -> Self {
        Self { schema_version: Some("messages-v1"), ..Self::new(talk, part) }
    }
}

fn lookup() -> Tool {
    let input_schema = serde_json::json!({"json": {"type": "object"}});
    Tool { tool_spec: ToolSpec { name: "lookup", input_schema } }
}

fn message(said: &Said) -> Message {
    match said {
        Said::User(text) => Message { role: "user", content: vec![Block::Text(text.clone())] },
        Said::Assistant(text) => Message { role: "assistant", content: vec![Block::Text(text.clone())] },
        Said::ToolUse(id, q) => Message {
            role: "assistant",
            content: vec![Block::ToolUse(ToolUse { tool_use_id: id.clone(), name: "lookup", input: ToolInput { q: q.clone() } })],
        },
        Said::ToolResult(id, text) => Message {
            role: "user",
            content: vec![Block::ToolResult(ToolResult {
                tool_use_id: id.clone(),
                content: vec![Block::Text(text.clone())],
                status: "success",
            })],
        },
    }
}

/// An answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    output: AnswerMessage,
    stop_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Tier>,
}

#[derive(Debug, Serialize)]
struct AnswerMessage {
    message: Message,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    latency_ms: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_details: Vec<CacheDetail>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetail {
    ttl: &'static str,
    input_tokens: u64,
}

impl Usage {
    fn of(event: &Event) -> Self {
        let u = &event.usage;
        let detail = |ttl, tokens: u64| (tokens > 0).then_some(CacheDetail { ttl, input_tokens: tokens });
        Self {
            input_tokens: u.input.0,
            output_tokens: u.output.0,
            total_tokens: u.total().0,
            cache_read_input_tokens: u.cache_read.0,
            cache_write_input_tokens: u.cache_write_5m.0 + u.cache_write_1h.0,
            cache_details: [detail("5m", u.cache_write_5m.0), detail("1h", u.cache_write_1h.0)].into_iter().flatten().collect(),
        }
    }
}

impl Answer {
    pub(crate) fn new(talk: &Talk, event: &Event, part: &Part) -> Self {
        let blocked = event.outcome == Outcome::Blocked;
        let more_tools = matches!(part.turns, crate::part::Turns::Tools(_)) && talk.seed.is_multiple_of(3);
        Self {
            output: AnswerMessage { message: Message { role: "assistant", content: vec![Block::Text(talk.answer.clone())] } },
            stop_reason: match (blocked, more_tools) {
                (true, _) => "guardrail_intervened",
                (false, true) => "tool_use",
                (false, false) => "end_turn",
            },
            metrics: Some(Metrics { latency_ms: event.latency_ms }),
            usage: (!blocked).then(|| Usage::of(event)),
            service_tier: Tier::of(part),
        }
    }

    /// Nova's own shape has no latency.
    pub(crate) fn nova(talk: &Talk, event: &Event) -> Self {
        Self {
            output: AnswerMessage { message: Message { role: "assistant", content: vec![Block::Text(talk.answer.clone())] } },
            stop_reason: "end_turn",
            metrics: None,
            usage: Some(Usage::of(event)),
            service_tier: None,
        }
    }
}
