//! Moves jobs through their states when their moments come, and delivers logs.
//!
//! Promises: a step is carried out for its own moment, however late the driver comes; a step that was interrupted is done
//! again and gives the same; steps are taken one after another, in the order of their moments.

use std::time::Duration;

use laneshift_provider::event::Event;
use laneshift_provider::faults::Fault;
use laneshift_provider::jobs::{Status, Step, plan};
use laneshift_provider::world::{Due, World};
use laneshift_units::Timestamp;

use crate::clock::Move;
use crate::emulator::Emulator;
use crate::jobs::{self, Unrun};
use crate::task::to_the_end;

/// The driver looks around at least so often, for the sake of logs.
const IDLE: Duration = Duration::from_secs(30);

impl Emulator {
    /// Carries out everything that is due, and what becomes due by that.
    pub async fn settle(&self) {
        self.settle_and_deliver(false).await;
    }

    /// As [`Emulator::settle`]; delivers every invocation log, whether its hour is over or not.
    pub async fn flush(&self) {
        self.settle_and_deliver(true).await;
    }

    /// Settles in a task of its own: a step that was begun goes on when its caller is gone, and the next driver waits for it.
    async fn settle_and_deliver(&self, all_logs: bool) {
        let emulator = self.clone();
        to_the_end(async move { emulator.settle_alone(all_logs).await }).await;
    }

    async fn settle_alone(&self, all_logs: bool) {
        let _one_driver = self.inner.stepping.lock().await;
        if let Some(event) = self.inner.clock.unwritten() {
            // As in `advance`.
            let _ = self.inner.state().commit(&[event]);
        }
        while !*self.inner.ending.borrow() {
            let now = self.inner.clock.now();
            let due = self.inner.state().world.next_due().filter(|due| due.at <= now);
            let Some(due) = due else { break };
            let emulator = self.clone();
            let step = tokio::task::spawn_blocking(move || emulator.step(&due));
            match step.await {
                Ok(Ok(())) => {}
                // The disk refused, or the step itself failed: trying at once again would spin.
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.deliver_logs(all_logs).await;
        self.inner.told.notify_one();
    }

    /// Runs for ever: sleeps until the next moment, or until something new comes.
    pub async fn drive(&self) {
        loop {
            let woken = self.inner.wake.notified();
            self.settle().await;
            let next = self.inner.state().world.next_due().map(|due| due.at);
            let _ = tokio::time::timeout(self.pause(next), woken).await;
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
        // The least pause keeps a step that fails for ever from spinning.
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
