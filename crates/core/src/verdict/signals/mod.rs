//! The signals. A signal is one function in one file here and one line in [`ALL`].
//!
//! Burstiness, output length, input length, `maxTokens` and a shared prefix are no signals: real traces of people
//! at work refute each of them as evidence of batch.
// Measured on the Azure 2023 code and conversation traces, Mooncake's conversation trace and ServeGen, 2026-11-23.

mod cadence;
mod declared;
mod diurnal;
mod principal;
mod revealed;
mod shape;
mod streaming;
mod tier;

pub use diurnal::best_zone_offset;

use super::{SignalId, SliceEvidence};

/// What a signal sees in a slice.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which signal.
    pub signal: SignalId,
    /// How strongly it holds, from -1 to 1; the weight's own sign says which way it points.
    pub strength: f64,
    /// The share of the slice's tokens where it could be seen at all.
    pub visible: f64,
    /// The evidence in words.
    pub text: String,
    /// What would change it.
    pub change: &'static str,
}

/// Every signal, in the order of its file name.
pub const ALL: &[fn(&SliceEvidence) -> Option<Reading>] = &[
    cadence::off_hours_runs,
    cadence::minute_phase,
    declared::declared,
    diurnal::human_diurnal,
    principal::human,
    principal::batch_service,
    principal::batch_name,
    principal::request_service,
    principal::step_functions,
    revealed::waited_long,
    revealed::waited_short,
    shape::assistant_turns,
    shape::tool_results,
    shape::one_turn_template,
    shape::bulk_embeddings,
    streaming::streaming,
    streaming::not_streaming,
    tier::tolerates_slow_tier,
    tier::pays_for_priority,
];

fn percent(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.01 { "under 1 %".to_owned() } else { format!("{:.0} %", ratio * 100.0) }
}
