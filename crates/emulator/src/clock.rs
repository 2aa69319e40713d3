//! The emulator's clock: the machine's, a faster one, or one that only steps.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use laneshift_provider::event::Event;
use laneshift_units::Timestamp;

/// Reads the machine's clock.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the emulator's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times as fast as the machine's; 1 is real time.
    Speed(f64),
    /// Not at all, until it is moved.
    Stepped,
}

/// How far the clock is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// By so many milliseconds.
    By(u64),
    /// To a moment that has not passed.
    To(Timestamp),
}

/// The clock stands still here: later moments have no date of four digits for a year.
const LATEST: Timestamp = Timestamp::from_civil(9999, 12, 31, 0, 0, 0);

/// A moment of the emulator and the moment of the machine that it was set at, and the last reading of both.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Timestamp,
    wall: Timestamp,
    last: Timestamp,
    last_wall: Timestamp,
    /// The journal does not know this anchor.
    unwritten: bool,
}

/// The clock. It never goes back, whatever the machine's does.
pub(crate) struct Clock {
    pace: Pace,
    wall: WallClock,
    anchor: Mutex<Anchor>,
}

impl Pace {
    /// The slowest and the fastest clock: an hour in forty days, and a year in half a minute.
    pub const SPEEDS: RangeInclusive<f64> = 0.001..=1_000_000.0;

    /// So many times as fast as the machine's; 0 when it only steps.
    pub(crate) const fn speed(self) -> f64 {
        match self {
            Self::Speed(speed) => speed,
            Self::Stepped => 0.0,
        }
    }
}

impl Anchor {
    fn new(at: Timestamp, wall: Timestamp) -> Self {
        let at = at.min(LATEST);
        Self { at, wall, last: at, last_wall: wall, unwritten: false }
    }

    /// The emulator's time. A machine's clock that went back is where it goes on from.
    fn read(&mut self, wall: Timestamp, speed: f64) -> Timestamp {
        if wall < self.last_wall {
            *self = Self { unwritten: true, ..Self::new(self.last, wall) };
        }
        self.last_wall = wall;
        self.last = after(self.at, wall.0 - self.wall.0, speed);
        self.last
    }
}

/// So much of the machine's time after a moment.
pub(crate) fn after(at: Timestamp, passed_ms: i64, speed: f64) -> Timestamp {
    Timestamp(at.0.saturating_add((passed_ms.max(0) as f64 * speed) as i64)).min(LATEST)
}

impl Clock {
    pub(crate) fn new(pace: Pace, wall: WallClock, at: Timestamp) -> Self {
        let anchor = Mutex::new(Anchor::new(at, wall()));
        Self { pace, wall, anchor }
    }

    fn anchor(&self) -> MutexGuard<'_, Anchor> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine's time.
    pub(crate) fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    /// The emulator's time.
    pub(crate) fn now(&self) -> Timestamp {
        // The machine's clock is read under the lock: a reading that was overtaken would look like a step back.
        let mut anchor = self.anchor();
        anchor.read(self.wall(), self.pace.speed())
    }

    /// Moves the clock forward and says where it is then; the present moment is the error when the other one has passed.
    pub(crate) fn advance(&self, by: Move) -> Result<Timestamp, Timestamp> {
        let mut anchor = self.anchor();
        let wall = self.wall();
        let now = anchor.read(wall, self.pace.speed());
        let to = match by {
            Move::By(ms) => Timestamp(now.0.saturating_add_unsigned(ms)),
            Move::To(to) => to,
        };
        if to < now {
            return Err(now);
        }
        *anchor = Anchor::new(to, wall);
        Ok(anchor.at)
    }

    /// What the journal is to know after the machine's clock went back, once.
    pub(crate) fn unwritten(&self) -> Option<Event> {
        let now = self.now();
        let unwritten = std::mem::take(&mut self.anchor().unwritten);
        unwritten.then(|| self.event(now))
    }

    /// What a journal keeps of the clock at a moment.
    pub(crate) fn event(&self, at: Timestamp) -> Event {
        Event::ClockSet { at_ms: at.0, wall_ms: self.wall().0, speed: Some(self.pace.speed()) }
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// How long the machine waits until a moment; `None` when the clock only steps.
    pub(crate) fn real_wait(&self, until: Timestamp) -> Option<Duration> {
        match self.pace {
            Pace::Stepped => None,
            Pace::Speed(speed) => {
                let ms = (until.0 - self.now().0).max(0) as f64 / speed;
                Some(Duration::from_secs_f64((ms / 1000.0).min(86_400.0)))
            }
        }
    }

    /// How long the machine waits for so much of the emulator's time.
    pub(crate) fn real_length(&self, ms: u64) -> Duration {
        match self.pace {
            Pace::Stepped => Duration::ZERO,
            Pace::Speed(speed) => Duration::from_secs_f64(ms as f64 / 1000.0 / speed),
        }
    }
}

/// Lets real time pass: answers that are told to be slow, calls that are told to hang.
#[expect(clippy::disallowed_methods, reason = "the wait itself is what is emulated")]
pub(crate) async fn real_sleep(length: Duration) {
    tokio::time::sleep(length).await;
}
