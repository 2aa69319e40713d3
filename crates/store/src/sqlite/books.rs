//! What attempts cost.

use std::collections::BTreeMap;

use sqlx::Row;

use super::attempts::known;
use super::read::{charged, cost, members};
use super::{Sqlite, Tx, database, int};
use crate::*;

/// Stands for no chunk.
const NONE: i64 = -1;

#[async_trait::async_trait]
impl Books for Sqlite {
    async fn book(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        known(&mut tx, attempt).await?;
        let booked = "SELECT count(*) FROM cost WHERE attempt = ?";
        let booked: i64 = sqlx::query_scalar(booked).bind(int(attempt.0)).fetch_one(&mut *tx).await.map_err(database)?;
        if booked == 0 {
            insert(&mut tx, attempt, entries).await?;
        }
        tx.commit().await.map_err(database)
    }

    async fn amend(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        known(&mut tx, attempt).await?;
        sqlx::query("DELETE FROM cost WHERE attempt = ?").bind(int(attempt.0)).execute(&mut *tx).await.map_err(database)?;
        insert(&mut tx, attempt, entries).await?;
        tx.commit().await.map_err(database)
    }

    async fn entries(&self, attempt: AttemptId) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM cost WHERE attempt = ? ORDER BY chunk").bind(int(attempt.0));
        let rows = rows.fetch_all(&self.pool).await.map_err(database)?;
        rows.iter().map(|row| Ok(entry(row)?.1)).collect()
    }

    async fn costs(&self) -> Result<BTreeMap<AttemptId, Cost>, StoreError> {
        let rows = sqlx::query("SELECT * FROM cost").fetch_all(&self.pool).await.map_err(database)?;
        let mut costs = BTreeMap::new();
        for row in &rows {
            let (attempt, entry) = entry(row)?;
            *costs.entry(attempt).or_insert(Cost::NOTHING) += entry.cost;
        }
        Ok(costs)
    }

    async fn charged(&self) -> Result<Vec<Charged>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(include_str!("charged.sql")).fetch_all(&mut *tx).await.map_err(database)?;
        let mut all = rows.iter().map(charged).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Ok(all);
        }
        for row in &sqlx::query("SELECT * FROM cost").fetch_all(&mut *tx).await.map_err(database)? {
            let (attempt, entry) = entry(row)?;
            let shared = entry.chunk.is_none() && entry.cost != Cost::NOTHING;
            let members = if shared { members(&mut tx, int(attempt.0)).await? } else { Vec::new() };
            Charged::add(&mut all, &[entry], &members);
        }
        Ok(all)
    }

    async fn workloads(&self) -> Result<BTreeMap<ChunkId, String>, StoreError> {
        let rows = sqlx::query("SELECT chunk, name FROM workload").fetch_all(&self.pool).await.map_err(database)?;
        Ok(rows.iter().map(|row| (ChunkId(row.get::<i64, _>(0).cast_unsigned()), row.get(1))).collect())
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<(AttemptId, Entry), StoreError> {
    let (attempt, chunk, cost) = cost(row)?;
    Ok((attempt, Entry { chunk: (chunk != NONE).then_some(ChunkId(chunk.cast_unsigned())), cost }))
}

async fn insert(tx: &mut Tx<'_>, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
    // An attempt that cost nothing is booked all the same.
    let nothing = [Entry { chunk: None, cost: Cost::NOTHING }];
    for Entry { chunk, cost } in if entries.is_empty() { &nothing } else { entries } {
        sqlx::query("INSERT INTO cost VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(int(attempt.0))
            .bind(chunk.map_or(NONE, |chunk| int(chunk.0)))
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
            .execute(&mut **tx)
            .await
            .map_err(database)?;
    }
    Ok(())
}
