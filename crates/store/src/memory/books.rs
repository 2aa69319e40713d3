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
}

fn sorted(entries: &[Entry]) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.chunk);
    if entries.is_empty() {
        entries.push(Entry { chunk: None, cost: Cost::NOTHING });
    }
    entries
}
