//! What attempts cost.

use std::collections::BTreeMap;

use super::Memory;
use crate::*;

#[async_trait::async_trait]
impl Books for Memory {
    async fn book(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
        let mut state = self.state();
        state.attempt(attempt)?;
        state.costs.entry(attempt).or_insert_with(|| sorted(entries));
        Ok(())
    }

    async fn amend(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
        let mut state = self.state();
        state.attempt(attempt)?;
        state.costs.insert(attempt, sorted(entries));
        Ok(())
    }

    async fn entries(&self, attempt: AttemptId) -> Result<Vec<Entry>, StoreError> {
        Ok(self.state().costs.get(&attempt).cloned().unwrap_or_default())
    }

    async fn costs(&self) -> Result<BTreeMap<AttemptId, Cost>, StoreError> {
        Ok(self.state().costs.iter().filter_map(|(id, entries)| Some((*id, Entry::sum(entries)?))).collect())
    }

    async fn charged(&self) -> Result<Vec<Charged>, StoreError> {
        let state = self.state();
        let open = |id| state.attempts.iter().any(|a| a.state.is_open() && a.intent.members.iter().any(|m| m.chunk == id));
        let waits = |id| state.chunks.get(&id).is_some_and(|chunk| chunk.done != chunk.all()) || open(id);
        let charged = |charge: &Charge| Charged { charge: charge.clone(), waits: waits(charge.chunk), cost: Cost::NOTHING };
        let mut all: Vec<Charged> = state.charges.values().map(charged).collect();
        for (attempt, entries) in &state.costs {
            let attempt = state.attempts.iter().find(|known| known.intent.id == *attempt);
            Charged::add(&mut all, entries, attempt.map_or(&[], |attempt| &attempt.intent.members));
        }
        Ok(all)
    }

    async fn workloads(&self) -> Result<BTreeMap<ChunkId, String>, StoreError> {
        Ok(self.state().workloads.clone())
    }
}

fn sorted(entries: &[Entry]) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.chunk);
    if entries.is_empty() {
        entries.push(Entry { chunk: None, cost: Cost::NOTHING });
    }
    entries
}
