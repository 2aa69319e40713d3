//! The results of an attempt for one chunk: for each slot an answer or an error, as AWS gave it.

use std::io;
use std::path::{Path, PathBuf};

use laneshift_store::{AttemptId, Bitmap, ChunkId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::container::{Entry, Index, Reader, Writer};

/// Where a result is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Of which record.
    pub(crate) slot: usize,
    at: u64,
    len: u32,
}

impl Entry for Place {
    const MAGIC: [u8; 4] = *b"LSR1";

    fn place(&self) -> (u64, u32) {
        (self.at, self.len)
    }
}

/// An object of results, read.
pub(crate) type Results = Reader<Place>;
/// An object of which single results are read.
pub(crate) type ResultIndex = Index<Place>;

/// One line of it.
#[derive(Deserialize)]
pub(crate) struct Kept<'a> {
    #[serde(rename = "modelOutput", borrow)]
    pub(crate) output: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// What is collected for one chunk.
pub(crate) struct Collected {
    /// Records with an answer.
    pub(crate) ok: Bitmap,
    /// Records that failed for good.
    pub(crate) failed: Bitmap,
    pub(crate) object: String,
    writer: Writer<Place>,
    line: Vec<u8>,
}

impl Collected {
    /// Begins the results of an attempt for a chunk.
    pub(crate) fn create(folder: &Path, chunk: ChunkId, attempt: AttemptId) -> io::Result<Self> {
        Self::at(folder, format!("results/{chunk}/{attempt}.lsr"))
    }

    /// Begins an object of results.
    pub(crate) fn at(folder: &Path, object: String) -> io::Result<Self> {
        let writer = Writer::create(&folder.join(PathBuf::from(&object)))?;
        Ok(Self { ok: Bitmap::default(), failed: Bitmap::default(), object, writer, line: Vec::new() })
    }

    /// An answer.
    pub(crate) fn answer(&mut self, slot: usize, output: &str) -> io::Result<()> {
        self.ok.set(slot);
        self.push(slot, "modelOutput", output)
    }

    /// An error that is the record's result.
    pub(crate) fn error(&mut self, slot: usize, error: &str) -> io::Result<()> {
        self.failed.set(slot);
        self.push(slot, "error", error)
    }

    fn push(&mut self, slot: usize, name: &str, body: &str) -> io::Result<()> {
        self.line.clear();
        for part in ["{\"", name, "\":", body, "}\n"] {
            self.line.extend_from_slice(part.as_bytes());
        }
        self.writer.push(&self.line, |at, len| Place { slot, at, len })
    }

    /// Whole and on the disk.
    pub(crate) fn finish(self) -> io::Result<(Bitmap, Bitmap, String)> {
        self.writer.finish()?;
        Ok((self.ok, self.failed, self.object))
    }
}

/// An error in the shape of a batch job's.
pub(crate) fn error_text(code: u16, message: &str) -> String {
    serde_json::json!({ "errorCode": code, "errorMessage": message }).to_string()
}
