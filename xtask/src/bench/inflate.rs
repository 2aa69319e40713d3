//! Bare decompression of whole files into memory: the floor that no reader of such logs can beat.
//!
//! Leaves out bodies that were too long for their log and lie beside it in a folder `data`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use libdeflater::{DecompressionError, Decompressor};

/// AWS's name of the folder with moved bodies.
const BODIES: &str = "data";

#[derive(Args)]
pub(crate) struct InflateArgs {
    /// The folder
    folder: PathBuf,
    /// Files at a time
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// Decompresses and prints the bytes that came out.
pub(crate) fn run(args: &InflateArgs) -> Result<()> {
    let mut files = Vec::new();
    list(&args.folder, &mut files)?;
    if files.is_empty() {
        bail!("no .gz file under {}", args.folder.display());
    }
    let next = AtomicUsize::new(0);
    let sums = thread::scope(|scope| {
        let workers: Vec<_> = (0..args.threads.max(1)).map(|_| scope.spawn(|| work(&files, &next))).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?).collect::<Result<Vec<u64>>>()
    })?;
    println!("{}", sums.iter().sum::<u64>());
    Ok(())
}

fn work(files: &[PathBuf], next: &AtomicUsize) -> Result<u64> {
    let (mut inflater, mut out, mut sum) = (Decompressor::new(), Vec::new(), 0);
    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        sum += one(&mut inflater, &bytes, &mut out).with_context(|| format!("failed to decompress {}", path.display()))?;
    }
    Ok(sum)
}

/// The files of the data sets are single gzip members; the size stands in the last four bytes.
fn one(inflater: &mut Decompressor, bytes: &[u8], out: &mut Vec<u8>) -> Result<u64, DecompressionError> {
    let size = bytes.last_chunk::<4>().map_or(0, |tail| u32::from_le_bytes(*tail) as usize);
    if out.len() < size {
        out.resize(size, 0);
    }
    inflater.gzip_decompress(bytes, out).map(|written| written as u64)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != BODIES) {
                list(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
