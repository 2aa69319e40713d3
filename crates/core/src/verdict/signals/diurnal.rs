//! The shape of people's days: busy in office hours, quiet at night, quieter at weekends.

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

/// Zones tried, in hours east of UTC.
const ZONES: std::ops::RangeInclusive<i8> = -11..=13;
/// Share of weekday tokens that must fall between 07:00 and 22:00.
const DAYTIME_MIN: f64 = 0.8;
/// Hours of a weekday, of the fifteen between 07:00 and 22:00, that must be busy: people are spread over the day, a run is not.
const BUSY_HOURS_MIN: usize = 7;
/// A weekend day's volume, against a weekday's, below which there is a dip.
const WEEKEND_MAX: f64 = 0.8;

/// Tokens between 08:00 and 19:00 on weekdays in a zone, of all; the zone that fits best has the greatest.
fn office_tokens(hour_of_week: &[u64; 168], offset_h: i8) -> u64 {
    local(hour_of_week, offset_h).filter(|&(day, hour, _)| day < 5 && (8..19).contains(&hour)).map(|(_, _, t)| t).sum()
}

/// The hours east of UTC in which this hour-of-week profile looks most like office hours; 0 for an empty one.
pub fn best_zone_offset(hour_of_week: &[u64; 168]) -> i8 {
    let best = ZONES.map(|z| office_tokens(hour_of_week, z)).max().unwrap_or(0);
    let tied: Vec<i8> = ZONES.filter(|&z| office_tokens(hour_of_week, z) == best).collect();
    if best == 0 { 0 } else { tied[tied.len() / 2] }
}

fn local(hour_of_week: &[u64; 168], offset_h: i8) -> impl Iterator<Item = (usize, usize, u64)> {
    hour_of_week.iter().enumerate().map(move |(utc, &tokens)| {
        let at = (utc as i64 + i64::from(offset_h)).rem_euclid(168) as usize;
        (at / 24, at % 24, tokens)
    })
}

pub(super) fn human_diurnal(e: &SliceEvidence) -> Option<Reading> {
    let mut weekday = [0_u64; 24];
    let mut weekend_total = 0_u64;
    for (day, hour, tokens) in local(&e.hour_of_week, e.zone_offset_h) {
        if day < 5 {
            weekday[hour] += tokens;
        } else {
            weekend_total += tokens;
        }
    }
    let total: u64 = weekday.iter().sum();
    if total == 0 || e.days_active < 7 {
        return None;
    }
    let daytime: u64 = weekday[7..22].iter().sum();
    let share = daytime as f64 / total as f64;
    let busy = weekday[7..22].iter().filter(|&&t| t * 24 * 2 >= total).count();
    let weekend = (weekend_total as f64 / 2.0) / (total as f64 / 5.0);
    (share >= DAYTIME_MIN && busy >= BUSY_HOURS_MIN).then(|| {
        let dips = weekend <= WEEKEND_MAX;
        Reading {
            signal: SignalId::HumanDiurnal,
            strength: if dips { 1.0 } else { 0.6 },
            visible: 1.0,
            text: format!(
                "{} of weekday tokens between 07:00 and 22:00 (UTC{:+}), spread over {busy} busy hours{}",
                percent(share),
                e.zone_offset_h,
                if dips { ", with a weekend dip" } else { "" }
            ),
            change: "calls at night and at weekends",
        }
    })
}
