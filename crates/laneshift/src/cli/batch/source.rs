//! Where requests are read from. What can be read only once is copied beside the queue first: it is read twice.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;

/// Requests that can be read as often as is needed.
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// A copy of a stream, which goes when this goes.
    Copy(NamedTempFile),
}

/// Whether a path names standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Source {
    /// Opens an input. A stream is read to its end here.
    pub(crate) fn of(input: &Path, folder: &Path) -> Result<Self, Error> {
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound(input.display().to_string()),
            _ => Error::Input { text: format!("{}: {e}", input.display()), lines: Vec::new(), count: 0 },
        };
        if is_stdin(input) {
            return Self::copy(std::io::stdin().lock(), folder);
        }
        let kind = std::fs::metadata(input).map_err(failed)?;
        if kind.is_file() {
            return Ok(Self::File(input.to_owned()));
        }
        if kind.is_dir() {
            return Err(failed(std::io::ErrorKind::IsADirectory.into()));
        }
        Self::copy(File::open(input).map_err(failed)?, folder)
    }

    fn copy(mut from: impl Read, folder: &Path) -> Result<Self, Error> {
        let failed = |e: std::io::Error| Error::Write { path: folder.to_owned(), reason: e.to_string() };
        let mut copy = NamedTempFile::new_in(folder).map_err(failed)?;
        std::io::copy(&mut from, &mut copy).map_err(failed)?;
        copy.rewind().map_err(failed)?;
        Ok(Self::Copy(copy))
    }

    /// Where it can be read.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Copy(copy) => copy.path(),
        }
    }
}
