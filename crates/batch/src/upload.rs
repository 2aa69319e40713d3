//! A job's input: which lines in which files, fixed before anything is sent; written where nothing lies, and seen to be there.

use futures::TryStreamExt;
use laneshift_store::{Attempt, AttemptChange, AttemptState, BatchJob, ChunkId, Members};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::chunk::Chunk;
use crate::decide::Limits;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::pad;
use crate::pool::PoolSpec;

/// The first file is written in one request, so that S3 can refuse to write over what is there.
const FIRST_BYTES_MAX: u64 = 1_000_000;

/// The input of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    parts: Vec<Part>,
    /// Records of the last file that fill the job up.
    filler: u64,
}

/// How many records fill a job up.
pub(crate) fn fillers_of(job: &BatchJob) -> u64 {
    serde_json::from_str(&job.manifest).map_or(0, |manifest: Manifest| manifest.filler)
}

/// One input file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    file: String,
    records: u64,
    bytes: u64,
    crc: u32,
}

impl Engine {
    /// How the lines of a job fall into files. A pure function of members and limits, so that an upload can be repeated.
    pub(crate) async fn manifest(
        &self,
        spec: &PoolSpec,
        members: &[Members],
        limits: &Limits,
        filler: u64,
    ) -> Result<Manifest, EngineError> {
        let mut parts: Vec<(Part, crc32fast::Hasher)> = Vec::new();
        let mut add = |line: &[u8]| {
            let len = line.len() as u64;
            let bytes_max = if parts.len() == 1 { FIRST_BYTES_MAX } else { limits.file_bytes_max };
            let fits = parts.last().is_some_and(|(p, _)| p.records < limits.file_records_max && p.bytes + len <= bytes_max);
            if !fits {
                let file = format!("part-{:05}.jsonl", parts.len());
                parts.push((Part { file, records: 0, bytes: 0, crc: 0 }, crc32fast::Hasher::new()));
            }
            if let Some((part, crc)) = parts.last_mut() {
                part.records += 1;
                part.bytes += len;
                crc.update(line);
            }
        };
        for m in members {
            let chunk = self.chunk_object(m.chunk).await?;
            m.slots.iter().for_each(|slot| add(chunk.line(slot)));
        }
        for n in 0..filler {
            add(&filler_line(spec, n));
        }
        let parts = parts.into_iter().map(|(part, crc)| Part { crc: crc.finalize(), ..part }).collect();
        Ok(Manifest { parts, filler })
    }

    /// A sealed chunk's object.
    pub(crate) async fn chunk_object(&self, id: ChunkId) -> Result<Chunk, EngineError> {
        let object = self.store.chunk(id).await?.new.object.unwrap_or_default();
        Chunk::open(&self.folder.join(object)).map_err(EngineError::Spool)
    }

    /// Uploads the input of a job and sees that exactly that is there. The first file goes first, and over nothing: when a
    /// tombstone lies there, the job was taken back meanwhile.
    pub(crate) async fn upload(&self, attempt: &Attempt) -> Result<(), EngineError> {
        let Some(job) = &attempt.intent.job else { return Ok(()) };
        let spec = self.spec(attempt.intent.pool).await?;
        let store = self.objects(&spec.bucket)?;
        let prefix = key_of(&job.input);
        let manifest: Manifest = serde_json::from_str(&job.manifest)?;
        let mut lines = Lines::new(self, &spec, &attempt.intent.members, manifest.filler);
        for (at, part) in manifest.parts.iter().enumerate() {
            let key = Key::from(format!("{prefix}{}", part.file));
            if at == 0 {
                let mut bytes = Vec::with_capacity(part.bytes as usize);
                for _ in 0..part.records {
                    bytes.extend_from_slice(lines.next().await?);
                }
                put_once(&*store, &key, bytes).await.map_err(|e| no_bucket(&spec, e))?;
            } else {
                let mut writer = BufWriter::new(store.clone(), key);
                for _ in 0..part.records {
                    writer.write_all(lines.next().await?).await.map_err(EngineError::Upload)?;
                }
                writer.shutdown().await.map_err(EngineError::Upload)?;
            }
            self.step("part uploaded");
        }
        // Bedrock runs everything that lies there: one file more would be paid for.
        let listed: Vec<object_store::ObjectMeta> = store.list(Some(&Key::from(prefix.as_str()))).try_collect().await?;
        let mut there: Vec<(String, u64)> =
            listed.into_iter().map(|o| (o.location.filename().unwrap_or_default().to_owned(), o.size)).collect();
        there.sort();
        let expected: Vec<(String, u64)> = manifest.parts.iter().map(|p| (p.file.clone(), p.bytes)).collect();
        if there != expected {
            return Err(EngineError::Input { prefix, found: there.len(), expected: expected.len() });
        }
        self.store
            .move_attempt(attempt.intent.id, AttemptState::Intent, AttemptState::Uploaded, &AttemptChange::default())
            .await?;
        self.step("uploaded");
        Ok(())
    }
}

/// The lines of a job, in the order of its files.
struct Lines<'a> {
    engine: &'a Engine,
    spec: &'a PoolSpec,
    slots: std::vec::IntoIter<(ChunkId, usize)>,
    open: Option<(ChunkId, Chunk)>,
    filler: u64,
    line: Vec<u8>,
    filled: u64,
}

impl<'a> Lines<'a> {
    fn new(engine: &'a Engine, spec: &'a PoolSpec, members: &[Members], filler: u64) -> Self {
        let slots: Vec<_> = members.iter().flat_map(|m| m.slots.iter().map(move |slot| (m.chunk, slot))).collect();
        Self { engine, spec, slots: slots.into_iter(), open: None, filler, line: Vec::new(), filled: 0 }
    }

    async fn next(&mut self) -> Result<&[u8], EngineError> {
        let Some((chunk, slot)) = self.slots.next() else {
            self.line = if self.filled < self.filler { filler_line(self.spec, self.filled) } else { Vec::new() };
            self.filled += 1;
            return Ok(&self.line);
        };
        if self.open.as_ref().is_none_or(|(id, _)| *id != chunk) {
            self.open = Some((chunk, self.engine.chunk_object(chunk).await?));
        }
        Ok(self.open.as_ref().map(|(_, reader)| reader.line(slot)).unwrap_or_default())
    }
}

fn filler_line(spec: &PoolSpec, n: u64) -> Vec<u8> {
    format!("{{\"recordId\":\"{}\",\"modelInput\":{}}}\n", pad::id(n), pad::input(spec).unwrap_or("{}")).into_bytes()
}

/// Writes an object where none is. One that is there already is ours when it has our bytes: an earlier try wrote it.
async fn put_once(store: &dyn ObjectStore, key: &Key, bytes: Vec<u8>) -> Result<(), EngineError> {
    let size = bytes.len();
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match store.put_opts(key, PutPayload::from(bytes.clone()), options).await {
        Ok(_) => Ok(()),
        // S3 also answers this way when two writers meet and nothing was written: look.
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            let there = store.get(key).await?.bytes().await?;
            if there == bytes {
                return Ok(());
            }
            Err(EngineError::Input { prefix: key.to_string(), found: there.len(), expected: size })
        }
        Err(error) => Err(error.into()),
    }
}

/// A write is never refused because the object is not there: it is the bucket.
fn no_bucket(spec: &PoolSpec, error: EngineError) -> EngineError {
    match error {
        EngineError::Objects(object_store::Error::NotFound { .. }) => {
            EngineError::Bucket(format!("s3://{}: there is no such bucket", spec.bucket))
        }
        other => other,
    }
}

/// The key in `s3://bucket/key`.
pub(crate) fn key_of(uri: &str) -> String {
    uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map(|(_, key)| key.to_owned()).unwrap_or_default()
}
