//! How long a caller in fact waited: after a ThrottlingException, the time until the same payload succeeded.

use super::Reading;
use crate::verdict::{SignalId, SliceEvidence};

/// Fewer followed throttles than this say nothing.
const FOLLOWED_MIN: u64 = 3;

pub(super) fn waited_long(e: &SliceEvidence) -> Option<Reading> {
    let total = e.waits.total();
    let ratio = e.waits.long as f64 / total.max(1) as f64;
    (total >= FOLLOWED_MIN && ratio >= 0.5).then(|| Reading {
        signal: SignalId::WaitedLong,
        strength: ratio,
        visible: 1.0,
        text: format!("after throttling, {} of {total} payloads succeeded ten minutes later or more", e.waits.long),
        change: "throttled calls are repeated within seconds",
    })
}

pub(super) fn waited_short(e: &SliceEvidence) -> Option<Reading> {
    let total = e.waits.total();
    let ratio = e.waits.short as f64 / total.max(1) as f64;
    (total >= FOLLOWED_MIN && ratio >= 0.5).then(|| Reading {
        signal: SignalId::WaitedShort,
        strength: ratio,
        visible: 1.0,
        text: format!("after throttling, {} of {total} payloads were answered within five seconds", e.waits.short),
        change: "throttled calls wait before they are repeated",
    })
}
