//! From results to the caller's files: in the order of the input, under the caller's own ids and in the shape that came in, errors
//! in a file of their own.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use laneshift_store::{Bitmap, Chunk as Row, ResultObject, Span, Submission, SubmissionState};
use laneshift_units::Timestamp;

use crate::accept::Request;
use crate::chunk::{Chunk, Slot, input_of};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::id::record_id;
use crate::outcome::{Kept, Results};
use crate::pool::PoolSpec;
use laneshift_dialect::{Line, Outcome, write_line};

/// How many records were answered, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// With an answer.
    pub answered: u64,
    /// Of those, answers that ended at their limit of tokens: paid for, and perhaps empty.
    pub cut: u64,
    /// With an error of their own.
    pub failed: u64,
    /// Whose deadline passed.
    pub expired: u64,
    /// That were cancelled.
    pub cancelled: u64,
    /// Whose content is erased: they are in no file.
    pub erased: u64,
    /// Without a result yet: they are in no file.
    pub waiting: u64,
}

impl Delivered {
    /// All that are settled.
    pub const fn settled(&self) -> u64 {
        self.answered + self.failed + self.expired + self.cancelled + self.erased
    }
}

/// The file beside the output that holds what failed.
pub fn errors_path(output: &Path) -> PathBuf {
    let name = output.file_name().and_then(|n| n.to_str()).unwrap_or("output");
    output.with_file_name(format!("{}.errors.jsonl", name.trim_end_matches(".jsonl")))
}

/// Where a file is written before it is whole.
pub fn part_path(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("output");
    path.with_file_name(format!(".{name}.part"))
}

/// A part of a submission whose chunk is not open yet.
struct Waiting {
    /// Its first line.
    first: u64,
    span: Span,
    /// Slots that another submission answers.
    skip: Bitmap,
}

/// A chunk of a submission with everything that answers its records.
struct Source {
    span: Span,
    row: Row,
    chunk: Chunk,
    results: Vec<(ResultObject, Results, HashMap<usize, usize>)>,
    spec: PoolSpec,
    /// The next slot to be written.
    next: usize,
    /// Slots that another submission answers.
    skip: Bitmap,
}

impl Source {
    fn end(&self) -> usize {
        (self.span.first_slot + self.span.records) as usize
    }

    /// Which line of the input comes next.
    fn line(&self) -> Option<u64> {
        (self.next < self.end()).then(|| self.chunk.entries.get(self.next).map_or(0, |slot| slot.line))
    }
}

impl Engine {
    /// Writes both files of a submission to where its caller wants them.
    pub(crate) async fn deliver(&self, submission: &Submission) -> Result<Delivered, EngineError> {
        let request = Request::of(submission)?;
        let delivered = self.write_results(submission, &request.output, false).await?;
        if submission.state == SubmissionState::Open {
            let (from, to) = (SubmissionState::Open, SubmissionState::Delivered);
            self.store.move_submission(&submission.new.id, from, to).await?;
        }
        self.step("delivered");
        Ok(delivered)
    }

    /// Writes both files of a submission, whole or not at all. The same results give the same bytes. `late` also gives answers
    /// that came after their record had ended without one.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn write_results(&self, submission: &Submission, to: &Path, late: bool) -> Result<Delivered, EngineError> {
        let errors_to = errors_path(to);
        let failed = |e: std::io::Error| EngineError::Output(to.to_owned(), e);
        if let Some(folder) = to.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut answers = BufWriter::new(File::create(part_path(to)).map_err(failed)?);
        let mut errors = BufWriter::new(File::create(part_path(&errors_to)).map_err(failed)?);
        let mut delivered = Delivered::default();
        let (mut waiting, mut open): (Vec<Waiting>, Vec<Source>) = (self.sources(submission).await?, Vec::new());
        waiting.reverse();
        let created = submission.new.created;
        loop {
            open.retain(|source| source.line().is_some());
            // A chunk is opened when its first line comes: a file of many is never in memory as a whole.
            let earliest = |open: &[Source]| open.iter().filter_map(Source::line).min();
            while let Some(next) = waiting.pop_if(|next| earliest(&open).is_none_or(|line| next.first <= line)) {
                open.push(self.source(next).await?);
            }
            let Some(source) = open.iter_mut().min_by_key(|source| source.line()) else { break };
            write_next(source, &mut answers, &mut errors, &mut delivered, created, late).map_err(failed)?;
        }
        for (file, path) in [(answers, to.to_owned()), (errors, errors_to.clone())] {
            let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
            file.sync_all().map_err(failed)?;
            self.step("output written");
            fs::rename(part_path(&path), &path).map_err(failed)?;
        }
        if delivered.failed + delivered.expired + delivered.cancelled == 0 {
            fs::remove_file(errors_to).map_err(failed)?;
        }
        Ok(delivered)
    }

    /// The spans of a submission and of those whose failures it tries again, in the order of their first lines; with what others
    /// answer.
    async fn sources(&self, submission: &Submission) -> Result<Vec<Waiting>, EngineError> {
        let mut all = Vec::new();
        let mut next = Some(submission.clone());
        let mut newest = true;
        while let Some(one) = next {
            for span in self.store.spans(&one.new.id).await? {
                let row = self.store.chunk(span.chunk).await?;
                let skip = if newest { Bitmap::default() } else { row.all().without(&row.ok) };
                let index = self.index(span.chunk).await?;
                let first = index.entries.get(span.first_slot as usize).map_or(0, |slot| slot.line);
                all.push(Waiting { first, span, skip });
            }
            newest = false;
            let request = Request::of(&one)?;
            next = match request.retry_of {
                Some(id) => Some(self.store.submission(&id).await?),
                None => None,
            };
        }
        all.sort_by_key(|waiting| waiting.first);
        Ok(all)
    }

    async fn source(&self, waiting: Waiting) -> Result<Source, EngineError> {
        let Waiting { span, skip, .. } = waiting;
        let row = self.store.chunk(span.chunk).await?;
        let spec = self.spec(row.new.pool).await?;
        let mut results = Vec::new();
        for result in self.store.results(span.chunk).await? {
            let read = Results::open(&self.folder.join(&result.object)).map_err(EngineError::Spool)?;
            let at = read.entries.iter().enumerate().map(|(at, place)| (place.slot, at)).collect();
            results.push((result, read, at));
        }
        let chunk = self.chunk_object(span.chunk).await?;
        Ok(Source { span, row, chunk, results, spec, next: span.first_slot as usize, skip })
    }
}

/// Whether an answer ended at its limit of tokens.
fn is_cut(output: &str) -> bool {
    // As Claude, Converse and OpenAI say it; the bodies are written without spaces, and a false find only counts one too many.
    let signs = ["\"stop_reason\":\"max_tokens\"", "\"stopReason\":\"max_tokens\"", "\"finish_reason\":\"length\""];
    signs.iter().any(|sign| memchr::memmem::find(output.as_bytes(), sign.as_bytes()).is_some())
}

/// What a caller knows a record by.
pub(crate) fn name_of(entry: &Slot) -> String {
    entry.id.clone().unwrap_or_else(|| format!("line-{}", entry.line))
}

fn write_next(
    source: &mut Source,
    answers: &mut impl Write,
    errors: &mut impl Write,
    delivered: &mut Delivered,
    created: Timestamp,
    late: bool,
) -> std::io::Result<()> {
    let slot = source.next;
    source.next += 1;
    if source.skip.has(slot) {
        return Ok(());
    }
    if source.row.redacted.has(slot) {
        delivered.erased += 1;
        return Ok(());
    }
    if !source.row.done.has(slot) {
        delivered.waiting += 1;
        return Ok(());
    }
    let Some(entry) = source.chunk.entries.get(slot) else { return Ok(()) };
    let line = Line {
        id: name_of(entry),
        dialect: entry.dialect,
        record: record_id(source.span.chunk, slot),
        model: &source.spec.model,
        input: input_of(source.chunk.line(slot)),
        created_s: created.0.div_euclid(1_000),
    };
    let of = |(result, read, at): &(ResultObject, Results, HashMap<usize, usize>)| {
        let wanted = result.winners.has(slot) || (late && !source.row.ok.has(slot));
        at.get(&slot).filter(|_| wanted).map(|at| read.line(*at).to_vec())
    };
    let bytes = source.results.iter().find_map(of);
    let kept: Option<Kept<'_>> = bytes.as_deref().map(serde_json::from_slice).transpose()?;
    let (to, outcome): (&mut dyn Write, Outcome<'_>) = match kept {
        Some(Kept { output: Some(output), .. }) => {
            delivered.answered += 1;
            delivered.cut += u64::from(is_cut(output.get()));
            (answers, Outcome::Answered(output.get()))
        }
        _ if source.row.cancelled.has(slot) => {
            delivered.cancelled += 1;
            (errors, Outcome::Cancelled)
        }
        _ if source.row.expired.has(slot) => {
            delivered.expired += 1;
            (errors, Outcome::Expired)
        }
        other => {
            delivered.failed += 1;
            let none = "{\"errorCode\":504,\"errorMessage\":\"the record has no result yet\"}";
            let error = other.and_then(|k| k.error).map_or(none, |raw| raw.get());
            (errors, Outcome::Failed(error))
        }
    };
    write_line(to, &line, &outcome)
}
