//! The response of `InvokeModel` for Amazon Nova: Converse's message with names of its own in `usage`.

use serde_json::{Value, json};

use super::converse::{message, message_events};
use super::{Answer, Counted};

pub(super) fn write(answer: &Answer, counted: &Counted<'_>) -> Value {
    json!({"output": {"message": message(answer)}, "stopReason": answer.stop.name(), "usage": usage(counted)})
}

pub(super) fn chunks(answer: &Answer, counted: &Counted<'_>) -> Vec<Value> {
    let mut chunks: Vec<Value> = message_events(answer).into_iter().map(|(name, payload)| json!({name: payload})).collect();
    chunks.push(json!({"metadata": {"usage": usage(counted), "metrics": {}, "trace": {}}}));
    chunks
}

fn usage(counted: &Counted<'_>) -> Value {
    json!({
        "inputTokens": counted.usage.input.0,
        "outputTokens": counted.usage.output.0,
        "totalTokens": counted.total(),
        "cacheReadInputTokenCount": counted.usage.cache_read.0,
        "cacheWriteInputTokenCount": counted.cache_write(),
    })
}
