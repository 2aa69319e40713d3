//! One request by its public id: where it stands, its answer, taking it back, and hearing that something changed.

use laneshift_store::{Bitmap, Chunk, Ending};
use laneshift_units::Timestamp;
use tokio::sync::watch;

use crate::deliver::name_of;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::id::record_id;
use crate::outcome::{Kept, ResultIndex};
use crate::single::{NotAccepted, Single, Taken};
use laneshift_dialect::{Line, Outcome, write_line};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneState {
    /// It has no result yet.
    Waiting,
    /// It has an answer.
    Answered,
    /// It failed for good.
    Failed,
    /// Its deadline passed.
    Expired,
    /// It was taken back.
    Cancelled,
    /// Its content is erased, or is to be.
    Erased,
}

impl OneState {
    /// Where a record stands, but for whether it is erased.
    pub(crate) fn of(row: &Chunk, slot: usize) -> Self {
        match row {
            _ if row.ok.has(slot) => Self::Answered,
            _ if row.cancelled.has(slot) => Self::Cancelled,
            _ if row.expired.has(slot) => Self::Expired,
            _ if row.done.has(slot) => Self::Failed,
            _ => Self::Waiting,
        }
    }

    /// The name, for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Erased => "erased",
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    /// Where it stands.
    pub state: OneState,
    /// When it must be answered.
    pub deadline: Timestamp,
    /// Its result as a line in the dialect that it came in; always the same bytes.
    pub line: Option<Vec<u8>>,
}

impl Engine {
    /// The public id of a request that came before under the same key.
    ///
    /// # Errors
    /// [`NotAccepted::Other`] when another one came under it; [`NotAccepted::Engine`].
    pub async fn taken_before(&self, single: &Single) -> Result<Option<String>, NotAccepted> {
        self.singles.before(single).await
    }

    /// Accepts a single request; gives its public id once it is committed.
    ///
    /// # Errors
    /// [`NotAccepted`].
    pub async fn accept_one(&self, single: Single) -> Result<Taken, NotAccepted> {
        self.room(single.bytes())?;
        let taken = self.singles.accept(single, self.now()).await?;
        if taken.new.is_some_and(|deadline| self.presses(deadline)) {
            self.pressing.notify_one();
        }
        Ok(taken)
    }

    /// A request of this owner; `None` for any other id, whoever's it is.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn one(&self, id: &str, owner: &str) -> Result<Option<One>, EngineError> {
        let Some((chunk, slot)) = self.ids.address(id, owner) else { return Ok(None) };
        let row = match self.store.chunk(chunk).await {
            Ok(row) if slot < row.new.records as usize => row,
            Ok(_) | Err(laneshift_store::StoreError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let state = if row.redacted.has(slot) { OneState::Erased } else { OneState::of(&row, slot) };
        let mut one = One { state, deadline: row.new.deadline, line: None };
        if matches!(state, OneState::Waiting | OneState::Erased) {
            return Ok(Some(one));
        }
        let mut index = self.index(chunk).await?;
        let input = index.line(slot).map_err(EngineError::Spool)?;
        let Some(entry) = index.entries.get(slot) else { return Ok(None) };
        let spec = self.spec(row.new.pool).await?;
        let line = Line {
            id: name_of(entry),
            dialect: entry.dialect,
            record: record_id(chunk, slot),
            model: &spec.model,
            input: crate::chunk::input_of(&input),
            created_s: row.new.created.0.div_euclid(1_000),
        };
        let bytes = self.result_line(chunk, slot).await?;
        let kept: Option<Kept<'_>> = bytes.as_deref().map(serde_json::from_slice).transpose()?;
        let outcome = match (state, &kept) {
            (OneState::Expired, _) => Outcome::Expired,
            (OneState::Cancelled, _) => Outcome::Cancelled,
            (_, Some(Kept { output: Some(output), .. })) => Outcome::Answered(output.get()),
            (_, Some(Kept { error: Some(error), .. })) => Outcome::Failed(error.get()),
            (_, _) => {
                return Err(EngineError::Spool(std::io::Error::other(format!("the result of {id} is not where it was put"))));
            }
        };
        let mut written = Vec::new();
        write_line(&mut written, &line, &outcome).map_err(EngineError::Spool)?;
        one.line = Some(written);
        Ok(Some(one))
    }

    /// A record's result, as it is kept.
    pub(crate) async fn result_line(&self, chunk: laneshift_store::ChunkId, slot: usize) -> Result<Option<Vec<u8>>, EngineError> {
        for result in self.store.results(chunk).await?.into_iter().filter(|result| result.winners.has(slot)) {
            let mut index = ResultIndex::open(&self.folder.join(&result.object)).map_err(EngineError::Spool)?;
            if let Some(at) = index.entries.iter().position(|place| place.slot == slot) {
                return index.line(at).map(Some).map_err(EngineError::Spool);
            }
        }
        Ok(None)
    }

    /// Takes a request back; gives whether it had no result yet. `None` for any other id.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn cancel_one(&self, id: &str, owner: &str) -> Result<Option<bool>, EngineError> {
        let Some((chunk, slot)) = self.ids.address(id, owner) else { return Ok(None) };
        match self.store.end(chunk, &Bitmap::range(slot..slot + 1), Ending::Cancelled).await {
            Ok(ended) => {
                self.changed();
                Ok(Some(!ended.is_empty()))
            }
            Err(laneshift_store::StoreError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Wakes whenever results were committed; whoever waits for a request looks at it then.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.settled.subscribe()
    }

    /// Results were committed.
    pub(crate) fn changed(&self) {
        self.settled.send_modify(|n| *n = n.wrapping_add(1));
    }
}
