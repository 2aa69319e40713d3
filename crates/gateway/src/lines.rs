//! Lines of a stream of server-sent events, however their bytes are cut.

use bytes::BytesMut;
use memchr::memchr;

/// The longest line; a longer one ends the stream.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// So many bytes of it hold no end of a line.
    looked_at: usize,
}

impl Lines {
    /// Takes bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, with its end.
    pub(crate) fn next(&mut self) -> Option<BytesMut> {
        let found = memchr(b'\n', &self.buffer[self.looked_at..]);
        let Some(found) = found else {
            self.looked_at = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.looked_at + found + 1);
        self.looked_at = 0;
        Some(line)
    }

    /// What is left: a line without its end.
    pub(crate) fn rest(&mut self) -> BytesMut {
        self.looked_at = 0;
        self.buffer.split()
    }

    /// Whether a line is longer than any may be; then nothing of it is kept.
    pub(crate) fn are_too_long(&mut self) -> bool {
        let too_long = self.buffer.len() > LINE_BYTES_MAX;
        if too_long {
            self.rest().clear();
        }
        too_long
    }
}
