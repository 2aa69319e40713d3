//! The journal: one event a line, appended before an answer leaves.
//!
//! Promises: after `kill -9` every line that was written whole is read back; a torn last line is cut off; a line that
//! cannot be read in the middle is an error that names it; a write that fails leaves nothing behind. A write reaches the
//! kernel, not the disk, except for [`Journal::sync`]: power failure is not emulated.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use laneshift_provider::event::Event;

/// An open journal. The folder is locked while it lives.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of whole lines. Invariant: the file is longer only while `torn` is set.
    whole: u64,
    /// A write failed, and what it left behind is not cut off yet.
    torn: bool,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("another emulator uses this folder")]
    InUse,
    #[error("line {line} of the journal: {reason}")]
    Line { line: u64, reason: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Journal {
    /// Opens or makes the journal and hands every event over, in order.
    pub(crate) fn open(path: &Path, mut take: impl FnMut(Event) -> Result<(), String>) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        let (mut whole, mut number, mut line) = (0_u64, 0_u64, Vec::new());
        loop {
            line.clear();
            let n = reader.read_until(b'\n', &mut line)?;
            if n == 0 || line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            let event = serde_json::from_slice(&line).map_err(|e| e.to_string());
            let taken = event.and_then(&mut take);
            taken.map_err(|reason| JournalError::Line { line: number, reason })?;
            whole += n as u64;
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, buffer: Vec::new(), whole, torn: false })
    }

    /// Appends events in one write, all or none.
    pub(crate) fn append(&mut self, events: &[Event]) -> io::Result<()> {
        self.buffer.clear();
        for event in events {
            serde_json::to_writer(&mut self.buffer, event)?;
            self.buffer.push(b'\n');
        }
        if self.torn {
            self.file.set_len(self.whole)?;
        }
        self.torn = true;
        if let Err(error) = self.file.write_all(&self.buffer) {
            // A part of a line would damage the next one. If it stays now, the next append cuts it off first.
            self.torn = self.file.set_len(self.whole).is_err();
            return Err(error);
        }
        (self.whole, self.torn) = (self.whole + self.buffer.len() as u64, false);
        Ok(())
    }

    /// Waits until what was appended is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(at_ms: i64) -> Event {
        Event::Opened { version: 1, seed: 1, at_ms }
    }

    fn read(path: &Path) -> Result<usize, JournalError> {
        let mut n = 0;
        Journal::open(path, |_| {
            n += 1;
            Ok(())
        })?;
        Ok(n)
    }

    #[test]
    fn a_torn_last_line_is_cut_and_a_bad_middle_line_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.ndjson");
        let mut journal = Journal::open(&path, |_| Ok(())).expect("new");
        journal.append(&[opened(1), opened(2)]).expect("written");
        assert!(matches!(Journal::open(&path, |_| Ok(())), Err(JournalError::InUse)));
        drop(journal);
        let whole = std::fs::read(&path).expect("readable");
        std::fs::write(&path, [&whole[..], b"{\"event\":\"ope"].concat()).expect("writable");
        assert_eq!(read(&path).expect("torn"), 2);
        assert_eq!(std::fs::read(&path).expect("readable"), whole, "the torn part is gone");
        std::fs::write(&path, [b"{\"event\":\"nonsense\"}\n", &whole[..]].concat()).expect("writable");
        assert!(read(&path).expect_err("bad").to_string().starts_with("line 1 of the journal"));
    }
}
