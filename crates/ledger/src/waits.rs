//! Revealed waits: for each throttled payload, how long until the same payload succeeded.

use std::collections::BTreeMap;

use crate::partial::{Throttled, workload_key};
use crate::row::Row;
use crate::workload::Waits;

const SHORT_MS: i64 = 5_000;
const LONG_MS: i64 = 600_000;

/// Follows throttled payloads through the rows of a ledger, in any order.
pub struct Follow {
    throttled: BTreeMap<u64, Throttled>,
    /// Shortest wait found so far.
    found_ms: BTreeMap<u64, i64>,
}

impl Follow {
    /// Starts with what [`crate::partial::Partials::finish`] gave.
    pub fn new(throttled: BTreeMap<u64, Throttled>) -> Self {
        Self { throttled, found_ms: BTreeMap::new() }
    }

    /// Whether there is nothing to follow.
    pub fn is_empty(&self) -> bool {
        self.throttled.is_empty()
    }

    /// Looks at one row.
    pub fn add(&mut self, row: &Row<'_>) {
        if row.payload_hash == 0 || !row.error_code.is_empty() || row.blocked {
            return;
        }
        let Some(start) = self.throttled.get(&row.payload_hash) else { return };
        let wait = row.at.0 - start.at_ms;
        // Another caller's same payload is another wait.
        if wait < 0 || start.account != row.account || start.workload != workload_key(row) {
            return;
        }
        self.found_ms.entry(row.payload_hash).and_modify(|w| *w = (*w).min(wait)).or_insert(wait);
    }

    /// Waits by workload and account, streamed or not, and hour of the day of the throttling.
    pub fn finish(self) -> Waits {
        let mut waits = Waits::new();
        for (payload, wait) in self.found_ms {
            let Some(start) = self.throttled.get(&payload) else { continue };
            let hours = waits.entry((start.workload.clone(), start.account.clone())).or_default();
            let hour = (start.at_ms.div_euclid(3_600_000)).rem_euclid(24) as u8;
            let sums = hours.entry((start.streamed, hour)).or_default();
            *match wait {
                ..=SHORT_MS => &mut sums.short,
                LONG_MS.. => &mut sums.long,
                _ => &mut sums.middle,
            } += 1;
        }
        waits
    }
}
