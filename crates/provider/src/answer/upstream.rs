//! To and from an OpenAI-compatible server that answers in the place of the toy model.
//!
//! Leaves out: embeddings, how much to reason, and documents, of which only the name is passed on.

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{Answer, Content, Stop};
use crate::ask::{Ask, ChatPart, ChatTurn, Role, ToolChoice};

/// The body of a chat completion that asks `model` of an upstream what was asked here.
pub fn to_chat(ask: &Ask, model: &str) -> Value {
    let mut body = json!({
        "model": model,
        "messages": ask.chat.iter().flat_map(messages).collect::<Vec<_>>(),
        "max_tokens": ask.max_tokens,
        "stream": false,
    });
    if !ask.stop_sequences.is_empty() {
        body["stop"] = json!(ask.stop_sequences);
    }
    if let Some(temperature) = ask.sampling.temperature {
        body["temperature"] = json!(temperature);
    }
    if let Some(top_p) = ask.sampling.top_p {
        body["top_p"] = json!(top_p);
    }
    if !ask.tools.is_empty() {
        let tool = |tool: &crate::ask::Tool| {
            let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.schema});
            json!({"type": "function", "function": without_nulls(function)})
        };
        body["tools"] = ask.tools.iter().map(tool).collect();
        body["tool_choice"] = match &ask.tool_choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::Never => json!("none"),
            ToolChoice::Any => json!("required"),
            ToolChoice::Tool(name) => json!({"type": "function", "function": {"name": name}}),
        };
    }
    if let Some(schema) = &ask.output_schema {
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    }
    body
}

/// The messages of a turn: each tool's result is one of its own, the rest is one.
fn messages(turn: &ChatTurn) -> Vec<Value> {
    let mut out = Vec::new();
    let (mut content, mut calls) = (Vec::new(), Vec::new());
    for part in &turn.parts {
        match part {
            ChatPart::Text(text) => content.push(json!({"type": "text", "text": text})),
            ChatPart::Image(url) => content.push(json!({"type": "image_url", "image_url": {"url": url}})),
            ChatPart::ToolUse { id, name, input } => {
                calls.push(json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}}));
            }
            ChatPart::ToolResult { id, text } => out.push(json!({"role": "tool", "tool_call_id": id, "content": text})),
        }
    }
    if content.is_empty() && calls.is_empty() {
        return out;
    }
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let mut message = json!({"role": role, "content": one_text(&content).unwrap_or(Value::Array(content))});
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    out.push(message);
    out
}

/// Content that is only text is one text, which every server takes.
fn one_text(content: &[Value]) -> Option<Value> {
    let texts: Option<Vec<&str>> = content.iter().map(|part| part.get("text")?.as_str()).collect();
    texts.map(|texts| json!(texts.join("\n")))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>()),
        other => other,
    }
}

/// Reads the chat completion of an upstream.
///
/// # Errors
/// A text that says what is wrong with it.
pub fn answer_from_chat(ask: &Ask, completion: &Value) -> Result<Answer, String> {
    let choice = completion.pointer("/choices/0").ok_or("the upstream's answer has no choice")?;
    let message = choice.get("message").ok_or("the upstream's answer has no message")?;
    let mut content = Vec::new();
    let reasoning = message.get("reasoning_content").or_else(|| message.get("reasoning")).and_then(Value::as_str);
    content.extend(reasoning.filter(|text| !text.is_empty()).map(|text| Content::Reasoning(text.to_owned())));
    let text = text_of(message.get("content").unwrap_or(&Value::Null));
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if !text.is_empty() || (calls.is_empty() && content.is_empty()) {
        content.push(Content::Text(text));
    }
    for call in calls {
        content.push(tool_use(call)?);
    }
    let matched =
        choice.get("stop_reason").and_then(Value::as_str).filter(|stop| ask.stop_sequences.iter().any(|own| own == stop));
    let stop = match choice.get("finish_reason").and_then(Value::as_str) {
        Some("length") => Stop::MaxTokens,
        Some("content_filter") => Stop::ContentFiltered,
        _ if !calls.is_empty() => Stop::ToolUse,
        _ => matched.map_or(Stop::EndTurn, |stop| Stop::StopSequence(stop.to_owned())),
    };
    let counted = completion.pointer("/usage/completion_tokens").and_then(Value::as_u64);
    let output_tokens = counted.unwrap_or_else(|| content.iter().map(Content::tokens).sum());
    Ok(Answer { content, stop, output_tokens, slow_ms: 0 })
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn tool_use(call: &Value) -> Result<Content, String> {
    let name = call.pointer("/function/name").and_then(Value::as_str).ok_or("the upstream calls a tool without a name")?;
    let arguments = call.pointer("/function/arguments").and_then(Value::as_str).unwrap_or("{}");
    let input = if arguments.trim().is_empty() { Ok(json!({})) } else { serde_json::from_str(arguments) };
    let input = input.map_err(|_| format!("the upstream calls {name} with arguments that are no JSON"))?;
    let id = call
        .get("id")
        .and_then(Value::as_str)
        .map_or_else(|| format!("call_{:016x}", xxh3_64(call.to_string().as_bytes())), str::to_owned);
    Ok(Content::ToolUse { id, name: name.to_owned(), input })
}
