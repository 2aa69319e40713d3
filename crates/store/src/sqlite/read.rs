//! Rows of the database as what they stand for.

use laneshift_units::{Money, Timestamp, Tokens, Usage};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Tx, database};
use crate::*;

fn unknown(what: &str, text: &str) -> StoreError {
    StoreError::Database(format!("{what} {text:?} is not known to this program"))
}

fn unsigned(row: &SqliteRow, column: &str) -> u64 {
    row.get::<i64, _>(column).cast_unsigned()
}

/// Money in a column.
pub(super) fn money(row: &SqliteRow, column: &str) -> Result<Money, StoreError> {
    let text: String = row.get(column);
    text.parse().map(Money::from_pico).map_err(|_| StoreError::Database(format!("{column} {text:?} is no number")))
}

fn estimate(row: &SqliteRow) -> Usage {
    Usage { input: Tokens(unsigned(row, "input")), output: Tokens(unsigned(row, "output")), ..Usage::default() }
}

/// A bitmap in a column.
pub(super) fn bitmap(row: &SqliteRow, column: &str) -> Result<Bitmap, StoreError> {
    Bitmap::from_bytes(row.get(column)).ok_or_else(|| StoreError::Database(format!("{column} has another length")))
}

pub(super) fn submission(row: &SqliteRow) -> Result<Submission, StoreError> {
    let (state, promise): (String, String) = (row.get("state"), row.get("promise"));
    Ok(Submission {
        new: NewSubmission {
            id: row.get("id"),
            owner: row.get("owner"),
            key: row.get("idem_key"),
            body_hash: unsigned(row, "body_hash"),
            records: unsigned(row, "records"),
            request: row.get("request"),
            deadline: Timestamp(row.get("deadline_ms")),
            promise: Promise::parse(&promise).ok_or_else(|| unknown("submission.promise", &promise))?,
            created: Timestamp(row.get("created_ms")),
        },
        state: SubmissionState::parse(&state).ok_or_else(|| unknown("submission.state", &state))?,
    })
}

pub(super) fn span(row: &SqliteRow) -> Span {
    Span { chunk: ChunkId(unsigned(row, "chunk")), first_slot: row.get("first_slot"), records: row.get("records") }
}

pub(super) fn tail(row: &SqliteRow) -> Tail {
    Tail {
        chunk: ChunkId(unsigned(row, "chunk")),
        first_slot: row.get("first_slot"),
        records: row.get("records"),
        deadline: Timestamp(row.get("deadline_ms")),
        usage: estimate(row),
        blob: row.get("blob"),
    }
}

/// A chunk, with the members of its open attempts.
pub(super) async fn chunk(tx: &mut Tx<'_>, row: &SqliteRow) -> Result<Chunk, StoreError> {
    let id: i64 = row.get("id");
    let members = sqlx::query(include_str!("open_members.sql")).bind(id).fetch_all(&mut **tx).await.map_err(database)?;
    let mut open = Bitmap::default();
    for row in &members {
        open = open.or(&bitmap(row, "members")?);
    }
    let redacted: Option<&[u8]> = row.get("redacted");
    Ok(Chunk {
        new: NewChunk {
            id: ChunkId(id.cast_unsigned()),
            pool: PoolId(unsigned(row, "pool")),
            records: row.get("records"),
            bytes: unsigned(row, "bytes"),
            usage: estimate(row),
            object: row.get("object"),
            deadline: Timestamp(row.get("deadline_ms")),
            created: Timestamp(row.get("created_ms")),
        },
        done: bitmap(row, "done")?,
        ok: bitmap(row, "ok")?,
        cancelled: bitmap(row, "cancelled")?,
        expired: bitmap(row, "expired")?,
        redacted: if redacted.is_some() { bitmap(row, "redacted")? } else { Bitmap::default() },
        open,
    })
}

/// An attempt without its members.
pub(super) fn attempt(row: &SqliteRow) -> Result<Attempt, StoreError> {
    let (state, lane): (String, String) = (row.get("state"), row.get("lane"));
    let job = |name| BatchJob { name, request: row.get("request"), input: row.get("input"), manifest: row.get("manifest") };
    let job = row.get::<Option<String>, _>("job_name").map(job);
    let bound = row.get::<Option<String>, _>("bound_pico").map(|_| money(row, "bound_pico")).transpose()?;
    Ok(Attempt {
        intent: Intent {
            id: AttemptId(unsigned(row, "id")),
            pool: PoolId(unsigned(row, "pool")),
            lane: Lane::parse(&lane).ok_or_else(|| unknown("attempt.lane", &lane))?,
            job,
            records: unsigned(row, "records"),
            bound,
            hedge: row.get("hedge"),
            created: Timestamp(row.get("created_ms")),
            members: Vec::new(),
        },
        state: AttemptState::parse(&state).ok_or_else(|| unknown("attempt.state", &state))?,
        arn: row.get("arn"),
        provider_state: row.get("provider_state"),
        message: row.get("message"),
        started: row.get::<Option<i64>, _>("started_ms").map(Timestamp),
        ended: row.get::<Option<i64>, _>("ended_ms").map(Timestamp),
    })
}

/// The members of an attempt.
pub(super) async fn members(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Members>, StoreError> {
    let rows = sqlx::query("SELECT chunk, members FROM attempt_chunk WHERE attempt = ? ORDER BY chunk").bind(id);
    let rows = rows.fetch_all(&mut **tx).await.map_err(database)?;
    rows.iter().map(|row| Ok(Members { chunk: ChunkId(unsigned(row, "chunk")), slots: bitmap(row, "members")? })).collect()
}

pub(super) fn one_try(row: &SqliteRow) -> Result<Try, StoreError> {
    let (state, lane): (String, String) = (row.get("state"), row.get("lane"));
    Ok(Try {
        attempt: AttemptId(unsigned(row, "id")),
        lane: Lane::parse(&lane).ok_or_else(|| unknown("attempt.lane", &lane))?,
        state: AttemptState::parse(&state).ok_or_else(|| unknown("attempt.state", &state))?,
        created: Timestamp(row.get("created_ms")),
        slots: bitmap(row, "members")?,
    })
}

/// A charge, without what is booked for it.
pub(super) fn charged(row: &SqliteRow) -> Result<Charged, StoreError> {
    let charge = Charge {
        chunk: ChunkId(unsigned(row, "chunk")),
        payer: row.get("payer"),
        at: Timestamp(row.get("at_ms")),
        most: money(row, "most_pico")?,
    };
    Ok(Charged { charge, waits: row.get("waits"), cost: Cost::NOTHING })
}

pub(super) fn cost(row: &SqliteRow) -> Result<(AttemptId, i64, Cost), StoreError> {
    let tokens = |column: &str| Tokens(unsigned(row, column));
    let cost = Cost {
        usage: Usage {
            input: tokens("input"),
            output: tokens("output"),
            cache_read: tokens("cache_read"),
            cache_write_5m: tokens("cache_write_5m"),
            cache_write_1h: tokens("cache_write_1h"),
        },
        paid: money(row, "paid_pico")?,
        on_demand: money(row, "on_demand_pico")?,
        waste: money(row, "waste_pico")?,
        bound: money(row, "bound_pico")?,
        costed: if row.get("exact") { Costed::Exact } else { Costed::Unpriced },
    };
    Ok((AttemptId(unsigned(row, "attempt")), row.get("chunk"), cost))
}
