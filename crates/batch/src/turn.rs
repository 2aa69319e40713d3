//! One turn: decide about every pool, carry it out, move every open job on.

use std::collections::BTreeMap;
use std::time::Duration;

use laneshift_store::{Attempt, AttemptChange, AttemptState, Chunk, Ending, Lane, Members, PoolId, SubmissionState};
use laneshift_units::{QuotaTokens, Timestamp};

use crate::calls::Call;
use crate::decide::{Hedge, Move, Spare, Suspects, View, decide};
use crate::engine::{Engine, Phase};
use crate::error::EngineError;
use crate::submit::Created;

/// Past jobs from which turnaround is learned.
const PAST_JOBS: u32 = 500;
/// Turns in a row that may fail for a reason that passes before the engine gives up and says why.
const TROUBLE_MAX: u32 = 120;

/// When calls that press and could not be made are tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether attempts may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Nothing,
    Something,
    /// They have, and records have come back from capacity that was thought to be idle.
    Back,
}

impl Engine {
    /// Takes one turn.
    ///
    /// # Errors
    /// [`EngineError`]: what somebody has to mend, or a failure that did not pass in many turns.
    pub async fn turn(&self) -> Result<(), EngineError> {
        let outcome = self.turn_once().await;
        let mut memo = self.memo();
        match outcome {
            Ok(()) => {
                memo.trouble = None;
                Ok(())
            }
            Err(error) if error.is_transient() => {
                let times = memo.trouble.as_ref().map_or(1, |(_, times)| times + 1);
                memo.trouble = Some((error.to_string(), times));
                if times >= TROUBLE_MAX { Err(error) } else { Ok(()) }
            }
            Err(error) => Err(error),
        }
    }

    async fn turn_once(&self) -> Result<(), EngineError> {
        self.seal_old(self.now()).await?;
        let mut first_error = self.decide_all().await;
        for job in self.store.open_attempts().await? {
            if job.intent.lane == Lane::Batch {
                let pool = job.intent.pool;
                let outcome = match self.advance(job).await {
                    Err(error) if !error.is_transient() && blames_surroundings(&error) => {
                        self.hold(pool, &error.to_string());
                        Ok(())
                    }
                    other => other,
                };
                first_error = first_error.and(outcome);
            }
        }
        // What cannot be tidied holds up no answer.
        match self.tidy(self.now()).await {
            Err(error @ EngineError::Store(_)) => first_error = first_error.and(Err(error)),
            Err(error) => self.memo().untidy = Some(error.to_string()),
            Ok(()) => {}
        }
        first_error
    }

    /// Returns when something was accepted that cannot wait for the next turn; [`Engine::turn_early`] is for it.
    pub async fn pressed(&self) {
        self.pressing.notified().await;
    }

    /// Decides about every pool between two turns, and makes the calls that must be made; jobs move on in the next turn, which
    /// meets what fails here too. What could not be called is tried again a moment later.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn turn_early(&self) -> Result<(), EngineError> {
        let decided = self.decide_all().await;
        let presses = |chunk: &Chunk| self.presses(chunk.new.deadline) && !chunk.free().is_empty();
        if self.store.live().await?.iter().any(presses) {
            (self.tools.timer)(AGAIN).await;
            self.pressing.notify_one();
        }
        decided
    }

    /// Whether a deadline is so near that the next turn may be too late.
    pub(crate) fn presses(&self, deadline: Timestamp) -> bool {
        let poll_ms = i64::try_from(self.tools.poll.as_millis()).unwrap_or(i64::MAX);
        deadline.0 <= self.now().0.saturating_add(self.settings.margin_ms).saturating_add(poll_ms)
    }

    /// Decides about every pool, and carries it out.
    async fn decide_all(&self) -> Result<(), EngineError> {
        self.recover_calls().await?;
        let past = self.store.past_jobs(PAST_JOBS).await?;
        let mut pools: BTreeMap<PoolId, Vec<Chunk>> = BTreeMap::new();
        let live = self.store.live().await?;
        self.count_results(&live);
        self.memo().lost.retain(|lost, _| live.iter().any(|chunk| chunk.new.id == *lost));
        for chunk in live {
            pools.entry(chunk.new.pool).or_default().push(chunk);
        }
        let mut first_error = Ok(());
        let mut open = self.store.open_attempts().await?;
        for (pool, chunks) in &pools {
            // One pool's trouble is not the others'.
            let mut outcome = self.turn_pool(*pool, chunks, &pools, &open, &past, true).await;
            if let Ok(Moved::Back) = outcome {
                // Nothing is late for having been tried: it goes on in this turn as if there were none.
                open = self.store.open_attempts().await?;
                let mut again = self.store.live().await?;
                again.retain(|chunk| chunk.new.pool == *pool);
                outcome = self.turn_pool(*pool, &again, &pools, &open, &past, false).await;
            }
            match outcome {
                Ok(Moved::Nothing) => {}
                Ok(Moved::Something | Moved::Back) => open = self.store.open_attempts().await?,
                Err(error) => first_error = first_error.and(Err(error)),
            }
        }
        first_error
    }

    /// Decides about a pool, and carries it out; `drains` says whether idle capacity takes a part of it.
    async fn turn_pool(
        &self,
        pool: PoolId,
        chunks: &[Chunk],
        pools: &BTreeMap<PoolId, Vec<Chunk>>,
        open: &[Attempt],
        past: &[Attempt],
        drains: bool,
    ) -> Result<Moved, EngineError> {
        // Calls of the pools before this one may have taken a while.
        let now = self.now();
        let spec = self.spec(pool).await?;
        let spare = if drains { self.spare(&spec, now) } else { Spare::default() };
        let limits = self.limits(&spec, now).await;
        // AWS counts the jobs of a model, whosever they are.
        let (mut jobs, mut of_model) = (0_u64, 0_u64);
        for job in open.iter().filter(|a| a.intent.lane == Lane::Batch) {
            jobs += u64::from(job.intent.pool == pool);
            of_model += u64::from(self.spec(job.intent.pool).await?.model == spec.model);
        }
        let forecast = self.forecast(Some(pool), past);
        let suspects = self.suspects(pool, past).await?;
        let rescue = self.rescue(&spec, &limits).or_else(|| self.last_resort(&spec, &limits, chunks, now));
        let burndown = self.burndown(&spec);
        let mut others = Vec::new();
        if let Some(rescue) = &rescue {
            let elsewhere = pools.iter().filter(|(other, _)| **other != pool).flat_map(|(_, chunks)| chunks);
            others = self.held_for(elsewhere, &spec, rescue, burndown).await?;
            others.sort_unstable_by_key(|held| held.deadline);
        }
        let lost = self.memo().lost.iter().map(|(chunk, [_, twice])| (*chunk, twice.clone())).collect();
        let allowance = rescue.as_ref().map_or(QuotaTokens(0), |rescue| self.allowance(&spec, rescue, now));
        let view = View {
            now,
            chunks,
            suspects: &suspects,
            limits,
            slots: limits.open_max.saturating_sub(of_model),
            jobs_open: jobs > 0,
            batch: self.runs_in_batch(&spec),
            paused: self.is_held(pool, now),
            forecast: &forecast,
            rescue: rescue.as_ref(),
            others: &others,
            allowance,
            spare,
            lost: &lost,
            burndown,
            costs: self.costs(&spec, chunks),
            terms: &spec.terms,
            margin_ms: self.settings.margin_ms,
        };
        let moves = decide(&view);
        let mut moved = if moves.is_empty() { Moved::Nothing } else { Moved::Something };
        self.memo().phases.insert(pool, if jobs > 0 { Phase::Running } else { Phase::Waiting });
        let (mut calls, mut drained): (Vec<Call>, Vec<Members>) = Default::default();
        for one in moves {
            match one {
                Move::Job(members, filler) => self.intend(&spec, pool, &limits, members, filler).await?,
                Move::Expire(members) => {
                    self.store.end(members.chunk, &members.slots, Ending::Expired).await?;
                    self.changed();
                    self.step("expired");
                }
                Move::Quarantine(members, message) => self.quarantine(&members, &message, past).await?,
                Move::Calls(members, Lane::Provisioned, _) => drained.extend(members),
                Move::Calls(members, lane, hedge) => calls.push(Call { members, lane, hedge, spare: None }),
            }
        }
        if !calls.is_empty() {
            self.memo().phases.insert(pool, Phase::Calling);
            let used = self.call(&spec, pool, calls, burndown).await?;
            self.use_allowance(&spec, used);
        }
        if !drained.is_empty() {
            self.memo().phases.insert(pool, Phase::Calling);
            let call = Call { members: drained.clone(), lane: Lane::Provisioned, hedge: Hedge::No, spare: Some(spare) };
            self.call(&spec, pool, vec![call], burndown).await?;
            if self.is_left(&drained).await? {
                moved = Moved::Back;
            }
        }
        Ok(moved)
    }

    /// Moves a job on as far as it goes by itself.
    async fn advance(&self, mut job: Attempt) -> Result<(), EngineError> {
        loop {
            self.advance_once(&job).await?;
            let next = self.store.attempt(job.intent.id).await?;
            if next.state == job.state || !next.state.is_open() {
                return Ok(());
            }
            job = next;
        }
    }

    /// Moves a job on by one step.
    async fn advance_once(&self, job: &Attempt) -> Result<(), EngineError> {
        let live = self.live_members(job).await?;
        if live.is_empty() && job.state < AttemptState::Terminal {
            return self.take_back(job).await;
        }
        let phase = match job.state {
            AttemptState::Intent => {
                self.memo().phases.insert(job.intent.pool, Phase::Uploading);
                self.upload(job).await?;
                Phase::Uploading
            }
            AttemptState::Uploaded if self.is_held(job.intent.pool, self.now()) => Phase::Waiting,
            AttemptState::Uploaded => match self.create(job).await? {
                Created::Yes => {
                    self.release(job.intent.pool);
                    Phase::Running
                }
                Created::Later => Phase::WaitingForSlot,
                Created::Never(message) => {
                    self.hold(job.intent.pool, &message);
                    self.revoke(job, &message).await?;
                    Phase::Waiting
                }
                Created::NoModel(message) => {
                    self.hold(job.intent.pool, &message);
                    for members in &live {
                        self.refuse(members, job.intent.id, &message).await?;
                    }
                    self.revoke(job, &message).await?;
                    Phase::Waiting
                }
            },
            AttemptState::Created => self.watch(job).await?,
            AttemptState::Terminal => {
                self.memo().phases.insert(job.intent.pool, Phase::Harvesting);
                self.harvest(job).await?;
                Phase::Harvesting
            }
            AttemptState::Closed | AttemptState::Revoked => return Ok(()),
        };
        self.memo().phases.insert(job.intent.pool, phase);
        Ok(())
    }

    /// The members of a job that have no result yet.
    pub(crate) async fn live_members(&self, job: &Attempt) -> Result<Vec<Members>, EngineError> {
        let mut live = Vec::new();
        for m in &job.intent.members {
            let slots = m.slots.without(&self.store.chunk(m.chunk).await?.done);
            if !slots.is_empty() {
                live.push(Members { chunk: m.chunk, slots });
            }
        }
        Ok(live)
    }

    /// Jobs of a pool that failed because of a record, with their members.
    async fn suspects(&self, pool: PoolId, past: &[Attempt]) -> Result<Vec<Suspects>, EngineError> {
        let mut found: Vec<Suspects> = Vec::new();
        let failed = past.iter().filter(|a| {
            a.intent.pool == pool && a.state == AttemptState::Revoked && a.message.as_deref().is_some_and(is_about_a_record)
        });
        for job in failed {
            // Newest first: a record that a smaller job has singled out since is no suspect of the larger one any more.
            let mut members = self.store.attempt(job.intent.id).await?.intent.members;
            for m in &mut members {
                let later = found.iter().flat_map(|s| &s.members).filter(|known| known.chunk == m.chunk);
                m.slots = later.fold(m.slots.clone(), |slots, known| slots.without(&known.slots));
            }
            members.retain(|m| !m.slots.is_empty());
            found.push(Suspects { members, message: job.message.clone().unwrap_or_default() });
        }
        Ok(found)
    }

    /// Submissions whose answers are not delivered, oldest first.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn undelivered(&self) -> Result<Vec<String>, EngineError> {
        let all = self.store.submissions().await?;
        Ok(all.into_iter().filter(|s| s.state == SubmissionState::Open).map(|s| s.new.id).collect())
    }

    /// A job none of whose records needs an answer any more: it is not created, or it is stopped.
    async fn take_back(&self, job: &Attempt) -> Result<(), EngineError> {
        match (&job.arn, job.state) {
            (Some(arn), AttemptState::Created) => {
                let stopping = matches!(job.provider_state.as_deref(), Some("Stopping"));
                if !stopping {
                    self.client.stop_job(arn).await?;
                    self.step("stopped");
                    let change = AttemptChange { provider_state: Some("Stopping".to_owned()), ..AttemptChange::default() };
                    self.store.move_attempt(job.intent.id, AttemptState::Created, AttemptState::Created, &change).await?;
                }
                self.watch(job).await.map(|_| ())
            }
            _ => self.revoke(job, "no record of it needs an answer any more").await,
        }
    }
}

/// A job's message that blames a record.
fn is_about_a_record(message: &str) -> bool {
    message.starts_with(crate::submit::BLAMES_A_RECORD)
}

/// An error of S3 or of AWS about a pool's surroundings, which is no reason to stop the others.
fn blames_surroundings(error: &EngineError) -> bool {
    matches!(error, EngineError::Aws(_) | EngineError::Objects(_) | EngineError::Upload(_) | EngineError::Bucket(_))
}
