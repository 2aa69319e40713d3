//! Anthropic's messages: requests into a conversation, replies into messages.
//!
//! Source: Anthropic, API reference, "Messages" and "Message Batches", read 2026-11-23.

use serde_json::{Value, json};

use crate::chat::{Chat, Choice, Part, Role, Tool};
use crate::claude;
use crate::fields::Fields;
use crate::reply::{Reply, Stop};

/// Parameters of a request, for Claude itself: everything that it takes, without what Bedrock says elsewhere.
pub(crate) fn claude_body(params: Value) -> Result<Value, String> {
    let Value::Object(mut body) = params else { return Err("params is not a JSON object".to_owned()) };
    body.remove("model");
    // Who asks, and how it is billed.
    body.remove("metadata");
    body.remove("service_tier");
    if body.remove("stream").is_some_and(|stream| stream != json!(false)) {
        return Err("params.stream is set; a batch answers at once".to_owned());
    }
    for name in ["container", "mcp_servers", "context_management"] {
        if body.contains_key(name) {
            return Err(format!("params.{name} does not run on Bedrock; leave it out"));
        }
    }
    for name in ["max_tokens", "messages"] {
        if !body.contains_key(name) {
            return Err(format!("params.{name} is missing"));
        }
    }
    body.insert("anthropic_version".to_owned(), claude::VERSION.into());
    Ok(Value::Object(body))
}

/// Parameters of a request, as a conversation with another model.
pub(crate) fn chat(params: Value) -> Result<Chat, String> {
    let mut fields = Fields::of(params, "params")?;
    fields.ignore(&["model", "metadata", "service_tier"]);
    fields.only("stream", &[json!(false)])?;
    fields.only("thinking", &[json!({ "type": "disabled" })])?;
    let mut chat = Chat { max_tokens: fields.count("max_tokens")?, ..Chat::default() };
    if chat.max_tokens.is_none() {
        return Err("params.max_tokens is missing".to_owned());
    }
    chat.system = match fields.take("system") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(blocks)) => blocks.into_iter().map(system_text).collect::<Result<_, _>>()?,
        Some(_) => return Err("params.system is neither a string nor a list of blocks".to_owned()),
    };
    let Value::Array(messages) = fields.needed("messages")? else { return Err("params.messages is not a list".to_owned()) };
    for message in messages {
        let mut fields = Fields::of(message, "a message")?;
        let role = match fields.needed_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err("a message's role is neither user nor assistant".to_owned()),
        };
        let parts = match fields.needed("content")? {
            Value::String(text) => vec![Part::Text(text)],
            Value::Array(blocks) => blocks.into_iter().map(block).collect::<Result<_, _>>()?,
            _ => return Err("a message's content is neither a string nor a list of blocks".to_owned()),
        };
        fields.done()?;
        chat.say(role, parts);
    }
    chat.temperature = fields.number("temperature")?;
    chat.top_p = fields.number("top_p")?;
    for stop in fields.list("stop_sequences")? {
        chat.stop.push(stop.as_str().ok_or("a stop sequence is not a string")?.to_owned());
    }
    for tool in fields.list("tools")? {
        let mut fields = Fields::of(tool, "a tool")?;
        fields.ignore(&["cache_control"]);
        fields.only("type", &[json!("custom")])?;
        chat.tools.push(Tool {
            name: fields.needed_text("name")?,
            description: fields.text("description")?,
            schema: fields.needed("input_schema")?,
            strict: false,
        });
        fields.done()?;
    }
    chat.choice = match fields.take("tool_choice") {
        None => None,
        Some(choice) => match (choice["type"].as_str(), choice["name"].as_str()) {
            (Some("auto"), _) => Some(Choice::Auto),
            (Some("any"), _) => Some(Choice::Any),
            (Some("tool"), Some(name)) => Some(Choice::Tool(name.to_owned())),
            (Some("none"), _) => {
                chat.tools.clear();
                None
            }
            _ => return Err("params.tool_choice is not auto, any, none or a tool".to_owned()),
        },
    };
    fields.done()?;
    Ok(chat)
}

fn system_text(block: Value) -> Result<String, String> {
    match self::block(block)? {
        Part::Text(text) => Ok(text),
        _ => Err("params.system holds something else than text".to_owned()),
    }
}

fn block(block: Value) -> Result<Part, String> {
    let mut fields = Fields::of(block, "a content block")?;
    fields.ignore(&["cache_control"]);
    let read = match fields.needed_text("type")?.as_str() {
        "text" => Part::Text(fields.needed_text("text")?),
        "image" => {
            let mut source = Fields::of(fields.needed("source")?, "source")?;
            if source.needed_text("type")? != "base64" {
                return Err("an image is not in base64; images behind addresses are not fetched".to_owned());
            }
            let kind = source.needed_text("media_type")?;
            let format = kind.strip_prefix("image/").ok_or("an image's media_type does not begin with image/")?.to_owned();
            let data = source.needed_text("data")?;
            source.done()?;
            Part::Image(format, data)
        }
        "tool_use" => {
            Part::Call { id: fields.needed_text("id")?, name: fields.needed_text("name")?, input: fields.needed("input")? }
        }
        "tool_result" => {
            let is_error = fields.take("is_error") == Some(json!(true));
            let id = fields.needed_text("tool_use_id")?;
            let text = match fields.take("content") {
                None => String::new(),
                Some(Value::String(text)) => text,
                Some(Value::Array(blocks)) => {
                    let texts = blocks.into_iter().map(system_text).collect::<Result<Vec<_>, _>>();
                    texts.map_err(|_| "a tool's result holds something else than text")?.join("\n")
                }
                Some(_) => return Err("a tool's result is neither a string nor a list of blocks".to_owned()),
            };
            Part::Result { id, text, is_error }
        }
        _ => return Err("a content block is not text, image, tool_use or tool_result, and cannot be carried over".to_owned()),
    };
    fields.done()?;
    Ok(read)
}

/// A reply as a message.
pub(crate) fn message(reply: &Reply, record: &str, model: &str) -> Value {
    let stop = match reply.stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::Tools => "tool_use",
        Stop::Sequence => "stop_sequence",
        Stop::Filter => "refusal",
    };
    // A thought without its signature is none that Anthropic's clients take.
    let said = reply.parts.iter().filter(|part| !matches!(part, Part::Thought(_)));
    json!({
        "id": format!("msg_{record}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": said.map(claude::part).collect::<Vec<_>>(),
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": { "input_tokens": reply.input, "output_tokens": reply.output },
    })
}
