//! Where evidence is, and how its bytes are read, from a disk or an object store alike.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

/// Bytes asked of a store at a time when an object is streamed.
const RANGE_BYTES: u64 = 8 << 20;

/// Where one file of evidence is.
#[derive(Clone)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// In an object store.
    Object {
        /// The store.
        store: Arc<dyn ObjectStore>,
        /// The key in it.
        path: ObjectPath,
        /// The whole address, for people.
        uri: String,
    },
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.fmt(f),
            Self::Object { uri, .. } => f.write_str(uri),
        }
    }
}

/// Runs the requests to object stores. One for a whole process: connections are kept by it. Costs nothing until the
/// first request.
#[derive(Default)]
pub struct Objects {
    runtime: OnceLock<Runtime>,
}

impl Objects {
    /// Makes it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a request.
    pub(crate) fn wait<T>(&self, request: impl Future<Output = T>) -> io::Result<T> {
        if self.runtime.get().is_none() {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            // Another thread may have been first; then this runtime is dropped unused.
            if let Err(unused) = self.runtime.set(runtime) {
                unused.shutdown_background();
            }
        }
        let runtime = self.runtime.get().ok_or_else(|| io::Error::other("no runtime for requests"))?;
        Ok(runtime.block_on(request))
    }
}

impl Location {
    /// Reads the whole file if it has at most `limit` bytes; `None` if it has more.
    ///
    /// # Errors
    /// What the disk or the store says.
    pub fn read_up_to(&self, limit: u64, objects: &Objects) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Local(path) => {
                let mut bytes = Vec::new();
                let file = File::open(path)?;
                let expected = file.metadata()?.len().min(limit);
                bytes.reserve_exact(usize::try_from(expected).unwrap_or(0) + 1);
                file.take(limit + 1).read_to_end(&mut bytes)?;
                Ok((bytes.len() as u64 <= limit).then_some(bytes))
            }
            Self::Object { store, path, .. } => {
                let request = async {
                    let object = store.get(path).await?;
                    if object.meta.size > limit { Ok(None) } else { Ok(Some(object.bytes().await?.to_vec())) }
                };
                objects.wait(request)?.map_err(store_error)
            }
        }
    }

    /// Reads the file as a stream. A change of an object while it is read ends the stream with an error.
    ///
    /// # Errors
    /// What the disk or the store says.
    pub fn open<'a>(&'a self, objects: &'a Objects) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Local(path) => Box::new(File::open(path)?),
            Self::Object { store, path, .. } => {
                let meta = objects.wait(store.head(path))?.map_err(store_error)?;
                let (size, etag) = (meta.size, meta.e_tag);
                Box::new(ObjectRead { store: store.as_ref(), path, objects, size, etag, at: 0, piece: Vec::new(), used: 0 })
            }
        })
    }
}

/// The store's error without its source chain lost: not found keeps its kind.
fn store_error(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound.into(),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied.into()
        }
        other => io::Error::other(other),
    }
}

/// Reads an object range by range.
struct ObjectRead<'a> {
    store: &'a dyn ObjectStore,
    path: &'a ObjectPath,
    objects: &'a Objects,
    size: u64,
    etag: Option<String>,
    at: u64,
    piece: Vec<u8>,
    used: usize,
}

impl Read for ObjectRead<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.piece.len() {
            if self.at >= self.size {
                return Ok(0);
            }
            let end = self.size.min(self.at + RANGE_BYTES);
            let range = Some(GetRange::Bounded(self.at..end));
            let options = GetOptions { if_match: self.etag.clone(), range, ..GetOptions::default() };
            let request = async { self.store.get_opts(self.path, options).await?.bytes().await };
            self.piece = self.objects.wait(request)?.map_err(store_error)?.to_vec();
            self.used = 0;
            self.at = end;
        }
        let n = out.len().min(self.piece.len() - self.used);
        out[..n].copy_from_slice(&self.piece[self.used..self.used + n]);
        self.used += n;
        Ok(n)
    }
}
