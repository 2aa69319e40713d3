//! Arrival shapes as slots of time with weights; a part's records are dealt over its slots.

use crate::company::Company;
use crate::part::{Arrival, Days};
use crate::rates;

const MS_PER_HOUR: i64 = 3_600_000;
const HOURS_PER_DAY: i64 = 24;

/// A stretch of time in which requests come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    /// Milliseconds since the epoch, UTC.
    pub(crate) start_ms: i64,
    pub(crate) span_ms: i64,
    /// Relative to the other slots of the part.
    pub(crate) weight: f64,
    /// Worked through at an even pace, as a job does, rather than at random moments.
    pub(crate) paced: bool,
    /// Number of the run, or of the local day.
    pub(crate) run: u64,
}

/// Every slot of an arrival shape inside the company's period, in order of time.
pub(crate) fn slots(company: &Company, arrival: &Arrival) -> Vec<Slot> {
    let hours = i64::from(company.days) * HOURS_PER_DAY;
    let hourly = |weight: &dyn Fn(i64) -> f64| -> Vec<Slot> {
        (0..hours)
            .map(|h| Slot {
                start_ms: company.start.0 + h * MS_PER_HOUR,
                span_ms: MS_PER_HOUR,
                weight: weight(h),
                paced: false,
                run: local_day(company, h) as u64,
            })
            .filter(|s| s.weight > 0.0)
            .collect()
    };
    match *arrival {
        Arrival::Rates { client, first_day, tile, shift_h, weekend } => {
            let rates = rates::hourly(client);
            hourly(&|h| {
                let local = h - i64::from(company.hours_behind_utc);
                let at = i64::from(first_day) * HOURS_PER_DAY + local - i64::from(shift_h);
                let index = match tile {
                    Some((from, length)) => {
                        let (from, length) = (i64::from(from) * HOURS_PER_DAY, i64::from(length) * HOURS_PER_DAY);
                        from + (at - from).rem_euclid(length)
                    }
                    None => at,
                };
                let rate = usize::try_from(index).ok().and_then(|i| rates.get(i)).copied().unwrap_or(0);
                let factor = if is_weekend(local_day(company, h)) { weekend } else { 1.0 };
                f64::from(rate) * factor
            })
        }
        Arrival::Steady => hourly(&|_| 1.0),
        Arrival::Daily { days, hour, minute, minutes } => {
            runs(company, 24 * 60, hour * 60 + minute, minutes * 60, |local_day| match days {
                Days::All => true,
                Days::Weekdays => !is_weekend(local_day),
                Days::Weekends => is_weekend(local_day),
            })
        }
        Arrival::Every { hours, minutes } => runs(company, hours * 60, 0, minutes * 60, |_| true),
        Arrival::Cron { minutes, seconds } => runs(company, minutes, 0, seconds, |_| true),
    }
}

/// Runs that start every `every_min` minutes, `first_min` minutes after local midnight.
fn runs(company: &Company, every_min: u32, first_min: u32, span_s: u32, on: impl Fn(i64) -> bool) -> Vec<Slot> {
    let behind = i64::from(company.hours_behind_utc) * MS_PER_HOUR;
    let (every, first) = (i64::from(every_min) * 60_000, i64::from(first_min) * 60_000);
    // One local day early: at midnight UTC the local day before is still running.
    let origin = company.start.0 + behind - HOURS_PER_DAY * MS_PER_HOUR;
    (0..)
        .map(|n| (n, origin + first + n * every))
        .take_while(|&(_, start)| start < company.end().0)
        .filter(|&(_, start)| start >= company.start.0 && on((start - behind).div_euclid(HOURS_PER_DAY * MS_PER_HOUR)))
        .map(|(n, start)| Slot { start_ms: start, span_ms: i64::from(span_s) * 1000, weight: 1.0, paced: true, run: n as u64 })
        .collect()
}

/// The local day, in days since the epoch, of an hour of the period.
const fn local_day(company: &Company, hour: i64) -> i64 {
    (company.start.hour_index() + hour - company.hours_behind_utc as i64).div_euclid(HOURS_PER_DAY)
}

/// The first of January 1970 was a Thursday.
const fn is_weekend(day: i64) -> bool {
    (day + 3).rem_euclid(7) >= 5
}

#[cfg(test)]
mod tests {
    use super::{MS_PER_HOUR, is_weekend, slots};
    use crate::part::{Arrival, Days};

    #[test]
    fn a_nightly_run_starts_at_its_local_hour() {
        let company = crate::acme(1);
        let nights = slots(&company, &Arrival::Daily { days: Days::All, hour: 2, minute: 30, minutes: 40 });
        assert_eq!(nights.len(), 30);
        for night in nights {
            assert_eq!((night.start_ms - company.start.0) % (24 * MS_PER_HOUR), 6 * MS_PER_HOUR + 30 * 60_000);
        }
    }

    #[test]
    fn the_third_of_october_2026_is_a_saturday() {
        let day = laneshift_units::Timestamp::parse("2026-10-03").expect("a day").day_index();
        assert!(is_weekend(day) && is_weekend(day + 1) && !is_weekend(day - 1) && !is_weekend(day + 2));
    }
}
