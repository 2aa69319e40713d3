//! One line of input: is it a record, and of which shape?

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest line: the largest body of InvokeModel, and room for an id.
pub(crate) const LINE_BYTES_MAX: usize = 25_000_000;
/// The longest id that a caller may give a record.
const ID_BYTES_MAX: usize = 512;

/// The shape of a record's `modelInput`; AWS's `modelInvocationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The model's own body.
    InvokeModel,
    /// The body of Converse.
    Converse,
}

impl Shape {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }

    /// Reads AWS's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InvokeModel, Self::Converse].into_iter().find(|shape| shape.name() == text)
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "recordId", default)]
    record_id: Option<Value>,
    #[serde(rename = "modelInput", borrow)]
    model_input: Option<&'a RawValue>,
}

/// A record as it was given.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) id: Option<String>,
    /// On one line.
    pub(crate) input: &'a str,
    pub(crate) shape: Shape,
}

/// Reads a line. The message says what is wrong and what to do, and shows nothing of the content.
pub(crate) fn read(line: &[u8]) -> Result<Record<'_>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("the line has {} bytes; a record has at most {LINE_BYTES_MAX}", line.len()));
    }
    let text = std::str::from_utf8(line)
        .map_err(|e| format!("no valid UTF-8 from byte {} on; save the file as UTF-8", e.valid_up_to()))?;
    let parsed: Line<'_> = serde_json::from_str(text).map_err(|e| match line.starts_with(b"\xef\xbb\xbf") {
        true => "the file begins with a byte order mark; save it without one".to_owned(),
        false => format!("not a JSON object on one line (column {})", e.column()),
    })?;
    let id = match parsed.record_id {
        None => None,
        Some(Value::String(id)) if id.len() <= ID_BYTES_MAX => Some(id),
        Some(Value::String(id)) => return Err(format!("recordId has {} bytes; at most {ID_BYTES_MAX} are taken", id.len())),
        Some(_) => return Err("recordId is not a string".to_owned()),
    };
    let input = parsed.model_input.map(RawValue::get).ok_or("modelInput is missing")?;
    let body: Value = serde_json::from_str(input).map_err(|e| e.to_string())?;
    let Value::Object(body) = body else { return Err("modelInput is not a JSON object".to_owned()) };
    for name in ["modelId", "model"] {
        if body.contains_key(name) {
            return Err(format!("modelInput holds {name:?}, which Bedrock refuses; the model is given with --model"));
        }
    }
    let shape = shape_of(&body);
    if shape == Shape::Converse && body.contains_key("toolConfig") {
        return Err("toolConfig does not run in batch in the Converse shape; write the model's own body".to_owned());
    }
    Ok(Record { id, input, shape })
}

/// Converse has content blocks without a `type`, or its own configuration; Nova's own body looks alike and says its schema.
fn shape_of(body: &serde_json::Map<String, Value>) -> Shape {
    if body.contains_key("schemaVersion") || body.contains_key("anthropic_version") {
        return Shape::InvokeModel;
    }
    let own = ["inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields"];
    let blocks = |message: &Value| message["content"].as_array().is_some_and(|c| c.iter().any(|b| b.get("type").is_none()));
    let messages = body.get("messages").and_then(Value::as_array);
    let converse = own.iter().any(|name| body.contains_key(*name)) || messages.is_some_and(|all| all.iter().any(blocks));
    if converse { Shape::Converse } else { Shape::InvokeModel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_recognised_by_content() {
        let shape = |input: &str| read(format!("{{\"modelInput\":{input}}}").as_bytes()).map(|r| r.shape);
        assert_eq!(shape(r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#), Ok(Shape::Converse));
        assert_eq!(
            shape(r#"{"anthropic_version":"b","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#),
            Ok(Shape::InvokeModel)
        );
        assert_eq!(
            shape(r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"a"}]}]}"#),
            Ok(Shape::InvokeModel)
        );
        assert_eq!(shape(r#"{"inputText":"a"}"#), Ok(Shape::InvokeModel));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_its_content() {
        for (line, word) in [
            (&b"\xef\xbb\xbf{}"[..], "byte order mark"),
            (b"{\"modelInput\":{\"a\":\"\xff\"}}", "UTF-8"),
            (b"secret", "not a JSON object"),
            (b"{\"recordId\":1,\"modelInput\":{}}", "not a string"),
            (b"{\"recordId\":\"a\"}", "modelInput is missing"),
            (b"{\"modelInput\":[\"secret\"]}", "not a JSON object"),
            (b"{\"modelInput\":{\"modelId\":\"secret\"}}", "--model"),
        ] {
            let message = read(line).expect_err(word);
            assert!(message.contains(word) && !message.contains("secret"), "{message}");
        }
    }
}
