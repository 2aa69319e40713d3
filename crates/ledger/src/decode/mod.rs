//! From a stored object to its lines: gzip or plain, whole in memory when small, as a stream otherwise.
//!
//! Promises: every complete line is given once, in order, whatever the object's size; a damaged object gives the lines
//! before the damage, and says so. Memory is bounded by [`WHOLE_COMPRESSED_MAX`] + [`WHOLE_INFLATED_MAX`] and, beyond
//! them, by the longest line.

mod array;
mod gzip;
mod kind;
mod lines;
mod reader;

pub(crate) use array::{ArrayEnd, is_array, split_array};
pub(crate) use gzip::{Inflater, inflate_head, is_gzip};
pub(crate) use lines::{Line, LineText, Lines, hash_of};
pub(crate) use reader::{End, Reader, Receiver};

/// Compressed objects up to this size are read whole.
pub(crate) const WHOLE_COMPRESSED_MAX: u64 = 32 << 20;

/// Compressed objects whose trailer names up to this size are inflated in one go.
pub(crate) const WHOLE_INFLATED_MAX: usize = 64 << 20;

/// The longest line that is read. A longer one costs that line, not the file.
pub(crate) const LINE_BYTES_MAX: usize = 256 << 20;
