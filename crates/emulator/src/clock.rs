//! The emulator's clock: the machine's, a faster one, or one that only steps.

use std::sync::{Arc, Mutex, PoisonError};
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

/// A moment of the emulator and the moment of the machine that it was set at.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Timestamp,
    wall: Timestamp,
}

/// The clock. It never goes back.
pub(crate) struct Clock {
    pace: Pace,
    wall: WallClock,
    anchor: Mutex<Anchor>,
}

impl Pace {
    /// So many times as fast as the machine's; 0 when it only steps.
    pub(crate) const fn speed(self) -> f64 {
        match self {
            Self::Speed(speed) => speed,
            Self::Stepped => 0.0,
        }
    }
}

impl Clock {
    pub(crate) fn new(pace: Pace, wall: WallClock, at: Timestamp) -> Self {
        let anchor = Mutex::new(Anchor { at, wall: wall() });
        Self { pace, wall, anchor }
    }

    fn anchor(&self) -> Anchor {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine's time.
    pub(crate) fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    /// The emulator's time.
    pub(crate) fn now(&self) -> Timestamp {
        let anchor = self.anchor();
        match self.pace {
            Pace::Stepped => anchor.at,
            Pace::Speed(speed) => {
                let passed = (self.wall().0 - anchor.wall.0).max(0);
                Timestamp(anchor.at.0 + (passed as f64 * speed) as i64)
            }
        }
    }

    /// Moves the clock forward; a moment that has passed is the error.
    pub(crate) fn set(&self, to: Timestamp) -> Result<(), Timestamp> {
        let now = self.now();
        if to < now {
            return Err(now);
        }
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = Anchor { at: to, wall: self.wall() };
        Ok(())
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
