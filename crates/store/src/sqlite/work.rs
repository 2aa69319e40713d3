//! What became of the requests.

use sqlx::Row;

use super::read::{bitmap, chunk, span};
use super::{Sqlite, Tx, database, int};
use crate::*;

#[async_trait::async_trait]
impl Work for Sqlite {
    async fn live(&self) -> Result<Vec<Chunk>, StoreError> {
        self.chunks_by(sqlx::query("SELECT * FROM chunk WHERE unsettled > 0 ORDER BY deadline_ms, id")).await
    }

    async fn chunk(&self, id: ChunkId) -> Result<Chunk, StoreError> {
        let mut tx = self.begin().await?;
        find(&mut tx, id).await
    }

    async fn chunks(&self, submission: &str) -> Result<Vec<Chunk>, StoreError> {
        self.chunks_by(sqlx::query(include_str!("chunks.sql")).bind(submission)).await
    }

    async fn settle(&self, settle: &Settle) -> Result<Bitmap, StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT winners FROM result WHERE chunk = ? AND attempt = ?");
        let known = known.bind(int(settle.chunk.0)).bind(int(settle.attempt.0)).fetch_optional(&mut *tx).await;
        if let Some(row) = known.map_err(database)? {
            return bitmap(&row, "winners");
        }
        super::attempts::known(&mut tx, settle.attempt).await?;
        let mut chunk = find(&mut tx, settle.chunk).await?;
        let winners = settle.ok.or(&settle.failed).and(&chunk.all()).without(&chunk.done);
        chunk.done = chunk.done.or(&winners);
        chunk.ok = chunk.ok.or(&winners.and(&settle.ok));
        save(&mut tx, &chunk).await?;
        sqlx::query("INSERT INTO result VALUES (?, ?, ?, ?)")
            .bind(int(settle.chunk.0))
            .bind(int(settle.attempt.0))
            .bind(winners.to_bytes())
            .bind(&settle.object)
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        tx.commit().await.map_err(database)?;
        Ok(winners)
    }

    async fn end(&self, id: ChunkId, slots: &Bitmap, how: Ending) -> Result<Bitmap, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end(&mut tx, id, slots, how).await?;
        tx.commit().await.map_err(database)?;
        Ok(ended)
    }

    async fn cancel(&self, id: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query("UPDATE submission SET state = 'cancelled' WHERE id = ? AND state IN ('open', 'cancelled')");
        if moved.bind(id).execute(&mut *tx).await.map_err(database)?.rows_affected() == 0 {
            drop(tx);
            let now = self.submission(id).await?.state;
            return Err(StoreError::Conflict(format!("submission {id} is {}", now.name())));
        }
        let spans = sqlx::query("SELECT chunk, first_slot, records FROM span WHERE submission = ? ORDER BY seq").bind(id);
        let spans: Vec<Span> = spans.fetch_all(&mut *tx).await.map_err(database)?.iter().map(span).collect();
        let mut ended = 0;
        for span in spans {
            ended += end(&mut tx, span.chunk, &Bitmap::of(&span), Ending::Cancelled).await?.count();
        }
        tx.commit().await.map_err(database)?;
        Ok(ended)
    }

    async fn results(&self, chunk: ChunkId) -> Result<Vec<ResultObject>, StoreError> {
        let rows = sqlx::query("SELECT attempt, winners, object FROM result WHERE chunk = ? ORDER BY attempt").bind(int(chunk.0));
        let rows = rows.fetch_all(&self.pool).await.map_err(database)?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let attempt = AttemptId(row.get::<i64, _>("attempt").cast_unsigned());
            Ok(ResultObject { attempt, winners: bitmap(row, "winners")?, object: row.get("object") })
        };
        rows.iter().map(read).collect()
    }

    async fn redact(&self, id: ChunkId, slots: &Bitmap) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        end(&mut tx, id, slots, Ending::Cancelled).await?;
        let chunk = find(&mut tx, id).await?;
        let redacted = chunk.redacted.or(&slots.and(&chunk.all()));
        let redacted = (!redacted.is_empty()).then(|| redacted.to_bytes());
        let update = sqlx::query("UPDATE chunk SET redacted = ? WHERE id = ?").bind(redacted).bind(int(id.0));
        update.execute(&mut *tx).await.map_err(database)?;
        tx.commit().await.map_err(database)
    }

    async fn redacted(&self) -> Result<Vec<Chunk>, StoreError> {
        self.chunks_by(sqlx::query("SELECT * FROM chunk WHERE redacted IS NOT NULL ORDER BY id")).await
    }

    async fn replace(&self, id: ChunkId, object: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE chunk SET object = ? WHERE id = ? AND object IS NOT NULL").bind(object).bind(int(id.0));
        match update.execute(&self.pool).await.map_err(database)?.rows_affected() {
            0 => Err(StoreError::Missing(format!("sealed chunk {id}"))),
            _ => self.scrub().await,
        }
    }

    async fn replace_result(&self, chunk: ChunkId, attempt: AttemptId, object: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE result SET object = ? WHERE chunk = ? AND attempt = ?").bind(object);
        let update = update.bind(int(chunk.0)).bind(int(attempt.0)).execute(&self.pool).await.map_err(database)?;
        match update.rows_affected() {
            0 => Err(StoreError::Missing(format!("result of attempt {attempt} for chunk {chunk}"))),
            _ => Ok(()),
        }
    }

    async fn purge(&self, id: &str) -> Result<Purged, StoreError> {
        let mut tx = self.begin().await?;
        let orphans = sqlx::query_scalar::<_, i64>(include_str!("orphans.sql")).bind(id);
        let orphans = orphans.fetch_all(&mut *tx).await.map_err(database)?;
        let spans = sqlx::query("SELECT chunk, first_slot, records FROM span WHERE submission = ? ORDER BY seq").bind(id);
        let spans: Vec<Span> = spans.fetch_all(&mut *tx).await.map_err(database)?.iter().map(span).collect();
        for span in spans {
            let chunk = find(&mut tx, span.chunk).await?;
            if !Bitmap::of(&span).without(&chunk.done).is_empty() {
                return Err(StoreError::Conflict(format!("submission {id} has records without a result")));
            }
        }
        let mut purged = Purged::default();
        for &orphan in &orphans {
            let chunk = find(&mut tx, ChunkId(orphan.cast_unsigned())).await?;
            if !chunk.open.is_empty() {
                return Err(StoreError::Conflict(format!("records of submission {id} are in a job that has not ended")));
            }
            purged.objects.extend(chunk.new.object);
            let objects =
                sqlx::query_scalar::<_, String>("SELECT object FROM result WHERE chunk = ? ORDER BY attempt").bind(orphan);
            purged.objects.extend(objects.fetch_all(&mut *tx).await.map_err(database)?);
        }
        sqlx::query("DELETE FROM span WHERE submission = ?").bind(id).execute(&mut *tx).await.map_err(database)?;
        for orphan in orphans {
            for table in ["result", "attempt_chunk", "tail"] {
                let delete = format!("DELETE FROM {table} WHERE chunk = ?");
                sqlx::query(sqlx::AssertSqlSafe(delete)).bind(orphan).execute(&mut *tx).await.map_err(database)?;
            }
            sqlx::query("DELETE FROM chunk WHERE id = ?").bind(orphan).execute(&mut *tx).await.map_err(database)?;
        }
        let deleted = sqlx::query("DELETE FROM submission WHERE id = ?").bind(id).execute(&mut *tx).await.map_err(database)?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::Missing(format!("submission {id}")));
        }
        tx.commit().await.map_err(database)?;
        self.scrub().await?;
        Ok(purged)
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

impl Sqlite {
    async fn chunks_by(&self, query: Query<'_>) -> Result<Vec<Chunk>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = query.fetch_all(&mut *tx).await.map_err(database)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(chunk(&mut tx, row).await?);
        }
        Ok(found)
    }
}

/// A chunk.
pub(super) async fn find(tx: &mut Tx<'_>, id: ChunkId) -> Result<Chunk, StoreError> {
    let row =
        sqlx::query("SELECT * FROM chunk WHERE id = ?").bind(int(id.0)).fetch_optional(&mut **tx).await.map_err(database)?;
    let row = row.ok_or_else(|| StoreError::Missing(format!("chunk {id}")))?;
    chunk(tx, &row).await
}

/// Writes what became of a chunk's records.
async fn save(tx: &mut Tx<'_>, chunk: &Chunk) -> Result<(), StoreError> {
    sqlx::query("UPDATE chunk SET done = ?, ok = ?, cancelled = ?, expired = ?, unsettled = records - ? WHERE id = ?")
        .bind(chunk.done.to_bytes())
        .bind(chunk.ok.to_bytes())
        .bind(chunk.cancelled.to_bytes())
        .bind(chunk.expired.to_bytes())
        .bind(int(chunk.done.count()))
        .bind(int(chunk.new.id.0))
        .execute(&mut **tx)
        .await
        .map_err(database)?;
    Ok(())
}

async fn end(tx: &mut Tx<'_>, id: ChunkId, slots: &Bitmap, how: Ending) -> Result<Bitmap, StoreError> {
    let mut chunk = find(tx, id).await?;
    let ended = slots.and(&chunk.all()).without(&chunk.done);
    chunk.done = chunk.done.or(&ended);
    match how {
        Ending::Cancelled => chunk.cancelled = chunk.cancelled.or(&ended),
        Ending::Expired => chunk.expired = chunk.expired.or(&ended),
    }
    save(tx, &chunk).await?;
    Ok(ended)
}
