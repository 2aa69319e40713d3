//! The time of a simulation: it moves when somebody moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use laneshift_aws::WallClock;
use laneshift_units::Timestamp;

use crate::error::SimError;

/// Runs a month on one thread, whose timers do not wait for anybody.
///
/// # Errors
/// What the month says, or why there is no thread for it.
pub fn run<T>(month: impl Future<Output = Result<T, SimError>>) -> Result<T, SimError> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(month)
}

/// A clock; clones share it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// It does not go back.
    pub(crate) fn set(&self, to: Timestamp) {
        self.0.fetch_max(to.0, Ordering::Relaxed);
    }

    /// As those read it who are handed a clock.
    pub(crate) fn wall(&self) -> WallClock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
