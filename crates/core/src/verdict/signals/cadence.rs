//! When the calls come: runs at the same off-hours day after day, and clustering on minutes of the hour.

use std::f64::consts::TAU;

use super::{Reading, percent};
use crate::verdict::{SignalId, SliceEvidence};

/// Share of tokens that repeated runs must carry before they describe the slice.
const RUN_SHARE_MIN: f64 = 0.5;
/// Resultant length (0 spread evenly, 1 all on one phase) from which minutes count as clustered.
const RESULTANT_MIN: f64 = 0.6;
/// Calls below which no phase can be told.
const MINUTE_CALLS_MIN: u64 = 60;

pub(super) fn off_hours_runs(e: &SliceEvidence) -> Option<Reading> {
    let runs = e.runs.as_ref().filter(|r| r.off_hours)?;
    let share = runs.tokens.ratio().filter(|&s| s >= RUN_SHARE_MIN)?;
    let repeats = runs.days.ratio()?;
    let hours: Vec<String> =
        runs.hours_utc.iter().map(|&h| format!("{:02}:00", (i16::from(h) + i16::from(e.zone_offset_h)).rem_euclid(24))).collect();
    Some(Reading {
        signal: SignalId::OffHoursRuns,
        strength: repeats,
        visible: share,
        text: format!(
            "{} of tokens in runs at {} (UTC{:+}) on {} of {} days",
            percent(share),
            hours.join(", "),
            e.zone_offset_h,
            runs.days.part,
            runs.days.whole
        ),
        change: "the runs stop or move into office hours",
    })
}

/// Rayleigh's statistic at the harmonics of a quarter, half and whole hour: how far calls cluster on one phase.
pub(super) fn minute_phase(e: &SliceEvidence) -> Option<Reading> {
    let calls: u64 = e.minutes.iter().sum();
    if calls < MINUTE_CALLS_MIN {
        return None;
    }
    let (period_min, resultant) =
        [60_u32, 30, 15].into_iter().map(|p| (p, resultant_length(&e.minutes, calls, p))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (resultant >= RESULTANT_MIN).then(|| Reading {
        signal: SignalId::MinutePhase,
        strength: resultant,
        visible: 1.0,
        text: format!("calls cluster on the same minutes every {period_min} minutes (resultant {resultant:.2})"),
        change: "calls spread over the hour",
    })
}

fn resultant_length(minutes: &[u64; 60], calls: u64, period_min: u32) -> f64 {
    let (mut x, mut y) = (0.0, 0.0);
    for (minute, &n) in minutes.iter().enumerate() {
        let angle = TAU * minute as f64 / f64::from(period_min);
        x += n as f64 * angle.cos();
        y += n as f64 * angle.sin();
    }
    x.hypot(y) / calls as f64
}
