//! Lengths of time and moments, as people type them.

use laneshift_units::Timestamp;

use crate::error::Error;

const MINUTE_MS: i64 = 60_000;
/// The longest that is taken: a hundred days.
const MS_MAX: i64 = 100 * 24 * 60 * MINUTE_MS;

/// Milliseconds in `30m`, `18h`, `2d`.
pub(crate) fn parse(what: &str, text: &str) -> Result<i64, Error> {
    let unit = match text.chars().last() {
        Some('m') => Some(MINUTE_MS),
        Some('h') => Some(60 * MINUTE_MS),
        Some('d') => Some(24 * 60 * MINUTE_MS),
        _ => None,
    };
    let n: Option<i64> = text.get(..text.len().saturating_sub(1)).and_then(|n| n.parse().ok()).filter(|n| *n >= 0);
    unit.zip(n).and_then(|(unit, n)| unit.checked_mul(n)).filter(|ms| *ms <= MS_MAX).ok_or_else(|| Error::Argument {
        what: what.to_owned(),
        reason: "write minutes, hours or days, as 30m, 18h or 2d; a hundred days at most".to_owned(),
    })
}

/// A moment: `18h` from now, or `2026-12-24T06:00:00Z`.
pub(crate) fn moment(what: &str, text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let at = match Timestamp::parse(text) {
        Ok(at) => at,
        Err(_) => Timestamp(now.0 + parse(what, text)?),
    };
    if at <= now {
        return Err(Error::Argument { what: what.to_owned(), reason: format!("{at} has passed") });
    }
    Ok(at)
}
