//! The queue in memory: the model that the database is held against, and the store of simulations.

mod attempts;
mod books;
mod intake;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::*;

/// See the module. Clones share one queue, as reopened databases do.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    pools: Vec<String>,
    submissions: Vec<(Submission, Vec<Span>)>,
    keyed: Vec<Keyed>,
    chunks: BTreeMap<ChunkId, Chunk>,
    tails: BTreeMap<(ChunkId, u32), Tail>,
    attempts: Vec<Attempt>,
    results: BTreeMap<(ChunkId, AttemptId), ResultObject>,
    costs: BTreeMap<AttemptId, Vec<Entry>>,
    charges: BTreeMap<ChunkId, Charge>,
    workloads: BTreeMap<ChunkId, String>,
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

    fn known_pool(&self, id: PoolId) -> Result<(), StoreError> {
        let known = (1..=self.pools.len() as u64).contains(&id.0);
        known.then_some(()).ok_or_else(|| StoreError::Missing(format!("pool {id}")))
    }

    /// A chunk, with the members of its open attempts.
    fn chunk(&self, id: ChunkId) -> Result<Chunk, StoreError> {
        let mut chunk = self.chunks.get(&id).cloned().ok_or_else(|| StoreError::Missing(format!("chunk {id}")))?;
        let open = self.attempts.iter().filter(|a| a.state.is_open()).flat_map(|a| &a.intent.members);
        chunk.open = open.filter(|m| m.chunk == id).fold(Bitmap::default(), |all, m| all.or(&m.slots));
        Ok(chunk)
    }

    fn chunk_mut(&mut self, id: ChunkId) -> Result<&mut Chunk, StoreError> {
        self.chunks.get_mut(&id).ok_or_else(|| StoreError::Missing(format!("chunk {id}")))
    }
}
