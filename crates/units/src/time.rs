//! Moments in UTC, with a fast parser for the one shape that AWS writes in bulk.

use std::fmt;

const MS_PER_DAY: i64 = 86_400_000;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// The text is not an RFC 3339 moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimestampError;

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a moment like 2026-11-23T05:46:44Z")
    }
}

impl std::error::Error for ParseTimestampError {}

impl Timestamp {
    /// Parses `YYYY-MM-DD`, optionally followed by `T` or a space, `hh:mm:ss`, a fraction, and `Z` or an offset.
    /// Without an offset it is UTC.
    ///
    /// # Errors
    /// [`ParseTimestampError`] when the text has another shape or names no real moment.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        parse(text.as_bytes()).ok_or(ParseTimestampError)
    }

    /// The moment of a civil date and time in UTC.
    pub const fn from_civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Self {
        Self(days_from_civil(year, month, day) * MS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1000)
    }

    /// Whole hours since the epoch (floor).
    pub const fn hour_index(self) -> i64 {
        self.0.div_euclid(3_600_000)
    }

    /// Whole days since the epoch (floor).
    pub const fn day_index(self) -> i64 {
        self.0.div_euclid(MS_PER_DAY)
    }

    /// The moment at which a day of [`Timestamp::day_index`] begins.
    pub const fn from_day_index(day: i64) -> Self {
        Self(day * MS_PER_DAY)
    }

    /// Minute of the hour, 0 to 59.
    pub const fn minute(self) -> u8 {
        (self.0.div_euclid(60_000).rem_euclid(60)) as u8
    }

    /// Year, month (1 to 12) and day (1 to 31) in UTC.
    pub const fn civil_date(self) -> (i64, u8, u8) {
        civil_from_days(self.day_index())
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.civil_date();
        let s = self.0.rem_euclid(MS_PER_DAY) / 1000;
        if !(0..10_000).contains(&y) {
            return write!(f, "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60);
        }
        let mut text = *b"0000-00-00T00:00:00Z";
        let pairs = [(0, y / 100), (2, y % 100), (5, m.into()), (8, d.into()), (11, s / 3600), (14, s / 60 % 60), (17, s % 60)];
        for (at, n) in pairs {
            text[at] += (n / 10) as u8;
            text[at + 1] += (n % 10) as u8;
        }
        f.write_str(std::str::from_utf8(&text).expect("digits are ASCII"))
    }
}

fn parse(b: &[u8]) -> Option<Timestamp> {
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&b[..4])?, number(&b[5..7])?, number(&b[8..10])?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    if b.len() == 10 {
        return Some(Timestamp::from_civil(year, month, day, 0, 0, 0));
    }
    if b.len() < 19 || !matches!(b[10], b'T' | b't' | b' ') || b[13] != b':' || b[16] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&b[11..13])?, number(&b[14..16])?, number(&b[17..19])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = &b[19..];
    let mut millis = 0;
    if let [b'.', tail @ ..] = rest {
        let digits = tail.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for i in 0..3 {
            millis = millis * 10 + tail.get(i).filter(|_| i < digits).map_or(0, |c| i64::from(c - b'0'));
        }
        rest = &tail[digits..];
    }
    let offset_min = match rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), tail @ ..] => {
            let (h, m) = match tail {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
                _ => return None,
            };
            if h > 23 || m > 59 {
                return None;
            }
            (h * 60 + m) * if *sign == b'-' { -1 } else { 1 }
        }
        b" UTC" => 0,
        _ => return None,
    };
    let at = Timestamp::from_civil(year, month, day, hour, minute, second);
    Some(Timestamp(at.0 + millis - offset_min * 60_000))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date, by eras of 400 years that start on 1 March.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_parse_and_print() {
        let at = Timestamp::parse("2026-11-23T05:46:44Z").expect("a moment");
        assert_eq!(at.to_string(), "2026-11-23T05:46:44Z");
        assert_eq!(Timestamp::parse("2026-11-23T06:46:44.123+01:00"), Ok(Timestamp(at.0 + 123)));
        assert_eq!(Timestamp::parse("2026-11-23 05:46:44"), Ok(at));
        assert_eq!(Timestamp::parse("1970-01-01"), Ok(Timestamp(0)));
        assert_eq!(at.minute(), 46);
    }

    #[test]
    fn every_day_of_four_centuries_goes_there_and_back() {
        for day in -146_097..146_097 {
            let (y, m, d) = Timestamp::from_day_index(day).civil_date();
            assert_eq!(Timestamp::from_civil(y, i64::from(m), i64::from(d), 0, 0, 0).day_index(), day);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "2026-13-01", "2026-02-29T00:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T05:46:44X", "23/11/2026"] {
            assert_eq!(Timestamp::parse(text), Err(ParseTimestampError), "{text}");
        }
    }
}
