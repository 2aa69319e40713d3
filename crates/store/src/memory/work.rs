//! What became of the requests.

use super::{Memory, State};
use crate::*;

#[async_trait::async_trait]
impl Work for Memory {
    async fn live(&self) -> Result<Vec<Chunk>, StoreError> {
        let state = self.state();
        let live = state.chunks.values().filter(|c| c.done.count() < u64::from(c.new.records));
        let mut live = live.map(|c| state.chunk(c.new.id)).collect::<Result<Vec<_>, _>>()?;
        live.sort_by_key(|c| (c.new.deadline, c.new.id));
        Ok(live)
    }

    async fn chunk(&self, id: ChunkId) -> Result<Chunk, StoreError> {
        self.state().chunk(id)
    }

    async fn chunks(&self, submission: &str) -> Result<Vec<Chunk>, StoreError> {
        let state = self.state();
        let found = state.submissions.iter().find(|(s, _)| s.new.id == submission);
        found.into_iter().flat_map(|(_, spans)| spans).map(|span| state.chunk(span.chunk)).collect()
    }

    async fn settle(&self, settle: &Settle) -> Result<Bitmap, StoreError> {
        let mut state = self.state();
        if let Some(known) = state.results.get(&(settle.chunk, settle.attempt)) {
            return Ok(known.winners.clone());
        }
        state.attempt(settle.attempt)?;
        let chunk = state.chunk_mut(settle.chunk)?;
        let winners = settle.ok.or(&settle.failed).and(&chunk.all()).without(&chunk.done);
        chunk.done = chunk.done.or(&winners);
        chunk.ok = chunk.ok.or(&winners.and(&settle.ok));
        let result = ResultObject { attempt: settle.attempt, winners: winners.clone(), object: settle.object.clone() };
        state.results.insert((settle.chunk, settle.attempt), result);
        Ok(winners)
    }

    async fn end(&self, chunk: ChunkId, slots: &Bitmap, how: Ending) -> Result<Bitmap, StoreError> {
        self.state().end(chunk, slots, how)
    }

    async fn cancel(&self, id: &str) -> Result<u64, StoreError> {
        let mut state = self.state();
        let (submission, spans) = state.submission(id)?;
        if submission.state == SubmissionState::Delivered {
            return Err(StoreError::Conflict(format!("submission {id} is delivered")));
        }
        submission.state = SubmissionState::Cancelled;
        let spans = spans.clone();
        let ended = spans.iter().map(|span| state.end(span.chunk, &Bitmap::of(span), Ending::Cancelled).map(|map| map.count()));
        ended.sum()
    }

    async fn results(&self, chunk: ChunkId) -> Result<Vec<ResultObject>, StoreError> {
        Ok(self.state().results.iter().filter(|((of, _), _)| *of == chunk).map(|(_, r)| r.clone()).collect())
    }

    async fn redact(&self, id: ChunkId, slots: &Bitmap) -> Result<(), StoreError> {
        let mut state = self.state();
        state.end(id, slots, Ending::Cancelled)?;
        let chunk = state.chunk_mut(id)?;
        chunk.redacted = chunk.redacted.or(&slots.and(&chunk.all()));
        Ok(())
    }

    async fn redacted(&self) -> Result<Vec<Chunk>, StoreError> {
        let state = self.state();
        state.chunks.values().filter(|c| !c.redacted.is_empty()).map(|c| state.chunk(c.new.id)).collect()
    }

    async fn replace(&self, id: ChunkId, object: &str) -> Result<(), StoreError> {
        match self.state().chunks.get_mut(&id).map(|chunk| &mut chunk.new.object) {
            Some(Some(known)) => object.clone_into(known),
            _ => return Err(StoreError::Missing(format!("sealed chunk {id}"))),
        }
        Ok(())
    }

    async fn replace_result(&self, chunk: ChunkId, attempt: AttemptId, object: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        let found = state.results.get_mut(&(chunk, attempt));
        let found = found.ok_or_else(|| StoreError::Missing(format!("result of attempt {attempt} for chunk {chunk}")))?;
        object.clone_into(&mut found.object);
        Ok(())
    }

    async fn purge(&self, id: &str) -> Result<Purged, StoreError> {
        let mut state = self.state();
        let spans = state.submission(id)?.1.clone();
        for span in &spans {
            if !Bitmap::of(span).without(&state.chunk(span.chunk)?.done).is_empty() {
                return Err(StoreError::Conflict(format!("submission {id} has records without a result")));
            }
        }
        let mut orphans: Vec<ChunkId> = spans.iter().map(|span| span.chunk).collect();
        orphans.sort_unstable();
        orphans.dedup();
        let own = |chunk: ChunkId| spans.iter().filter(|s| s.chunk == chunk).map(|s| s.records).sum::<u32>();
        orphans.retain(|chunk| state.chunks.get(chunk).is_some_and(|c| c.new.records == own(*chunk)));
        let mut purged = Purged::default();
        for orphan in &orphans {
            let chunk = state.chunk(*orphan)?;
            if !chunk.open.is_empty() {
                return Err(StoreError::Conflict(format!("records of submission {id} are in a job that has not ended")));
            }
            purged.objects.extend(chunk.new.object);
            purged.objects.extend(state.results.iter().filter(|((of, _), _)| of == orphan).map(|(_, r)| r.object.clone()));
        }
        state.submissions.retain(|(s, _)| s.new.id != id);
        for orphan in orphans {
            state.chunks.remove(&orphan);
            state.results.retain(|(of, _), _| *of != orphan);
            state.tails.retain(|(of, _), _| *of != orphan);
            state.attempts.iter_mut().for_each(|a| a.intent.members.retain(|m| m.chunk != orphan));
        }
        Ok(purged)
    }
}

impl State {
    fn end(&mut self, id: ChunkId, slots: &Bitmap, how: Ending) -> Result<Bitmap, StoreError> {
        let chunk = self.chunk_mut(id)?;
        let ended = slots.and(&chunk.all()).without(&chunk.done);
        chunk.done = chunk.done.or(&ended);
        match how {
            Ending::Cancelled => chunk.cancelled = chunk.cancelled.or(&ended),
            Ending::Expired => chunk.expired = chunk.expired.or(&ended),
        }
        Ok(ended)
    }
}
