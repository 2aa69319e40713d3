//! One thread of an ingest: its segment, its sink, and its checkpoints.

use std::mem;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::options::{Options, RowSink};
use super::take::Take;
use crate::convert::Conversion;
use crate::decode::{End, Reader};
use crate::error::LedgerError;
use crate::inputs::Input;
use crate::journal::{Checkpoint, InputProgress, Journal, Past};
use crate::reject::Reject;
use crate::row::Row;
use crate::segment::{SegmentWriter, read_segment};

/// A checkpoint is made after so many rows,
const CHECKPOINT_ROWS: u64 = 250_000;
/// or so many bytes of uncompressed lines,
const CHECKPOINT_LINE_BYTES: u64 = 512 << 20;
/// or so much time; whichever is first.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(15);
/// Lines between two looks at the clock.
const LINES_PER_LOOK: u64 = 1024;
/// Rows between two reports of progress.
const ROWS_PER_REPORT: u64 = 1024;

/// What all threads share.
pub(super) struct Shared<'a> {
    pub(super) options: Options<'a>,
    pub(super) conversion: Conversion<'a>,
    pub(super) inputs: &'a [Input],
    pub(super) journal: &'a Journal,
    pub(super) past: &'a Past,
    /// The next job: first the segments of earlier runs, then the inputs.
    pub(super) next: AtomicUsize,
    /// The number of the next segment.
    pub(super) next_segment: AtomicU64,
    /// A thread failed, so the others need not go on.
    pub(super) failed: AtomicBool,
}

/// What a thread hands back.
pub(super) struct Done<S> {
    pub(super) sink: S,
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) bills: Vec<Input>,
    pub(super) stored_bytes: u64,
    pub(super) rows_of_earlier_runs: u64,
    pub(super) interrupted: bool,
}

pub(super) struct Worker<'a, S> {
    pub(super) shared: &'a Shared<'a>,
    /// What the next checkpoint will say.
    pub(super) pending: Checkpoint,
    number: usize,
    segment: Option<(String, SegmentWriter)>,
    checkpoint_at: Duration,
    lines_since_look: u64,
    rows_since_report: u64,
    /// What went wrong where only "stop" can be said.
    error: Option<LedgerError>,
    done: Done<S>,
}

impl<'a, S: RowSink> Worker<'a, S> {
    pub(super) fn new(number: usize, shared: &'a Shared<'a>, sink: S) -> Self {
        let done = Done {
            sink,
            checkpoints: Vec::new(),
            bills: Vec::new(),
            stored_bytes: 0,
            rows_of_earlier_runs: 0,
            interrupted: false,
        };
        Self {
            shared,
            pending: Checkpoint::new(),
            number,
            segment: None,
            checkpoint_at: (shared.options.uptime)(),
            lines_since_look: 0,
            rows_since_report: 0,
            error: None,
            done,
        }
    }

    /// Takes jobs until there are none, or until it is told to stop.
    pub(super) fn run(mut self) -> Result<Done<S>, LedgerError> {
        let result = self.jobs();
        if result.is_err() {
            self.shared.failed.store(true, Ordering::Relaxed);
        }
        result.map(|()| self.done)
    }

    fn jobs(&mut self) -> Result<(), LedgerError> {
        let shared = self.shared;
        let mut reader = Reader::new(shared.options.objects);
        loop {
            let job = shared.next.fetch_add(1, Ordering::Relaxed);
            let segments = &shared.past.segments;
            if job >= segments.len() + shared.inputs.len() {
                break;
            }
            if self.is_stopped() {
                self.done.interrupted = true;
                break;
            }
            match segments.get(job) {
                Some((path, rows)) => self.earlier_segment(path, *rows)?,
                None => self.input(&mut reader, &shared.inputs[job - segments.len()])?,
            }
            // An input can be a slow request: look at the clock after each.
            self.lines_since_look = LINES_PER_LOOK;
            if self.is_checkpoint_due() {
                self.checkpoint()?;
            }
        }
        self.checkpoint()?;
        shared.options.progress.rows(mem::take(&mut self.rows_since_report));
        Ok(())
    }

    fn earlier_segment(&mut self, path: &Path, rows: u64) -> Result<(), LedgerError> {
        let sink = &mut self.done.sink;
        let found = read_segment(path, &mut |row| sink.add(row))?;
        if found != rows {
            let reason = format!("it has {found} rows, and the journal says {rows}");
            return Err(LedgerError::Damaged { path: path.display().to_string(), reason });
        }
        self.done.rows_of_earlier_runs += rows;
        self.shared.options.progress.rows(rows);
        Ok(())
    }

    fn input(&mut self, reader: &mut Reader<'_>, input: &Input) -> Result<(), LedgerError> {
        let shared = self.shared;
        let past = shared.past.inputs.get(&input.uri);
        if past.is_some_and(|p| p.done) {
            shared.options.progress.bytes(input.size);
            shared.options.progress.file_done();
            return Ok(());
        }
        let upto = past.and_then(|p| p.upto).unwrap_or(0);
        let mut take = Take { worker: self, input, upto, rejects: 0 };
        let end = reader.read(input, &mut take);
        let upto = take.upto;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        match end {
            End::Whole => self.note(input, upto, true),
            End::Stopped => {
                self.note(input, upto, false);
                self.done.interrupted = true;
                return Ok(());
            }
            End::Bill => self.done.bills.push(input.clone()),
            End::Refused(reason) => {
                self.pending.rejects.push(Reject::file(&input.uri, reason));
                self.note(input, upto, true);
            }
            End::Unreadable(reason) => {
                self.pending.rejects.push(Reject::file(&input.uri, reason));
                self.note(input, upto, false);
            }
        }
        shared.options.progress.file_done();
        Ok(())
    }

    /// Adds a row to the segment and the sink.
    pub(super) fn add(&mut self, row: &Row<'_>) {
        if let Err(e) = self.try_add(row) {
            self.error.get_or_insert(e);
        }
    }

    fn try_add(&mut self, row: &Row<'_>) -> Result<(), LedgerError> {
        let segment = match &mut self.segment {
            Some((_, segment)) => segment,
            None => {
                let n = self.shared.next_segment.fetch_add(1, Ordering::Relaxed);
                let name = format!("seg-{}-{n}.parquet", self.number);
                let segment = SegmentWriter::create(&self.shared.journal.segment_path(&name))?;
                &mut self.segment.insert((name, segment)).1
            }
        };
        segment.add(row)?;
        self.done.sink.add(row);
        self.rows_since_report += 1;
        if self.rows_since_report >= ROWS_PER_REPORT {
            self.shared.options.progress.rows(mem::take(&mut self.rows_since_report));
        }
        Ok(())
    }

    /// After each line: makes a checkpoint when one is due, and says whether to go on.
    pub(super) fn line_taken(&mut self, input: &Input, upto: u64) -> ControlFlow<()> {
        self.lines_since_look += 1;
        if self.is_checkpoint_due() {
            self.note(input, upto, false);
            if let Err(e) = self.checkpoint() {
                self.error.get_or_insert(e);
            }
        }
        self.go_on()
    }

    pub(super) fn go_on(&self) -> ControlFlow<()> {
        if self.error.is_some() || self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(super) fn stored_bytes(&mut self, bytes: u64) {
        self.done.stored_bytes += bytes;
        self.shared.options.progress.bytes(bytes);
    }

    fn is_stopped(&self) -> bool {
        self.shared.options.stop.load(Ordering::Relaxed) || self.shared.failed.load(Ordering::Relaxed)
    }

    fn is_checkpoint_due(&mut self) -> bool {
        let rows = self.segment.as_ref().map_or(0, |(_, segment)| segment.rows());
        if rows >= CHECKPOINT_ROWS || self.pending.counts.line_bytes >= CHECKPOINT_LINE_BYTES {
            return true;
        }
        if self.lines_since_look < LINES_PER_LOOK {
            return false;
        }
        self.lines_since_look = 0;
        (self.shared.options.uptime)().saturating_sub(self.checkpoint_at) >= CHECKPOINT_AFTER
    }

    fn note(&mut self, input: &Input, upto: u64, done: bool) {
        self.pending.inputs.push(InputProgress {
            uri: input.uri.clone(),
            size: input.size,
            stamp: input.stamp.clone(),
            upto: (upto > 0).then_some(upto),
            done,
        });
    }

    /// Ends the segment, then says so in the journal: only then do its rows count.
    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        self.checkpoint_at = (self.shared.options.uptime)();
        if let Some((name, segment)) = self.segment.take() {
            self.pending.rows = segment.rows();
            self.pending.segment = Some(name);
            segment.finish()?;
        }
        if self.pending.inputs.is_empty() {
            return Ok(());
        }
        let checkpoint = mem::replace(&mut self.pending, Checkpoint::new());
        self.shared.journal.append(&checkpoint)?;
        self.done.checkpoints.push(checkpoint);
        Ok(())
    }
}
