//! The tier a caller chose is a revealed preference.

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

pub(super) fn tolerates_slow_tier(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.flex_tokens as f64 / e.tokens.max(1) as f64;
    (e.flex_tokens > 0).then(|| Reading {
        signal: SignalId::ToleratesSlowTier,
        strength: ratio,
        visible: 1.0,
        text: format!("{} of tokens already run in the flex tier", percent(ratio)),
        change: "the caller goes back to the standard tier",
    })
}

pub(super) fn pays_for_priority(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.priority_tokens as f64 / e.tokens.max(1) as f64;
    (e.priority_tokens > 0).then(|| Reading {
        signal: SignalId::PaysForPriority,
        strength: ratio,
        visible: 1.0,
        text: format!("{} of tokens are paid at the priority tier", percent(ratio)),
        change: "the caller gives up the priority tier",
    })
}
