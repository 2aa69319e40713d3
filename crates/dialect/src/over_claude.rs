//! Converse over Claude's own body, where no Bedrock stands between: requests there, answers and streams back, block by block.
//!
//! Not by way of the conversation that the other shapes share: caches, signatures of thoughts and images of tools are carried over too.
//! Source: service model of bedrock-runtime in botocore; Anthropic, API reference, "Messages" and "Streaming", read 2026-11-30.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use laneshift_units::Usage;
use serde_json::{Map, Value, json};

use crate::chat::OUTPUT_MAX;
use crate::claude;
use crate::fields::Fields;

/// Members that are about the call, and not for the model.
const ABOUT: [&str; 3] = ["requestMetadata", "serviceTier", "performanceConfig"];
/// Formats of documents that are text.
const TEXTS: [&str; 4] = ["txt", "md", "csv", "html"];

/// Claude's body, as InvokeModel takes it, for one of Converse.
///
/// # Errors
/// What cannot be carried over, by name.
pub fn claude_of_converse(body: &[u8]) -> Result<Value, String> {
    let body = serde_json::from_slice(body).map_err(|_| "the body is no JSON")?;
    let mut fields = Fields::of(body, "body")?;
    fields.ignore(&ABOUT);
    let mut claude = match fields.take("additionalModelRequestFields") {
        None => Map::new(),
        Some(Value::Object(more)) => more,
        Some(_) => return Err("body.additionalModelRequestFields is not an object".to_owned()),
    };
    claude.insert("anthropic_version".to_owned(), claude::VERSION.into());
    let system = marked(fields.list("system")?, &system_block)?;
    if !system.is_empty() {
        claude.insert("system".to_owned(), system.into());
    }
    let messages = fields.list("messages")?.into_iter().map(message).collect::<Result<Vec<_>, _>>()?;
    claude.insert("messages".to_owned(), messages.into());
    let mut inference = Fields::of(fields.take("inferenceConfig").unwrap_or_else(|| json!({})), "body.inferenceConfig")?;
    claude.insert("max_tokens".to_owned(), inference.count("maxTokens")?.unwrap_or(OUTPUT_MAX).into());
    for (name, theirs) in [("temperature", "temperature"), ("topP", "top_p"), ("stopSequences", "stop_sequences")] {
        claude.extend(inference.take(name).map(|value| (theirs.to_owned(), value)));
    }
    inference.done()?;
    if let Some(config) = fields.take("toolConfig") {
        let mut config = Fields::of(config, "body.toolConfig")?;
        claude.insert("tools".to_owned(), marked(config.list("tools")?, &tool)?.into());
        claude.extend(config.take("toolChoice").map(tool_choice).transpose()?.map(|choice| ("tool_choice".to_owned(), choice)));
        config.done()?;
    }
    if let Some(config) = fields.take("outputConfig") {
        claude.insert("output_config".to_owned(), output_config(config)?);
    }
    fields.done()?;
    Ok(Value::Object(claude))
}

fn message(message: Value) -> Result<Value, String> {
    let mut fields = Fields::of(message, "a message")?;
    let (role, content) = (fields.needed_text("role")?, fields.list("content")?);
    if !["user", "assistant"].contains(&&*role) {
        return Err("a message's role is neither user nor assistant".to_owned());
    }
    fields.done()?;
    Ok(json!({ "role": role, "content": marked(content, &block)? }))
}

/// Blocks, with the marks of what is cached on the block that stands before them.
fn marked(blocks: Vec<Value>, read: &dyn Fn(Value) -> Result<Value, String>) -> Result<Vec<Value>, String> {
    let mut written: Vec<Value> = Vec::new();
    for block in blocks {
        let Some(point) = block.get("cachePoint") else {
            written.push(read(block)?);
            continue;
        };
        let mut fields = Fields::of(point.clone(), "cachePoint")?;
        fields.only("type", &[json!("default")])?;
        let mut control = json!({ "type": "ephemeral" });
        if let Some(ttl) = fields.text("ttl")? {
            control["ttl"] = ttl.into();
        }
        fields.done()?;
        written.last_mut().ok_or("a cachePoint has nothing before it")?["cache_control"] = control;
    }
    Ok(written)
}

fn system_block(block: Value) -> Result<Value, String> {
    text_of(&block).ok_or_else(|| "body.system holds something else than text and cachePoint".to_owned())
}

/// A block that is text alone.
fn text_of(block: &Value) -> Option<Value> {
    let text = block["text"].as_str().filter(|_| block.as_object().is_some_and(|members| members.len() == 1));
    text.map(|text| json!({ "type": "text", "text": text }))
}

fn block(block: Value) -> Result<Value, String> {
    if let Some(text) = text_of(&block) {
        return Ok(text);
    }
    let (kind, inner) = only_member(block)?;
    match kind.as_str() {
        "image" => image(inner),
        "document" => document(inner),
        "toolUse" => {
            let mut fields = Fields::of(inner, "toolUse")?;
            let (id, name) = (fields.needed_text("toolUseId")?, fields.needed_text("name")?);
            let input = fields.needed("input")?;
            fields.done()?;
            Ok(json!({ "type": "tool_use", "id": id, "name": name, "input": input }))
        }
        "toolResult" => {
            let mut fields = Fields::of(inner, "toolResult")?;
            let id = fields.needed_text("toolUseId")?;
            let content = fields.list("content")?.into_iter().map(result_block).collect::<Result<Vec<_>, _>>()?;
            let is_error = fields.text("status")?.as_deref() == Some("error");
            fields.done()?;
            Ok(json!({ "type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error }))
        }
        "reasoningContent" => thought(inner),
        _ => Err(refused(&kind)),
    }
}

fn refused(kind: &str) -> String {
    let kind: String = kind.chars().take(40).collect();
    format!("content of the kind {kind:?} cannot be carried over to this model")
}

/// A union's name and what it holds.
fn only_member(block: Value) -> Result<(String, Value), String> {
    let Value::Object(members) = block else { return Err("a content block is not a JSON object".to_owned()) };
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some(only), None) => Ok(only),
        _ => Err("a content block has not one member".to_owned()),
    }
}

fn result_block(one: Value) -> Result<Value, String> {
    match one.get("json") {
        Some(value) => Ok(json!({ "type": "text", "text": value.to_string() })),
        None => block(one),
    }
}

/// The bytes of a source, in base64: nothing is fetched for a caller.
fn bytes_of(fields: &mut Fields, what: &str) -> Result<String, String> {
    let source = fields.needed("source")?;
    match only_member(source)? {
        (kind, Value::String(data)) if kind == "bytes" => Ok(data),
        _ => Err(format!("{what} is not in the body, and nothing is fetched for a call")),
    }
}

fn image(image: Value) -> Result<Value, String> {
    let mut fields = Fields::of(image, "image")?;
    let (format, data) = (fields.needed_text("format")?, bytes_of(&mut fields, "an image")?);
    fields.done()?;
    Ok(json!({ "type": "image", "source": { "type": "base64", "media_type": format!("image/{format}"), "data": data } }))
}

fn document(document: Value) -> Result<Value, String> {
    let mut fields = Fields::of(document, "document")?;
    let (format, name) = (fields.needed_text("format")?, fields.needed_text("name")?);
    let data = bytes_of(&mut fields, "a document")?;
    fields.done()?;
    let source = match format.as_str() {
        "pdf" => json!({ "type": "base64", "media_type": "application/pdf", "data": data }),
        text if TEXTS.contains(&text) => {
            let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            json!({ "type": "text", "media_type": "text/plain", "data": text.ok_or("a document of text is no UTF-8 in base64")? })
        }
        _ => return Err(format!("a document is neither pdf nor {}, and cannot be carried over", TEXTS.join(", "))),
    };
    Ok(json!({ "type": "document", "title": name, "source": source }))
}

fn thought(thought: Value) -> Result<Value, String> {
    match only_member(thought)? {
        (kind, Value::Object(mut text)) if kind == "reasoningText" => {
            let signature = text.remove("signature").unwrap_or_else(|| "".into());
            let text = text.remove("text").unwrap_or_else(|| "".into());
            Ok(json!({ "type": "thinking", "thinking": text, "signature": signature }))
        }
        (kind, data) if kind == "redactedContent" => Ok(json!({ "type": "redacted_thinking", "data": data })),
        (kind, _) => Err(refused(&kind)),
    }
}

fn tool(tool: Value) -> Result<Value, String> {
    let (kind, spec) = only_member(tool)?;
    if kind != "toolSpec" {
        return Err(refused(&kind));
    }
    let mut fields = Fields::of(spec, "toolSpec")?;
    let mut written = json!({ "name": fields.needed_text("name")?, "input_schema": fields.needed("inputSchema")?["json"] });
    for name in ["description", "strict"] {
        if let Some(value) = fields.take(name) {
            written[name] = value;
        }
    }
    fields.done()?;
    Ok(written)
}

fn tool_choice(choice: Value) -> Result<Value, String> {
    let (kind, inner) = only_member(choice)?;
    match kind.as_str() {
        "auto" | "any" => Ok(json!({ "type": kind })),
        "tool" => Ok(json!({ "type": "tool", "name": inner["name"] })),
        _ => Err("body.toolConfig.toolChoice is not auto, any or tool".to_owned()),
    }
}

fn output_config(config: Value) -> Result<Value, String> {
    let mut fields = Fields::of(config, "body.outputConfig")?;
    let mut written = json!({});
    if let Some(format) = fields.take("textFormat") {
        let schema = format["structure"]["jsonSchema"]["schema"].as_str().and_then(|text| serde_json::from_str(text).ok());
        let schema: Value = schema.ok_or("body.outputConfig.textFormat holds no JSON schema")?;
        written["format"] = json!({ "type": "json_schema", "schema": schema });
    }
    if let Some(effort) = fields.take("effort") {
        written["effort"] = effort;
    }
    fields.done()?;
    Ok(written)
}

/// Converse's answer for one of Claude's; `None` when it has no shape that is known.
pub fn converse_of_claude(answer: &[u8], usage: &Usage, latency_ms: u64) -> Option<Value> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let content: Vec<Value> = answer["content"].as_array()?.iter().filter_map(said).collect();
    let mut converse = converse_metadata(usage, latency_ms);
    converse["output"] = json!({ "message": { "role": "assistant", "content": content } });
    converse["stopReason"] = stop_reason(answer["stop_reason"].as_str()?).into();
    Some(converse)
}

/// What Converse says of an answer beside its content.
pub fn converse_metadata(usage: &Usage, latency_ms: u64) -> Value {
    let written = [("1h", usage.cache_write_1h.0), ("5m", usage.cache_write_5m.0)];
    let details: Vec<Value> = written
        .into_iter()
        .filter(|(_, tokens)| *tokens > 0)
        .map(|(ttl, tokens)| json!({ "ttl": ttl, "inputTokens": tokens }))
        .collect();
    let mut counts = json!({
        "inputTokens": usage.input.0,
        "outputTokens": usage.output.0,
        "totalTokens": usage.total().0,
        "cacheReadInputTokens": usage.cache_read.0,
        "cacheWriteInputTokens": usage.cache_write_5m.0 + usage.cache_write_1h.0,
    });
    if !details.is_empty() {
        counts["cacheDetails"] = details.into();
    }
    json!({ "usage": counts, "metrics": { "latencyMs": latency_ms } })
}

/// An event of ConverseStream for one of Claude's stream, but for the last, which counts.
pub fn converse_event(event: &Value) -> Option<(&'static str, Value)> {
    let at = |mut payload: Value| {
        payload["contentBlockIndex"] = event["index"].clone();
        payload
    };
    Some(match event["type"].as_str()? {
        "message_start" => ("messageStart", json!({ "role": "assistant" })),
        "content_block_start" => {
            let block = &event["content_block"];
            match block["type"].as_str()? {
                "tool_use" => {
                    let tool = json!({ "toolUseId": block["id"], "name": block["name"] });
                    ("contentBlockStart", at(json!({ "start": { "toolUse": tool } })))
                }
                "redacted_thinking" => {
                    ("contentBlockDelta", at(json!({ "delta": { "reasoningContent": { "redactedContent": block["data"] } } })))
                }
                _ => return None,
            }
        }
        "content_block_delta" => {
            let delta = &event["delta"];
            let delta = match delta["type"].as_str()? {
                "text_delta" => json!({ "text": delta["text"] }),
                "input_json_delta" => json!({ "toolUse": { "input": delta["partial_json"] } }),
                "thinking_delta" => json!({ "reasoningContent": { "text": delta["thinking"] } }),
                "signature_delta" => json!({ "reasoningContent": { "signature": delta["signature"] } }),
                _ => return None,
            };
            ("contentBlockDelta", at(json!({ "delta": delta })))
        }
        "content_block_stop" => ("contentBlockStop", at(json!({}))),
        "message_delta" => ("messageStop", json!({ "stopReason": stop_reason(event["delta"]["stop_reason"].as_str()?) })),
        _ => return None,
    })
}

/// A block of an answer; what Converse has no kind for is left out.
fn said(block: &Value) -> Option<Value> {
    Some(match block["type"].as_str()? {
        "text" => json!({ "text": block["text"] }),
        "tool_use" => json!({ "toolUse": { "toolUseId": block["id"], "name": block["name"], "input": block["input"] } }),
        "thinking" => {
            let text = json!({ "text": block["thinking"], "signature": block["signature"] });
            json!({ "reasoningContent": { "reasoningText": text } })
        }
        "redacted_thinking" => json!({ "reasoningContent": { "redactedContent": block["data"] } }),
        _ => return None,
    })
}

fn stop_reason(theirs: &str) -> &str {
    match theirs {
        "refusal" => "content_filtered",
        "pause_turn" => "end_turn",
        same => same,
    }
}
