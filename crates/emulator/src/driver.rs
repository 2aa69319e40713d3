//! Moves jobs through their states when their moments come, and delivers logs.
//!
//! Promises: a step is carried out for its own moment, however late the driver comes; a step that was interrupted is done
//! again and gives the same; steps are taken one after another, in the order of their moments; a step that fails holds up its
//! own job only.

use std::collections::HashSet;
use std::time::Duration;

use laneshift_provider::event::Event;
use laneshift_provider::faults::Fault;
use laneshift_provider::jobs::{Status, Step, plan};
use laneshift_provider::world::{Due, World};
use laneshift_units::Timestamp;
use tokio::time::Instant;

use crate::clock::Move;
use crate::emulator::Emulator;
use crate::jobs::{self, Unrun};
use crate::task::to_the_end;

/// The driver looks around at least so often, for the sake of logs.
const IDLE: Duration = Duration::from_secs(30);

/// Who wants everything done that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// The driver itself: jobs that fail wait for their turn.
    Drive,
    /// A caller.
    Settle,
    /// A caller who also wants every log delivered.
    Flush,
}

impl Emulator {
    /// Carries out everything that is due, and what becomes due by that.
    pub async fn settle(&self) {
        self.round(Round::Settle).await;
    }

    /// As [`Emulator::settle`]; delivers every invocation log, whether its hour is over or not.
    pub async fn flush(&self) {
        self.round(Round::Flush).await;
    }

    /// Settles in a task of its own: a step that was begun goes on when its caller is gone, and the next driver waits for it.
    async fn round(&self, round: Round) {
        let emulator = self.clone();
        to_the_end(async move { emulator.round_alone(round).await }).await;
    }

    async fn round_alone(&self, round: Round) {
        let inner = &self.inner;
        let _one_driver = inner.stepping.lock().await;
        if let Some(event) = inner.clock.unwritten() {
            // As in `advance`.
            let _ = inner.state().commit(&[event]);
        }
        let mut failed = HashSet::new();
        while !*inner.ending.borrow() {
            let now = inner.clock.now();
            let due = {
                let (state, back_off, instant) = (inner.state(), inner.back_off(), Instant::now());
                let waits = |job: &str| round == Round::Drive && back_off.waits(job, instant);
                state.world.next_due(|job| !failed.contains(job) && !waits(job))
            };
            let Some(due) = due.filter(|due| due.at <= now) else { break };
            let (job, step) = (due.job.clone(), due.step);
            let emulator = self.clone();
            let done = tokio::task::spawn_blocking(move || emulator.step(&due)).await;
            match done.map_err(|e| e.to_string()).flatten() {
                Ok(()) => inner.back_off().done(&job),
                // The disk refused, or the step itself failed: other jobs go on, and this one is tried again later.
                Err(reason) => {
                    if inner.back_off().failed(&job, Instant::now()) {
                        (inner.tell)(&format!("job {job} cannot go on ({step:?}) and is tried again: {reason}"));
                    }
                    failed.insert(job);
                }
            }
        }
        self.deliver_logs(round == Round::Flush).await;
        inner.told.notify_one();
    }

    /// Runs for ever: sleeps until the next moment, or until something new comes.
    pub async fn drive(&self) {
        loop {
            let woken = self.inner.wake.notified();
            self.round(Round::Drive).await;
            let now = Instant::now();
            let (next, again) = {
                let (state, back_off) = (self.inner.state(), self.inner.back_off());
                (state.world.next_due(|job| !back_off.waits(job, now)), back_off.next(now))
            };
            let again = again.unwrap_or(IDLE);
            let next = next.map(|due| due.at);
            let _ = tokio::time::timeout(self.pause(next).min(again), woken).await;
        }
    }

    /// Begins no step any more, and waits until the one that was begun is done, or left to the next start.
    pub(crate) async fn end(&self) {
        self.inner.ending.send_replace(true);
        let _nobody_steps = self.inner.stepping.lock().await;
    }

    /// How long to wait for a moment of the emulator's time.
    pub(crate) fn pause(&self, until: Option<Timestamp>) -> Duration {
        let wait = until.and_then(|at| self.inner.clock.real_wait(at)).map_or(IDLE, |wait| wait.min(IDLE));
        // A moment that has nearly come is not waited for in smaller parts.
        wait.max(Duration::from_millis(5))
    }

    /// Carries out one step. Runs on a thread of its own: it reads and writes files.
    fn step(&self, due: &Due) -> Result<(), String> {
        let inner = &self.inner;
        let (job, settings) = {
            let state = inner.state();
            // A stop since it was found due has moved the job, or made another step of it due.
            let Some(job) = state.world.jobs.get(&due.job) else { return Ok(()) };
            if plan(job, &state.world.settings).is_none_or(|(_, step)| step != due.step) {
                return Ok(());
            }
            (job.clone(), state.world.settings.clone())
        };
        let (id, at) = (job.id.clone(), due.at);
        let moved = |status| vec![Event::JobMoved { id: id.clone(), status, at_ms: at.0 }];
        let events = match due.step {
            Step::Validating => moved(Status::Validating),
            Step::Begin => moved(Status::InProgress),
            Step::Expire => vec![World::finished(&job, at, Status::Expired, true)],
            Step::Validate => {
                let checked = jobs::validate(inner, &job, &settings);
                let state = inner.state();
                vec![checked.map_or_else(|message| World::failed(&job, at, message), |n| state.world.validated(&job, at, n))]
            }
            Step::Run => match jobs::run(inner, &job, &settings) {
                Ok(marks) => vec![Event::JobRan { id: id.clone(), marks }],
                Err(Unrun::Failed(message)) => vec![World::failed(&job, at, message)],
                Err(Unrun::Ending) => return Ok(()),
            },
            Step::Finish(status) => {
                let late = job.fault(Fault::LateResults).is_some() || job.fault(Fault::TruncatedOutput).is_some();
                let ended = World::finished(&job, at, status, !late);
                let published = match &ended {
                    Event::JobEnded { cut: Some(cut), .. } => jobs::publish(inner, &job, &settings, cut, late),
                    _ => jobs::forget(inner, &id),
                };
                // A bucket that is gone, a full disk: the job's failure, not the driver's.
                vec![
                    published
                        .map_or_else(|e| World::failed(&job, at, format!("The output could not be written: {e}")), |()| ended),
                ]
            }
            Step::Publish => {
                let cut = job.cut.clone().unwrap_or_default();
                // Output that cannot be written now will not be later; the job has ended.
                let _ = jobs::publish(inner, &job, &settings, &cut, false);
                vec![Event::JobPublished { id: id.clone() }]
            }
        };
        // A stop that came while the step was computed has moved the job: the step is void then.
        let mut state = inner.state();
        let unchanged = state.world.jobs.get(&id).is_some_and(|now| now.status == job.status && now.since == job.since);
        if unchanged || matches!(events[..], [Event::JobRan { .. }]) {
            state.commit(&events).map_err(|e| e.to_string())?;
            let ended = matches!(events[..], [Event::JobEnded { .. }]);
            if ended {
                state.journal.sync().map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    /// Moves a stepped or running clock forward, and settles what that makes due.
    ///
    /// # Errors
    /// The present moment, when the other one lies before it.
    pub async fn advance(&self, by: Move) -> Result<(), Timestamp> {
        {
            // Under the lock of the journal, so that its last word on the clock is the latest.
            let mut state = self.inner.state();
            let set = self.inner.clock.event(self.inner.clock.advance(by)?);
            // An unwritten clock moves back at the next start, no further than the last event.
            let _ = state.commit(&[set]);
        }
        self.settle().await;
        Ok(())
    }
}
