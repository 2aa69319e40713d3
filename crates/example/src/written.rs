//! What was written, counted.

/// Counts of a written tree of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Log files, without moved bodies.
    pub files: u64,
    /// Well-formed records.
    pub records: u64,
    /// Lines that are no JSON.
    pub malformed_lines: u64,
    /// Bodies moved to objects of their own.
    pub moved_bodies: u64,
    /// Bytes before compression, without moved bodies.
    pub raw_bytes: u64,
    /// Bytes on disk, without moved bodies.
    pub gz_bytes: u64,
}
