//! The one object format of the lane: lines, and a footer that says where each is. Chunks and results are written in it.
//!
//! Four letters and a version, the lines, the footer (JSON), its length (u32, little-endian), a CRC-32 of all before (u32), the
//! letters again. A reader refuses a version that it does not know, and an object whose checksum does not fit.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Length, checksum and letters.
const TAIL: u64 = 12;

/// What a footer says of a line.
pub(crate) trait Entry: Serialize + DeserializeOwned {
    /// The letters and the version of the object.
    const MAGIC: [u8; 4];

    /// Where the line begins, and its length with its end.
    fn place(&self) -> (u64, u32);
}

/// Writes an object. It is not there under its name before [`Writer::finish`].
pub(crate) struct Writer<E> {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    crc: crc32fast::Hasher,
    at: u64,
    entries: Vec<E>,
}

impl<E: Entry> Writer<E> {
    /// Begins an object.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let part = path.with_extension("part");
        let file = BufWriter::with_capacity(1 << 17, File::create(&part)?);
        let (crc, entries) = (crc32fast::Hasher::new(), Vec::new());
        let mut writer = Self { path: path.to_owned(), part, file, crc, at: 0, entries };
        writer.write(&E::MAGIC)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.at += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Adds a line, its end included. `entry` makes its entry from where it begins and how long it is.
    pub(crate) fn push(&mut self, line: &[u8], entry: impl FnOnce(u64, u32) -> E) -> io::Result<()> {
        self.entries.push(entry(self.at, line.len() as u32));
        self.write(line)
    }

    /// How many lines.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.at
    }

    /// Writes the footer; from here on the object is there, whole and on the disk. Gives its size.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        let footer = serde_json::to_vec(&self.entries)?;
        self.write(&footer)?;
        self.write(&(footer.len() as u32).to_le_bytes())?;
        let crc = self.crc.clone().finalize();
        self.file.write_all(&crc.to_le_bytes())?;
        self.file.write_all(&E::MAGIC)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.part, &self.path)?;
        sync_folder(&self.path)?;
        Ok(self.at + 8)
    }

    /// Gives up: nothing of it stays.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.part);
    }
}

/// Makes a rename last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// An object in memory, checked.
#[derive(Debug)]
pub(crate) struct Reader<E> {
    bytes: Vec<u8>,
    pub(crate) entries: Vec<E>,
}

impl<E: Entry> Reader<E> {
    /// Reads and checks a whole object.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::of(fs::read(path)?).map_err(|what| damaged(path, what))
    }

    fn of(bytes: Vec<u8>) -> Result<Self, &'static str> {
        if bytes.len() as u64 <= TAIL + 4 || bytes[..4] != E::MAGIC || bytes[bytes.len() - 4..] != E::MAGIC {
            return Err("it is none of this version");
        }
        let at = bytes.len() - TAIL as usize;
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if crc32fast::hash(&bytes[..at + 4]) != number(at + 4) {
            return Err("its checksum does not fit, so it is damaged");
        }
        let footer = at.checked_sub(number(at) as usize).ok_or("its footer is longer than the object")?;
        let entries: Vec<E> = serde_json::from_slice(&bytes[footer..at]).map_err(|_| "its footer cannot be read")?;
        let inside = |e: &E| e.place().0.checked_add(e.place().1.into()).is_some_and(|end| end <= footer as u64);
        if !entries.iter().all(inside) {
            return Err("its footer points outside");
        }
        Ok(Self { bytes, entries })
    }

    /// A line, its end included.
    pub(crate) fn line(&self, index: usize) -> &[u8] {
        let Some((at, len)) = self.entries.get(index).map(Entry::place) else { return &[] };
        &self.bytes[at as usize..at as usize + len as usize]
    }
}

/// An object of which single lines are read; only its footer is in memory. The checksum is not looked at.
pub(crate) struct Index<E> {
    file: File,
    pub(crate) entries: Vec<E>,
    entry: PhantomData<E>,
}

impl<E: Entry> Index<E> {
    /// Reads the footer.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut tail = [0; TAIL as usize];
        let at = size.checked_sub(TAIL).ok_or_else(|| damaged(path, "it is too short"))?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut tail)?;
        if tail[8..] != E::MAGIC {
            return Err(damaged(path, "it is none of this version"));
        }
        let len = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        let footer = at.checked_sub(len).ok_or_else(|| damaged(path, "its footer is longer than the object"))?;
        let mut bytes = vec![0; len as usize];
        file.seek(SeekFrom::Start(footer))?;
        file.read_exact(&mut bytes)?;
        let entries = serde_json::from_slice(&bytes).map_err(|_| damaged(path, "its footer cannot be read"))?;
        Ok(Self { file, entries, entry: PhantomData })
    }

    /// A line, its end included.
    pub(crate) fn line(&mut self, index: usize) -> io::Result<Vec<u8>> {
        let Some((at, len)) = self.entries.get(index).map(Entry::place) else { return Ok(Vec::new()) };
        let mut line = vec![0; len as usize];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut line)?;
        Ok(line)
    }
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}
