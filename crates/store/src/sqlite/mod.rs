//! The queue in one SQLite file.
//!
//! Promises: a commit is on the disk (`synchronous = FULL` with a write-ahead log); one process at a time, by a lock
//! beside the file; a database of a newer version is refused.

mod attempts;
mod books;
mod intake;
mod read;
mod work;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite as Dialect, Transaction};

use crate::StoreError;

const SCHEMA: &str = include_str!("schema.sql");
/// The version of the schema.
const VERSION: i64 = 6;
/// The oldest version that is brought up to date when it is opened.
const OLDEST: i64 = 2;
/// The first SQLite without the corruption that resetting a write-ahead log could cause.
// SQLite, "Release history", 3.51.3, read 2026-11-23.
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);

/// A transaction.
type Tx<'a> = Transaction<'a, Dialect>;

/// An open queue.
pub struct Sqlite {
    pool: SqlitePool,
    /// Held while the queue is open for changes.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the queue in a folder; makes it when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another process has it open; [`StoreError::Database`] otherwise.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        // Prompts and answers lie beside it.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| StoreError::Database(format!("{}: {e}", folder.display())))?;
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
            // What is deleted is overwritten: prompts may be erased for good.
            .pragma("secure_delete", "ON")
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(database)?;
        let store = Self { pool, _lock: Some(lock) };
        store.migrate().await?;
        Ok(store)
    }

    /// Opens the queue in a folder to look at it, while another process may work in it. Every change is refused.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none; [`StoreError::Database`] otherwise.
    pub async fn look(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join("queue.db");
        if !file.exists() {
            return Err(StoreError::Missing(format!("database in {}", folder.display())));
        }
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(database)?;
        let store = Self { pool, _lock: None };
        match store.version().await? {
            0 | VERSION => Ok(store),
            old => Err(StoreError::Database(format!(
                "the queue has version {old}: a command that works in it, as `laneshift batch resume`, brings it to {VERSION}"
            ))),
        }
    }

    /// Makes what is missing, and brings an older queue up to date, whole or not at all.
    async fn migrate(&self) -> Result<(), StoreError> {
        let old = self.version().await?;
        let mut tx = self.begin().await?;
        if (OLDEST..=4).contains(&old) {
            sqlx::raw_sql(include_str!("from_4.sql")).execute(&mut *tx).await.map_err(database)?;
        }
        if old == 2 {
            sqlx::raw_sql("ALTER TABLE cost RENAME TO cost_2").execute(&mut *tx).await.map_err(database)?;
        }
        sqlx::raw_sql(SCHEMA).execute(&mut *tx).await.map_err(database)?;
        if old == 2 {
            sqlx::raw_sql(include_str!("from_2.sql")).execute(&mut *tx).await.map_err(database)?;
        }
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {VERSION}")))
            .execute(&mut *tx)
            .await
            .map_err(database)?;
        tx.commit().await.map_err(database)
    }

    /// The stored version, 0 when nothing is stored; one that this program cannot work with is refused.
    async fn version(&self) -> Result<i64, StoreError> {
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.pool).await.map_err(database)?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        if (next(), next(), next()) < SQLITE_MIN {
            return Err(StoreError::Database(format!("SQLite {version} can lose data; 3.51.3 is needed")));
        }
        let stored: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&self.pool).await.map_err(database)?;
        if !(OLDEST..=VERSION).contains(&stored) && stored != 0 {
            let text = format!(
                "the queue has version {stored}, and this program knows {VERSION}: finish it with the program that made it"
            );
            return Err(StoreError::Database(text));
        }
        Ok(stored)
    }

    /// Takes what was deleted out of the write-ahead log too.
    async fn scrub(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await.map_err(database)?;
        Ok(())
    }

    async fn begin(&self) -> Result<Tx<'_>, StoreError> {
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
