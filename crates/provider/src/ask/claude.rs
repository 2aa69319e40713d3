//! The body of `InvokeModel` for Claude: Anthropic's Messages API with `anthropic_version` in the place of `model`.

use serde_json::{Value, json};

use super::converse::turned_on;
use super::draft::Draft;
use super::fields::{Fields, Manner};
use super::{Ask, ChatPart, Refused, Role, Tool, ToolChoice};
use crate::models::{Modality, Model};
use crate::tokens;

/// The versions that Bedrock takes; its documents name the first.
// Amazon Bedrock User Guide, "Anthropic Claude Messages API", read 2026-11-23; AnthropicBedrock of Anthropic's Python SDK
// 2.13.0 sends the second.
const VERSIONS: [&str; 2] = ["bedrock-2023-05-31", "2026-10-21"];

/// What the API knows on Bedrock; not `model` and not `stream`, which the path says.
const KNOWN: [&str; 16] = [
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "output_format",
    "output_config",
    "metadata",
    "context_management",
];

pub(super) fn read(model: &Model, body: &Value) -> Result<Ask, Refused> {
    let fields = Fields::of(body, "", Manner::Anthropic)?;
    fields.only(&KNOWN)?;
    if !VERSIONS.contains(&fields.required_text("anthropic_version")?) {
        return Err(Refused::because(format!("anthropic_version: Input should be '{}'", VERSIONS[0])));
    }
    let mut draft = Draft::new(model);
    fields.required("max_tokens")?;
    draft.max_tokens = fields.count("max_tokens")?;
    draft.stop_sequences = fields.texts("stop_sequences")?;
    draft.sample(&fields, "temperature", "top_p")?;
    draft.thinking = fields.get("thinking").is_some_and(turned_on);
    draft.output_schema = output_schema(&fields)?;
    tools(&mut draft, &fields)?;
    system(&mut draft, &fields)?;
    messages(&mut draft, &fields)?;
    draft.finish(body)
}

fn output_schema(fields: &Fields<'_>) -> Result<Option<Value>, Refused> {
    let format = match fields.object("output_config")? {
        Some(config) => config.object("format")?,
        None => fields.object("output_format")?,
    };
    format.map(|format| format.required("schema").cloned()).transpose()
}

fn tools(draft: &mut Draft<'_>, fields: &Fields<'_>) -> Result<(), Refused> {
    for (entry, raw) in fields.objects("tools")?.iter().zip(fields.list("tools")?.unwrap_or_default()) {
        let name = entry.required_text("name")?.to_owned();
        // Anthropic's own tools have a type and no schema.
        let of_anthropic = entry.text("type")?.is_some_and(|kind| kind != "custom");
        let schema = match entry.get("input_schema") {
            Some(schema) => schema.clone(),
            None if of_anthropic => json!({"type": "object"}),
            None => return Err(entry.missing("input_schema")),
        };
        let tool = Tool { name, description: entry.text("description")?.map(str::to_owned), schema };
        draft.tool(tool, &without_cache_control(raw));
        cache_control(draft, entry)?;
    }
    if let Some(choice) = fields.object("tool_choice")? {
        draft.tool_choice = match choice.required_text("type")? {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::Never,
            "any" => ToolChoice::Any,
            "tool" => ToolChoice::Tool(choice.required_text("name")?.to_owned()),
            _ => return Err(choice.wrong("type", "tool choice")),
        };
    }
    Ok(())
}

fn system(draft: &mut Draft<'_>, fields: &Fields<'_>) -> Result<(), Refused> {
    if fields.get("system").is_some() {
        draft.turn(Role::System);
        content(draft, "system", fields, "system")?;
    }
    Ok(())
}

fn messages(draft: &mut Draft<'_>, fields: &Fields<'_>) -> Result<(), Refused> {
    fields.required("messages")?;
    for message in fields.objects("messages")? {
        let role = message.required_text("role")?;
        draft.turn(match role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err(Refused::because(format!("{}: Input should be 'user' or 'assistant'", message.path("role")))),
        });
        content(draft, role, &message, "content")?;
    }
    if draft.has_turns() { Ok(()) } else { Err(Refused::because("messages: at least one message is required")) }
}

/// Reads content that is one text or a list of blocks.
fn content(draft: &mut Draft<'_>, place: &str, holder: &Fields<'_>, key: &str) -> Result<(), Refused> {
    if let Value::String(text) = holder.required(key)? {
        return say(draft, place, text, &json!({"type": "text", "text": text}), &holder.path(key));
    }
    let blocks = holder.objects(key)?;
    if blocks.is_empty() && place != "system" {
        return Err(Refused::because(format!("{}: must have non-empty content", holder.path(key))));
    }
    for (block, raw) in blocks.iter().zip(holder.list(key)?.unwrap_or_default()) {
        read_block(draft, place, block, &without_cache_control(raw))?;
        cache_control(draft, block)?;
    }
    Ok(())
}

fn read_block(draft: &mut Draft<'_>, place: &str, block: &Fields<'_>, raw: &Value) -> Result<(), Refused> {
    match block.required_text("type")? {
        "text" => say(draft, place, block.required_text("text")?, raw, &block.path("text"))?,
        "image" => {
            draft.needs(Modality::Image, "image")?;
            draft.say(ChatPart::Image(image_url(block)?));
            draft.block(place, raw, tokens::IMAGE_TOKENS);
        }
        "document" => {
            let source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
            let data = source.text("data")?.unwrap_or_default();
            let is_text = source.text("type")? == Some("text");
            let title = block.text("title")?.unwrap_or("document");
            draft.say(ChatPart::Text(if is_text { data.to_owned() } else { format!("(document {title}, not passed on)") }));
            let count = if is_text { tokens::of_text(data) } else { tokens::of_document(data.len() as u64 / 4 * 3) };
            draft.block(place, raw, count);
        }
        "tool_use" => {
            draft.say(ChatPart::ToolUse {
                id: block.required_text("id")?.to_owned(),
                name: block.required_text("name")?.to_owned(),
                input: block.get("input").cloned().unwrap_or_else(|| json!({})),
            });
            draft.block(place, raw, tokens::of_json(raw));
        }
        "tool_result" => {
            let (text, count) = tool_result(draft, block)?;
            draft.say(ChatPart::ToolResult { id: block.required_text("tool_use_id")?.to_owned(), text });
            draft.block(place, raw, count);
        }
        "thinking" | "redacted_thinking" => draft.block(place, raw, tokens::of_json(raw)),
        other => return Err(Refused::because(format!("{}: '{other}' is no known content block", block.path("type")))),
    }
    Ok(())
}

fn say(draft: &mut Draft<'_>, place: &str, text: &str, raw: &Value, path: &str) -> Result<(), Refused> {
    if text.is_empty() && place != "system" {
        return Err(Refused::because(format!("{path}: text content blocks must be non-empty")));
    }
    draft.say(ChatPart::Text(text.to_owned()));
    draft.block(place, raw, tokens::of_text(text));
    Ok(())
}

fn image_url(block: &Fields<'_>) -> Result<String, Refused> {
    let source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
    if let Some(url) = source.text("url")? {
        return Ok(url.to_owned());
    }
    let kind = source.text("media_type")?.unwrap_or("image/png");
    Ok(format!("data:{kind};base64,{}", source.required_text("data")?))
}

/// The text of a tool's result and the tokens of all of it.
fn tool_result(draft: &Draft<'_>, block: &Fields<'_>) -> Result<(String, u64), Refused> {
    match block.get("content") {
        None => Ok((String::new(), 0)),
        Some(Value::String(text)) => Ok((text.clone(), tokens::of_text(text))),
        Some(_) => {
            let (mut texts, mut count) = (Vec::new(), 0);
            for part in block.objects("content")? {
                if let Some(text) = part.text("text")? {
                    texts.push(text);
                    count += tokens::of_text(text);
                } else {
                    draft.needs(Modality::Image, "image")?;
                    count += tokens::IMAGE_TOKENS;
                }
            }
            Ok((texts.join("\n"), count))
        }
    }
}

fn cache_control(draft: &mut Draft<'_>, block: &Fields<'_>) -> Result<(), Refused> {
    let Some(control) = block.object("cache_control")? else { return Ok(()) };
    draft.checkpoint(control.text("ttl")?)
}

/// A block as it is cached: where it is marked does not change what it says.
fn without_cache_control(block: &Value) -> Value {
    let mut block = block.clone();
    if let Value::Object(map) = &mut block {
        map.remove("cache_control");
    }
    block
}
