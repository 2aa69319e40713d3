//! State changes of jobs, as they become visible to whoever listens.

use std::collections::VecDeque;

use laneshift_provider::event::Event;
use laneshift_provider::notices::notice;
use laneshift_provider::world::World;
use laneshift_units::Timestamp;
use serde_json::Value;

/// How many are kept for readers of the feed.
const KEPT_MAX: usize = 10_000;

/// One announcement.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// When it is announced.
    pub(crate) at: Timestamp,
    /// EventBridge's event.
    pub(crate) event: Value,
}

/// All announcements that are kept, in the order of the state changes.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    kept: VecDeque<Notice>,
    /// Announcements that nobody asked to push yet.
    unsent: VecDeque<Notice>,
    push: bool,
}

impl Notices {
    /// Makes the notices of an event, as many as the job's faults say.
    pub(crate) fn see(&mut self, world: &World, event: &Event) {
        let id = match event {
            Event::JobCreated(created) => &created.id,
            Event::JobMoved { id, .. } | Event::JobValidated { id, .. } | Event::JobEnded { id, .. } => id,
            _ => return,
        };
        let Some(job) = world.jobs.get(id) else { return };
        let (copies, late_min) = World::notices_of(job);
        let at = Timestamp(job.since.0 + (late_min * 60_000.0) as i64);
        for _ in 0..copies {
            let notice = Notice { at, event: notice(job) };
            if self.push {
                self.unsent.push_back(notice.clone());
            }
            if self.kept.len() == KEPT_MAX {
                self.kept.pop_front();
            }
            self.kept.push_back(notice);
        }
    }

    /// Begins to push, after the journal was read up to `latest`: what was due by then is not told again.
    pub(crate) fn begin_to_push(&mut self, latest: Timestamp) {
        self.push = true;
        self.unsent = self.kept.iter().filter(|n| n.at > latest).cloned().collect();
    }

    /// Those that are announced by now.
    pub(crate) fn until(&self, now: Timestamp) -> Vec<Value> {
        self.kept.iter().filter(|n| n.at <= now).map(|n| n.event.clone()).collect()
    }

    /// The next one to push whose moment has come.
    pub(crate) fn next_unsent(&mut self, now: Timestamp) -> Option<Value> {
        let at = self.unsent.iter().position(|n| n.at <= now)?;
        self.unsent.remove(at).map(|n| n.event)
    }

    /// When the next push is due.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.unsent.iter().map(|n| n.at).min()
    }
}
