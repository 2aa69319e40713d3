//! Room on the disk: what is accepted must leave enough for the results of everything that waits.

use std::path::Path;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::EngineError;

/// Free bytes of the disk that holds a folder; `None` where that cannot be known.
pub type FreeBytes = Arc<dyn Fn(&Path) -> Option<u64> + Send + Sync>;

/// Kept free beside results: the database's log, and what cannot be foreseen.
const SPARE_BYTES: u64 = 64_000_000;
/// Bytes of a result beside its tokens, and for each token of output.
const RESULT_BYTES: u64 = 600;
const TOKEN_BYTES: u64 = 6;

impl Engine {
    /// Refuses to take so many bytes in when results could then not be written any more.
    pub(crate) fn room(&self, bytes: u64) -> Result<(), EngineError> {
        let Some(free) = (self.tools.free_bytes)(&self.folder) else { return Ok(()) };
        let needed = bytes + SPARE_BYTES + self.memo().results_bytes;
        if free < needed { Err(EngineError::Full { free, needed }) } else { Ok(()) }
    }

    /// What the results of everything that waits may take.
    pub(crate) fn count_results(&self, live: &[laneshift_store::Chunk]) {
        let bytes = live.iter().map(|chunk| {
            let unsettled = chunk.all().without(&chunk.done).count();
            let output = chunk.new.usage.output.0 / u64::from(chunk.new.records.max(1));
            unsettled * (RESULT_BYTES + output * TOKEN_BYTES)
        });
        self.memo().results_bytes = bytes.sum();
    }
}
