//! Tails: records of one flush, kept in the database until their chunk is written as one object.
//!
//! A blob is a version byte, and for each record the length of its description (u32, little-endian), the description (JSON), the
//! length of its `modelInput` and that.

use laneshift_store::ChunkId;
use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

use crate::accept::spool_object;
use crate::chunk::{Builder, NewSlot, dialect_name};
use crate::engine::Engine;
use crate::error::EngineError;
use laneshift_dialect::Dialect;

const VERSION: u8 = 1;
/// A chunk is written as an object when its first record is so old, or when a job is made of it. Until then its prompts are in
/// the database. Shorter means an object for every few requests where little comes.
const AGE_MS: i64 = 600_000;

/// What is said of a record beside its input.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The caller's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Which line of its submission it was, from 1; 0 for a single request.
    pub(crate) line: u64,
    #[serde(with = "dialect_name")]
    pub(crate) dialect: Dialect,
}

/// Adds a record to a blob.
pub(crate) fn push(blob: &mut Vec<u8>, about: &About, input: &str) -> Result<(), EngineError> {
    if blob.is_empty() {
        blob.push(VERSION);
    }
    for part in [&serde_json::to_vec(about)?[..], input.as_bytes()] {
        blob.extend_from_slice(&(part.len() as u32).to_le_bytes());
        blob.extend_from_slice(part);
    }
    Ok(())
}

/// Reads a blob.
pub(crate) fn read(blob: &[u8]) -> Result<Vec<(About, &str)>, EngineError> {
    let damaged = || EngineError::Spool(std::io::Error::new(std::io::ErrorKind::InvalidData, "a tail cannot be read"));
    let mut rest = blob.strip_prefix(&[VERSION]).ok_or_else(damaged)?;
    let mut part = || -> Option<&[u8]> {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = after;
        Some(part)
    };
    let mut records = Vec::new();
    while let Some(about) = part() {
        let input = part().ok_or_else(damaged)?;
        let input = std::str::from_utf8(input).map_err(|_| damaged())?;
        records.push((serde_json::from_slice(about)?, input));
    }
    Ok(records)
}

impl Engine {
    /// Writes chunks that are old enough.
    pub(crate) async fn seal_old(&self, now: Timestamp) -> Result<(), EngineError> {
        for chunk in self.store.live().await? {
            if chunk.new.object.is_none() && chunk.new.created.0 + AGE_MS <= now.0 {
                self.seal_if_open(chunk.new.id).await?;
            }
        }
        Ok(())
    }

    /// Writes a chunk as an object, if it is not one yet. What comes for it later goes to another chunk.
    pub(crate) async fn seal_if_open(&self, id: ChunkId) -> Result<(), EngineError> {
        let chunk = self.store.chunk(id).await?;
        if chunk.new.object.is_some() {
            return Ok(());
        }
        self.singles.leave(id).await;
        let object = spool_object(id);
        let mut builder = Builder::new(id, &self.folder.join(&object)).map_err(EngineError::Spool)?;
        let erased = chunk.redacted;
        for tail in self.store.tails(id).await? {
            for (about, input) in read(&tail.blob)? {
                let slot = builder.records() as usize;
                let About { id, line, dialect } = about;
                let input = if erased.has(slot) { "{}" } else { input };
                builder.push(NewSlot { id, line, dialect, input }).map_err(EngineError::Spool)?;
            }
        }
        let records = builder.records();
        let bytes = builder.seal().map_err(EngineError::Spool)?;
        self.step("chunk written");
        self.store.seal(id, records, &object, bytes).await?;
        self.step("sealed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_gives_back_its_records_and_a_cut_one_is_refused() {
        let about = |id: Option<&str>| About { id: id.map(str::to_owned), line: 0, dialect: Dialect::Bedrock };
        let mut blob = Vec::new();
        push(&mut blob, &about(Some("a")), "{\"x\":1}").expect("written");
        push(&mut blob, &about(None), "{}").expect("written");
        let read_back = read(&blob).expect("whole");
        assert_eq!(read_back, [(about(Some("a")), "{\"x\":1}"), (about(None), "{}")]);
        assert!(read(&blob[..blob.len() - 3]).is_err());
        assert!(read(b"\x02").is_err(), "another version");
    }
}
