//! What attempts cost.

use super::Memory;
use crate::*;

#[async_trait::async_trait]
impl Books for Memory {
    async fn book(&self, attempt: AttemptId, cost: &Cost) -> Result<(), StoreError> {
        let mut state = self.state();
        state.attempt(attempt)?;
        state.costs.entry(attempt).or_insert(*cost);
        Ok(())
    }

    async fn amend(&self, attempt: AttemptId, cost: &Cost) -> Result<(), StoreError> {
        let mut state = self.state();
        state.attempt(attempt)?;
        state.costs.insert(attempt, *cost);
        Ok(())
    }

    async fn cost(&self, attempt: AttemptId) -> Result<Option<Cost>, StoreError> {
        Ok(self.state().costs.get(&attempt).copied())
    }

    async fn costs(&self) -> Result<Vec<(AttemptId, Cost)>, StoreError> {
        Ok(self.state().costs.iter().map(|(id, cost)| (*id, *cost)).collect())
    }
}
