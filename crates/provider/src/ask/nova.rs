//! The body of `InvokeModel` for Amazon Nova, schema `messages-v1`.

use serde_json::Value;

use super::converse::turned_on;
use super::draft::Draft;
use super::{Ask, Refused, blocks};
use crate::models::Model;

/// What the schema knows.
const KNOWN: [&str; 8] = [
    "schemaVersion",
    "system",
    "messages",
    "inferenceConfig",
    "toolConfig",
    "reasoningConfig",
    "additionalModelRequestFields",
    "outputConfig",
];

pub(super) fn read(model: &Model, body: &Value) -> Result<Ask, Refused> {
    let fields = blocks::body(body)?;
    fields.only(&KNOWN)?;
    if fields.text("schemaVersion")?.is_some_and(|version| version != "messages-v1") {
        return Err(fields.wrong("schemaVersion", "messages-v1"));
    }
    let mut draft = Draft::new(model);
    blocks::tools(&mut draft, &fields)?;
    blocks::system(&mut draft, &fields)?;
    blocks::messages(&mut draft, &fields)?;
    blocks::inference(&mut draft, &fields)?;
    draft.thinking = fields.get("reasoningConfig").is_some_and(turned_on);
    draft.finish(body)
}
