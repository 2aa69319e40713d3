//! Computes the output of a job: every record, in an order that is not the input's.

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use laneshift_provider::answer::{Answer, Counted, Stop, write_converse, write_invoke};
use laneshift_provider::ask::Ask;
use laneshift_provider::bill::PriceList;
use laneshift_provider::cache::Cached;
use laneshift_provider::chance;
use laneshift_provider::jobs::{Answered, InvocationType, Job, Mark, Reader, RecordFaults, error_line, ok_line};
use laneshift_provider::settings::Settings;
use laneshift_provider::tokens;
use laneshift_provider::toy;
use laneshift_provider::world::usage;
use laneshift_units::{PriceMode, ProfiledModel, Region, ServiceTier, Timestamp, Tokens};

use super::input::{files, lines};
use super::spool;
use crate::emulator::Inner;

/// Output lines among which the next one is chosen.
const WINDOW_LINES: usize = 64;
/// Bytes of those lines, about.
const WINDOW_BYTES: usize = 16_000_000;
/// Marks of a job, about.
const MARKS: u64 = 1_000;

/// An output line that waits for its turn.
struct Ready {
    text: String,
    copies: usize,
    error: bool,
    usage: Option<(u64, u64, u64)>,
}

/// Writes lines and remembers how far the job has come.
struct Writer {
    out: BufWriter<File>,
    mark: Mark,
    marks: Vec<Mark>,
    every: u64,
    window: Vec<Ready>,
    waiting_bytes: usize,
    seed: u64,
}

impl Writer {
    fn push(&mut self, ready: Ready) -> std::io::Result<()> {
        self.waiting_bytes += ready.text.len();
        self.window.push(ready);
        while self.window.len() > WINDOW_LINES || self.waiting_bytes > WINDOW_BYTES && self.window.len() > 1 {
            self.emit()?;
        }
        Ok(())
    }

    fn emit(&mut self) -> std::io::Result<()> {
        let pick = chance::draw(self.seed ^ self.mark.records, "order") % self.window.len() as u64;
        let ready = self.window.swap_remove(pick as usize);
        self.waiting_bytes -= ready.text.len();
        for _ in 0..ready.copies {
            self.out.write_all(ready.text.as_bytes())?;
            self.mark.bytes += ready.text.len() as u64;
        }
        self.mark.records += 1;
        self.mark.errors += u64::from(ready.error);
        if let Some((context, input, output)) = ready.usage {
            match self.mark.usage.iter_mut().find(|(tier, _, _)| *tier == context) {
                Some((_, i, o)) => (*i, *o) = (*i + input, *o + output),
                None => self.mark.usage.push((context, input, output)),
            }
        }
        if self.mark.records.is_multiple_of(self.every) {
            self.marks.push(self.mark.clone());
        }
        Ok(())
    }

    fn end_file(&mut self) -> std::io::Result<()> {
        while !self.window.is_empty() {
            self.emit()?;
        }
        self.out.flush()?;
        // So that a cut at the end of a file knows that file as whole.
        if self.marks.last() != Some(&self.mark) {
            self.marks.push(self.mark.clone());
        }
        Ok(())
    }
}

/// Why a run gave no marks.
pub(crate) enum Unrun {
    /// The job fails with this message.
    Failed(String),
    /// The emulator ends: what was computed is computed again at the next start.
    Ending,
}

impl From<String> for Unrun {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

/// Computes all records of a job and gives its marks.
///
/// # Errors
/// [`Unrun`].
pub(crate) fn run(inner: &Inner, job: &Job, settings: &Settings) -> Result<Vec<Mark>, Unrun> {
    let disk = |e: std::io::Error| format!("The output could not be written: {e}");
    let runner = Runner::new(inner, job, settings)?;
    fs::create_dir_all(spool::folder(inner, &job.id)).map_err(disk)?;
    let every = (job.records / MARKS).max(1);
    let mut mark = Mark::default();
    let mut marks = vec![mark.clone()];
    let mut index = 0;
    let inputs = files(inner, job)?;
    let names: Vec<&str> = inputs.iter().map(|file| &*file.name).collect();
    spool::write_names(inner, &job.id, &names).map_err(disk)?;
    for (number, file) in inputs.iter().enumerate() {
        (mark.file, mark.bytes) = (number, 0);
        let out = BufWriter::with_capacity(1 << 18, File::create(spool::file(inner, &job.id, number)).map_err(disk)?);
        let mut writer = Writer { out, mark, marks, every, window: Vec::new(), waiting_bytes: 0, seed: job.seed };
        let mut batch: Vec<(u64, Vec<u8>)> = Vec::new();
        lines(&file.path, |line| {
            if line.iter().all(u8::is_ascii_whitespace) {
                return Ok(());
            }
            batch.push((index, line.to_vec()));
            index += 1;
            if batch.len() < runner.width {
                return Ok(());
            }
            runner.answer(&mut batch)?.into_iter().try_for_each(|ready| writer.push(ready)).map_err(disk).map_err(Unrun::Failed)
        })?;
        runner.answer(&mut batch)?.into_iter().try_for_each(|ready| writer.push(ready)).map_err(disk)?;
        writer.end_file().map_err(disk)?;
        (mark, marks) = (writer.mark, writer.marks);
    }
    Ok(marks)
}

/// What a record needs to become a line.
struct Runner<'a> {
    inner: &'a Inner,
    reader: Reader<'a>,
    model: ProfiledModel,
    region: Region,
    charge_failed: bool,
    at: Timestamp,
    /// Records that are answered at a time.
    width: usize,
}

impl<'a> Runner<'a> {
    fn new(inner: &'a Inner, job: &Job, settings: &Settings) -> Result<Self, String> {
        let reader = Reader {
            model: job.base_model().ok_or("The model is no longer there.")?,
            shape: job.request.model_invocation_type,
            tools_in_invoke: settings.switches.tools_in_invoke_batch,
            seed: job.seed,
            faults: RecordFaults::of(job),
        };
        Ok(Self {
            inner,
            reader,
            model: job.model.clone(),
            region: Region::new(&job.region),
            charge_failed: settings.switches.charge_failed_records,
            at: job.began.unwrap_or(job.submitted),
            width: inner.upstream.as_ref().map_or(1, |u| u.width()),
        })
    }

    /// Answers the records of a batch and empties it, unless the emulator ends. An upstream is asked for all of them at once.
    fn answer(&self, batch: &mut Vec<(u64, Vec<u8>)>) -> Result<Vec<Ready>, Unrun> {
        let read: Vec<(u64, Answered<'_>)> = batch.iter().map(|(i, line)| (*i, self.reader.read(line, *i))).collect();
        let answers: Vec<Option<Result<Answer, String>>> = match &self.inner.upstream {
            None => read
                .iter()
                .map(|(_, record)| record.ask.as_ref().ok().map(|ask| Ok(toy::answer(self.reader.model, ask))))
                .collect(),
            Some(upstream) => {
                let asks = read.iter().map(|(_, record)| record.ask.as_ref().ok());
                upstream.answer_all(self.reader.model, asks, &self.inner.ending)
            }
        };
        // Answers that came to this may be failures of the end itself.
        if *self.inner.ending.borrow() {
            return Err(Unrun::Ending);
        }
        let ready = read.iter().zip(answers).map(|((i, record), answer)| self.line(*i, record, answer)).collect();
        batch.clear();
        Ok(ready)
    }

    fn line(&self, index: u64, record: &Answered<'_>, answer: Option<Result<Answer, String>>) -> Ready {
        let copies = self.reader.faults.copies(self.reader.seed, index);
        let failed = |code: u16, message: &str, input: u64| Ready {
            text: error_line(&record.record_id, record.input, code, message, record.inner_error),
            copies,
            error: true,
            usage: self.charge_failed.then(|| (self.context(input), input, 0)),
        };
        let ask = match &record.ask {
            Ok(ask) => ask,
            // Nobody read it as a prompt, so its text is counted as it stands.
            Err((code, message)) => return failed(*code, message, tokens::of_text(record.input)),
        };
        let answer = match answer {
            Some(Ok(answer)) if self.reader.faults.empties(self.reader.seed, index) => emptied(ask, answer),
            Some(Ok(answer)) => answer,
            Some(Err(message)) => return failed(500, &message, ask.input_tokens()),
            None => return failed(500, "The record was not answered.", ask.input_tokens()),
        };
        let output = self.write(index, ask, &answer);
        let (input, output_tokens) = (ask.input_tokens(), answer.output_tokens);
        Ready {
            text: ok_line(&record.record_id, record.input, &output),
            copies,
            error: false,
            usage: Some((self.context(input), input, output_tokens)),
        }
    }

    /// Caching does not work in batch: all input is uncached.
    fn write(&self, index: u64, ask: &Ask, answer: &Answer) -> serde_json::Value {
        let request_id = chance::uuid(self.reader.seed ^ index, "record");
        let counted = Counted {
            usage: usage(ask, &Cached::default(), answer),
            tier: ServiceTier::Default,
            latency_optimized: false,
            total_includes_cache: true,
            latency_ms: 400 + answer.output_tokens * 10,
            first_byte_ms: 400,
            request_id: &request_id,
            at: self.at,
        };
        match self.reader.shape {
            InvocationType::Converse => write_converse(answer, &counted),
            InvocationType::InvokeModel => write_invoke(self.reader.model, ask, answer, &counted),
        }
    }

    fn context(&self, input: u64) -> u64 {
        PriceList::shipped().context_tier(&self.model.model, &self.model.profile, &self.region, PriceMode::Batch, Tokens(input)).0
    }
}

/// Nothing was said and all of `max_tokens` is billed (story F11).
fn emptied(ask: &Ask, answer: Answer) -> Answer {
    Answer { content: Vec::new(), stop: Stop::MaxTokens, output_tokens: ask.max_tokens, ..answer }
}
