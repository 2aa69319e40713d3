//! Lengths of time and moments, as people type them.

use laneshift_units::Timestamp;

use crate::error::Error;

const MINUTE_MS: i64 = 60_000;
/// The longest that is taken: a hundred days.
const MS_MAX: i64 = 100 * 24 * 60 * MINUTE_MS;

/// Milliseconds in `30m`, `18h`, `1h30m`, `1.5d`.
pub(crate) fn parse(what: &str, text: &str) -> Result<i64, Error> {
    let spelled: jiff::Span = match text.parse() {
        Ok(span) => span,
        Err(_) => return Err(wrong(what, text)),
    };
    // A day is 24 hours: deadlines count time, not dates.
    let ms = spelled.total((jiff::Unit::Millisecond, jiff::SpanRelativeTo::days_are_24_hours()));
    ms.ok().map(|ms| ms as i64).filter(|ms| (0..=MS_MAX).contains(ms)).ok_or_else(|| wrong(what, text))
}

fn wrong(what: &str, text: &str) -> Error {
    let reason = format!("{text:?} is no time: write minutes, hours or days, as 30m, 1h30m, 18h or 2d; a hundred days at most");
    Error::Argument { what: what.to_owned(), reason }
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
