//! Notes of calls that are about to be sent, one file for each start and each so many calls.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lines::Lines;
use super::{Call, Note, ledger};

/// Notes of one file; the next one is begun when all of them have ended.
const NOTES_MAX: u64 = 100_000;
/// A file with fewer is not emptied: that costs more than the note of a call.
const NOTES_KEPT: u64 = 1_000;

/// The notes of this process.
pub(super) struct Journal {
    folder: PathBuf,
    run: u64,
    part: u64,
    file: Lines,
    path: PathBuf,
    /// Notes in this file, and of calls that have not ended in all.
    notes: u64,
    open: u64,
    /// Files before this one, which hold a call that had not ended when this one was begun.
    older: Vec<PathBuf>,
    line: Vec<u8>,
}

fn folder_of(folder: &Path) -> PathBuf {
    folder.join("journal")
}

impl Journal {
    pub(super) fn begin(folder: &Path, run: u64) -> io::Result<Self> {
        let folder = folder_of(folder);
        fs::create_dir_all(&folder)?;
        let (path, file) = create(&folder, run, 0)?;
        Ok(Self { folder, run, part: 0, file, path, notes: 0, open: 0, older: Vec::new(), line: Vec::new() })
    }

    /// A call whose note is not written is not sent.
    pub(super) fn note(&mut self, id: &str, call: &Call) -> io::Result<()> {
        // Where the next file cannot be made, this one grows.
        if self.notes >= NOTES_MAX
            && let Ok((path, file)) = create(&self.folder, self.run, self.part + 1)
        {
            self.older.push(std::mem::replace(&mut self.path, path));
            (self.part, self.file, self.notes) = (self.part + 1, file, 0);
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, &Note { id, call })?;
        self.line.push(b'\n');
        self.file.write(&self.line)?;
        self.notes += 1;
        self.open += 1;
        Ok(())
    }

    /// A call has ended, and the ledger says so. When none is open, no note is needed any more.
    pub(super) fn ended(&mut self) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            self.older.drain(..).for_each(|path| drop(fs::remove_file(path)));
            if self.notes >= NOTES_KEPT && self.file.empty().is_ok() {
                self.notes = 0;
            }
        }
    }
}

fn create(folder: &Path, run: u64, part: u64) -> io::Result<(PathBuf, Lines)> {
    let path = folder.join(format!("{run:012x}-{part:06}.jsonl"));
    let file = Lines::open(&path)?;
    Ok((path, file))
}

#[derive(Deserialize)]
struct OwnedNote {
    id: String,
    #[serde(flatten)]
    call: Call,
}

/// Calls that earlier processes noted and the ledger does not have. Their notes are taken away once they are booked: the caller
/// books them first, and a second time changes nothing, because the ledger has them then.
pub(super) fn left_open(folder: &Path) -> io::Result<Vec<(String, Call)>> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder_of(folder)) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    files.sort();
    let mut noted = Vec::new();
    for path in &files {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            // A line that was cut by a power failure is as good as none.
            let Ok(note) = serde_json::from_slice::<OwnedNote>(&line?) else { continue };
            noted.push((note.id, note.call));
        }
    }
    if noted.is_empty() {
        files.iter().for_each(|path| drop(fs::remove_file(path)));
        return Ok(noted);
    }
    let begin = noted.iter().map(|(_, call)| call.at_ms).min().unwrap_or_default();
    let ended: HashSet<String> = ledger::ids_since(folder, begin)?;
    noted.retain(|(id, _)| !ended.contains(id));
    if noted.is_empty() {
        files.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    Ok(noted)
}
