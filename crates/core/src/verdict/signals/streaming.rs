//! Streaming needs a reader; its absence proves little, so the two weights differ.

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

pub(super) fn streaming(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.streaming.ratio()?;
    (ratio >= 0.5).then(|| Reading {
        signal: SignalId::Streaming,
        strength: 1.0,
        visible: e.streaming.whole as f64 / e.tokens.max(1) as f64,
        text: format!("{} of tokens are streamed", percent(ratio)),
        change: "the client stops streaming",
    })
}

pub(super) fn not_streaming(e: &SliceEvidence) -> Option<Reading> {
    let ratio = e.streaming.ratio()?;
    (ratio <= 0.01).then(|| Reading {
        signal: SignalId::NotStreaming,
        strength: 1.0,
        visible: e.streaming.whole as f64 / e.tokens.max(1) as f64,
        text: "nothing is streamed (weak: many waiting callers do not stream)".to_owned(),
        change: "streamed requests appear",
    })
}
