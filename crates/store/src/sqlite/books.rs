//! What attempts cost.

use super::attempts::known;
use super::read::cost;
use super::{Sqlite, database, int};
use crate::*;

#[async_trait::async_trait]
impl Books for Sqlite {
    async fn book(&self, attempt: AttemptId, cost: &Cost) -> Result<(), StoreError> {
        self.write(include_str!("book.sql"), attempt, cost).await
    }

    async fn amend(&self, attempt: AttemptId, cost: &Cost) -> Result<(), StoreError> {
        self.write(include_str!("amend.sql"), attempt, cost).await
    }

    async fn cost(&self, attempt: AttemptId) -> Result<Option<Cost>, StoreError> {
        let row = sqlx::query("SELECT * FROM cost WHERE attempt = ?").bind(int(attempt.0)).fetch_optional(&self.pool).await;
        row.map_err(database)?.map(|row| cost(&row).map(|(_, cost)| cost)).transpose()
    }

    async fn costs(&self) -> Result<Vec<(AttemptId, Cost)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM cost ORDER BY attempt").fetch_all(&self.pool).await.map_err(database)?;
        rows.iter().map(cost).collect()
    }
}

impl Sqlite {
    async fn write(&self, sql: &'static str, attempt: AttemptId, cost: &Cost) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        known(&mut tx, attempt).await?;
        sqlx::query(sql)
            .bind(int(attempt.0))
            .bind(int(cost.usage.input.0))
            .bind(int(cost.usage.output.0))
            .bind(int(cost.usage.cache_read.0))
            .bind(int(cost.usage.cache_write_5m.0))
            .bind(int(cost.usage.cache_write_1h.0))
            .bind(cost.paid.pico().to_string())
            .bind(cost.on_demand.pico().to_string())
            .bind(cost.waste.pico().to_string())
            .bind(cost.bound.pico().to_string())
            .bind(cost.costed == Costed::Exact)
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        tx.commit().await.map_err(database)
    }
}
