//! A chunk's object: lines in the shape of a job's input, and a footer that says where each is.
//!
//! `LSC1`, the lines, the footer (JSON), its length (u32, little-endian), a CRC-32 of all before (u32), `LSC1`. Version 1.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 4] = b"LSC1";
/// Length and checksum and magic.
const TAIL: usize = 12;
/// A chunk is sealed when it has so many bytes.
pub(crate) const BYTES_MAX: usize = 16_000_000;

/// Where a record is, and what its caller called it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Offset of its line.
    pub(crate) at: u64,
    /// Length of its line, the end included.
    pub(crate) len: u32,
    /// The caller's id.
    pub(crate) id: Option<String>,
    /// Which line of the input it was, from 1.
    pub(crate) line: u64,
}

/// A chunk that is being filled.
#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) id: u64,
    bytes: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
}

impl Builder {
    pub(crate) fn new(id: u64) -> Self {
        Self { id, bytes: MAGIC.to_vec(), entries: Vec::new() }
    }

    /// Adds a record as a line of a job's input.
    pub(crate) fn push(&mut self, id: Option<String>, input: &str, line: u64) {
        let at = self.bytes.len();
        let record_id = crate::id::record_id(self.id, self.entries.len());
        // Writing to a Vec does not fail.
        let _ = writeln!(self.bytes, "{{\"recordId\":\"{record_id}\",\"modelInput\":{input}}}");
        self.entries.push(Entry { at: at as u64, len: (self.bytes.len() - at) as u32, id, line });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() == laneshift_store::SLOTS || self.bytes.len() >= BYTES_MAX
    }

    /// Writes the object, whole and on the disk; gives its size.
    pub(crate) fn seal(mut self, path: &Path) -> io::Result<u64> {
        let footer = serde_json::to_vec(&self.entries)?;
        self.bytes.extend_from_slice(&footer);
        self.bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        let crc = crc32fast::hash(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        self.bytes.extend_from_slice(MAGIC);
        write_durably(path, &self.bytes)?;
        Ok(self.bytes.len() as u64)
    }
}

/// Writes a file so that it is whole after a power failure, or not there.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let part = path.with_extension("part");
    let mut file = fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    fs::File::open(folder)?.sync_all()
}

/// A chunk, read.
#[derive(Debug)]
pub(crate) struct Reader {
    bytes: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()));
        if bytes.len() < MAGIC.len() + TAIL || bytes[..4] != *MAGIC || bytes[bytes.len() - 4..] != *MAGIC {
            return Err(damaged("not a chunk of version 1"));
        }
        let at = bytes.len() - TAIL;
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if crc32fast::hash(&bytes[..at + 4]) != number(at + 4) {
            return Err(damaged("the checksum does not fit: the chunk is damaged"));
        }
        let footer = at.checked_sub(number(at) as usize).ok_or_else(|| damaged("the footer is longer than the chunk"))?;
        let entries = serde_json::from_slice(&bytes[footer..at]).map_err(|_| damaged("the footer cannot be read"))?;
        Ok(Self { bytes, entries })
    }

    /// The line of a slot, its end included.
    pub(crate) fn line(&self, slot: usize) -> &[u8] {
        self.entries.get(slot).map_or(&[], |e| &self.bytes[e.at as usize..e.at as usize + e.len as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_gives_back_its_lines_and_notices_a_flipped_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.lsc");
        let mut builder = Builder::new(1);
        builder.push(Some("mine".to_owned()), r#"{"inputText":"a"}"#, 1);
        builder.push(None, r#"{"inputText":"b"}"#, 3);
        builder.seal(&path).expect("written");
        let reader = Reader::open(&path).expect("whole");
        assert_eq!(reader.line(1), b"{\"recordId\":\"00000000289\",\"modelInput\":{\"inputText\":\"b\"}}\n");
        assert_eq!((reader.entries[0].id.as_deref(), reader.entries[1].line), (Some("mine"), 3));
        let mut bytes = fs::read(&path).expect("there");
        bytes[20] ^= 1;
        fs::write(&path, bytes).expect("written");
        assert!(Reader::open(&path).expect_err("damaged").to_string().contains("checksum"));
    }
}
