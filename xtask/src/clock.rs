//! The only file of the tasks that reads the machine's clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use laneshift_units::Timestamp;

/// A running stopwatch.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Now in UTC, as a signature has it: `YYYYMMDDThhmmssZ`.
#[expect(clippy::disallowed_methods, reason = "a signature carries its moment")]
pub(crate) fn amz_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    now.to_string().replace(['-', ':'], "")
}

/// Today in UTC, `YYYY-MM-DD`.
#[expect(clippy::disallowed_methods, reason = "a measurement carries its date")]
pub(crate) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let (year, month, day) = now.civil_date();
    format!("{year:04}-{month:02}-{day:02}")
}
