//! The blocks that Converse and Nova share: `{"text": ...}`, `{"image": ...}`, `{"toolUse": ...}`, `{"cachePoint": ...}`.

use serde_json::{Value, json};

use super::draft::Draft;
use super::fields::{Fields, Manner};
use super::{ChatPart, Refused, Role, Tool, ToolChoice};
use crate::models::Modality;
use crate::tokens;

/// Reads `toolConfig`.
pub(super) fn tools(draft: &mut Draft<'_>, body: &Fields<'_>) -> Result<(), Refused> {
    let Some(config) = body.object("toolConfig")? else { return Ok(()) };
    let listed = config.objects("tools")?;
    if listed.is_empty() {
        return Err(config.missing("tools"));
    }
    for (entry, raw) in listed.iter().zip(config.list("tools")?.unwrap_or_default()) {
        if let Some(point) = entry.object("cachePoint")? {
            draft.checkpoint(point.text("ttl")?)?;
        } else if let Some(spec) = entry.object("toolSpec")? {
            let schema = spec.object("inputSchema")?.and_then(|schema| schema.get("json").cloned());
            let tool = Tool {
                name: spec.required_text("name")?.to_owned(),
                description: spec.text("description")?.map(str::to_owned),
                schema: schema.ok_or_else(|| spec.missing("inputSchema.json"))?,
            };
            draft.tool(tool, raw);
        } else if entry.get("systemTool").is_some() {
            draft.block("tools", raw, tokens::of_json(raw));
        } else {
            return Err(entry.missing("toolSpec"));
        }
    }
    if let Some(choice) = config.object("toolChoice")? {
        draft.tool_choice = match choice.object("tool")? {
            Some(tool) => ToolChoice::Tool(tool.required_text("name")?.to_owned()),
            None if choice.get("any").is_some() => ToolChoice::Any,
            None => ToolChoice::Auto,
        };
    }
    Ok(())
}

/// Reads `system`.
pub(super) fn system(draft: &mut Draft<'_>, body: &Fields<'_>) -> Result<(), Refused> {
    let listed = body.objects("system")?;
    if !listed.is_empty() {
        draft.turn(Role::System);
    }
    for (block, raw) in listed.iter().zip(body.list("system")?.unwrap_or_default()) {
        read(draft, "system", block, raw)?;
    }
    Ok(())
}

/// Reads `messages`.
pub(super) fn messages(draft: &mut Draft<'_>, body: &Fields<'_>) -> Result<(), Refused> {
    body.required("messages")?;
    for message in body.objects("messages")? {
        let role = message.required_text("role")?;
        draft.turn(match role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(Refused::because(format!("Value '{role}' at '{}' is no role.", message.path("role")))),
        });
        let listed = message.objects("content")?;
        if listed.is_empty() {
            return Err(Refused::because(format!(
                "The content field in the Message object at {} is empty. \
                 Add a ContentBlock object to the content field and try again.",
                message.path("").trim_end_matches('.')
            )));
        }
        for (block, raw) in listed.iter().zip(message.list("content")?.unwrap_or_default()) {
            read(draft, role, block, raw)?;
        }
    }
    if draft.has_turns() {
        return Ok(());
    }
    Err(Refused::because("The conversation must have at least one message."))
}

/// Reads one block of content.
fn read(draft: &mut Draft<'_>, place: &str, block: &Fields<'_>, raw: &Value) -> Result<(), Refused> {
    if let Some(point) = block.object("cachePoint")? {
        return draft.checkpoint(point.text("ttl")?);
    }
    if let Some(text) = block.text("text")? {
        if text.trim().is_empty() {
            let path = block.path("text");
            return Err(Refused::because(format!(
                "The text field at {path} is blank. Add text to the text field, and try again."
            )));
        }
        draft.say(ChatPart::Text(text.to_owned()));
        draft.block(place, raw, tokens::of_text(text));
    } else if let Some(guarded) = block.object("guardContent")? {
        let text = guarded.object("text")?.and_then(|text| text.get("text")?.as_str()).unwrap_or_default();
        draft.say(ChatPart::Text(text.to_owned()));
        draft.block(place, raw, tokens::of_text(text));
    } else if let Some(image) = block.object("image")? {
        draft.needs(Modality::Image, "image")?;
        let data = source_bytes(&image)?.unwrap_or_default();
        let url = format!("data:image/{};base64,{data}", image.text("format")?.unwrap_or("png"));
        draft.say(ChatPart::Image(url));
        draft.block(place, raw, tokens::IMAGE_TOKENS);
    } else if let Some(document) = block.object("document")? {
        let name = document.text("name")?.unwrap_or("document");
        let bytes = source_bytes(&document)?.map_or(0, |data| data.len() as u64 / 4 * 3);
        draft.say(ChatPart::Text(format!("(document {name}, not passed on)")));
        draft.block(place, raw, tokens::of_document(bytes));
    } else if block.get("video").is_some() {
        draft.needs(Modality::Video, "video")?;
        draft.block(place, raw, tokens::VIDEO_TOKENS);
    } else if block.get("audio").is_some() {
        draft.needs(Modality::Speech, "audio")?;
        draft.block(place, raw, tokens::AUDIO_TOKENS);
    } else if let Some(call) = block.object("toolUse")? {
        draft.say(ChatPart::ToolUse {
            id: call.required_text("toolUseId")?.to_owned(),
            name: call.required_text("name")?.to_owned(),
            input: call.get("input").cloned().unwrap_or_else(|| json!({})),
        });
        draft.block(place, raw, tokens::of_json(raw));
    } else if let Some(result) = block.object("toolResult")? {
        let (text, tokens) = tool_result(draft, &result)?;
        draft.say(ChatPart::ToolResult { id: result.required_text("toolUseId")?.to_owned(), text });
        draft.block(place, raw, tokens);
    } else if let Some(reasoning) = block.get("reasoningContent") {
        draft.block(place, raw, tokens::of_json(reasoning));
    } else {
        return Err(Refused::because(format!(
            "The ContentBlock object at {} has no known content.",
            block.path("").trim_end_matches('.')
        )));
    }
    Ok(())
}

/// The text of a tool's result and the tokens of all of it.
fn tool_result(draft: &Draft<'_>, result: &Fields<'_>) -> Result<(String, u64), Refused> {
    let (mut texts, mut count) = (Vec::new(), 0);
    for part in result.objects("content")? {
        if let Some(text) = part.text("text")? {
            texts.push(text.to_owned());
            count += tokens::of_text(text);
        } else if let Some(value) = part.get("json") {
            texts.push(value.to_string());
            count += tokens::of_json(value);
        } else if part.get("image").is_some() {
            draft.needs(Modality::Image, "image")?;
            count += tokens::IMAGE_TOKENS;
        } else {
            count += tokens::PAGE_TOKENS;
        }
    }
    Ok((texts.join("\n"), count))
}

fn source_bytes<'a>(block: &Fields<'a>) -> Result<Option<&'a str>, Refused> {
    let source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
    source.text("bytes")
}

/// Reads `inferenceConfig`; older bodies of Nova say `max_new_tokens`.
pub(super) fn inference(draft: &mut Draft<'_>, body: &Fields<'_>) -> Result<(), Refused> {
    let Some(config) = body.object("inferenceConfig")? else { return Ok(()) };
    draft.max_tokens = match config.count("maxTokens")? {
        None => config.count("max_new_tokens")?,
        given => given,
    };
    draft.stop_sequences = config.texts("stopSequences")?;
    draft.sample(&config, "temperature", "topP")
}

/// The body as fields, refused in AWS's manner.
pub(super) fn body(value: &Value) -> Result<Fields<'_>, Refused> {
    Fields::of(value, "", Manner::Aws)
}
