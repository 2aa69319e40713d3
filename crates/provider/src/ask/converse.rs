//! The body of `Converse`, the same for every family that chats.

use laneshift_units::ServiceTier;
use serde_json::Value;

use super::draft::Draft;
use super::fields::Fields;
use super::{Ask, Refused, blocks};
use crate::models::{Family, Model};

/// Fields of `additionalModelRequestFields` by which a model is told to reason.
const REASONING_FIELDS: [&str; 4] = ["thinking", "reasoning_config", "reasoningConfig", "reasoning_effort"];

pub(super) fn read(model: &Model, body: &Value) -> Result<Ask, Refused> {
    if model.family == Family::TitanEmbed {
        return Err(Refused::because(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
        ));
    }
    let fields = blocks::body(body)?;
    let mut draft = Draft::new(model);
    blocks::tools(&mut draft, &fields)?;
    blocks::system(&mut draft, &fields)?;
    blocks::messages(&mut draft, &fields)?;
    blocks::inference(&mut draft, &fields)?;
    if let Some(tier) = fields.object("serviceTier")? {
        let name = tier.required_text("type")?;
        draft.tier = Some(ServiceTier::parse(name).ok_or_else(|| Refused::because(format!("{name} is no service tier.")))?);
    }
    draft.output_schema = output_schema(&fields)?;
    if let Some(more) = fields.object("additionalModelRequestFields")? {
        draft.thinking = REASONING_FIELDS.iter().any(|field| more.get(field).is_some_and(turned_on));
    }
    draft.finish(body)
}

/// Whether the value of a reasoning field asks for reasoning.
pub(super) fn turned_on(value: &Value) -> bool {
    let kind = value.get("type").unwrap_or(value).as_str();
    !matches!(kind, Some("disabled" | "none"))
}

/// `outputConfig.textFormat.structure.jsonSchema.schema`, a JSON text.
fn output_schema(fields: &Fields<'_>) -> Result<Option<Value>, Refused> {
    let Some(config) = fields.object("outputConfig")? else { return Ok(None) };
    let Some(format) = config.object("textFormat")? else { return Ok(None) };
    let structure = format.object("structure")?.ok_or_else(|| format.missing("structure"))?;
    let schema = structure.object("jsonSchema")?.ok_or_else(|| structure.missing("jsonSchema"))?;
    match schema.required("schema")? {
        Value::String(text) => serde_json::from_str(text).map(Some).map_err(|_| schema.wrong("schema", "JSON schema")),
        other => Ok(Some(other.clone())),
    }
}
