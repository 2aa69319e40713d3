//! Claude's own body.
//!
//! Source: AWS, "Anthropic Claude Messages API", read 2026-11-23.

use serde_json::{Map, Value, json};

use crate::chat::{Chat, Choice, OUTPUT_MAX, Part};

pub(crate) const VERSION: &str = "bedrock-2023-05-31";

/// The body of a conversation.
pub(crate) fn body(chat: &Chat) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("anthropic_version", VERSION.into());
    set("max_tokens", chat.max_tokens.unwrap_or(OUTPUT_MAX).into());
    if !chat.system.is_empty() {
        set("system", chat.system.join("\n\n").into());
    }
    let turn = |turn: &crate::chat::Turn| json!({ "role": turn.role.name(), "content": turn.parts.iter().map(part).collect::<Vec<_>>() });
    set("messages", chat.turns.iter().map(turn).collect::<Vec<_>>().into());
    if !chat.tools.is_empty() {
        let tool = |tool: &crate::chat::Tool| {
            let mut written = json!({ "name": tool.name, "input_schema": tool.schema });
            if let Some(description) = &tool.description {
                written["description"] = description.as_str().into();
            }
            written
        };
        set("tools", chat.tools.iter().map(tool).collect::<Vec<_>>().into());
    }
    match &chat.choice {
        None => {}
        Some(Choice::Auto) => drop(set("tool_choice", json!({ "type": "auto" }))),
        Some(Choice::Any) => drop(set("tool_choice", json!({ "type": "any" }))),
        Some(Choice::Tool(name)) => drop(set("tool_choice", json!({ "type": "tool", "name": name }))),
    }
    if let Some(temperature) = chat.temperature {
        set("temperature", temperature.into());
    }
    if let Some(top_p) = chat.top_p {
        set("top_p", top_p.into());
    }
    if !chat.stop.is_empty() {
        set("stop_sequences", chat.stop.clone().into());
    }
    Value::Object(body)
}

/// A part as a content block.
pub(crate) fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image(format, data) => {
            json!({ "type": "image", "source": { "type": "base64", "media_type": format!("image/{format}"), "data": data } })
        }
        Part::Document { name, data, .. } => json!({
            "type": "document",
            "title": name,
            "source": { "type": "base64", "media_type": "application/pdf", "data": data },
        }),
        Part::Thought(text) => json!({ "type": "thinking", "thinking": text }),
        Part::Call { id, name, input } => json!({ "type": "tool_use", "id": id, "name": name, "input": input }),
        Part::Result { id, text, is_error } => {
            json!({ "type": "tool_result", "tool_use_id": id, "content": text, "is_error": is_error })
        }
    }
}
