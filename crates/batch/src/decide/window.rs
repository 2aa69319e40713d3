//! When jobs of a pool are created: so many hours from each hour at which a cron expression strikes, in a time zone.

use std::hash::{Hash, Hasher};

use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

/// Hours of the week at which jobs may be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// As it was written; the rest follows from it.
    text: String,
    zone: jiff::tz::TimeZone,
    /// By day, Monday first, and hour.
    open: [[bool; 24]; 7],
}

/// Why a window cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write days and hours, as \"mon-fri 22-6 Europe/Berlin\" or \"daily 0-5 UTC\"")]
pub struct WindowError(String);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Window {
    /// Reads `daily 22-6 Europe/Berlin`: from 22:00 on every day until before 6:00 of the next.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let error = |what: &str| WindowError(format!("{what} in {text:?}"));
        let [days, hours, zone] = text.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(error("three words are expected"));
        };
        let zone = jiff::tz::TimeZone::get(zone).map_err(|_| error("the time zone is not known"))?;
        let (from, to) = hours.split_once('-').ok_or_else(|| error("hours are not FROM-TO"))?;
        let hour = |text: &str, most: usize| text.parse::<usize>().ok().filter(|hour| *hour <= most);
        let (from, to) = (hour(from, 23), hour(to, 24));
        let (Some(from), Some(to)) = (from, to) else { return Err(error("hours are not 0 to 24")) };
        if from == to {
            return Err(error("the window is empty"));
        }
        let length = if to > from { to - from } else { 24 - from + to };
        let mut open = [[false; 24]; 7];
        for day in days_of(days).ok_or_else(|| error("the days are not known"))? {
            for hour in from..from + length {
                open[(day + hour / 24) % 7][hour % 24] = true;
            }
        }
        Ok(Self { text: text.to_owned(), zone, open })
    }

    /// Whether a moment is in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return false };
        let local = instant.to_zoned(self.zone.clone());
        let day = local.weekday().to_monday_zero_offset();
        self.open[day as usize % 7][local.hour() as usize % 24]
    }
}

impl Hash for Window {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        Self::parse(&text)
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.text
    }
}

fn days_of(text: &str) -> Option<Vec<usize>> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    if text == "daily" {
        return Some((0..7).collect());
    }
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => days.push(day(part)?),
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                days.extend((0..=(to + 7 - from) % 7).map(|n| (from + n) % 7));
            }
        }
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_night_reaches_into_the_next_day_in_its_own_zone() {
        let window = Window::parse("fri 22-6 Europe/Berlin").expect("a window");
        // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC in winter.
        assert!(!window.contains(at("2026-11-27T20:59:59Z")));
        assert!(window.contains(at("2026-11-27T21:00:00Z")));
        assert!(window.contains(at("2026-11-28T04:59:59Z")));
        assert!(!window.contains(at("2026-11-28T05:00:00Z")));
        assert!(!window.contains(at("2026-11-26T22:00:00Z")));
    }

    #[test]
    fn days_can_be_lists_and_ranges_over_the_weekend() {
        let window = Window::parse("sat-mon,wed 0-24 UTC").expect("a window");
        let open: Vec<bool> = (23..30).map(|day| window.contains(at(&format!("2026-11-{day}T12:00:00Z")))).collect();
        assert_eq!(open, [true, false, true, false, false, true, true]);
    }

    #[test]
    fn what_is_no_window_is_said() {
        for text in ["", "daily", "daily 1-2", "daily 1-2 Nowhere/At", "daily 2-2 UTC", "someday 1-2 UTC", "daily 1-25 UTC"] {
            assert!(Window::parse(text).is_err(), "{text}");
        }
    }
}
