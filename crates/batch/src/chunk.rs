//! A chunk: up to 8,192 records of one pool, each already a line of a job's input.

use std::io;
use std::path::Path;

use laneshift_store::{ChunkId, SLOTS};
use serde::{Deserialize, Serialize};

use crate::container::{Entry, Reader, Writer};
use crate::id::record_id;
use laneshift_dialect::Dialect;

/// A chunk is full when it has so many bytes.
pub(crate) const BYTES_MAX: u64 = 16_000_000;

/// Where a record is, and how its caller wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// Offset of its line.
    pub(crate) at: u64,
    /// Length of its line, the end included; 0 once it is erased.
    pub(crate) len: u32,
    /// The caller's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Which line of its submission it was, from 1.
    pub(crate) line: u64,
    /// How it was written.
    #[serde(default, skip_serializing_if = "is_bedrock", with = "dialect_name")]
    pub(crate) dialect: Dialect,
}

fn is_bedrock(dialect: &Dialect) -> bool {
    *dialect == Dialect::Bedrock
}

/// A dialect by its name.
pub(crate) mod dialect_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use laneshift_dialect::Dialect;

    pub(crate) fn serialize<S: Serializer>(dialect: &Dialect, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(dialect.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Dialect, D::Error> {
        let name = String::deserialize(from)?;
        Dialect::parse(&name).ok_or_else(|| D::Error::custom(format!("the dialect {name:?} is not known to this program")))
    }
}

impl Entry for Slot {
    const MAGIC: [u8; 4] = *b"LSC2";

    fn place(&self) -> (u64, u32) {
        (self.at, self.len)
    }
}

/// A chunk that is being filled.
pub(crate) struct Builder {
    pub(crate) id: ChunkId,
    writer: Writer<Slot>,
    line: Vec<u8>,
}

/// A record to be put into a chunk.
pub(crate) struct NewSlot<'a> {
    pub(crate) id: Option<String>,
    pub(crate) line: u64,
    pub(crate) dialect: Dialect,
    /// `modelInput`.
    pub(crate) input: &'a str,
}

impl Builder {
    pub(crate) fn new(id: ChunkId, path: &Path) -> io::Result<Self> {
        Ok(Self { id, writer: Writer::create(path)?, line: Vec::new() })
    }

    /// Adds a record as a line of a job's input.
    pub(crate) fn push(&mut self, slot: NewSlot<'_>) -> io::Result<()> {
        self.line.clear();
        write_line(&mut self.line, self.id, self.writer.len(), slot.input);
        let NewSlot { id, line, dialect, .. } = slot;
        self.writer.push(&self.line, |at, len| Slot { at, len, id, line, dialect })
    }

    pub(crate) fn records(&self) -> u32 {
        self.writer.len() as u32
    }

    pub(crate) fn is_full(&self) -> bool {
        self.writer.len() == SLOTS || self.writer.bytes() >= BYTES_MAX
    }

    /// Writes the object, whole and on the disk; gives its size.
    pub(crate) fn seal(self) -> io::Result<u64> {
        self.writer.finish()
    }

    pub(crate) fn discard(self) {
        self.writer.discard();
    }
}

/// A record as a line of a job's input.
pub(crate) fn write_line(out: &mut Vec<u8>, chunk: ChunkId, slot: usize, input: &str) {
    out.extend_from_slice(b"{\"recordId\":\"");
    out.extend_from_slice(record_id(chunk, slot).as_bytes());
    out.extend_from_slice(b"\",\"modelInput\":");
    out.extend_from_slice(input.as_bytes());
    out.extend_from_slice(b"}\n");
}

/// What of a line is `modelInput`.
pub(crate) fn input_of(line: &[u8]) -> &str {
    // The line was written by `write_line`: what stands around the input has a fixed length.
    const BEFORE: usize = "{\"recordId\":\"00000000000\",\"modelInput\":".len();
    line.get(BEFORE..line.len().saturating_sub(2)).and_then(|input| std::str::from_utf8(input).ok()).unwrap_or("{}")
}

/// A chunk, read.
pub(crate) type Chunk = Reader<Slot>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_gives_back_its_lines_and_notices_a_flipped_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.lsc");
        let mut builder = Builder::new(ChunkId(1), &path).expect("made");
        let slot = |id: Option<&str>, line, input| NewSlot { id: id.map(str::to_owned), line, dialect: Dialect::Bedrock, input };
        builder.push(slot(Some("mine"), 1, r#"{"inputText":"a"}"#)).expect("written");
        builder.push(slot(None, 3, r#"{"inputText":"b"}"#)).expect("written");
        builder.seal().expect("written");
        let reader = Chunk::open(&path).expect("whole");
        assert_eq!(reader.line(1), b"{\"recordId\":\"00000000289\",\"modelInput\":{\"inputText\":\"b\"}}\n");
        assert_eq!(input_of(reader.line(1)), r#"{"inputText":"b"}"#);
        assert_eq!((reader.entries[0].id.as_deref(), reader.entries[1].line), (Some("mine"), 3));
        let mut bytes = std::fs::read(&path).expect("there");
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).expect("written");
        assert!(Chunk::open(&path).expect_err("damaged").to_string().contains("checksum"));
    }
}
