//! The queue in one SQLite file.
//!
//! Promises: a commit is on the disk (`synchronous = FULL` with a write-ahead log); one process at a time, by a lock
//! beside the file; a database of a newer version is refused.

mod read;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use laneshift_units::{Money, Tokens, Usage};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite as Dialect, Transaction};

use crate::rows::*;
use crate::{Store, StoreError};
use read::{chunk, job, members_of, submission};

const SCHEMA: &str = include_str!("schema.sql");
/// The version of the schema.
const VERSION: i64 = 1;
/// The first SQLite without the corruption that resetting a write-ahead log could cause.
// SQLite, "Release history", 3.51.3, read 2026-11-23.
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);

/// An open queue.
pub struct Sqlite {
    pool: SqlitePool,
    /// Held while the queue is open.
    _lock: File,
}

impl Sqlite {
    /// Opens the queue in a folder; makes it when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another process has it open; [`StoreError::Database`] otherwise.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|e| StoreError::Database(format!("{}: {e}", folder.display())))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("queue.lock"));
        let lock = lock.map_err(|e| StoreError::Database(format!("{}: {e}", folder.display())))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Conflict(format!("another laneshift works in {}", folder.display())));
            }
            Err(TryLockError::Error(e)) => return Err(StoreError::Database(e.to_string())),
        }
        let options = SqliteConnectOptions::new()
            .filename(folder.join("queue.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(database)?;
        let store = Self { pool, _lock: lock };
        store.prepare().await?;
        Ok(store)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.pool).await.map_err(database)?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        if (next(), next(), next()) < SQLITE_MIN {
            return Err(StoreError::Database(format!("SQLite {version} can lose data; 3.51.3 is needed")));
        }
        let stored: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&self.pool).await.map_err(database)?;
        if stored > VERSION {
            return Err(StoreError::Database(format!("the queue has version {stored}; this program knows up to {VERSION}")));
        }
        sqlx::raw_sql(SCHEMA).execute(&self.pool).await.map_err(database)?;
        sqlx::query("PRAGMA user_version = 1").execute(&self.pool).await.map_err(database)?;
        Ok(())
    }

    async fn begin(&self) -> Result<Transaction<'_, Dialect>, StoreError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(database)
    }
}

fn database(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// SQLite's integers are signed; ids and counts here are below 2^63.
fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[async_trait::async_trait]
impl Store for Sqlite {
    async fn accept(&self, new: &NewSubmission, chunks: &[NewChunk], spans: &[Span]) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT body_hash FROM submission WHERE id = ?").bind(&new.id);
        if let Some(row) = known.fetch_optional(&mut *tx).await.map_err(database)? {
            let same = row.get::<i64, _>(0) == new.body_hash.cast_signed();
            return if same { Ok(false) } else { Err(StoreError::Other(new.id.clone())) };
        }
        sqlx::query("INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, 'open')")
            .bind(&new.id)
            .bind(new.body_hash.cast_signed())
            .bind(int(new.records))
            .bind(&new.request)
            .bind(new.deadline.0)
            .bind(new.created.0)
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        for chunk in chunks {
            sqlx::query("INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, zeroblob(1024), zeroblob(1024))")
                .bind(int(chunk.id))
                .bind(&new.id)
                .bind(&chunk.pool)
                .bind(chunk.records)
                .bind(int(chunk.bytes))
                .bind(&chunk.object)
                .execute(&mut *tx)
                .await
                .map_err(database)?;
        }
        for (seq, span) in spans.iter().enumerate() {
            sqlx::query("INSERT INTO span VALUES (?, ?, ?, ?, ?)")
                .bind(&new.id)
                .bind(int(seq as u64))
                .bind(int(span.chunk))
                .bind(span.first_slot)
                .bind(span.records)
                .execute(&mut *tx)
                .await
                .map_err(database)?;
        }
        tx.commit().await.map_err(database)?;
        Ok(true)
    }

    async fn submission(&self, id: &str) -> Result<Submission, StoreError> {
        let found = sqlx::query("SELECT * FROM submission WHERE id = ?").bind(id).fetch_optional(&self.pool).await;
        let row = found.map_err(database)?.ok_or_else(|| StoreError::Missing(format!("submission {id}")))?;
        submission(&row)
    }

    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM submission ORDER BY created_ms, id").fetch_all(&self.pool).await.map_err(database)?;
        rows.iter().map(submission).collect()
    }

    async fn spans(&self, id: &str) -> Result<Vec<Span>, StoreError> {
        let rows = sqlx::query("SELECT chunk, first_slot, records FROM span WHERE submission = ? ORDER BY seq").bind(id);
        let rows = rows.fetch_all(&self.pool).await.map_err(database)?;
        let span = |row: &sqlx::sqlite::SqliteRow| Span {
            chunk: row.get::<i64, _>(0).cast_unsigned(),
            first_slot: row.get(1),
            records: row.get(2),
        };
        Ok(rows.iter().map(span).collect())
    }

    async fn chunks(&self, id: &str) -> Result<Vec<Chunk>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(include_str!("chunks.sql")).bind(id).fetch_all(&mut *tx).await.map_err(database)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(chunk(&mut tx, row).await?);
        }
        Ok(found)
    }

    async fn move_submission(&self, id: &str, from: SubmissionState, to: SubmissionState) -> Result<(), StoreError> {
        let moved = sqlx::query("UPDATE submission SET state = ? WHERE id = ? AND state IN (?, ?)")
            .bind(to.name())
            .bind(id)
            .bind(from.name())
            .bind(to.name())
            .execute(&self.pool)
            .await
            .map_err(database)?;
        if moved.rows_affected() == 0 {
            let now = self.submission(id).await?.state;
            return Err(StoreError::Conflict(format!("submission {id} is {}", now.name())));
        }
        Ok(())
    }

    async fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 FROM job WHERE id = ?").bind(int(intent.id)).fetch_optional(&mut *tx).await;
        if known.map_err(database)?.is_some() {
            return Ok(());
        }
        for members in &intent.members {
            let row = sqlx::query(
                "SELECT chunk.*, submission.state FROM chunk JOIN submission ON submission.id = submission WHERE chunk.id = ?",
            );
            let row = row.bind(int(members.chunk)).fetch_optional(&mut *tx).await.map_err(database)?;
            let row = row.ok_or_else(|| StoreError::Missing(format!("chunk {}", members.chunk)))?;
            let found = chunk(&mut tx, &row).await?;
            if row.get::<String, _>("state") != SubmissionState::Open.name() {
                return Err(StoreError::Conflict(format!("submission {} is not open", found.submission)));
            }
            if !members.slots.and(&found.done.or(&found.open)).is_empty() {
                return Err(StoreError::Conflict(format!("records of chunk {} are settled or under way", members.chunk)));
            }
        }
        sqlx::query("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'intent', NULL, NULL, NULL)")
            .bind(int(intent.id))
            .bind(&intent.pool)
            .bind(&intent.job_name)
            .bind(&intent.token)
            .bind(&intent.request)
            .bind(&intent.input)
            .bind(&intent.manifest)
            .bind(int(intent.records))
            .bind(intent.created.0)
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        for members in &intent.members {
            sqlx::query("INSERT INTO job_chunk VALUES (?, ?, ?)")
                .bind(int(intent.id))
                .bind(int(members.chunk))
                .bind(members.slots.to_bytes())
                .execute(&mut *tx)
                .await
                .map_err(database)?;
        }
        tx.commit().await.map_err(database)
    }

    async fn move_job(&self, id: u64, from: JobState, to: JobState, change: &JobChange) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query(include_str!("move_job.sql"))
            .bind(to.name())
            .bind(&change.arn)
            .bind(&change.provider_state)
            .bind(&change.message)
            .bind(int(id))
            .bind(from.name())
            .bind(to.name())
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        if moved.rows_affected() == 0 {
            let row = sqlx::query("SELECT state FROM job WHERE id = ?")
                .bind(int(id))
                .fetch_optional(&mut *tx)
                .await
                .map_err(database)?;
            let state: String = row.ok_or_else(|| StoreError::Missing(format!("job {id}")))?.get(0);
            return Err(StoreError::Conflict(format!("job {id} is {state}")));
        }
        tx.commit().await.map_err(database)
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        let mut tx = self.begin().await?;
        let rows =
            sqlx::query("SELECT * FROM job WHERE state NOT IN ('closed', 'revoked') ORDER BY id").fetch_all(&mut *tx).await;
        let mut found = Vec::new();
        for row in &rows.map_err(database)? {
            found.push(job(&mut tx, row).await?);
        }
        Ok(found)
    }

    async fn jobs(&self, id: &str) -> Result<Vec<Job>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(include_str!("jobs.sql")).bind(id).fetch_all(&mut *tx).await.map_err(database)?;
        let mut found = Vec::new();
        for row in &rows {
            found.push(job(&mut tx, row).await?);
        }
        Ok(found)
    }

    async fn attempts(&self, id: u64) -> Result<Vec<Attempt>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(include_str!("attempts.sql")).bind(int(id)).fetch_all(&mut *tx).await.map_err(database)?;
        rows.iter().map(|row| Ok(Attempt { job: row.get::<i64, _>(0).cast_unsigned(), slots: members_of(row, 1)? })).collect()
    }

    async fn settle(&self, settle: &Settle) -> Result<Settled, StoreError> {
        let mut tx = self.begin().await?;
        let known =
            sqlx::query("SELECT winners FROM result WHERE chunk = ? AND job = ?").bind(int(settle.chunk)).bind(int(settle.job));
        if let Some(row) = known.fetch_optional(&mut *tx).await.map_err(database)? {
            return Ok(Settled { winners: members_of(&row, 0)? });
        }
        let row = sqlx::query("SELECT done, ok FROM chunk WHERE id = ?").bind(int(settle.chunk)).fetch_optional(&mut *tx).await;
        let row = row.map_err(database)?.ok_or_else(|| StoreError::Missing(format!("chunk {}", settle.chunk)))?;
        let (done, ok) = (members_of(&row, 0)?, members_of(&row, 1)?);
        let winners = settle.ok.or(&settle.failed).without(&done);
        sqlx::query("UPDATE chunk SET done = ?, ok = ? WHERE id = ?")
            .bind(done.or(&winners).to_bytes())
            .bind(ok.or(&winners.and(&settle.ok)).to_bytes())
            .bind(int(settle.chunk))
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        sqlx::query("INSERT INTO result VALUES (?, ?, ?, ?)")
            .bind(int(settle.chunk))
            .bind(int(settle.job))
            .bind(winners.to_bytes())
            .bind(&settle.object)
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        tx.commit().await.map_err(database)?;
        Ok(Settled { winners })
    }

    async fn results(&self, chunk: u64) -> Result<Vec<ResultObject>, StoreError> {
        let rows = sqlx::query("SELECT job, winners, object FROM result WHERE chunk = ? ORDER BY job").bind(int(chunk));
        let rows = rows.fetch_all(&self.pool).await.map_err(database)?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(ResultObject { job: row.get::<i64, _>(0).cast_unsigned(), winners: members_of(row, 1)?, object: row.get(2) })
        };
        rows.iter().map(read).collect()
    }

    async fn book(&self, job: u64, cost: &Cost) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO cost VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job) DO NOTHING")
            .bind(int(job))
            .bind(int(cost.usage.input.0))
            .bind(int(cost.usage.output.0))
            .bind(cost.paid.pico().to_string())
            .bind(cost.on_demand.pico().to_string())
            .bind(cost.waste.pico().to_string())
            .bind(cost.costed == Costed::Exact)
            .execute(&self.pool)
            .await
            .map_err(database)?;
        Ok(())
    }

    async fn cost(&self, job: u64) -> Result<Option<Cost>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM cost WHERE job = ?").bind(int(job)).fetch_optional(&self.pool).await.map_err(database)?;
        let Some(row) = row else { return Ok(None) };
        let money = |name: &str| {
            let text: String = row.get(name);
            text.parse().map(Money::from_pico).map_err(|_| StoreError::Database(format!("cost.{name} of job {job} is no number")))
        };
        Ok(Some(Cost {
            usage: Usage {
                input: Tokens(row.get::<i64, _>("input").cast_unsigned()),
                output: Tokens(row.get::<i64, _>("output").cast_unsigned()),
                ..Usage::default()
            },
            paid: money("paid_pico")?,
            on_demand: money("on_demand_pico")?,
            waste: money("waste_pico")?,
            costed: if row.get("exact") { Costed::Exact } else { Costed::Unpriced },
        }))
    }
}
