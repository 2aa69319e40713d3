//! What comes in.

use super::{Memory, State};
use crate::*;

#[async_trait::async_trait]
impl Intake for Memory {
    async fn pool(&self, spec: &str) -> Result<PoolId, StoreError> {
        let pools = &mut self.state().pools;
        let at = pools.iter().position(|known| known == spec).unwrap_or_else(|| {
            pools.push(spec.to_owned());
            pools.len() - 1
        });
        Ok(PoolId(at as u64 + 1))
    }

    async fn pools(&self) -> Result<Vec<(PoolId, String)>, StoreError> {
        Ok(self.state().pools.iter().enumerate().map(|(at, spec)| (PoolId(at as u64 + 1), spec.clone())).collect())
    }

    async fn accept(&self, accept: &Accept) -> Result<(), StoreError> {
        let mut state = self.state();
        state.check(accept)?;
        for chunk in &accept.chunks {
            let (done, ok, cancelled, expired, redacted, open) = Default::default();
            let row = Chunk { new: chunk.clone(), done, ok, cancelled, expired, redacted, open };
            state.chunks.entry(chunk.id).or_insert(row);
        }
        for tail in &accept.tails {
            let new = &mut state.chunk_mut(tail.chunk)?.new;
            new.records += tail.records;
            new.bytes += tail.blob.len() as u64;
            new.deadline = new.deadline.min(tail.deadline);
            new.usage += tail.usage;
            state.tails.insert((tail.chunk, tail.first_slot), tail.clone());
        }
        for (new, spans) in &accept.submissions {
            state.submissions.push((Submission { new: new.clone(), state: SubmissionState::Open }, spans.clone()));
        }
        state.keyed.extend_from_slice(&accept.keyed);
        for charge in &accept.charges {
            state.charges.entry(charge.chunk).and_modify(|known| known.most += charge.most).or_insert_with(|| charge.clone());
        }
        for (chunk, workload) in &accept.workloads {
            state.workloads.entry(*chunk).or_insert_with(|| workload.clone());
        }
        Ok(())
    }

    async fn keyed(&self, owner: &str, key_hash: &[u8; 16]) -> Result<Option<Keyed>, StoreError> {
        Ok(self.state().keyed.iter().find(|k| k.owner == owner && k.key_hash == *key_hash).cloned())
    }

    async fn forget_keys(&self, before_day: i64) -> Result<u64, StoreError> {
        let keyed = &mut self.state().keyed;
        let before = keyed.len();
        keyed.retain(|k| k.day >= before_day);
        Ok((before - keyed.len()) as u64)
    }

    async fn tails(&self, chunk: ChunkId) -> Result<Vec<Tail>, StoreError> {
        Ok(self.state().tails.range((chunk, 0)..=(chunk, u32::MAX)).map(|(_, tail)| tail.clone()).collect())
    }

    async fn seal(&self, chunk: ChunkId, records: u32, object: &str, bytes: u64) -> Result<(), StoreError> {
        let mut state = self.state();
        let new = &mut state.chunk_mut(chunk)?.new;
        if new.object.is_none() {
            if new.records != records {
                return Err(StoreError::Conflict(format!("chunk {chunk} has {} records", new.records)));
            }
            new.object = Some(object.to_owned());
            new.bytes = bytes;
        }
        state.tails.retain(|(of, _), _| *of != chunk);
        Ok(())
    }

    async fn submission(&self, id: &str) -> Result<Submission, StoreError> {
        self.state().submission(id).map(|(s, _)| s.clone())
    }

    async fn submission_keyed(&self, owner: &str, key: &str) -> Result<Option<Submission>, StoreError> {
        let state = self.state();
        let mut all = state.submissions.iter().map(|(s, _)| s);
        Ok(all.find(|s| s.new.owner == owner && s.new.key.as_deref() == Some(key)).cloned())
    }

    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        let mut all: Vec<Submission> = self.state().submissions.iter().map(|(s, _)| s.clone()).collect();
        all.sort_by(|a, b| (a.new.created, &a.new.id).cmp(&(b.new.created, &b.new.id)));
        Ok(all)
    }

    async fn spans(&self, submission: &str) -> Result<Vec<Span>, StoreError> {
        Ok(self
            .state()
            .submissions
            .iter()
            .find(|(s, _)| s.new.id == submission)
            .map(|(_, spans)| spans.clone())
            .unwrap_or_default())
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
}

impl State {
    /// Whether a commit would go through; in the order in which the database looks.
    fn check(&self, accept: &Accept) -> Result<(), StoreError> {
        accept.chunks.iter().try_for_each(|chunk| self.known_pool(chunk.pool))?;
        let chunk = |id| self.chunks.get(&id).map(|c| &c.new).or_else(|| accept.chunks.iter().find(|new| new.id == id));
        for (at, tail) in accept.tails.iter().enumerate() {
            let before = || accept.tails[..at].iter().filter(|t| t.chunk == tail.chunk);
            let taken =
                self.tails.contains_key(&(tail.chunk, tail.first_slot)) || before().any(|t| t.first_slot == tail.first_slot);
            let added: u32 = before().map(|t| t.records).sum::<u32>() + tail.records;
            let fits = |c: &NewChunk| c.object.is_none() && (c.records + added) as usize <= SLOTS;
            if taken || !chunk(tail.chunk).is_some_and(fits) {
                return Err(StoreError::Conflict(format!("chunk {} does not take slot {}", tail.chunk, tail.first_slot)));
            }
        }
        for (at, (new, spans)) in accept.submissions.iter().enumerate() {
            let clash = |s: &&NewSubmission| s.id == new.id || (s.owner == new.owner && new.key.is_some() && s.key == new.key);
            let before = self.submissions.iter().map(|(s, _)| &s.new).chain(accept.submissions[..at].iter().map(|(s, _)| s));
            same_or_other(before.filter(clash).map(|s| s.body_hash == new.body_hash), &new.id)?;
            if let Some(span) = spans.iter().find(|span| chunk(span.chunk).is_none()) {
                return Err(StoreError::Missing(format!("chunk {}", span.chunk)));
            }
        }
        for (at, keyed) in accept.keyed.iter().enumerate() {
            let before = self.keyed.iter().chain(&accept.keyed[..at]);
            let known = before.filter(|k| k.owner == keyed.owner && k.key_hash == keyed.key_hash);
            same_or_other(known.map(|k| k.body_hash == keyed.body_hash), &keyed.record)?;
        }
        Ok(())
    }
}

fn same_or_other(same: impl Iterator<Item = bool>, name: &str) -> Result<(), StoreError> {
    match same.reduce(|a, b| a && b) {
        None => Ok(()),
        Some(true) => Err(StoreError::Conflict(format!("{name} is there already"))),
        Some(false) => Err(StoreError::Other(name.to_owned())),
    }
}
