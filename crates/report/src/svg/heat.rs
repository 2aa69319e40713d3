//! Requests by hour and weekday, Monday first, in the zone that fits the account's people.

use super::canvas::{Anchor, Canvas, Number, Svg};
use crate::text::count;

const CELL: f64 = 14.0;
const GAP: f64 = 1.0;
const LEFT: f64 = 32.0;
const TOP: f64 = 18.0;
const HOURS: usize = 24;
const HOURS_OF_WEEK: usize = 168;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Shades, from none to most.
const SHADES: usize = 6;

/// The map. `hours_utc` begins on Monday 00:00 UTC and is shifted by whole hours.
pub(crate) fn heat(id: &str, hours_utc: &[u64; 168], zone_offset_h: i8) -> Option<Svg> {
    let local = shifted(hours_utc, zone_offset_h);
    let most = local.iter().copied().max().filter(|most| *most > 0)?;
    let busiest = local.iter().position(|n| *n == most).unwrap_or(0);
    let description = format!(
        "busiest: {} {:02}:00 with {} requests; {} of 168 hours of the week have none",
        DAYS[busiest / HOURS],
        busiest % HOURS,
        count(most),
        local.iter().filter(|n| **n == 0).count()
    );
    let size = (LEFT + HOURS as f64 * CELL, TOP + 7.0 * CELL);
    let title = format!("Requests by hour of the week, UTC{zone_offset_h:+}");
    let mut canvas = Canvas::new(id, &title, &description, size);
    for hour in [0, 6, 12, 18] {
        canvas.text("t small", Anchor::Start, (LEFT + hour as f64 * CELL, TOP - 6.0), &format!("{hour:02}"));
    }
    for (day, name) in DAYS.iter().enumerate() {
        canvas.text("t small", Anchor::Start, (0.0, TOP + (day as f64 + 0.75) * CELL), name);
    }
    for shade in 0..SHADES {
        let cells: String = (0..HOURS_OF_WEEK).filter(|at| shade_of(local[*at], most) == shade).map(cell).collect();
        if !cells.is_empty() {
            canvas.path(&format!("h-{shade}"), &cells, "");
        }
    }
    Some(canvas.finish())
}

/// The hours of the week as a clock `offset_h` hours east of UTC shows them.
fn shifted(hours_utc: &[u64; 168], offset_h: i8) -> [u64; 168] {
    let mut local = [0; HOURS_OF_WEEK];
    for (at, n) in hours_utc.iter().enumerate() {
        local[(at as i64 + i64::from(offset_h)).rem_euclid(HOURS_OF_WEEK as i64) as usize] = *n;
    }
    local
}

/// None is its own shade; the others divide the square root, so that a quiet hour is told from an empty one.
fn shade_of(n: u64, most: u64) -> usize {
    if n == 0 {
        return 0;
    }
    let share = (n as f64 / most as f64).sqrt();
    ((share * (SHADES - 1) as f64).ceil() as usize).clamp(1, SHADES - 1)
}

fn cell(at: usize) -> String {
    let (x, y) = (LEFT + (at % HOURS) as f64 * CELL, TOP + (at / HOURS) as f64 * CELL);
    let side = Number(CELL - GAP);
    format!("M{} {}h{side}v{side}h-{side}z", Number(x), Number(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_shifts_around_its_end() {
        let mut utc = [0; 168];
        utc[167] = 5;
        assert_eq!(shifted(&utc, 2)[1], 5);
        utc[0] = 7;
        assert_eq!(shifted(&utc, -3)[165], 7);
    }

    #[test]
    fn a_single_request_is_not_shown_as_none() {
        assert_eq!((shade_of(0, 100), shade_of(1, 1_000_000), shade_of(100, 100)), (0, 1, SHADES - 1));
        assert!(heat("h", &[0; 168], 0).is_none());
    }
}
