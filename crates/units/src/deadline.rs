//! How long an answer may take, as the bucket that decides the lane.

use std::fmt;
use std::time::Duration;

/// A deadline bucket: the longest wait that is still fine. Ordered from impatient to patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deadline {
    /// Somebody or something waits for the answer.
    Seconds,
    /// A few minutes.
    Minutes,
    /// Up to an hour.
    Hour,
    /// Up to a day.
    Day,
    /// Longer than a day.
    Longer,
}

/// The text names no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDeadlineError;

impl fmt::Display for ParseDeadlineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a deadline; write now, 5m, 1h, 24h or 3d")
    }
}

impl std::error::Error for ParseDeadlineError {}

impl Deadline {
    /// Every bucket, from impatient to patient.
    pub const ALL: [Self; 5] = [Self::Seconds, Self::Minutes, Self::Hour, Self::Day, Self::Longer];

    /// The longest wait that the bucket promises to tolerate.
    pub const fn wait(self) -> Duration {
        Duration::from_secs(match self {
            Self::Seconds => 10,
            Self::Minutes => 300,
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Longer => 3 * 86_400,
        })
    }

    /// The most patient bucket whose wait fits into `wait`.
    pub fn from_wait(wait: Duration) -> Self {
        Self::ALL.into_iter().rev().find(|d| d.wait() <= wait).unwrap_or(Self::Seconds)
    }

    /// Parses what people write: `now`, `interactive`, `realtime`, `batch`, `offline`, `30s`, `5m`, `6h`, `24h`, `3d`.
    ///
    /// # Errors
    /// [`ParseDeadlineError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, ParseDeadlineError> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "now" | "interactive" | "realtime" | "real-time" | "seconds" | "low" | "no" => return Ok(Self::Seconds),
            "minutes" => return Ok(Self::Minutes),
            "hour" => return Ok(Self::Hour),
            "batch" | "offline" | "async" | "day" | "overnight" | "tolerant" | "yes" => return Ok(Self::Day),
            "longer" | "whenever" => return Ok(Self::Longer),
            _ => {}
        }
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(ParseDeadlineError)?;
        let n: u64 = text[..split].parse().map_err(|_| ParseDeadlineError)?;
        let unit = match text[split..].trim() {
            "s" | "sec" | "seconds" => 1,
            "m" | "min" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return Err(ParseDeadlineError),
        };
        Ok(Self::from_wait(Duration::from_secs(n.saturating_mul(unit))))
    }

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Longer => "longer",
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_rounded_up() {
        assert_eq!(Deadline::parse("18h"), Ok(Deadline::Hour));
        assert_eq!(Deadline::parse("24h"), Ok(Deadline::Day));
        assert_eq!(Deadline::parse("30s"), Ok(Deadline::Seconds));
        assert_eq!(Deadline::parse("7d"), Ok(Deadline::Longer));
        assert_eq!(Deadline::parse("soon"), Err(ParseDeadlineError));
        assert_eq!(Deadline::parse("99999999999999999999h"), Err(ParseDeadlineError));
    }
}
