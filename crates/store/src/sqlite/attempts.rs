//! The tries at requests.

use sqlx::sqlite::SqliteRow;

use super::intake::known_pool;
use super::read::{attempt, members, one_try};
use super::work::find;
use super::{Sqlite, Tx, database, int};
use crate::*;

#[async_trait::async_trait]
impl Attempts for Sqlite {
    async fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 FROM attempt WHERE id = ?").bind(int(intent.id.0)).fetch_optional(&mut *tx).await;
        if known.map_err(database)?.is_some() {
            return Ok(());
        }
        for (at, members) in intent.members.iter().enumerate() {
            let chunk = find(&mut tx, members.chunk).await?;
            let taken = if intent.hedge { chunk.done } else { chunk.done.or(&chunk.open) };
            let twice = intent.members[..at].iter().any(|before| before.chunk == members.chunk);
            if twice || !members.slots.and(&taken).is_empty() {
                return Err(StoreError::Conflict(format!("records of chunk {} are settled or under way", members.chunk)));
            }
        }
        known_pool(&mut tx, intent.pool).await?;
        if let Some(job) = &intent.job {
            own_names(&mut tx, job).await?;
        }
        insert(&mut tx, intent).await?;
        tx.commit().await.map_err(database)
    }

    async fn move_attempt(
        &self,
        id: AttemptId,
        from: AttemptState,
        to: AttemptState,
        change: &AttemptChange,
    ) -> Result<(), StoreError> {
        from.check_move(to)?;
        let moved = sqlx::query(include_str!("move_attempt.sql"))
            .bind(to.name())
            .bind(&change.arn)
            .bind(&change.provider_state)
            .bind(&change.message)
            .bind(change.started.map(|at| at.0))
            .bind(change.ended.map(|at| at.0))
            .bind(int(id.0))
            .bind(from.name())
            .bind(to.name())
            .execute(&self.pool)
            .await
            .map_err(database)?;
        if moved.rows_affected() == 0 {
            let now = self.attempt(id).await?.state;
            return Err(StoreError::Conflict(format!("attempt {id} is {}", now.name())));
        }
        Ok(())
    }

    async fn attempt(&self, id: AttemptId) -> Result<Attempt, StoreError> {
        let found = self.attempts_by(sqlx::query("SELECT * FROM attempt WHERE id = ?").bind(int(id.0))).await?;
        found.into_iter().next().ok_or_else(|| StoreError::Missing(format!("attempt {id}")))
    }

    async fn open_attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        let open = "SELECT * FROM attempt WHERE state NOT IN ('closed', 'revoked') ORDER BY created_ms, id";
        self.attempts_by(sqlx::query(open)).await
    }

    async fn attempts(&self, submission: &str) -> Result<Vec<Attempt>, StoreError> {
        self.attempts_by(sqlx::query(include_str!("attempts_of.sql")).bind(submission)).await
    }

    async fn past_jobs(&self, most: u32) -> Result<Vec<Attempt>, StoreError> {
        let past =
            "SELECT * FROM attempt WHERE lane = 'batch' AND state IN ('closed', 'revoked') ORDER BY ended_ms DESC, id LIMIT ?";
        let rows = sqlx::query(past).bind(most).fetch_all(&self.pool).await.map_err(database)?;
        rows.iter().map(attempt).collect()
    }

    async fn tries(&self, chunk: ChunkId) -> Result<Vec<Try>, StoreError> {
        let rows = sqlx::query(include_str!("tries.sql")).bind(int(chunk.0)).fetch_all(&self.pool).await.map_err(database)?;
        rows.iter().map(one_try).collect()
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

impl Sqlite {
    async fn attempts_by(&self, query: Query<'_>) -> Result<Vec<Attempt>, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<SqliteRow> = query.fetch_all(&mut *tx).await.map_err(database)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut one = attempt(row)?;
            one.intent.members = members(&mut tx, int(one.intent.id.0)).await?;
            found.push(one);
        }
        Ok(found)
    }
}

/// Refuses an attempt that is not there.
pub(super) async fn known(tx: &mut Tx<'_>, id: AttemptId) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT 1 FROM attempt WHERE id = ?").bind(int(id.0)).fetch_optional(&mut **tx).await;
    known.map_err(database)?.map(drop).ok_or_else(|| StoreError::Missing(format!("attempt {id}")))
}

/// Refuses a job under the name or with the input of another one.
async fn own_names(tx: &mut Tx<'_>, job: &BatchJob) -> Result<(), StoreError> {
    let taken = sqlx::query("SELECT 1 FROM attempt WHERE job_name = ? OR input = ?").bind(&job.name).bind(&job.input);
    match taken.fetch_optional(&mut **tx).await.map_err(database)? {
        Some(_) => Err(StoreError::Conflict(format!("job {} is another attempt's", job.name))),
        None => Ok(()),
    }
}

async fn insert(tx: &mut Tx<'_>, intent: &Intent) -> Result<(), StoreError> {
    let job = intent.job.as_ref();
    sqlx::query("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intent', NULL, NULL, NULL, NULL, NULL)")
        .bind(int(intent.id.0))
        .bind(int(intent.pool.0))
        .bind(intent.lane.name())
        .bind(job.map(|j| &j.name))
        .bind(job.map(|j| &j.request))
        .bind(job.map(|j| &j.input))
        .bind(job.map(|j| &j.manifest))
        .bind(int(intent.records))
        .bind(intent.bound.map(|bound| bound.pico().to_string()))
        .bind(intent.hedge)
        .bind(intent.created.0)
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    for members in &intent.members {
        sqlx::query("INSERT INTO attempt_chunk VALUES (?, ?, ?)")
            .bind(int(intent.id.0))
            .bind(int(members.chunk.0))
            .bind(members.slots.to_bytes())
            .execute(&mut **tx)
            .await
            .map_err(database)?;
    }
    Ok(())
}
