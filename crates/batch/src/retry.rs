//! A submission's failures, tried again as a submission of their own whose answers are delivered with the others'.

use laneshift_store::{Bitmap, Submission, SubmissionState};
use laneshift_units::Timestamp;

use crate::accept::{Accepted, Request, usage_of_input};
use crate::chunk::{NewSlot, input_of};
use crate::decide::Terms;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::pool::PoolSpec;

/// What trying again comes to.
#[derive(Debug)]
pub enum Retry {
    /// It is being tried again already, as this submission.
    Continues(String),
    /// Every record of it was answered.
    Nothing,
    /// This is to be accepted.
    New(Box<Accepted>),
}

impl Engine {
    /// Prepares to try again, on these terms, what a submission, or the last that tried it again, has no answer to.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn retry(&self, submission: &Submission, deadline: Timestamp, terms: &Terms) -> Result<Retry, EngineError> {
        let newest = self.newest(submission.clone()).await?;
        if newest.state == SubmissionState::Open {
            return Ok(Retry::Continues(newest.new.id));
        }
        let id = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{}/retry", newest.new.id).as_bytes()));
        let mut filler = self.filler(&id, deadline);
        for span in self.store.spans(&newest.new.id).await? {
            let row = self.store.chunk(span.chunk).await?;
            let again = Bitmap::of(&span).and(&row.done).without(&row.ok.or(&row.redacted));
            if again.is_empty() {
                continue;
            }
            let spec = PoolSpec { terms: terms.clone(), ..self.spec(row.new.pool).await? };
            let chunk = self.chunk_object(span.chunk).await?;
            for slot in again.iter() {
                let Some(entry) = chunk.entries.get(slot) else { continue };
                let input = input_of(chunk.line(slot));
                let new = NewSlot { id: entry.id.clone(), line: entry.line, dialect: entry.dialect, input };
                filler.push_slot(spec.clone(), new, usage_of_input(input)).map_err(EngineError::Spool)?;
            }
        }
        let mut request = Request::of(&newest)?;
        request.place.terms = terms.clone();
        request.retry_of = Some(newest.new.id.clone());
        let accepted = filler.finish(&newest.new.owner, serde_json::to_string(&request)?).map_err(EngineError::Spool)?;
        Ok(accepted.map_or(Retry::Nothing, |accepted| Retry::New(Box::new(accepted))))
    }

    /// The last submission in the chain of those that try this one again.
    async fn newest(&self, mut submission: Submission) -> Result<Submission, EngineError> {
        for next in self.store.submissions().await? {
            let request = Request::of(&next)?;
            if request.retry_of.as_ref() == Some(&submission.new.id) {
                submission = next;
            }
        }
        Ok(submission)
    }

    /// Cancels a submission: what has no result gets none, and jobs that nobody else needs are stopped in the next turn.
    ///
    /// # Errors
    /// [`EngineError`]: also when it is delivered.
    pub async fn cancel(&self, submission: &str) -> Result<u64, EngineError> {
        let ended = self.store.cancel(submission).await?;
        self.step("cancelled");
        Ok(ended)
    }
}
