//! Reads one input: recognises what it is by its first bytes, and gives its lines.

use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use flate2::read::MultiGzDecoder;

use super::kind::{Kind, kind_of};
use super::{Inflater, Line, Lines, WHOLE_COMPRESSED_MAX, inflate_head, is_gzip};
use crate::inputs::Input;
use crate::location::Objects;
use crate::map::TableError;

/// Bytes by which an input is recognised, stored and inflated.
const HEAD_BYTES: usize = 64 * 1024;

/// How the reading of an input ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of it was given.
    Whole,
    /// The receiver wanted no more.
    Stopped,
    /// It is a bill; nothing was given.
    Bill,
    /// It is nothing that is read, or damaged from some place on; reading it again would not help.
    Refused(String),
    /// The disk or the store failed; reading it again may help.
    Unreadable(String),
}

/// What receives an input.
pub(crate) trait Receiver {
    /// Takes a line of JSON.
    fn line(&mut self, line: Line<'_>) -> ControlFlow<()>;
    /// Whether text that is neither JSON nor a bill is wanted as a table.
    fn wants_table(&self) -> bool;
    /// Takes such text.
    fn table(&mut self, text: &mut dyn Read) -> Result<ControlFlow<()>, TableError>;
    /// Hears how many stored bytes were read.
    fn stored_bytes(&mut self, bytes: u64);
}

/// Reads inputs, one after the other, with buffers that are used again.
pub(crate) struct Reader<'a> {
    objects: &'a Objects,
    inflater: Inflater,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(objects: &'a Objects) -> Self {
        Self { objects, inflater: Inflater::new() }
    }

    /// Reads an input.
    pub(crate) fn read(&mut self, input: &Input, to: &mut dyn Receiver) -> End {
        let whole = if input.size <= WHOLE_COMPRESSED_MAX {
            input.location.read_up_to(WHOLE_COMPRESSED_MAX, self.objects)
        } else {
            Ok(None)
        };
        match whole {
            Ok(Some(bytes)) => {
                let end = self.read_whole(&bytes, to);
                to.stored_bytes(bytes.len() as u64);
                end
            }
            Ok(None) => self.read_stream(input, to).unwrap_or_else(|e| unreadable(&e)),
            Err(e) => unreadable(&e),
        }
    }

    fn read_whole(&mut self, bytes: &[u8], to: &mut dyn Receiver) -> End {
        if is_gzip(bytes)
            && let Some(text) = self.inflater.whole(bytes)
        {
            let head = &text[..text.len().min(HEAD_BYTES)];
            return match kind_of(bytes, head, to.wants_table()) {
                Kind::Lines => ended(Lines::default().split(text, &mut |line| to.line(line))),
                Kind::Table => table_ended(to.table(&mut &*text)),
                kind => not_given(kind),
            };
        }
        let head = &bytes[..bytes.len().min(HEAD_BYTES)];
        if is_gzip(bytes) {
            return give_gzip(head, &mut &*bytes, to);
        }
        match kind_of(head, head, to.wants_table()) {
            Kind::Lines => ended(Lines::default().split(bytes, &mut |line| to.line(line))),
            Kind::Table => table_ended(to.table(&mut &*bytes)),
            kind => not_given(kind),
        }
    }

    /// An error here is one of the disk or the store before any line was given.
    fn read_stream(&self, input: &Input, to: &mut dyn Receiver) -> io::Result<End> {
        let mut source = Watched { inner: input.location.open(self.objects)?, bytes: 0, failed: None };
        let mut head = Vec::new();
        (&mut source).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let mut all = head.as_slice().chain(&mut source);
        let end = if is_gzip(&head) {
            give_gzip(&head, &mut all, to)
        } else {
            match kind_of(&head, &head, to.wants_table()) {
                Kind::Lines => stream_ended(Lines::default().split_stream(&mut all, &mut |line| to.line(line))),
                Kind::Table => table_ended(to.table(&mut all)),
                kind => not_given(kind),
            }
        };
        to.stored_bytes(source.bytes);
        // What the decoder calls damage may be a failure of what it read from.
        Ok(source.failed.map_or(end, |kind| unreadable(&kind.into())))
    }
}

fn give_gzip(head: &[u8], source: &mut dyn Read, to: &mut dyn Receiver) -> End {
    let text_head = inflate_head(head, HEAD_BYTES);
    let mut text = MultiGzDecoder::new(source);
    match kind_of(head, &text_head, to.wants_table()) {
        Kind::Lines => stream_ended(Lines::default().split_stream(&mut text, &mut |line| to.line(line))),
        Kind::Table => table_ended(to.table(&mut text)),
        kind => not_given(kind),
    }
}

fn not_given(kind: Kind) -> End {
    match kind {
        Kind::Bill => End::Bill,
        Kind::Other(reason) => End::Refused(reason.to_owned()),
        Kind::Lines | Kind::Table => End::Whole,
    }
}

fn ended(flow: ControlFlow<()>) -> End {
    if flow.is_break() { End::Stopped } else { End::Whole }
}

fn stream_ended(flow: io::Result<ControlFlow<()>>) -> End {
    match flow {
        Ok(flow) => ended(flow),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => End::Refused("the gzip stream ends too early".to_owned()),
        Err(_) => End::Refused("the gzip stream is damaged".to_owned()),
    }
}

fn table_ended(flow: Result<ControlFlow<()>, TableError>) -> End {
    match flow {
        Ok(flow) => ended(flow),
        Err(TableError::Table(reason)) => End::Refused(reason),
        Err(TableError::Stream(e)) => stream_ended(Err(e)),
    }
}

/// The kind of a system's error only: its text can differ from run to run.
fn unreadable(error: &io::Error) -> End {
    End::Unreadable(format!("cannot be read: {}", error.kind()))
}

/// Counts what is read and remembers a failure.
struct Watched<R> {
    inner: R,
    bytes: u64,
    failed: Option<ErrorKind>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out);
        match &read {
            Ok(bytes) => self.bytes += *bytes as u64,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => self.failed = Some(e.kind()),
        }
        read
    }
}
