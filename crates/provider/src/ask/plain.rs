//! Bodies of `InvokeModel` that are one text: Titan's embeddings and Llama's prompt.

use serde_json::{Value, json};

use super::draft::Draft;
use super::{Ask, ChatPart, Embedding, Refused, Role, blocks};
use crate::models::{Modality, Model};
use crate::tokens;

/// The lengths of vector that Titan Text Embeddings V2 makes, the default first.
// Amazon Bedrock User Guide, "Amazon Titan Text Embeddings models", read 2026-11-23.
const DIMENSIONS: [usize; 3] = [1024, 512, 256];

pub(super) fn read_titan(model: &Model, body: &Value) -> Result<Ask, Refused> {
    let fields = blocks::body(body)?;
    fields.only(&["inputText", "dimensions", "normalize", "embeddingTypes"])?;
    let text = fields.required_text("inputText")?;
    if text.is_empty() {
        return Err(fields.wrong("inputText", "text of at least one character"));
    }
    let asked = fields.count("dimensions")?.unwrap_or(DIMENSIONS[0] as u64);
    let dimensions = DIMENSIONS
        .into_iter()
        .find(|known| *known as u64 == asked)
        .ok_or_else(|| fields.wrong("dimensions", "one of 256, 512, 1024"))?;
    let mut draft = Draft::new(model);
    draft.embedding = Some(Embedding { dimensions, normalize: fields.flag("normalize")?.unwrap_or(true) });
    one_text(&mut draft, text);
    draft.finish(body)
}

pub(super) fn read_llama(model: &Model, body: &Value) -> Result<Ask, Refused> {
    let fields = blocks::body(body)?;
    fields.only(&["prompt", "max_gen_len", "temperature", "top_p", "images"])?;
    let prompt = fields.required_text("prompt")?;
    if prompt.is_empty() {
        return Err(fields.wrong("prompt", "text of at least one character"));
    }
    let mut draft = Draft::new(model);
    draft.max_tokens = fields.count("max_gen_len")?;
    draft.sample(&fields, "temperature", "top_p")?;
    one_text(&mut draft, prompt);
    for image in fields.texts("images")? {
        draft.needs(Modality::Image, "image")?;
        draft.say(ChatPart::Image(format!("data:image/png;base64,{image}")));
        draft.block("user", &json!(image), tokens::IMAGE_TOKENS);
    }
    draft.finish(body)
}

fn one_text(draft: &mut Draft<'_>, text: &str) {
    draft.turn(Role::User);
    draft.say(ChatPart::Text(text.to_owned()));
    draft.block("user", &json!(text), tokens::of_text(text));
}
