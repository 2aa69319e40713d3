//! The queue in memory: the model that the database is held against, and the store of simulations.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::rows::*;
use crate::{Bitmap, Store, StoreError};

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    submissions: Vec<(Submission, Vec<Span>)>,
    chunks: BTreeMap<u64, Chunk>,
    jobs: Vec<Job>,
    results: Vec<(u64, ResultObject)>,
    costs: BTreeMap<u64, Cost>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn submission(&mut self, id: &str) -> Result<&mut (Submission, Vec<Span>), StoreError> {
        let found = self.submissions.iter_mut().find(|(s, _)| s.new.id == id);
        found.ok_or_else(|| StoreError::Missing(format!("submission {id}")))
    }

    fn chunk(&self, id: u64) -> Result<Chunk, StoreError> {
        let mut chunk = self.chunks.get(&id).cloned().ok_or_else(|| StoreError::Missing(format!("chunk {id}")))?;
        let open = self.jobs.iter().filter(|job| job.state.is_open()).flat_map(|job| &job.intent.members);
        chunk.open = open.filter(|m| m.chunk == id).fold(Bitmap::default(), |all, m| all.or(&m.slots));
        Ok(chunk)
    }

    fn job(&mut self, id: u64) -> Result<&mut Job, StoreError> {
        self.jobs.iter_mut().find(|job| job.intent.id == id).ok_or_else(|| StoreError::Missing(format!("job {id}")))
    }
}

#[async_trait::async_trait]
impl Store for Memory {
    async fn accept(&self, submission: &NewSubmission, chunks: &[NewChunk], spans: &[Span]) -> Result<bool, StoreError> {
        let mut state = self.state();
        if let Ok((known, _)) = state.submission(&submission.id) {
            let same = known.new.body_hash == submission.body_hash;
            return if same { Ok(false) } else { Err(StoreError::Other(submission.id.clone())) };
        }
        for chunk in chunks {
            let row = Chunk {
                new: chunk.clone(),
                submission: submission.id.clone(),
                done: Bitmap::default(),
                ok: Bitmap::default(),
                open: Bitmap::default(),
            };
            state.chunks.insert(chunk.id, row);
        }
        state.submissions.push((Submission { new: submission.clone(), state: SubmissionState::Open }, spans.to_vec()));
        Ok(true)
    }

    async fn submission(&self, id: &str) -> Result<Submission, StoreError> {
        self.state().submission(id).map(|(s, _)| s.clone())
    }

    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        let mut all: Vec<Submission> = self.state().submissions.iter().map(|(s, _)| s.clone()).collect();
        all.sort_by(|a, b| (a.new.created, &a.new.id).cmp(&(b.new.created, &b.new.id)));
        Ok(all)
    }

    async fn spans(&self, submission: &str) -> Result<Vec<Span>, StoreError> {
        self.state().submission(submission).map(|(_, spans)| spans.clone())
    }

    async fn chunks(&self, submission: &str) -> Result<Vec<Chunk>, StoreError> {
        let mut state = self.state();
        let spans = state.submission(submission)?.1.clone();
        spans.iter().map(|span| state.chunk(span.chunk)).collect()
    }

    async fn move_submission(&self, id: &str, from: SubmissionState, to: SubmissionState) -> Result<(), StoreError> {
        let mut state = self.state();
        let (submission, _) = state.submission(id)?;
        if submission.state != from && submission.state != to {
            return Err(StoreError::Conflict(format!("submission {id} is {}", submission.state.name())));
        }
        submission.state = to;
        Ok(())
    }

    async fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.job(intent.id).is_ok() {
            return Ok(());
        }
        for members in &intent.members {
            let chunk = state.chunk(members.chunk)?;
            if state.submission(&chunk.submission)?.0.state != SubmissionState::Open {
                return Err(StoreError::Conflict(format!("submission {} is not open", chunk.submission)));
            }
            if !members.slots.and(&chunk.done.or(&chunk.open)).is_empty() {
                return Err(StoreError::Conflict(format!("records of chunk {} are settled or under way", members.chunk)));
            }
        }
        state.jobs.push(Job { intent: intent.clone(), state: JobState::Intent, arn: None, provider_state: None, message: None });
        Ok(())
    }

    async fn move_job(&self, id: u64, from: JobState, to: JobState, change: &JobChange) -> Result<(), StoreError> {
        let mut state = self.state();
        let job = state.job(id)?;
        if job.state != from && job.state != to {
            return Err(StoreError::Conflict(format!("job {id} is {}", job.state.name())));
        }
        job.state = to;
        let take = |kept: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                kept.clone_from(new);
            }
        };
        take(&mut job.arn, &change.arn);
        take(&mut job.provider_state, &change.provider_state);
        take(&mut job.message, &change.message);
        Ok(())
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        Ok(self.state().jobs.iter().filter(|job| job.state.is_open()).cloned().collect())
    }

    async fn jobs(&self, submission: &str) -> Result<Vec<Job>, StoreError> {
        let state = self.state();
        let of = |job: &&Job| {
            job.intent.members.iter().any(|m| state.chunks.get(&m.chunk).is_some_and(|c| c.submission == submission))
        };
        Ok(state.jobs.iter().filter(of).cloned().collect())
    }

    async fn attempts(&self, chunk: u64) -> Result<Vec<Attempt>, StoreError> {
        let state = self.state();
        let jobs = state.jobs.iter().filter(|job| job.state != JobState::Revoked);
        let members = jobs.flat_map(|job| job.intent.members.iter().map(move |m| (job.intent.id, m)));
        Ok(members.filter(|(_, m)| m.chunk == chunk).map(|(job, m)| Attempt { job, slots: m.slots.clone() }).collect())
    }

    async fn settle(&self, settle: &Settle) -> Result<Settled, StoreError> {
        let mut state = self.state();
        if let Some((_, known)) = state.results.iter().find(|(c, r)| *c == settle.chunk && r.job == settle.job) {
            return Ok(Settled { winners: known.winners.clone() });
        }
        let chunk = state.chunks.get_mut(&settle.chunk).ok_or_else(|| StoreError::Missing(format!("chunk {}", settle.chunk)))?;
        let winners = settle.ok.or(&settle.failed).without(&chunk.done);
        chunk.done = chunk.done.or(&winners);
        chunk.ok = chunk.ok.or(&winners.and(&settle.ok));
        let result = ResultObject { job: settle.job, winners: winners.clone(), object: settle.object.clone() };
        state.results.push((settle.chunk, result));
        Ok(Settled { winners })
    }

    async fn results(&self, chunk: u64) -> Result<Vec<ResultObject>, StoreError> {
        Ok(self.state().results.iter().filter(|(c, _)| *c == chunk).map(|(_, r)| r.clone()).collect())
    }

    async fn book(&self, job: u64, cost: &Cost) -> Result<(), StoreError> {
        self.state().costs.entry(job).or_insert(*cost);
        Ok(())
    }

    async fn cost(&self, job: u64) -> Result<Option<Cost>, StoreError> {
        Ok(self.state().costs.get(&job).copied())
    }
}
