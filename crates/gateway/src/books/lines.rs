//! A file of lines, each written as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Appends: after the file is emptied, the next line is at its beginning.
pub(super) struct Lines {
    file: File,
    /// The last write failed, and may have left a part of its line.
    torn: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)?, torn: false })
    }

    /// One write, so that a killed process leaves whole lines. A line that a full disk cut off spoils none but itself.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
        }
        let written = self.file.write_all(line);
        self.torn = written.is_err();
        written
    }

    pub(super) fn empty(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.torn = false;
        Ok(())
    }
}
