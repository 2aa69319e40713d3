//! The response of `InvokeModel` for Claude: Anthropic's message and the events of its stream.

use serde_json::{Value, json};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::pieces::pieces;
use super::{Answer, Content, Counted, Stop};
use crate::models::Model;

pub(super) fn write(model: &Model, answer: &Answer, counted: &Counted<'_>) -> Value {
    let content: Vec<Value> = answer.content.iter().filter_map(block).collect();
    let mut usage = input_usage(counted);
    usage["output_tokens"] = json!(counted.usage.output.0);
    let mut message = message(model, counted, content, usage);
    message["stop_reason"] = json!(stop_reason(&answer.stop));
    message["stop_sequence"] = json!(stop_sequence(&answer.stop));
    message
}

pub(super) fn chunks(model: &Model, answer: &Answer, counted: &Counted<'_>) -> Vec<Value> {
    let mut usage = input_usage(counted);
    usage["output_tokens"] = json!(counted.usage.output.0.min(1));
    let mut chunks = vec![json!({"type": "message_start", "message": message(model, counted, Vec::new(), usage)})];
    let blocks = answer.content.iter().filter_map(|content| Some((content, block(content)?)));
    for (index, (content, whole)) in blocks.enumerate() {
        let (start, deltas) = started(content, whole);
        chunks.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        chunks.extend(deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        chunks.push(json!({"type": "content_block_stop", "index": index}));
    }
    chunks.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(&answer.stop), "stop_sequence": stop_sequence(&answer.stop)},
        "usage": {"output_tokens": counted.usage.output.0},
    }));
    chunks.push(json!({"type": "message_stop"}));
    chunks
}

fn message(model: &Model, counted: &Counted<'_>, content: Vec<Value>, usage: Value) -> Value {
    json!({
        "id": format!("msg_bdrk_{:032x}", xxh3_128(counted.request_id.as_bytes())),
        "type": "message",
        "role": "assistant",
        "model": model.short_id(),
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage,
    })
}

fn block(content: &Content) -> Option<Value> {
    Some(match content {
        Content::Text(text) => json!({"type": "text", "text": text}),
        Content::Reasoning(text) => json!({"type": "thinking", "thinking": text, "signature": signature(text)}),
        Content::ToolUse { id, name, input } => json!({"type": "tool_use", "id": id, "name": name, "input": input}),
        Content::Embedding(_) => return None,
    })
}

/// A block as it starts, empty, and the deltas that fill it.
fn started(content: &Content, whole: Value) -> (Value, Vec<Value>) {
    let mut start = whole;
    let deltas = match content {
        Content::Text(text) => {
            start["text"] = json!("");
            pieces(text).map(|piece| json!({"type": "text_delta", "text": piece})).collect()
        }
        Content::Reasoning(text) => {
            start["thinking"] = json!("");
            start["signature"] = json!("");
            let signed = json!({"type": "signature_delta", "signature": signature(text)});
            pieces(text).map(|piece| json!({"type": "thinking_delta", "thinking": piece})).chain([signed]).collect()
        }
        Content::ToolUse { input, .. } => {
            start["input"] = json!({});
            pieces(&input.to_string()).map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect()
        }
        Content::Embedding(_) => Vec::new(),
    };
    (start, deltas)
}

/// Clients send the signature back; nobody checks this one.
fn signature(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

fn input_usage(counted: &Counted<'_>) -> Value {
    json!({
        "input_tokens": counted.usage.input.0,
        "cache_creation_input_tokens": counted.cache_write(),
        "cache_read_input_tokens": counted.usage.cache_read.0,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counted.usage.cache_write_5m.0,
            "ephemeral_1h_input_tokens": counted.usage.cache_write_1h.0,
        },
    })
}

const fn stop_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::ContentFiltered => "refusal",
        Stop::EndTurn | Stop::MaxTokens | Stop::StopSequence(_) | Stop::ToolUse => stop.name(),
    }
}

fn stop_sequence(stop: &Stop) -> Option<&str> {
    if let Stop::StopSequence(text) = stop { Some(text) } else { None }
}
