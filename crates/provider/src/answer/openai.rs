//! The response of `InvokeModel` for families that speak OpenAI's chat completions.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::pieces::pieces;
use super::{Answer, Content, Counted, Stop, whole_text};
use crate::models::Model;

pub(super) fn write(model: &Model, answer: &Answer, counted: &Counted<'_>) -> Value {
    let calls: Vec<Value> = calls(answer).map(|(id, name, input)| call(id, name, &input.to_string())).collect();
    let text = whole_text(answer);
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({"role": "assistant", "content": content});
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    if let Some(reasoning) = reasoning(answer) {
        message["reasoning_content"] = json!(reasoning);
    }
    let mut out = envelope(model, counted, "chat.completion");
    out["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish_reason(&answer.stop)}]);
    out["usage"] = usage(counted);
    out
}

pub(super) fn chunks(model: &Model, answer: &Answer, counted: &Counted<'_>) -> Vec<Value> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut out = envelope(model, counted, "chat.completion.chunk");
        out["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        out
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    if let Some(text) = reasoning(answer) {
        chunks.extend(pieces(text).map(|piece| chunk(json!({"reasoning_content": piece}), None)));
    }
    chunks.extend(pieces(&whole_text(answer)).map(|piece| chunk(json!({"content": piece}), None)));
    for (index, (id, name, input)) in calls(answer).enumerate() {
        let mut start = call(id, name, "");
        start["index"] = json!(index);
        chunks.push(chunk(json!({"tool_calls": [start]}), None));
        let input = input.to_string();
        let more = |piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
        chunks.extend(pieces(&input).map(|piece| chunk(more(piece), None)));
    }
    let mut last = chunk(json!({}), Some(finish_reason(&answer.stop)));
    last["usage"] = usage(counted);
    chunks.push(last);
    chunks
}

fn envelope(model: &Model, counted: &Counted<'_>, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{:032x}", xxh3_128(counted.request_id.as_bytes())),
        "object": object,
        "created": counted.at.0.div_euclid(1000),
        "model": model.id,
        "service_tier": counted.tier.name(),
    })
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calls(answer: &Answer) -> impl Iterator<Item = (&str, &str, &Value)> {
    answer
        .content
        .iter()
        .filter_map(|block| if let Content::ToolUse { id, name, input } = block { Some((&**id, &**name, input)) } else { None })
}

fn reasoning(answer: &Answer) -> Option<&str> {
    answer.content.iter().find_map(|block| if let Content::Reasoning(text) = block { Some(&**text) } else { None })
}

fn usage(counted: &Counted<'_>) -> Value {
    json!({
        "prompt_tokens": counted.usage.total_input().0,
        "completion_tokens": counted.usage.output.0,
        "total_tokens": counted.usage.total().0,
    })
}

const fn finish_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) => "stop",
        Stop::MaxTokens => "length",
        Stop::ToolUse => "tool_calls",
        Stop::ContentFiltered => "content_filter",
    }
}
