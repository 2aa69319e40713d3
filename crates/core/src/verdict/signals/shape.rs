//! What the requests look like, where bodies were logged.

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

/// Share of requests that must begin alike.
const SAME_TEMPLATE_MIN: f64 = 0.9;
/// Share of payloads that must differ; below it the same question is asked again and again.
const DISTINCT_MIN: f64 = 0.5;
/// Requests with a body below which a template cannot be told.
const TEMPLATE_REQUESTS_MIN: u64 = 100;

fn visible(e: &SliceEvidence) -> f64 {
    e.body_tokens as f64 / e.tokens.max(1) as f64
}

pub(super) fn assistant_turns(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.assistant_tokens as f64 / e.body_tokens.max(1) as f64;
    (ratio >= 0.02).then(|| Reading {
        signal: SignalId::AssistantTurns,
        strength: ratio,
        visible: visible(e),
        text: format!("{} of tokens carry earlier answers of the model (a conversation)", percent(ratio)),
        change: "requests without earlier answers",
    })
}

pub(super) fn tool_results(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.tool_result_tokens as f64 / e.body_tokens.max(1) as f64;
    (ratio >= 0.02).then(|| Reading {
        signal: SignalId::ToolResults,
        strength: ratio,
        visible: visible(e),
        text: format!("{} of tokens carry tool results (the next step waits for the answer)", percent(ratio)),
        change: "requests without tool results",
    })
}

pub(super) fn one_turn_template(e: &SliceEvidence) -> Option<Reading> {
    let one_turn = e.one_turn_tokens as f64 / e.body_tokens.max(1) as f64;
    let same = e.same_template.ratio()?;
    let distinct = e.distinct_payloads.ratio()?;
    let holds = one_turn >= SAME_TEMPLATE_MIN
        && same >= SAME_TEMPLATE_MIN
        && distinct >= DISTINCT_MIN
        && e.same_template.whole >= TEMPLATE_REQUESTS_MIN;
    holds.then(|| Reading {
        signal: SignalId::OneTurnTemplate,
        strength: 1.0,
        visible: visible(e),
        text: format!("one turn, {} begin alike, payloads differ", percent(same)),
        change: "several turns, or prompts written by hand",
    })
}

pub(super) fn bulk_embeddings(e: &SliceEvidence) -> Option<Reading> {
    (e.embeds && e.requests >= TEMPLATE_REQUESTS_MIN).then(|| Reading {
        signal: SignalId::BulkEmbeddings,
        strength: 1.0,
        visible: 1.0,
        text: format!("{} embeddings from one principal", e.requests),
        change: "embeddings of single search queries",
    })
}
