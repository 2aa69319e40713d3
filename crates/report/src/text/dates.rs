//! Dates in UTC.

use laneshift_core::plan::Scope;
use laneshift_units::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1 Oct 2026`.
fn date(at: Timestamp) -> String {
    let (year, month, day) = at.civil_date();
    format!("{day} {} {year}", month_name(month))
}

/// The date of a day index.
pub(crate) fn day(index: i64) -> String {
    date(Timestamp::from_day_index(index))
}

/// `1 Oct`, for axes.
pub(crate) fn day_and_month(index: i64) -> String {
    let (_, month, day) = Timestamp::from_day_index(index).civil_date();
    format!("{day} {}", month_name(month))
}

/// First to last day of the evidence and how many that are; without evidence it says so.
pub(crate) fn period(scope: &Scope) -> String {
    match scope.days {
        0 => "no evidence".to_owned(),
        1 => format!("{} (1 day)", date(scope.from)),
        days => format!("{} to {} ({days} days)", date(scope.from), date(scope.to)),
    }
}

fn month_name(month: u8) -> &'static str {
    MONTHS[usize::from(month.clamp(1, 12)) - 1]
}
