//! The toy model: answers every request without a network, the same request always with the same answer.
//!
//! Promises: an answer has at most `max_tokens` tokens by the emulator's count, ends at a stop sequence, fits the JSON
//! schema asked for (unless cut), and calls a tool when it must, with input that fits the tool's schema. A call that
//! does not fit into `max_tokens` is not made. Leaves out: sense.
//!
//! The last text of the user can tell it what to do: `[[toy: word, word=value, ...]]`. Unknown words are ignored.
//!
//! | word | effect |
//! |---|---|
//! | `json` | answers a JSON object, one that fits the schema if there is one |
//! | `tool=NAME` | calls that tool |
//! | `tokens=300` | answers with that many output tokens, if `max_tokens` allows |
//! | `text=...` | answers with the rest of the directive, up to `]]` |
//! | `slow=2s`, `slow=250ms` | takes that much longer |
//! | `empty` | answers nothing and ends its turn |
//! | `think` | reasons until `max_tokens` and says nothing |
//! | `error=throttling` | fails; also `unavailable`, `model`, `timeout`, `internal` |

mod chance;
mod directive;
mod embed;
mod schema;
mod words;

use serde_json::{Value, json};

use crate::answer::{Answer, Content, Stop};
use crate::ask::{Ask, Tool, ToolChoice};
use crate::models::Model;
use crate::tokens;

use chance::Chance;
use directive::Directive;

pub use directive::ToldError;

/// The fewest tokens that a text has of itself.
const TEXT_TOKENS_MIN: u64 = 16;
/// The most tokens that a text has of itself.
const TEXT_TOKENS_MAX: u64 = 600;
/// An answer grows by a token for so many tokens of input.
const INPUT_TOKENS_PER_TOKEN: u64 = 10;
/// One part in so many of the answer is reasoning, when that is asked for.
const REASONING_SHARE: u64 = 4;

/// The error that the request tells the toy model to fail with.
pub fn told_error(ask: &Ask) -> Option<ToldError> {
    Directive::find(&ask.last_user_text).error
}

/// The toy model's answer.
pub fn answer(model: &Model, ask: &Ask) -> Answer {
    let told = Directive::find(&ask.last_user_text);
    let mut chance = Chance::new(ask.seed, &model.id);
    let (content, stop) = say(ask, &told, &mut chance);
    Answer { output_tokens: content.iter().map(Content::tokens).sum(), content, stop, slow_ms: told.slow_ms }
}

fn say(ask: &Ask, told: &Directive, chance: &mut Chance) -> (Vec<Content>, Stop) {
    if let Some(embedding) = ask.embedding {
        return (vec![Content::Embedding(embed::vector(&ask.last_user_text, embedding))], Stop::EndTurn);
    }
    if told.empty {
        return (Vec::new(), Stop::EndTurn);
    }
    if told.think {
        return (vec![Content::Reasoning(words::prose(chance, ask.max_tokens, false))], Stop::MaxTokens);
    }
    if let Some(tool) = tool_to_call(ask, told, chance) {
        return call(ask, tool, chance);
    }
    // A told length or text is the whole answer.
    let reasons = ask.thinking && told.tokens.is_none() && told.text.is_none();
    let reasoning = reasons.then(|| reason(ask, chance)).flatten();
    let left = ask.max_tokens - reasoning.as_ref().map_or(0, Content::tokens);
    let (text, stop) = text(ask, told, chance, left);
    (reasoning.into_iter().chain([Content::Text(text)]).collect(), stop)
}

/// The tool that the request forces, or that it is told to call and that exists.
fn tool_to_call<'a>(ask: &'a Ask, told: &Directive, chance: &mut Chance) -> Option<&'a Tool> {
    let named = |name: &str| ask.tools.iter().find(|tool| tool.name == name);
    let wanted = told.tool.as_deref().and_then(named);
    match &ask.tool_choice {
        ToolChoice::Never => None,
        ToolChoice::Auto => wanted.filter(|_| !ask.brings_tool_result),
        ToolChoice::Any => wanted.or_else(|| ask.tools.get(chance.below(ask.tools.len()))),
        ToolChoice::Tool(name) => named(name),
    }
}

fn call(ask: &Ask, tool: &Tool, chance: &mut Chance) -> (Vec<Content>, Stop) {
    let id = format!("tooluse_{:016x}", chance.next());
    let call = Content::ToolUse { id, name: tool.name.clone(), input: schema::fit_object(&tool.schema, chance) };
    if call.tokens() > ask.max_tokens {
        return (vec![Content::Text(words::prose(chance, ask.max_tokens, false))], Stop::MaxTokens);
    }
    (vec![call], Stop::ToolUse)
}

/// Some reasoning before the text, when there is room for both.
fn reason(ask: &Ask, chance: &mut Chance) -> Option<Content> {
    let length = own_length(ask, chance).min(ask.max_tokens) / REASONING_SHARE;
    (length > 0).then(|| Content::Reasoning(words::prose(chance, length, true)))
}

/// The text of an answer with at most `most` tokens, cut at the first stop sequence.
fn text(ask: &Ask, told: &Directive, chance: &mut Chance, most: u64) -> (String, Stop) {
    let given = match (&told.text, told.json, &ask.output_schema) {
        (Some(text), _, _) => Some(text.clone()),
        (None, _, Some(schema)) => Some(schema::fit(schema, chance).to_string()),
        (None, true, None) => Some(small_object(chance).to_string()),
        (None, false, None) => None,
    };
    let (text, stop) = match given {
        Some(text) if tokens::of_text(&text) > most => (tokens::cut(&text, most).to_owned(), Stop::MaxTokens),
        Some(text) => (text, Stop::EndTurn),
        None => {
            let length = told.tokens.unwrap_or_else(|| own_length(ask, chance));
            let whole = length <= most;
            (words::prose(chance, length.min(most), whole), if whole { Stop::EndTurn } else { Stop::MaxTokens })
        }
    };
    let first = ask.stop_sequences.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop))).min_by_key(|(at, _)| *at);
    match first {
        Some((at, sequence)) => (text[..at].to_owned(), Stop::StopSequence(sequence.clone())),
        None => (text, stop),
    }
}

/// How long a text is when nobody says.
fn own_length(ask: &Ask, chance: &mut Chance) -> u64 {
    let grown = TEXT_TOKENS_MIN + ask.input_tokens() / INPUT_TOKENS_PER_TOKEN;
    (grown + chance.next() % TEXT_TOKENS_MIN).min(TEXT_TOKENS_MAX)
}

fn small_object(chance: &mut Chance) -> Value {
    json!({"answer": words::word(chance), "score": chance.below(101), "final": chance.below(2) == 1})
}

#[cfg(test)]
mod tests;
