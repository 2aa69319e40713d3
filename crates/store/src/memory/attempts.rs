//! The tries at requests.

use super::{Memory, State};
use crate::*;

#[async_trait::async_trait]
impl Attempts for Memory {
    async fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.attempt(intent.id).is_ok() {
            return Ok(());
        }
        for (at, members) in intent.members.iter().enumerate() {
            let chunk = state.chunk(members.chunk)?;
            let taken = if intent.hedge { chunk.done } else { chunk.done.or(&chunk.open) };
            let twice = intent.members[..at].iter().any(|before| before.chunk == members.chunk);
            if twice || !members.slots.and(&taken).is_empty() {
                return Err(StoreError::Conflict(format!("records of chunk {} are settled or under way", members.chunk)));
            }
        }
        state.known_pool(intent.pool)?;
        if let Some(job) = &intent.job {
            let mut jobs = state.attempts.iter().filter_map(|a| a.intent.job.as_ref());
            if jobs.any(|known| known.name == job.name || known.input == job.input) {
                return Err(StoreError::Conflict(format!("job {} is another attempt's", job.name)));
            }
        }
        let mut intent = intent.clone();
        intent.members.sort_by_key(|m| m.chunk);
        state.attempts.push(Attempt {
            intent,
            state: AttemptState::Intent,
            arn: None,
            provider_state: None,
            message: None,
            started: None,
            ended: None,
        });
        state.attempts.sort_by_key(|a| (a.intent.created, a.intent.id));
        Ok(())
    }

    async fn move_attempt(
        &self,
        id: AttemptId,
        from: AttemptState,
        to: AttemptState,
        change: &AttemptChange,
    ) -> Result<(), StoreError> {
        from.check_move(to)?;
        let mut state = self.state();
        let attempt = state.attempt(id)?;
        if attempt.state != from && attempt.state != to {
            return Err(StoreError::Conflict(format!("attempt {id} is {}", attempt.state.name())));
        }
        attempt.state = to;
        take(&mut attempt.arn, &change.arn);
        take(&mut attempt.provider_state, &change.provider_state);
        take(&mut attempt.message, &change.message);
        take(&mut attempt.started, &change.started);
        take(&mut attempt.ended, &change.ended);
        Ok(())
    }

    async fn attempt(&self, id: AttemptId) -> Result<Attempt, StoreError> {
        self.state().attempt(id).cloned()
    }

    async fn open_attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.state().attempts.iter().filter(|a| a.state.is_open()).cloned().collect())
    }

    async fn attempts(&self, submission: &str) -> Result<Vec<Attempt>, StoreError> {
        let state = self.state();
        let spans =
            state.submissions.iter().find(|(s, _)| s.new.id == submission).map(|(_, spans)| &spans[..]).unwrap_or_default();
        let of = |a: &&Attempt| a.intent.members.iter().any(|m| spans.iter().any(|span| span.chunk == m.chunk));
        Ok(state.attempts.iter().filter(of).cloned().collect())
    }

    async fn past_jobs(&self, most: u32) -> Result<Vec<Attempt>, StoreError> {
        let state = self.state();
        let past = state.attempts.iter().filter(|a| a.intent.lane == Lane::Batch && !a.state.is_open());
        let mut past: Vec<&Attempt> = past.collect();
        past.sort_by_key(|a| (std::cmp::Reverse(a.ended), a.intent.id));
        past.truncate(most as usize);
        Ok(past.into_iter().map(Attempt::without_members).collect())
    }

    async fn tries(&self, chunk: ChunkId) -> Result<Vec<Try>, StoreError> {
        let state = self.state();
        let all = state.attempts.iter().flat_map(|a| a.intent.members.iter().map(move |m| (a, m)));
        let one = |(a, m): (&Attempt, &Members)| Try {
            attempt: a.intent.id,
            lane: a.intent.lane,
            state: a.state,
            created: a.intent.created,
            slots: m.slots.clone(),
        };
        Ok(all.filter(|(_, m)| m.chunk == chunk).map(one).collect())
    }
}

fn take<T: Clone>(kept: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        kept.clone_from(new);
    }
}

impl State {
    pub(super) fn attempt(&mut self, id: AttemptId) -> Result<&mut Attempt, StoreError> {
        self.attempts.iter_mut().find(|a| a.intent.id == id).ok_or_else(|| StoreError::Missing(format!("attempt {id}")))
    }
}
