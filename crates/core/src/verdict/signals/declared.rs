//! The caller said how long it can wait (`requestMetadata`).

use laneshift_units::Deadline;

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

pub(super) fn declared(e: &SliceEvidence) -> Option<Reading> {
    let (deadline, share) = e.declared?;
    let ratio = share.ratio()?;
    // A stream has a reader: it contradicts a patient word, and the word then counts for nothing.
    let streamed = e.streaming.ratio().unwrap_or(0.0) >= 0.5;
    let patient = deadline >= Deadline::Hour;
    if patient && streamed {
        return None;
    }
    Some(Reading {
        signal: SignalId::Declared,
        strength: if patient { 1.0 } else { -1.0 },
        visible: ratio,
        text: format!("requestMetadata states {deadline} on {} of tokens", percent(ratio)),
        change: "another value in requestMetadata",
    })
}
