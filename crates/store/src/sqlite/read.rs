//! Rows of the database as what they stand for.

use laneshift_units::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite as Dialect, Transaction};

use super::database;
use crate::rows::*;
use crate::{Bitmap, StoreError};

fn unknown(what: &str, text: &str) -> StoreError {
    StoreError::Database(format!("{what} {text:?} is not known to this program"))
}

/// A bitmap in a column.
pub(super) fn members_of(row: &SqliteRow, column: usize) -> Result<Bitmap, StoreError> {
    Bitmap::from_bytes(row.get(column)).ok_or_else(|| StoreError::Database("a bitmap has another length".to_owned()))
}

fn bitmap(row: &SqliteRow, column: &str) -> Result<Bitmap, StoreError> {
    Bitmap::from_bytes(row.get(column)).ok_or_else(|| StoreError::Database(format!("{column} has another length")))
}

pub(super) fn submission(row: &SqliteRow) -> Result<Submission, StoreError> {
    let state: String = row.get("state");
    Ok(Submission {
        new: NewSubmission {
            id: row.get("id"),
            body_hash: row.get::<i64, _>("body_hash").cast_unsigned(),
            records: row.get::<i64, _>("records").cast_unsigned(),
            request: row.get("request"),
            deadline: Timestamp(row.get("deadline_ms")),
            created: Timestamp(row.get("created_ms")),
        },
        state: SubmissionState::parse(&state).ok_or_else(|| unknown("submission.state", &state))?,
    })
}

/// A chunk, with the members of its open attempts.
pub(super) async fn chunk(tx: &mut Transaction<'_, Dialect>, row: &SqliteRow) -> Result<Chunk, StoreError> {
    let id: i64 = row.get("id");
    let members = sqlx::query(include_str!("open_members.sql")).bind(id).fetch_all(&mut **tx).await.map_err(database)?;
    let mut open = Bitmap::default();
    for row in &members {
        open = open.or(&members_of(row, 0)?);
    }
    Ok(Chunk {
        new: NewChunk {
            id: id.cast_unsigned(),
            pool: row.get("pool"),
            records: row.get("records"),
            bytes: row.get::<i64, _>("bytes").cast_unsigned(),
            object: row.get("object"),
        },
        submission: row.get("submission"),
        done: bitmap(row, "done")?,
        ok: bitmap(row, "ok")?,
        open,
    })
}

pub(super) async fn job(tx: &mut Transaction<'_, Dialect>, row: &SqliteRow) -> Result<Job, StoreError> {
    let id: i64 = row.get("id");
    let rows =
        sqlx::query("SELECT chunk, members FROM job_chunk WHERE job = ? ORDER BY chunk").bind(id).fetch_all(&mut **tx).await;
    let read = |row: &SqliteRow| Ok(Members { chunk: row.get::<i64, _>(0).cast_unsigned(), slots: members_of(row, 1)? });
    let members = rows.map_err(database)?.iter().map(read).collect::<Result<_, StoreError>>()?;
    let state: String = row.get("state");
    Ok(Job {
        intent: Intent {
            id: id.cast_unsigned(),
            pool: row.get("pool"),
            job_name: row.get("job_name"),
            token: row.get("token"),
            request: row.get("request"),
            input: row.get("input"),
            manifest: row.get("manifest"),
            records: row.get::<i64, _>("records").cast_unsigned(),
            created: Timestamp(row.get("created_ms")),
            members,
        },
        state: JobState::parse(&state).ok_or_else(|| unknown("job.state", &state))?,
        arn: row.get("arn"),
        provider_state: row.get("provider_state"),
        message: row.get("message"),
    })
}
