//! Opens a journal, clears what a crash left behind, and appends to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::entry::{Checkpoint, Counts, Header, InputProgress, JOURNAL_VERSION, Recorded};
use crate::error::LedgerError;
use crate::reject::Reject;
use crate::segment::INVOCATIONS_VERSION;

const JOURNAL: &str = "journal.ndjson";
const SEGMENTS: &str = "invocations";

/// What earlier runs did.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// How far each input has been read, by its address.
    pub(crate) inputs: HashMap<String, InputProgress>,
    /// Segments that count, with their rows.
    pub(crate) segments: Vec<(PathBuf, u64)>,
    pub(crate) rejects: BTreeSet<Reject>,
    pub(crate) more_rejects: BTreeMap<String, u64>,
    pub(crate) counts: Counts,
    /// No segment has a number as high.
    pub(crate) next_segment: u64,
}

impl Past {
    fn add(&mut self, segments: &Path, checkpoint: Checkpoint) {
        if let Some(segment) = checkpoint.segment {
            let number = segment.strip_suffix(".parquet").and_then(|name| name.rsplit('-').next()?.parse().ok());
            self.next_segment = self.next_segment.max(number.unwrap_or(0) + 1);
            self.segments.push((segments.join(segment), checkpoint.rows));
        }
        self.rejects.extend(checkpoint.rejects);
        for (kind, count) in checkpoint.more_rejects {
            *self.more_rejects.entry(kind).or_default() += count;
        }
        self.counts += checkpoint.counts;
        self.inputs.extend(checkpoint.inputs.into_iter().map(|input| (input.uri.clone(), input)));
    }

    /// A file that could not be read is tried again, so it is not rejected yet.
    fn forget_failures(&mut self) {
        let inputs = &self.inputs;
        self.rejects.retain(|r| r.line.is_some() || inputs.get(&r.file).is_none_or(|input| input.done));
    }
}

/// The journal of a ledger, open and locked.
pub(crate) struct Journal {
    folder: PathBuf,
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal of the ledger in an output folder, making it when there is none. Deletes segments that do not
    /// count.
    pub(crate) fn open(out: &Path, options: &Recorded) -> Result<(Self, Past), LedgerError> {
        let folder = out.join("ledger");
        let segments = folder.join(SEGMENTS);
        fs::create_dir_all(&segments).map_err(LedgerError::io("make the folder", &segments))?;
        let path = folder.join(JOURNAL);
        let failed = LedgerError::io("open the journal", &path);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(&failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Busy { ledger: folder.display().to_string() }),
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(&failed)?;
        let (past, kept_bytes) = read(&text, &folder, options)?;
        let header = Header { v: JOURNAL_VERSION, table: INVOCATIONS_VERSION.to_owned(), options: options.clone() };
        let journal = Self { folder, path: path.clone(), file: Mutex::new(file) };
        journal.cut(kept_bytes).map_err(&failed)?;
        if kept_bytes == 0 {
            journal.append_line(&header)?;
        }
        sync_folder(&journal.folder).map_err(&failed)?;
        delete_others(&segments, &past).map_err(LedgerError::io("clear", &segments))?;
        Ok((journal, past))
    }

    /// Where a segment of this name is.
    pub(crate) fn segment_path(&self, name: &str) -> PathBuf {
        self.folder.join(SEGMENTS).join(name)
    }

    /// Makes a checkpoint, whose segment is on the disk already.
    pub(crate) fn append(&self, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        if checkpoint.segment.is_some() {
            let segments = self.folder.join(SEGMENTS);
            sync_folder(&segments).map_err(LedgerError::io("write the folder", &segments))?;
        }
        self.append_line(checkpoint)
    }

    fn append_line(&self, line: &impl serde::Serialize) -> Result<(), LedgerError> {
        let failed = LedgerError::io("write the journal", &self.path);
        let mut text = serde_json::to_vec(line).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(&failed)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        file.sync_data()
    }
}

/// What a journal says, and how many of its bytes say it.
fn read(text: &[u8], folder: &Path, options: &Recorded) -> Result<(Past, u64), LedgerError> {
    let damaged = |line: usize| LedgerError::Damaged {
        path: folder.join(JOURNAL).display().to_string(),
        reason: format!("line {line} is not what was written"),
    };
    let mismatch = |reason: String| LedgerError::Mismatch { ledger: folder.display().to_string(), reason };
    let mut past = Past::default();
    let mut kept_bytes = 0;
    for (n, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let is_last = kept_bytes + line.len() == text.len();
        let is_torn = !line.ends_with(b"\n");
        if is_torn {
            break;
        }
        if n == 0 {
            match serde_json::from_slice::<Header>(line) {
                Ok(header) if header.v != JOURNAL_VERSION || header.table != INVOCATIONS_VERSION => {
                    return Err(mismatch("another version wrote it".to_owned()));
                }
                Ok(header) => {
                    if let Some(difference) = header.options.difference(options) {
                        return Err(mismatch(format!("it was made with {difference}")));
                    }
                }
                Err(_) if is_last => break,
                Err(_) => return Err(damaged(1)),
            }
        } else {
            match serde_json::from_slice::<Checkpoint>(line) {
                Ok(checkpoint) => past.add(&folder.join(SEGMENTS), checkpoint),
                Err(_) if is_last => break,
                Err(_) => return Err(damaged(n + 1)),
            }
        }
        kept_bytes += line.len();
    }
    past.forget_failures();
    Ok((past, kept_bytes as u64))
}

fn delete_others(segments: &Path, past: &Past) -> io::Result<()> {
    let counted: HashSet<&Path> = past.segments.iter().map(|(path, _)| path.as_path()).collect();
    for entry in fs::read_dir(segments)? {
        let path = entry?.path();
        let is_segment = path.extension().is_some_and(|e| e == "parquet");
        if is_segment && !counted.contains(path.as_path()) {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// A new name in a folder is durable once the folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
