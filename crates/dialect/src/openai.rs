//! OpenAI's chat completions: requests into a conversation, conversations into requests, replies into completions.
//!
//! Source: OpenAI, API reference, "Create chat completion" and "Batch", read 2026-11-23.

use serde_json::{Map, Value, json};

use crate::chat::{Chat, Choice, Part, Role, Schema, Tool};
use crate::fields::Fields;
use crate::reply::{Reply, Stop};

/// Members that change nothing of the answer: who asks, how it is kept and billed, and a seed that is best effort everywhere.
const IGNORED: [&str; 9] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "seed",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "stream_options",
];

/// Reads a body.
pub(crate) fn chat(body: Value) -> Result<Chat, String> {
    let mut fields = Fields::of(body, "body")?;
    fields.ignore(&IGNORED);
    fields.ignore(&["model"]);
    for (name, values) in [
        ("n", vec![json!(1)]),
        ("stream", vec![json!(false)]),
        ("logprobs", vec![json!(false)]),
        ("presence_penalty", vec![json!(0), json!(0.0)]),
        ("frequency_penalty", vec![json!(0), json!(0.0)]),
        ("logit_bias", vec![json!({})]),
        ("parallel_tool_calls", vec![json!(true)]),
        ("modalities", vec![json!(["text"])]),
    ] {
        fields.only(name, &values)?;
    }
    let mut chat = Chat::default();
    let Value::Array(messages) = fields.needed("messages")? else { return Err("body.messages is not a list".to_owned()) };
    for message in messages {
        say(&mut chat, message)?;
    }
    let limit = fields.count("max_completion_tokens")?;
    chat.max_tokens = limit.or(fields.count("max_tokens")?);
    chat.temperature = fields.number("temperature")?;
    chat.top_p = fields.number("top_p")?;
    chat.stop = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(other) => serde_json::from_value(other).map_err(|_| "body.stop is neither a string nor a list of strings")?,
    };
    for tool in fields.list("tools")? {
        chat.tools.push(read_tool(tool)?);
    }
    chat.choice = match fields.take("tool_choice") {
        None => None,
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Some(Choice::Auto),
            "required" => Some(Choice::Any),
            "none" => {
                // Converse wants the tools that a conversation has called.
                let called = |part: &Part| matches!(part, Part::Call { .. } | Part::Result { .. });
                if !chat.turns.iter().flat_map(|turn| &turn.parts).any(called) {
                    chat.tools.clear();
                }
                None
            }
            _ => return Err("body.tool_choice is not auto, none, required or a function".to_owned()),
        },
        Some(named) => match named["function"]["name"].as_str() {
            Some(name) => Some(Choice::Tool(name.to_owned())),
            None => return Err("body.tool_choice names no function".to_owned()),
        },
    };
    chat.schema = match fields.take("response_format") {
        None => None,
        Some(format) if format["type"] == "text" => None,
        Some(format) => Some(read_schema(format)?),
    };
    fields.done()?;
    Ok(chat)
}

fn read_schema(format: Value) -> Result<Schema, String> {
    let mut fields = Fields::of(format, "body.response_format")?;
    if fields.needed_text("type")? != "json_schema" {
        return Err("body.response_format is neither text nor json_schema, and cannot be carried over".to_owned());
    }
    let mut inner = Fields::of(fields.needed("json_schema")?, "body.response_format.json_schema")?;
    inner.only("strict", &[json!(true), json!(false)])?;
    let (name, description) = (inner.needed_text("name")?, inner.text("description")?);
    let schema = Schema { name, description, schema: inner.needed("schema")? };
    inner.done()?;
    fields.done()?;
    Ok(schema)
}

fn say(chat: &mut Chat, message: Value) -> Result<(), String> {
    let mut fields = Fields::of(message, "a message")?;
    fields.ignore(&["name", "refusal", "annotations"]);
    let role = fields.needed_text("role")?;
    match role.as_str() {
        "system" | "developer" => {
            for part in content(fields.needed("content")?)? {
                match part {
                    Part::Text(text) => chat.system.push(text),
                    _ => return Err("a system message holds something else than text".to_owned()),
                }
            }
        }
        "user" => chat.say(Role::User, content(fields.needed("content")?)?),
        "assistant" => {
            let mut parts = match fields.take("content") {
                None => Vec::new(),
                Some(text) => content(text)?,
            };
            for call in fields.list("tool_calls")? {
                parts.push(read_call(&call)?);
            }
            chat.say(Role::Assistant, parts);
        }
        "tool" => {
            let id = fields.needed_text("tool_call_id")?;
            let texts = content(fields.needed("content")?)?.into_iter().map(|part| match part {
                Part::Text(text) => Ok(text),
                _ => Err("a tool's message holds something else than text".to_owned()),
            });
            let text = texts.collect::<Result<Vec<_>, _>>()?.join("\n");
            chat.say(Role::User, vec![Part::Result { id, text, is_error: false }]);
        }
        _ => return Err("a message's role is not system, developer, user, assistant or tool".to_owned()),
    }
    fields.done()
}

fn content(value: Value) -> Result<Vec<Part>, String> {
    let parts = match value {
        Value::String(text) => return Ok(if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] }),
        Value::Array(parts) => parts,
        _ => return Err("a message's content is neither a string nor a list of parts".to_owned()),
    };
    let one = |part: Value| {
        let mut fields = Fields::of(part, "a content part")?;
        let kind = fields.needed_text("type")?;
        let read = match kind.as_str() {
            "text" => Part::Text(fields.needed_text("text")?),
            "image_url" => {
                let mut image = Fields::of(fields.needed("image_url")?, "image_url")?;
                image.ignore(&["detail"]);
                let url = image.needed_text("url")?;
                image.done()?;
                data_url(&url)?
            }
            "file" => {
                let mut file = Fields::of(fields.needed("file")?, "file")?;
                let (name, data) = (file.needed_text("filename")?, file.needed_text("file_data")?);
                file.done()?;
                document(&name, &data)?
            }
            _ => return Err("a content part is neither text, image nor file, and cannot be carried over".to_owned()),
        };
        fields.done()?;
        Ok(read)
    };
    parts.into_iter().map(one).collect()
}

/// An image in a `data:` URL: nothing is fetched for a caller.
fn data_url(url: &str) -> Result<Part, String> {
    let image = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    let Some((format, data)) = image else {
        return Err("an image is no data:image/...;base64 URL; images behind addresses are not fetched".to_owned());
    };
    let format = if format == "jpg" { "jpeg" } else { format };
    if !["png", "jpeg", "gif", "webp"].contains(&format) {
        return Err("an image is not png, jpeg, gif or webp".to_owned());
    }
    Ok(Part::Image(format.to_owned(), data.to_owned()))
}

/// Formats of documents, by the ends of their names.
// Service model of bedrock-runtime in botocore, `DocumentFormat`, read 2026-11-30.
const DOCUMENTS: [&str; 9] = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];

/// A file, as bytes in base64 with or without the head of a `data:` URL.
fn document(name: &str, data: &str) -> Result<Part, String> {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let Some(format) = DOCUMENTS.iter().find(|format| format.eq_ignore_ascii_case(end)) else {
        return Err(format!("a file's name ends in none of {}, and its kind cannot be told", DOCUMENTS.join(", ")));
    };
    let data = match data.strip_prefix("data:") {
        None => data,
        Some(url) => url.split_once(";base64,").ok_or("a file's data is no base64")?.1,
    };
    // Names of documents have letters, digits, single spaces, hyphens and brackets.
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
    let words: String = stem.chars().map(kept).take(200).collect();
    let name = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { "document".to_owned() } else { name };
    Ok(Part::Document { format, name, data: data.to_owned() })
}

fn read_tool(tool: Value) -> Result<Tool, String> {
    let mut fields = Fields::of(tool, "a tool")?;
    if fields.needed_text("type")? != "function" {
        return Err("a tool is no function, and cannot be carried over".to_owned());
    }
    let mut function = Fields::of(fields.needed("function")?, "a function")?;
    let tool = Tool {
        name: function.needed_text("name")?,
        description: function.text("description")?,
        schema: function.take("parameters").unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
        strict: function.take("strict") == Some(Value::Bool(true)),
    };
    function.done()?;
    fields.done()?;
    Ok(tool)
}

fn read_call(call: &Value) -> Result<Part, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (id, name) = (text(&call["id"]), text(&call["function"]["name"]));
    let input = call["function"]["arguments"].as_str().and_then(|arguments| match arguments.trim() {
        "" => Some(json!({})),
        arguments => serde_json::from_str(arguments).ok(),
    });
    match (id, name, input) {
        (Some(id), Some(name), Some(input)) => Ok(Part::Call { id, name, input }),
        _ => Err("a tool call lacks its id, its function's name, or arguments that are JSON".to_owned()),
    }
}

/// The body of a conversation, for OpenAI's own models.
pub(crate) fn body(chat: &Chat) -> Result<Value, String> {
    let mut messages: Vec<Value> = chat.system.iter().map(|text| json!({ "role": "system", "content": text })).collect();
    for turn in &chat.turns {
        let (mut content, mut calls) = (Vec::new(), Vec::new());
        for part in &turn.parts {
            match part {
                Part::Text(text) => content.push(json!({ "type": "text", "text": text })),
                Part::Image(format, data) => {
                    content.push(
                        json!({ "type": "image_url", "image_url": { "url": format!("data:image/{format};base64,{data}") } }),
                    );
                }
                Part::Document { format, name, data } => content.push(json!({
                    "type": "file",
                    "file": { "filename": format!("{name}.{format}"), "file_data": format!("data:;base64,{data}") },
                })),
                Part::Thought(_) => {}
                Part::Call { id, name, input } => calls.push(json!({
                    "id": id, "type": "function", "function": { "name": name, "arguments": input.to_string() },
                })),
                Part::Result { id, text, .. } => messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text })),
            }
        }
        let mut message = json!({ "role": turn.role.name() });
        if !content.is_empty() {
            message["content"] = content.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        if message.as_object().is_some_and(|members| members.len() > 1) {
            messages.push(message);
        }
    }
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| value.map(|value| body.insert(name.to_owned(), value));
    set("messages", Some(messages.into()));
    set("max_completion_tokens", chat.max_tokens.map(Value::from));
    set("temperature", chat.temperature.map(Value::from));
    set("top_p", chat.top_p.map(Value::from));
    set("stop", (!chat.stop.is_empty()).then(|| chat.stop.clone().into()));
    let tool = |tool: &Tool| json!({ "type": "function", "function": { "name": tool.name, "description": tool.description, "parameters": tool.schema } });
    set("tools", (!chat.tools.is_empty()).then(|| chat.tools.iter().map(tool).collect::<Vec<_>>().into()));
    set(
        "tool_choice",
        chat.choice.as_ref().map(|choice| match choice {
            Choice::Auto => "auto".into(),
            Choice::Any => "required".into(),
            Choice::Tool(name) => json!({ "type": "function", "function": { "name": name } }),
        }),
    );
    Ok(Value::Object(body))
}

/// A reply as a chat completion.
pub(crate) fn completion(reply: &Reply, record: &str, model: &str, created_s: i64) -> Value {
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &reply.parts {
        match part {
            Part::Text(more) => text += more,
            Part::Thought(more) => thought += more,
            Part::Call { id, name, input } => calls.push(json!({
                "id": id, "type": "function", "function": { "name": name, "arguments": input.to_string() },
            })),
            Part::Image(..) | Part::Document { .. } | Part::Result { .. } => {}
        }
    }
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { text.into() };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    if !thought.is_empty() {
        // OpenAI has no member for it; this is what its clients look for with other providers.
        message["reasoning_content"] = thought.into();
    }
    json!({
        "id": format!("chatcmpl-{record}"),
        "object": "chat.completion",
        "created": created_s,
        "model": model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish(reply.stop) }],
        "usage": usage(reply.input, reply.cached, reply.output),
    })
}

/// Why a model stopped, in OpenAI's words.
pub(crate) const fn finish(stop: Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
        Stop::Filter => "content_filter",
    }
}

/// What was used; of the input, `cached` was read from a cache.
pub(crate) fn usage(input: u64, cached: u64, output: u64) -> Value {
    let mut usage = json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    if cached > 0 {
        usage["prompt_tokens_details"] = json!({ "cached_tokens": cached });
    }
    usage
}
