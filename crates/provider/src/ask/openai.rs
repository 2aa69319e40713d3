//! The body of an OpenAI chat completion, as gpt-oss, Qwen, DeepSeek and Mistral take it. Unknown fields are ignored.

use laneshift_units::ServiceTier;
use serde_json::{Value, json};

use super::draft::Draft;
use super::fields::Fields;
use super::{Ask, ChatPart, Refused, Role, Sampling, Tool, ToolChoice, blocks};
use crate::models::{Modality, Model};
use crate::tokens;

pub(super) fn read(model: &Model, body: &Value) -> Result<Ask, Refused> {
    let fields = blocks::body(body)?;
    let mut draft = Draft::new(model);
    draft.max_tokens = match fields.count("max_completion_tokens")? {
        None => fields.count("max_tokens")?,
        given => given,
    };
    draft.stop_sequences = match fields.get("stop") {
        Some(Value::String(stop)) => vec![stop.clone()],
        _ => fields.texts("stop")?,
    };
    draft.sampling = Sampling { temperature: fields.number("temperature")?, top_p: fields.share("top_p")? };
    draft.thinking = fields.text("reasoning_effort")?.is_some_and(|effort| effort != "none");
    if let Some(name) = fields.text("service_tier")?.filter(|name| *name != "auto") {
        draft.tier = Some(ServiceTier::parse(name).ok_or_else(|| fields.wrong("service_tier", "service tier"))?);
    }
    draft.output_schema = output_schema(&fields)?;
    tools(&mut draft, &fields)?;
    fields.required("messages")?;
    for (message, raw) in fields.objects("messages")?.iter().zip(fields.list("messages")?.unwrap_or_default()) {
        read_message(&mut draft, message, raw)?;
    }
    if !draft.has_turns() {
        return Err(Refused::because("The conversation must have at least one message."));
    }
    draft.finish(body)
}

fn output_schema(fields: &Fields<'_>) -> Result<Option<Value>, Refused> {
    let Some(format) = fields.object("response_format")? else { return Ok(None) };
    Ok(match format.required_text("type")? {
        "json_object" => Some(json!({"type": "object"})),
        "json_schema" => {
            let named = format.object("json_schema")?.ok_or_else(|| format.missing("json_schema"))?;
            Some(named.required("schema")?.clone())
        }
        _ => None,
    })
}

fn tools(draft: &mut Draft<'_>, fields: &Fields<'_>) -> Result<(), Refused> {
    for (entry, raw) in fields.objects("tools")?.iter().zip(fields.list("tools")?.unwrap_or_default()) {
        let function = entry.object("function")?.ok_or_else(|| entry.missing("function"))?;
        let tool = Tool {
            name: function.required_text("name")?.to_owned(),
            description: function.text("description")?.map(str::to_owned),
            schema: function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"})),
        };
        draft.tool(tool, raw);
    }
    draft.tool_choice = match fields.get("tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(choice)) => match choice.as_str() {
            "none" => ToolChoice::Never,
            "required" | "any" => ToolChoice::Any,
            _ => ToolChoice::Auto,
        },
        Some(_) => {
            let choice = fields.object("tool_choice")?.and_then(|choice| choice.object("function").transpose()).transpose()?;
            let function = choice.ok_or_else(|| fields.missing("tool_choice.function"))?;
            ToolChoice::Tool(function.required_text("name")?.to_owned())
        }
    };
    Ok(())
}

fn read_message(draft: &mut Draft<'_>, message: &Fields<'_>, raw: &Value) -> Result<(), Refused> {
    let role = message.required_text("role")?;
    draft.turn(match role {
        "system" | "developer" => Role::System,
        "user" | "tool" => Role::User,
        "assistant" => Role::Assistant,
        _ => return Err(message.wrong("role", "role")),
    });
    if role == "tool" {
        let text = plain_text(message)?;
        draft.block(role, raw, tokens::of_text(&text));
        draft.say(ChatPart::ToolResult { id: message.required_text("tool_call_id")?.to_owned(), text });
        return Ok(());
    }
    let calls = message.objects("tool_calls")?;
    match message.get("content") {
        None if role == "assistant" => {}
        None => return Err(message.missing("content")),
        Some(Value::String(text)) => {
            draft.say(ChatPart::Text(text.clone()));
            draft.block(role, &json!(text), tokens::of_text(text));
        }
        Some(_) => parts(draft, role, message)?,
    }
    for (call, raw) in calls.iter().zip(message.list("tool_calls")?.unwrap_or_default()) {
        let function = call.object("function")?.ok_or_else(|| call.missing("function"))?;
        draft.say(ChatPart::ToolUse {
            id: call.required_text("id")?.to_owned(),
            name: function.required_text("name")?.to_owned(),
            input: function.text("arguments")?.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({})),
        });
        draft.block(role, raw, tokens::of_json(raw));
    }
    Ok(())
}

fn parts(draft: &mut Draft<'_>, role: &str, message: &Fields<'_>) -> Result<(), Refused> {
    for (part, raw) in message.objects("content")?.iter().zip(message.list("content")?.unwrap_or_default()) {
        match part.required_text("type")? {
            "text" => {
                let text = part.required_text("text")?;
                draft.say(ChatPart::Text(text.to_owned()));
                draft.block(role, raw, tokens::of_text(text));
            }
            "image_url" => {
                draft.needs(Modality::Image, "image")?;
                let image = part.object("image_url")?.ok_or_else(|| part.missing("image_url"))?;
                draft.say(ChatPart::Image(image.required_text("url")?.to_owned()));
                draft.block(role, raw, tokens::IMAGE_TOKENS);
            }
            other => return Err(Refused::because(format!("{}: {other} is no known part of a message.", part.path("type")))),
        }
    }
    Ok(())
}

/// The text of a message whose content is a text or a list of texts.
fn plain_text(message: &Fields<'_>) -> Result<String, Refused> {
    if let Value::String(text) = message.required("content")? {
        return Ok(text.clone());
    }
    let texts: Vec<&str> = message
        .objects("content")?
        .iter()
        .map(|part| part.text("text").map(Option::unwrap_or_default))
        .collect::<Result<_, _>>()?;
    Ok(texts.concat())
}
