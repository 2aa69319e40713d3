//! The books of the batch lane, from memory into the folder where a gateway keeps them.

use std::path::Path;

use laneshift_store::sqlite::Sqlite;
use laneshift_store::{AttemptChange, AttemptState, Attempts, Books, Intake, Store, StoreError};

use crate::error::SimError;

/// Writes what every booked attempt was and cost. Requests and answers stay out: nobody asks for them any more.
pub(crate) fn keep(queue: &dyn Store, folder: &Path) -> Result<(), SimError> {
    let failed = |e: String| SimError::Refused(format!("keep the books of the batch lane: {e}"));
    // In a thread of its own: the database waits for the disk in real time, and the month's time is stopped.
    let written = std::thread::scope(|threads| {
        let write = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|e| e.to_string())?.block_on(write(queue, folder)).map_err(|e| e.to_string())
        };
        threads.spawn(write).join()
    });
    written.unwrap_or_else(|_| Err("it was given up".to_owned())).map_err(failed)
}

async fn write(queue: &dyn Store, folder: &Path) -> Result<(), StoreError> {
    let kept = Sqlite::open(folder).await?;
    for (_, spec) in queue.pools().await? {
        // In the order of their ids, which are so the same.
        kept.pool(&spec).await?;
    }
    for id in queue.costs().await?.into_keys() {
        let attempt = queue.attempt(id).await?.without_members();
        let (arn, provider_state, message) = (attempt.arn, attempt.provider_state, attempt.message);
        let change = AttemptChange { arn, provider_state, message, started: attempt.started, ended: attempt.ended };
        kept.intend(&attempt.intent).await?;
        kept.move_attempt(id, AttemptState::Intent, attempt.state, &change).await?;
        kept.book(id, &queue.entries(id).await?).await?;
    }
    Ok(())
}
