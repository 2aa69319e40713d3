//! What the gateway adds to an answer that somebody waits for: a slice of the calls, straight and through it, over sockets.

use crate::text::count;

/// What became of the slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slice {
    /// It was sent.
    Measured(RealTime),
    /// It was not, and why.
    Missing(String),
}

/// Calls that were sent both ways. How long they took differs from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealTime {
    /// How many.
    pub calls: u64,
    /// Of them, answered as streams.
    pub streams: u64,
    /// Straight to the emulator.
    pub straight: Measured,
    /// Through the gateway.
    pub through: Measured,
}

/// How long answers took one way, from before the request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Until the first byte of an answer was there.
    pub first_byte: Latency,
    /// Until all of it was.
    pub whole: Latency,
}

/// Of many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50_us: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_us: u64,
}

impl RealTime {
    /// What the gateway added to the whole answer at the median.
    pub const fn added_p50_us(&self) -> i64 {
        self.through.whole.p50_us.cast_signed() - self.straight.whole.p50_us.cast_signed()
    }
}

impl Slice {
    pub(super) fn told(&self) -> String {
        let measured = match self {
            Self::Missing(why) => return format!("real time: not measured, because {why}"),
            Self::Measured(measured) => measured,
        };
        let way = |way: Measured| {
            let whole =
                format!("half of the answers were whole within {}, 99 % within {}", ms(way.whole.p50_us), ms(way.whole.p99_us));
            format!("{whole} (first byte {} and {})", ms(way.first_byte.p50_us), ms(way.first_byte.p99_us))
        };
        format!(
            "real time: {} calls, {} of them streams, over TCP on this machine. Straight, {}; through the gateway, {}. The emulated model \
             answers at once, so what is seen is what the gateway adds: {} at the median",
            count(measured.calls),
            count(measured.streams),
            way(measured.straight),
            way(measured.through),
            signed_ms(measured.added_p50_us())
        )
    }
}

fn ms(us: u64) -> String {
    format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10)
}

fn signed_ms(us: i64) -> String {
    format!("{}{}", if us < 0 { "-" } else { "" }, ms(us.unsigned_abs()))
}
