//! Responses of `InvokeModel` that are one text or one vector: Llama and Titan's embeddings.

use serde_json::{Value, json};

use super::pieces::pieces;
use super::{Answer, Content, Counted, Stop, whole_text};
use crate::ask::Ask;

pub(super) fn write_titan(ask: &Ask, answer: &Answer) -> Value {
    let vector = answer.content.iter().find_map(|block| if let Content::Embedding(vector) = block { Some(vector) } else { None });
    json!({
        "embedding": vector,
        "embeddingsByType": {"float": vector},
        "inputTextTokenCount": ask.input_tokens(),
    })
}

pub(super) fn write_llama(answer: &Answer, counted: &Counted<'_>) -> Value {
    json!({
        "generation": whole_text(answer),
        "prompt_token_count": counted.usage.total_input().0,
        "generation_token_count": counted.usage.output.0,
        "stop_reason": stop_reason(answer),
    })
}

/// The first chunk carries the prompt's tokens, the last the reason; a chunk counts the tokens so far.
pub(super) fn llama_chunks(answer: &Answer, counted: &Counted<'_>) -> Vec<Value> {
    let text = whole_text(answer);
    let mut chunks = Vec::new();
    let mut bytes = 0;
    for piece in pieces(&text) {
        bytes += piece.len();
        let prompt = chunks.is_empty().then_some(counted.usage.total_input().0);
        chunks.push(json!({
            "generation": piece,
            "prompt_token_count": prompt,
            "generation_token_count": crate::tokens::of_text(&text[..bytes]),
            "stop_reason": null,
        }));
    }
    chunks.push(json!({
        "generation": "",
        "prompt_token_count": null,
        "generation_token_count": counted.usage.output.0,
        "stop_reason": stop_reason(answer),
    }));
    chunks
}

fn stop_reason(answer: &Answer) -> &'static str {
    if answer.stop == Stop::MaxTokens { "length" } else { "stop" }
}
