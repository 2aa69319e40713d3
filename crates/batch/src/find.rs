//! One record of a submission: where it is, and what happened to it.

use laneshift_store::{AttemptState, ChunkId, Lane, Submission};
use laneshift_units::Timestamp;

use crate::chunk::Slot;
use crate::container::Index;
use crate::deliver::name_of;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::id::{address, record_id};
use crate::one::OneState;
use crate::outcome::Kept;
use crate::pool::PoolSpec;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The chunk.
    pub chunk: ChunkId,
    /// The slot in it.
    pub slot: usize,
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Our id of it.
    pub record: String,
    /// The caller's.
    pub name: String,
    /// Which line of the input it was, from 1.
    pub line: u64,
    /// What it shares with the others of its jobs.
    pub pool: PoolSpec,
    /// When it must be answered.
    pub deadline: Timestamp,
    /// `answered`, `failed`, `cancelled`, `expired`, or `waiting`.
    pub outcome: &'static str,
    /// The error that is its result, as AWS wrote it.
    pub error: Option<String>,
    /// Whether its content is erased, or is to be.
    pub redacted: bool,
    /// What happened when.
    pub events: Vec<(Timestamp, String)>,
}

impl Engine {
    /// The address of a record: by its caller's id, by its own id, or by `line-N`.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn find(&self, submission: &Submission, name: &str) -> Result<Option<Address>, EngineError> {
        let (direct, mut by_line) = (address(name), None);
        let line = name.strip_prefix("line-").and_then(|n| n.parse().ok());
        for span in self.store.spans(&submission.new.id).await? {
            let slots = span.first_slot as usize..(span.first_slot + span.records) as usize;
            if let Some((_, slot)) = direct.filter(|(chunk, slot)| *chunk == span.chunk && slots.contains(slot)) {
                return Ok(Some(Address { chunk: span.chunk, slot }));
            }
            let index = self.index(span.chunk).await?;
            let named = |slot: &usize| index.entries.get(*slot).is_some_and(|entry| name_of(entry) == name);
            if let Some(slot) = slots.clone().find(named) {
                return Ok(Some(Address { chunk: span.chunk, slot }));
            }
            let on_line = slots.clone().find(|slot| index.entries.get(*slot).map(|entry| entry.line) == line);
            by_line = by_line.or(on_line.filter(|_| line.is_some()).map(|slot| Address { chunk: span.chunk, slot }));
        }
        Ok(by_line)
    }

    /// A chunk's footer.
    pub(crate) async fn index(&self, chunk: ChunkId) -> Result<Index<Slot>, EngineError> {
        self.seal_if_open(chunk).await?;
        let object = self.store.chunk(chunk).await?.new.object.unwrap_or_default();
        Index::open(&self.folder.join(object)).map_err(EngineError::Spool)
    }

    /// What happened to a record.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn explain(&self, at: Address) -> Result<Story, EngineError> {
        let Address { chunk, slot } = at;
        let row = self.store.chunk(chunk).await?;
        let index = self.index(chunk).await?;
        let (name, at_line) = index.entries.get(slot).map(|entry| (name_of(entry), entry.line)).unwrap_or_default();
        let mut events = vec![(row.new.created, "accepted".to_owned())];
        for one in self.store.tries(chunk).await?.iter().filter(|one| one.slots.has(slot)) {
            let attempt = self.store.attempt(one.attempt).await?;
            let id = attempt.intent.id;
            let what = match attempt.intent.lane {
                Lane::Batch => format!("a job of {} records is decided: {id}", attempt.intent.records),
                Lane::Flex => format!("called in the flex tier: {id}"),
                Lane::OnDemand => format!("called on demand: {id}"),
                Lane::Provisioned => format!("called on provisioned capacity that was idle: {id}"),
            };
            let hedge = if attempt.intent.hedge { ", while a job holds it" } else { "" };
            events.push((attempt.intent.created, what + hedge));
            if let (Some(at), Some(arn)) = (attempt.started, &attempt.arn) {
                events.push((at, format!("created at AWS as {arn}")));
            }
            if let Some(at) = attempt.ended {
                let state = attempt.provider_state.as_deref().unwrap_or(attempt.state.name());
                let not_run = if attempt.state == AttemptState::Revoked { ", and ran nothing" } else { "" };
                let why = attempt.message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
                events.push((at, format!("{id} ended as {state}{not_run}{why}")));
            }
        }
        events.sort_by_key(|(at, _)| *at);
        let results = self.store.results(chunk).await?;
        let by = results.into_iter().find(|result| result.winners.has(slot)).map(|result| result.attempt);
        let outcome = OneState::of(&row, slot);
        let line = if outcome == OneState::Failed { self.result_line(chunk, slot).await? } else { None };
        let kept: Option<Kept<'_>> = line.as_deref().map(serde_json::from_slice).transpose()?;
        let error = kept.and_then(|kept| kept.error).map(|raw| raw.get().to_owned());
        let outcome = outcome.name();
        if let Some((by, last)) = by.zip(events.last().map(|(at, _)| *at)) {
            events.push((last, format!("{outcome} by {by}")));
        }
        Ok(Story {
            record: record_id(chunk, slot),
            name,
            line: at_line,
            pool: self.spec(row.new.pool).await?,
            deadline: row.new.deadline,
            outcome,
            error,
            redacted: row.redacted.has(slot),
            events,
        })
    }

    /// Whether a job that has not ended holds a record.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn is_held_by_a_job(&self, at: Address) -> Result<bool, EngineError> {
        Ok(self.store.chunk(at.chunk).await?.open.has(at.slot))
    }

    /// Marks records as to be erased, and erases them where no job holds them; what a job holds goes when it has ended.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn redact(&self, records: &[Address]) -> Result<(), EngineError> {
        for Address { chunk, slot } in records {
            let slots = laneshift_store::Bitmap::range(*slot..slot + 1);
            self.store.redact(*chunk, &slots).await?;
            self.step("redacted");
        }
        self.erase().await
    }
}
