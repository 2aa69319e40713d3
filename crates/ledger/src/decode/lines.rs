//! Splits bytes into lines, from memory or from a stream.

use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use memchr::{memchr, memchr_iter};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::LINE_BYTES_MAX;

/// Bytes read from a stream at a time.
const READ_BYTES: usize = 256 * 1024;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineText<'a> {
    /// Its bytes, without the line break.
    Whole(&'a [u8]),
    /// More than is read; only its hash is known.
    TooLong {
        /// Hash of all its bytes.
        hash: u64,
    },
}

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Counted from one.
    pub(crate) number: u64,
    /// Where it begins in the uncompressed text.
    pub(crate) offset: u64,
    pub(crate) text: LineText<'a>,
}

/// Hash by which a line can be found again without being kept.
pub(crate) fn hash_of(line: &[u8]) -> u64 {
    xxh3_64(line)
}

type Each<'a> = &'a mut dyn FnMut(Line<'_>) -> ControlFlow<()>;

/// Counts lines while it splits.
#[derive(Default)]
pub(crate) struct Lines {
    number: u64,
    offset: u64,
}

impl Lines {
    /// Splits a whole text; a last line without a line break is a line.
    pub(crate) fn split(&mut self, text: &[u8], each: Each<'_>) -> ControlFlow<()> {
        let mut start = 0;
        for end in memchr_iter(b'\n', text) {
            self.give(&text[start..end], end + 1 - start, each)?;
            start = end + 1;
        }
        if start < text.len() { self.give(&text[start..], text.len() - start, each) } else { ControlFlow::Continue(()) }
    }

    /// Splits a stream. When the stream breaks, the lines before the break have been given and the piece of a line at
    /// the break has not.
    pub(crate) fn split_stream(&mut self, source: &mut dyn Read, each: Each<'_>) -> io::Result<ControlFlow<()>> {
        self.split_stream_up_to(source, LINE_BYTES_MAX, each)
    }

    fn split_stream_up_to(
        &mut self,
        source: &mut dyn Read,
        line_bytes_max: usize,
        each: Each<'_>,
    ) -> io::Result<ControlFlow<()>> {
        let mut buffer = vec![0; READ_BYTES];
        // `buffer[..filled]` is read and not given; no line break is in `buffer[..searched]`.
        let (mut filled, mut searched) = (0, 0);
        let mut too_long: Option<(Box<Xxh3>, u64)> = None;
        loop {
            if filled == buffer.len() {
                buffer.resize(buffer.len() * 2, 0);
            }
            let read = match source.read(&mut buffer[filled..]) {
                Ok(read) => read,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if read == 0 {
                break;
            }
            filled += read;
            let mut start = 0;
            while let Some(at) = memchr(b'\n', &buffer[searched..filled]) {
                let end = searched + at;
                let given = match too_long.take() {
                    Some((hash, bytes)) => self.give_too_long(hash, bytes, &buffer[start..end], 1, each),
                    None => self.give(&buffer[start..end], end + 1 - start, each),
                };
                if given.is_break() {
                    return Ok(given);
                }
                start = end + 1;
                searched = start;
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
            searched = filled;
            if filled > line_bytes_max || too_long.is_some() {
                let (hash, bytes) = too_long.get_or_insert_with(|| (Box::new(Xxh3::new()), 0));
                hash.update(&buffer[..filled]);
                *bytes += filled as u64;
                (filled, searched) = (0, 0);
                buffer.truncate(READ_BYTES);
                buffer.shrink_to(READ_BYTES);
            }
        }
        Ok(match too_long {
            Some((hash, bytes)) => self.give_too_long(hash, bytes, &buffer[..filled], 0, each),
            None if filled > 0 => self.give(&buffer[..filled], filled, each),
            None => ControlFlow::Continue(()),
        })
    }

    fn give(&mut self, text: &[u8], bytes: usize, each: Each<'_>) -> ControlFlow<()> {
        self.number += 1;
        let line = Line { number: self.number, offset: self.offset, text: LineText::Whole(text) };
        self.offset += bytes as u64;
        each(line)
    }

    fn give_too_long(
        &mut self,
        mut hash: Box<Xxh3>,
        before: u64,
        rest: &[u8],
        line_break: u64,
        each: Each<'_>,
    ) -> ControlFlow<()> {
        hash.update(rest);
        self.number += 1;
        let line = Line { number: self.number, offset: self.offset, text: LineText::TooLong { hash: hash.digest() } };
        self.offset += before + rest.len() as u64 + line_break;
        each(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a text in pieces of one size, then an error or the end.
    struct Pieces<'a>(&'a [u8], usize, bool);

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(self.1).min(out.len());
            if n == 0 && self.2 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    const TEXT: &[u8] = b"one\n\nthree is longer\r\nfour";

    fn in_memory(text: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        let mut seen = Vec::new();
        let flow = Lines::default().split(text, &mut |line| keep(&mut seen, line));
        assert!(flow.is_continue());
        seen
    }

    fn keep(seen: &mut Vec<(u64, u64, Vec<u8>)>, line: Line<'_>) -> ControlFlow<()> {
        let text = match line.text {
            LineText::Whole(text) => text.to_vec(),
            LineText::TooLong { hash } => format!("too long {hash}").into_bytes(),
        };
        seen.push((line.number, line.offset, text));
        ControlFlow::Continue(())
    }

    #[test]
    fn a_stream_gives_what_memory_gives() {
        for size in 1..TEXT.len() {
            let mut seen = Vec::new();
            let flow = Lines::default().split_stream(&mut Pieces(TEXT, size, false), &mut |line| keep(&mut seen, line));
            assert!(flow.expect("a stream").is_continue());
            assert_eq!(seen, in_memory(TEXT));
        }
    }

    #[test]
    fn a_break_in_the_stream_costs_the_line_it_is_in() {
        let mut seen = Vec::new();
        let flow = Lines::default().split_stream(&mut Pieces(TEXT, 3, true), &mut |line| keep(&mut seen, line));
        assert_eq!(flow.expect_err("a break").kind(), ErrorKind::UnexpectedEof);
        assert_eq!(seen, in_memory(&TEXT[..TEXT.len() - 4]));
    }

    #[test]
    fn a_line_over_the_limit_costs_only_itself() {
        for size in 1..TEXT.len() {
            let mut seen = Vec::new();
            let mut stream = Pieces(TEXT, size, false);
            let flow = Lines::default().split_stream_up_to(&mut stream, 8, &mut |line| keep(&mut seen, line));
            assert!(flow.expect("a stream").is_continue());
            let mut expected = in_memory(TEXT);
            // Pieces as large as the line end it before it is found to be too long.
            if seen[2].2.starts_with(b"too long") {
                expected[2].2 = format!("too long {}", hash_of(b"three is longer\r")).into_bytes();
            }
            assert!(size > 8 || seen[2].2.starts_with(b"too long"));
            assert_eq!(seen, expected);
        }
    }
}
