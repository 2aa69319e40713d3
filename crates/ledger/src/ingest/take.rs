//! Takes the lines of one input: each becomes a row, several rows, or a reject.

use std::io::Read;
use std::ops::ControlFlow;

use laneshift_bedrock::invocation_log::{Invocation, parse};

use super::body::{self, Beside};
use super::options::RowSink;
use super::worker::Worker;
use crate::decode::{ArrayEnd, Line, LineText, Receiver, hash_of, is_array, split_array};
use crate::inputs::Input;
use crate::map::TableError;
use crate::reject::{KEPT_PER_FILE_MAX, Reject};

/// The receiver of one input.
pub(super) struct Take<'w, 'a, S> {
    pub(super) worker: &'w mut Worker<'a, S>,
    pub(super) input: &'w Input,
    /// The last line that is taken; those up to it were taken by an earlier run.
    pub(super) upto: u64,
    /// Rejects of this input so far.
    pub(super) rejects: u64,
}

/// Where a record stands.
#[derive(Clone, Copy)]
struct Place {
    line: u64,
    offset: u64,
}

impl<S: RowSink> Receiver for Take<'_, '_, S> {
    fn line(&mut self, line: Line<'_>) -> ControlFlow<()> {
        if line.number <= self.upto {
            return self.worker.go_on();
        }
        let place = Place { line: line.number, offset: line.offset };
        match line.text {
            LineText::Whole(text) => {
                let text = if line.number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
                self.worker.pending.counts.line_bytes += text.len() as u64;
                self.text(place, text.trim_ascii_end());
            }
            LineText::TooLong { hash } => self.reject(place, "the line is longer than 256 MB".to_owned(), hash),
        }
        self.upto = line.number;
        self.worker.line_taken(self.input, self.upto)
    }

    fn wants_table(&self) -> bool {
        self.worker.shared.options.mapping.is_some()
    }

    fn table(&mut self, text: &mut dyn Read) -> Result<ControlFlow<()>, TableError> {
        let options = self.worker.shared.options;
        let Some(mapping) = options.mapping else { return Ok(ControlFlow::Continue(())) };
        mapping.read(text, options.pseudonyms, &mut |record| {
            if record.line <= self.upto {
                return self.worker.go_on();
            }
            self.worker.pending.counts.line_bytes += record.bytes;
            match record.row {
                Ok(row) => self.worker.add(&row),
                Err((reason, hash)) => self.reject(Place { line: record.line, offset: record.offset }, reason, hash),
            }
            self.upto = record.line;
            self.worker.line_taken(self.input, self.upto)
        })
    }

    fn stored_bytes(&mut self, bytes: u64) {
        self.worker.stored_bytes(bytes);
    }
}

impl<S: RowSink> Take<'_, '_, S> {
    fn text(&mut self, place: Place, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        if !is_array(text) {
            return self.record(place, text);
        }
        let start = text.as_ptr() as usize;
        let end = split_array(text, &mut |element| {
            let within = (element.as_ptr() as usize - start) as u64;
            self.record(Place { offset: place.offset + within, ..place }, element);
        });
        if end == ArrayEnd::Broken {
            self.reject(place, "the array is not JSON from some element on".to_owned(), hash_of(text));
        }
    }

    fn record(&mut self, place: Place, json: &[u8]) {
        match parse(json) {
            Ok(call) => {
                if let Err(reason) = self.call(&call, json.len() as u64) {
                    self.reject(place, reason.to_owned(), hash_of(json));
                }
            }
            Err(e) => self.reject(place, e.to_string(), hash_of(json)),
        }
    }

    fn call(&mut self, call: &Invocation<'_>, record_bytes: u64) -> Result<(), &'static str> {
        let shared = self.worker.shared;
        let counts = &mut self.worker.pending.counts;
        counts.bodies_unreadable += u64::from(call.body_unreadable);
        let beside = match (&call.body, &call.body_s3_path) {
            (None, Some(path)) => Some(body::find(self.input, path, shared.options.objects)),
            _ => None,
        };
        let body = match (&call.body, &beside) {
            (Some(traits), _) => Some((traits, record_bytes)),
            (None, Some(Beside::Found(traits, bytes))) => {
                counts.bodies_beside += 1;
                Some((&**traits, *bytes))
            }
            (None, Some(Beside::Missing)) => {
                counts.bodies_missing += 1;
                None
            }
            (None, Some(Beside::Unreadable)) => {
                counts.bodies_unreadable += 1;
                None
            }
            (None, None) => None,
        };
        shared.conversion.row(call, body, |row| self.worker.add(row))
    }

    fn reject(&mut self, place: Place, reason: String, hash: u64) {
        let reject = Reject {
            file: self.input.uri.clone(),
            line: Some(place.line),
            offset: Some(place.offset),
            reason,
            hash: Some(format!("{hash:016x}")),
        };
        self.rejects += 1;
        if self.rejects <= KEPT_PER_FILE_MAX {
            self.worker.pending.rejects.push(reject);
        } else {
            *self.worker.pending.more_rejects.entry(reject.kind().to_owned()).or_default() += 1;
        }
    }
}
