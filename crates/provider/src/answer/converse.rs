//! The response of `Converse` and the events of `ConverseStream`.

use laneshift_units::Tokens;
use serde_json::{Value, json};

use super::pieces::pieces;
use super::{Answer, Content, Counted};

/// The body of `Converse`'s response.
pub fn write_converse(answer: &Answer, counted: &Counted<'_>) -> Value {
    let mut body = served(counted);
    body["output"] = json!({"message": message(answer)});
    body["stopReason"] = answer.stop.name().into();
    body
}

/// The events of `ConverseStream`: the name of each and its payload.
pub fn converse_events(answer: &Answer, counted: &Counted<'_>) -> Vec<(&'static str, Value)> {
    let mut events = message_events(answer);
    events.push(("metadata", served(counted)));
    events
}

/// What a response and the last event of a stream say besides the answer.
fn served(counted: &Counted<'_>) -> Value {
    let mut out = json!({
        "usage": usage(counted),
        "metrics": {"latencyMs": counted.latency_ms},
        "serviceTier": {"type": counted.tier.name()},
    });
    if counted.latency_optimized {
        out["performanceConfig"] = json!({"latency": "optimized"});
    }
    out
}

/// The message of the assistant.
pub(super) fn message(answer: &Answer) -> Value {
    json!({"role": "assistant", "content": answer.content.iter().filter_map(block).collect::<Vec<_>>()})
}

fn block(content: &Content) -> Option<Value> {
    Some(match content {
        Content::Text(text) => json!({"text": text}),
        Content::Reasoning(text) => json!({"reasoningContent": {"reasoningText": {"text": text}}}),
        Content::ToolUse { id, name, input } => json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}),
        Content::Embedding(_) => return None,
    })
}

/// The events from `messageStart` to `messageStop`.
pub(super) fn message_events(answer: &Answer) -> Vec<(&'static str, Value)> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    for (index, content) in answer.content.iter().filter(|content| block(content).is_some()).enumerate() {
        let mut delta = |delta: Value| events.push(("contentBlockDelta", json!({"delta": delta, "contentBlockIndex": index})));
        match content {
            Content::Text(text) => pieces(text).for_each(|piece| delta(json!({"text": piece}))),
            Content::Reasoning(text) => pieces(text).for_each(|piece| delta(json!({"reasoningContent": {"text": piece}}))),
            Content::ToolUse { id, name, input } => {
                let start = json!({"start": {"toolUse": {"toolUseId": id, "name": name}}, "contentBlockIndex": index});
                events.push(("contentBlockStart", start));
                let input = input.to_string();
                let deltas =
                    pieces(&input).map(|piece| json!({"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": index}));
                events.extend(deltas.map(|delta| ("contentBlockDelta", delta)));
            }
            Content::Embedding(_) => {}
        }
        events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    events.push(("messageStop", json!({"stopReason": answer.stop.name()})));
    events
}

/// `usage`. AWS does not say whether the total includes cached tokens: a switch does.
fn usage(counted: &Counted<'_>) -> Value {
    let usage = &counted.usage;
    let written = [("1h", usage.cache_write_1h), ("5m", usage.cache_write_5m)];
    let mut out = json!({
        "inputTokens": usage.input.0,
        "outputTokens": usage.output.0,
        "totalTokens": counted.total(),
        "cacheReadInputTokens": usage.cache_read.0,
        "cacheWriteInputTokens": counted.cache_write(),
    });
    let details: Vec<Value> = written
        .iter()
        .filter(|(_, tokens)| *tokens > Tokens(0))
        .map(|(ttl, tokens)| json!({"ttl": ttl, "inputTokens": tokens.0}))
        .collect();
    if !details.is_empty() {
        out["cacheDetails"] = Value::Array(details);
    }
    out
}
