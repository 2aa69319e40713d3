//! The body of Converse, and Nova's own, which is the same with a name for its schema.
//!
//! Source: service model of bedrock-runtime in botocore; AWS, "Complete request schema" of Amazon Nova, read 2026-11-23.

use serde_json::{Map, Value, json};

use crate::chat::{Chat, Choice, Part};

/// The body of a conversation.
pub(crate) fn body(chat: &Chat) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    let texts = |texts: &[String]| texts.iter().map(|text| json!({ "text": text })).collect::<Vec<_>>();
    if !chat.system.is_empty() {
        set("system", texts(&chat.system).into());
    }
    let turn = |turn: &crate::chat::Turn| json!({ "role": turn.role.name(), "content": turn.parts.iter().map(part).collect::<Vec<_>>() });
    set("messages", chat.turns.iter().map(turn).collect::<Vec<_>>().into());
    let mut inference = Map::new();
    let mut configure = |name: &str, value: Option<Value>| value.map(|value| inference.insert(name.to_owned(), value));
    configure("maxTokens", chat.max_tokens.map(Value::from));
    configure("temperature", chat.temperature.map(Value::from));
    configure("topP", chat.top_p.map(Value::from));
    configure("stopSequences", (!chat.stop.is_empty()).then(|| chat.stop.clone().into()));
    if !inference.is_empty() {
        set("inferenceConfig", inference.into());
    }
    if let Some(schema) = &chat.schema {
        let mut wanted = json!({ "name": schema.name, "schema": schema.schema.to_string() });
        if let Some(description) = &schema.description {
            wanted["description"] = description.as_str().into();
        }
        set("outputConfig", json!({ "textFormat": { "type": "json_schema", "structure": { "jsonSchema": wanted } } }));
    }
    if !chat.tools.is_empty() {
        let tool = |tool: &crate::chat::Tool| {
            let mut spec = json!({ "name": tool.name, "inputSchema": { "json": tool.schema } });
            if let Some(description) = &tool.description {
                spec["description"] = description.as_str().into();
            }
            if tool.strict {
                spec["strict"] = true.into();
            }
            json!({ "toolSpec": spec })
        };
        let mut config = json!({ "tools": chat.tools.iter().map(tool).collect::<Vec<_>>() });
        match &chat.choice {
            None => {}
            Some(Choice::Auto) => config["toolChoice"] = json!({ "auto": {} }),
            Some(Choice::Any) => config["toolChoice"] = json!({ "any": {} }),
            Some(Choice::Tool(name)) => config["toolChoice"] = json!({ "tool": { "name": name } }),
        }
        set("toolConfig", config);
    }
    Value::Object(body)
}

/// Nova's own body, in which tools run in batch.
pub(crate) fn nova_body(chat: &Chat) -> Value {
    let mut body = body(chat);
    body["schemaVersion"] = "messages-v1".into();
    body
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Image(format, data) => json!({ "image": { "format": format, "source": { "bytes": data } } }),
        Part::Document { format, name, data } => {
            json!({ "document": { "format": format, "name": name, "source": { "bytes": data } } })
        }
        Part::Thought(text) => json!({ "reasoningContent": { "reasoningText": { "text": text } } }),
        Part::Call { id, name, input } => json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } }),
        Part::Result { id, text, is_error } => {
            let status = if *is_error { "error" } else { "success" };
            json!({ "toolResult": { "toolUseId": id, "content": [{ "text": text }], "status": status } })
        }
    }
}
