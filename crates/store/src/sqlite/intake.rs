//! What comes in.

use laneshift_units::Money;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::read::{money, span, submission, tail};
use super::{Sqlite, Tx, database, int};
use crate::*;

#[async_trait::async_trait]
impl Intake for Sqlite {
    async fn pool(&self, spec: &str) -> Result<PoolId, StoreError> {
        let mut tx = self.begin().await?;
        let insert = "INSERT INTO pool (spec) VALUES (?) ON CONFLICT (spec) DO NOTHING";
        sqlx::query(insert).bind(spec).execute(&mut *tx).await.map_err(database)?;
        let id: i64 =
            sqlx::query_scalar("SELECT id FROM pool WHERE spec = ?").bind(spec).fetch_one(&mut *tx).await.map_err(database)?;
        tx.commit().await.map_err(database)?;
        Ok(PoolId(id.cast_unsigned()))
    }

    async fn pools(&self) -> Result<Vec<(PoolId, String)>, StoreError> {
        let rows = sqlx::query("SELECT id, spec FROM pool ORDER BY id").fetch_all(&self.pool).await.map_err(database)?;
        Ok(rows.iter().map(|row| (PoolId(row.get::<i64, _>(0).cast_unsigned()), row.get(1))).collect())
    }

    async fn accept(&self, accept: &Accept) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for chunk in &accept.chunks {
            insert_chunk(&mut tx, chunk).await?;
        }
        for tail in &accept.tails {
            insert_tail(&mut tx, tail).await?;
        }
        for (new, spans) in &accept.submissions {
            insert_submission(&mut tx, new, spans).await?;
        }
        for keyed in &accept.keyed {
            insert_keyed(&mut tx, keyed).await?;
        }
        for charge in &accept.charges {
            insert_charge(&mut tx, charge).await?;
        }
        for (chunk, workload) in &accept.workloads {
            let insert = sqlx::query("INSERT INTO workload VALUES (?, ?) ON CONFLICT (chunk) DO NOTHING");
            insert.bind(int(chunk.0)).bind(workload).execute(&mut *tx).await.map_err(database)?;
        }
        tx.commit().await.map_err(database)
    }

    async fn keyed(&self, owner: &str, key_hash: &[u8; 16]) -> Result<Option<Keyed>, StoreError> {
        let found = sqlx::query("SELECT day, body_hash, record FROM idem WHERE owner = ? AND key_hash = ?");
        let found = found.bind(owner).bind(&key_hash[..]).fetch_optional(&self.pool).await.map_err(database)?;
        Ok(found.map(|row| Keyed {
            day: row.get(0),
            owner: owner.to_owned(),
            key_hash: *key_hash,
            body_hash: row.get::<i64, _>(1).cast_unsigned(),
            record: row.get(2),
        }))
    }

    async fn forget_keys(&self, before_day: i64) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM idem WHERE day < ?").bind(before_day).execute(&self.pool).await.map_err(database)?;
        Ok(done.rows_affected())
    }

    async fn tails(&self, chunk: ChunkId) -> Result<Vec<Tail>, StoreError> {
        let rows = sqlx::query("SELECT * FROM tail WHERE chunk = ? ORDER BY first_slot").bind(int(chunk.0));
        Ok(rows.fetch_all(&self.pool).await.map_err(database)?.iter().map(tail).collect())
    }

    async fn seal(&self, chunk: ChunkId, records: u32, object: &str, bytes: u64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sealed = sqlx::query("UPDATE chunk SET object = ?, bytes = ? WHERE id = ? AND object IS NULL AND records = ?");
        let sealed = sealed.bind(object).bind(int(bytes)).bind(int(chunk.0)).bind(records).execute(&mut *tx).await;
        if sealed.map_err(database)?.rows_affected() == 0 {
            let known = super::work::find(&mut tx, chunk).await?.new;
            if known.object.is_none() {
                return Err(StoreError::Conflict(format!("chunk {chunk} has {} records", known.records)));
            }
        }
        sqlx::query("DELETE FROM tail WHERE chunk = ?").bind(int(chunk.0)).execute(&mut *tx).await.map_err(database)?;
        let erased = !super::work::find(&mut tx, chunk).await?.redacted.is_empty();
        tx.commit().await.map_err(database)?;
        if erased { self.scrub().await } else { Ok(()) }
    }

    async fn submission(&self, id: &str) -> Result<Submission, StoreError> {
        let found = sqlx::query("SELECT * FROM submission WHERE id = ?").bind(id).fetch_optional(&self.pool).await;
        let row = found.map_err(database)?.ok_or_else(|| StoreError::Missing(format!("submission {id}")))?;
        submission(&row)
    }

    async fn submission_keyed(&self, owner: &str, key: &str) -> Result<Option<Submission>, StoreError> {
        let found = sqlx::query("SELECT * FROM submission WHERE owner = ? AND idem_key = ?").bind(owner).bind(key);
        found.fetch_optional(&self.pool).await.map_err(database)?.map(|row| submission(&row)).transpose()
    }

    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        let rows = sqlx::query("SELECT * FROM submission ORDER BY created_ms, id").fetch_all(&self.pool).await;
        rows.map_err(database)?.iter().map(submission).collect()
    }

    async fn spans(&self, id: &str) -> Result<Vec<Span>, StoreError> {
        let rows = sqlx::query("SELECT chunk, first_slot, records FROM span WHERE submission = ? ORDER BY seq").bind(id);
        Ok(rows.fetch_all(&self.pool).await.map_err(database)?.iter().map(span).collect())
    }

    async fn move_submission(&self, id: &str, from: SubmissionState, to: SubmissionState) -> Result<(), StoreError> {
        let moved = sqlx::query("UPDATE submission SET state = ? WHERE id = ? AND state IN (?, ?)");
        let moved = moved.bind(to.name()).bind(id).bind(from.name()).bind(to.name()).execute(&self.pool).await;
        if moved.map_err(database)?.rows_affected() == 0 {
            let now = self.submission(id).await?.state;
            return Err(StoreError::Conflict(format!("submission {id} is {}", now.name())));
        }
        Ok(())
    }
}

async fn insert_chunk(tx: &mut Tx<'_>, chunk: &NewChunk) -> Result<(), StoreError> {
    known_pool(tx, chunk.pool).await?;
    let zero = Bitmap::default().to_bytes();
    sqlx::query("INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (id) DO NOTHING")
        .bind(int(chunk.id.0))
        .bind(int(chunk.pool.0))
        .bind(chunk.records)
        .bind(chunk.records)
        .bind(int(chunk.bytes))
        .bind(int(chunk.usage.input.0))
        .bind(int(chunk.usage.output.0))
        .bind(&chunk.object)
        .bind(chunk.deadline.0)
        .bind(chunk.created.0)
        .bind(&zero)
        .bind(&zero)
        .bind(&zero)
        .bind(&zero)
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    Ok(())
}

/// Refuses a pool that is not there.
pub(super) async fn known_pool(tx: &mut Tx<'_>, id: PoolId) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT 1 FROM pool WHERE id = ?").bind(int(id.0)).fetch_optional(&mut **tx).await;
    known.map_err(database)?.map(drop).ok_or_else(|| StoreError::Missing(format!("pool {id}")))
}

async fn insert_tail(tx: &mut Tx<'_>, tail: &Tail) -> Result<(), StoreError> {
    let known =
        sqlx::query("SELECT 1 FROM tail WHERE chunk = ? AND first_slot = ?").bind(int(tail.chunk.0)).bind(tail.first_slot);
    if known.fetch_optional(&mut **tx).await.map_err(database)?.is_some() {
        return Err(StoreError::Conflict(format!("slot {} of chunk {} is taken", tail.first_slot, tail.chunk)));
    }
    let grown = sqlx::query(include_str!("grow_chunk.sql"))
        .bind(tail.records)
        .bind(int(tail.blob.len() as u64))
        .bind(tail.deadline.0)
        .bind(int(tail.usage.input.0))
        .bind(int(tail.usage.output.0))
        .bind(int(tail.chunk.0))
        .bind(int(SLOTS as u64))
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    if grown.rows_affected() == 0 {
        return Err(StoreError::Conflict(format!("chunk {} takes no more records", tail.chunk)));
    }
    sqlx::query("INSERT INTO tail VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(int(tail.chunk.0))
        .bind(tail.first_slot)
        .bind(tail.records)
        .bind(tail.deadline.0)
        .bind(int(tail.usage.input.0))
        .bind(int(tail.usage.output.0))
        .bind(&tail.blob)
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    Ok(())
}

async fn insert_submission(tx: &mut Tx<'_>, new: &NewSubmission, spans: &[Span]) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT body_hash FROM submission WHERE id = ? OR (owner = ? AND idem_key = ?)");
    let known = known.bind(&new.id).bind(&new.owner).bind(&new.key).fetch_all(&mut **tx).await.map_err(database)?;
    same_or_other(&known, new.body_hash, &new.id)?;
    sqlx::query("INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')")
        .bind(&new.id)
        .bind(&new.owner)
        .bind(&new.key)
        .bind(new.body_hash.cast_signed())
        .bind(int(new.records))
        .bind(&new.request)
        .bind(new.deadline.0)
        .bind(new.promise.name())
        .bind(new.created.0)
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    for (seq, span) in spans.iter().enumerate() {
        super::work::find(tx, span.chunk).await?;
        sqlx::query("INSERT INTO span VALUES (?, ?, ?, ?, ?)")
            .bind(&new.id)
            .bind(int(seq as u64))
            .bind(int(span.chunk.0))
            .bind(span.first_slot)
            .bind(span.records)
            .execute(&mut **tx)
            .await
            .map_err(database)?;
    }
    Ok(())
}

async fn insert_keyed(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT body_hash FROM idem WHERE owner = ? AND key_hash = ?");
    let known = known.bind(&keyed.owner).bind(&keyed.key_hash[..]).fetch_all(&mut **tx).await.map_err(database)?;
    same_or_other(&known, keyed.body_hash, &keyed.record)?;
    sqlx::query("INSERT INTO idem VALUES (?, ?, ?, ?, ?)")
        .bind(&keyed.owner)
        .bind(&keyed.key_hash[..])
        .bind(keyed.day)
        .bind(keyed.body_hash.cast_signed())
        .bind(&keyed.record)
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    Ok(())
}

async fn insert_charge(tx: &mut Tx<'_>, charge: &Charge) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT most_pico FROM charge WHERE chunk = ?").bind(int(charge.chunk.0));
    let known = known.fetch_optional(&mut **tx).await.map_err(database)?;
    let before = known.as_ref().map_or(Ok(Money::ZERO), |row| money(row, "most_pico"))?;
    sqlx::query("INSERT INTO charge VALUES (?, ?, ?, ?) ON CONFLICT (chunk) DO UPDATE SET most_pico = excluded.most_pico")
        .bind(int(charge.chunk.0))
        .bind(&charge.payer)
        .bind(charge.at.0)
        .bind((before + charge.most).pico().to_string())
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    Ok(())
}

/// What is there under an id or a key already: nothing, the same, or something else.
fn same_or_other(known: &[SqliteRow], body_hash: u64, name: &str) -> Result<(), StoreError> {
    match known.iter().map(|row| row.get::<i64, _>(0).cast_unsigned() == body_hash).reduce(|a, b| a && b) {
        None => Ok(()),
        Some(true) => Err(StoreError::Conflict(format!("{name} is there already"))),
        Some(false) => Err(StoreError::Other(name.to_owned())),
    }
}
