//! From an input file to an accepted submission: every line is checked before one is accepted.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use laneshift_store::{NewChunk, NewSubmission, Span};
use laneshift_units::{Money, PriceMode, ProfiledModel, Timestamp, Tokens, Usage};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::chunk::Builder;
use crate::cost::Prices;
use crate::id::CHUNK_MAX;
use crate::record::{self, LINE_BYTES_MAX, Shape};

/// Bad lines that are shown; the others are counted.
const BAD_LINES_MAX: usize = 20;
/// Bytes of text a token, where nothing better is known.
const BYTES_PER_TOKEN: u64 = 4;
/// Output tokens of a record whose limit is not known.
const OUTPUT_TOKENS: u64 = 300;

/// What is asked for, kept with the submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The input file.
    pub input: PathBuf,
    /// Where the answers go.
    pub output: PathBuf,
    /// The model or profile, as AWS takes it.
    pub model: String,
    /// `InvokeModel` or `Converse`.
    pub shape: String,
    /// The role that reads and writes S3.
    pub role: String,
    /// The bucket of inputs and outputs.
    pub bucket: String,
    /// The prefix in it, without slashes at its ends.
    pub prefix: String,
}

/// A line that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub why: String,
}

/// Why a file is not accepted. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot be read, or the spool not be written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// Lines are wrong: the first of them, and how many there are.
    #[error("{} of its lines cannot be accepted", .1)]
    Lines(Vec<BadLine>, u64),
    /// It has no record.
    #[error("it has no record")]
    Empty,
}

/// What is known before anything is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens: input by bytes, output by `max_tokens` where records name it.
    pub usage: Usage,
    /// In batch; `None` when a price is not known.
    pub batch: Option<Money>,
    /// In flex, where the model has it.
    pub flex: Option<Money>,
    /// On demand.
    pub on_demand: Option<Money>,
}

/// A file whose every line can be accepted. Its chunks are written; the commit is still to come.
#[derive(Debug)]
pub struct Accepted {
    /// What to commit.
    pub submission: NewSubmission,
    /// Its chunks.
    pub chunks: Vec<NewChunk>,
    /// Its spans, in the order of the lines.
    pub spans: Vec<Span>,
    /// The shape of all its records.
    pub shape: Shape,
    /// Tokens, estimated.
    pub usage: Usage,
}

impl Accepted {
    /// What it would cost.
    pub fn estimate(&self, catalog: &laneshift_catalog::prices::Catalog, region: &str, model: &str) -> Estimate {
        let prices = Prices::new(catalog, &ProfiledModel::parse_id(model), region);
        let cost = |mode| prices.estimate(mode, &self.usage);
        Estimate {
            usage: self.usage,
            batch: cost(PriceMode::Batch),
            flex: cost(PriceMode::Flex),
            on_demand: cost(PriceMode::OnDemand),
        }
    }
}

/// Reads and checks a file, and writes its chunks into `spool`. The submission's id follows from the file's content and the
/// request, so the same command is the same submission.
///
/// # Errors
/// [`Refused`].
pub fn read_input(request: &Request, spool: &Path, deadline: Timestamp, now: Timestamp) -> Result<Accepted, Refused> {
    let io = |e: io::Error| Refused::Io(request.input.clone(), e);
    let id = submission_id(request).map_err(io)?;
    let mut file = BufReader::with_capacity(1 << 18, fs::File::open(&request.input).map_err(io)?);
    let mut filler = Filler::new(spool, &id);
    let (mut bad, mut bad_count, mut number, mut shape) = (Vec::new(), 0_u64, 0_u64, None::<Shape>);
    let mut ids = std::collections::HashMap::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = (&mut file).take(LINE_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line).map_err(io)?;
        if n == 0 {
            break;
        }
        number += 1;
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = record::read(&line).and_then(|record| {
            if *shape.get_or_insert(record.shape) != record.shape {
                return Err(format!(
                    "this record looks like {}, those before like {}; one file has one shape",
                    record.shape.name(),
                    shape.map_or("", Shape::name)
                ));
            }
            if let Some(id) = &record.id
                && let Some(first) = ids.insert(xxh3_64(id.as_bytes()), number)
            {
                return Err(format!("recordId occurs before, on line {first}"));
            }
            Ok(record)
        });
        match read {
            Ok(record) if bad_count == 0 => {
                filler.push(record, number).map_err(|e| Refused::Io(spool.to_owned(), e))?;
            }
            Ok(_) => {}
            Err(why) => {
                bad_count += 1;
                if bad.len() < BAD_LINES_MAX {
                    bad.push(BadLine { line: number, why });
                }
            }
        }
    }
    if bad_count > 0 {
        filler.discard();
        return Err(Refused::Lines(bad, bad_count));
    }
    let (chunks, spans, usage) = filler.finish(request).map_err(|e| Refused::Io(spool.to_owned(), e))?;
    let Some(shape) = shape else { return Err(Refused::Empty) };
    let mut request = request.clone();
    request.shape = shape.name().to_owned();
    let body_hash = xxh3_64(id.as_bytes());
    let records = spans.iter().map(|s| u64::from(s.records)).sum();
    let request = serde_json::to_string(&request).map_err(|e| Refused::Io(spool.to_owned(), e.into()))?;
    let chunks = chunks.into_iter().map(|mut chunk| {
        chunk.pool = format!("{}|{}", shape.name(), chunk.pool);
        chunk
    });
    let submission = NewSubmission { id, body_hash, records, request, deadline, created: now };
    Ok(Accepted { submission, chunks: chunks.collect(), spans, shape, usage })
}

/// Content, model, output and place make a submission; the deadline does not.
fn submission_id(request: &Request) -> io::Result<String> {
    let mut hash = Xxh3::new();
    let mut file = fs::File::open(&request.input)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    for part in [&request.model, &request.bucket, &request.prefix, &request.output.display().to_string()] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    Ok(format!("{:016x}", hash.digest()))
}

/// Fills chunks and writes each when it is full.
struct Filler<'a> {
    spool: &'a Path,
    id: &'a str,
    builder: Builder,
    sealed: Vec<NewChunk>,
    usage: Usage,
}

impl<'a> Filler<'a> {
    fn new(spool: &'a Path, id: &'a str) -> Self {
        Self { spool, id, builder: Builder::new(chunk_id(id, 0)), sealed: Vec::new(), usage: Usage::default() }
    }

    fn push(&mut self, record: record::Record<'_>, line: u64) -> io::Result<()> {
        self.usage.input += Tokens(record.input.len() as u64 / BYTES_PER_TOKEN);
        self.usage.output += Tokens(output_limit(record.input).map_or(OUTPUT_TOKENS, |most| most.min(OUTPUT_TOKENS)));
        self.builder.push(record.id, record.input, line);
        if self.builder.is_full() { self.seal() } else { Ok(()) }
    }

    fn seal(&mut self) -> io::Result<()> {
        let next = Builder::new(chunk_id(self.id, self.sealed.len() as u64 + 1));
        let full = std::mem::replace(&mut self.builder, next);
        let (id, records) = (full.id, full.entries.len() as u32);
        let object = format!("{id:013x}.lsc");
        let bytes = full.seal(&self.spool.join(&object))?;
        self.sealed.push(NewChunk { id, pool: String::new(), records, bytes, object });
        Ok(())
    }

    fn finish(mut self, request: &Request) -> io::Result<(Vec<NewChunk>, Vec<Span>, Usage)> {
        if !self.builder.entries.is_empty() {
            self.seal()?;
        }
        for chunk in &mut self.sealed {
            chunk.pool.clone_from(&request.model);
        }
        let spans = self.sealed.iter().map(|c| Span { chunk: c.id, first_slot: 0, records: c.records }).collect();
        Ok((self.sealed, spans, self.usage))
    }

    /// Chunks without a row were never accepted: they are garbage.
    fn discard(self) {
        for chunk in self.sealed {
            let _ = fs::remove_file(self.spool.join(chunk.object));
        }
    }
}

fn chunk_id(submission: &str, number: u64) -> u64 {
    xxh3_64(format!("{submission}/{number}").as_bytes()) % CHUNK_MAX
}

/// The most output tokens that a body names.
fn output_limit(input: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Limits {
        max_tokens: Option<u64>,
        max_completion_tokens: Option<u64>,
        max_gen_len: Option<u64>,
        #[serde(rename = "inferenceConfig")]
        inference: Option<Inference>,
        #[serde(rename = "inputText")]
        embeds: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Inference {
        #[serde(rename = "maxTokens", alias = "max_new_tokens")]
        max_tokens: Option<u64>,
    }
    let limits: Limits = serde_json::from_str(input).ok()?;
    let embedding = limits.embeds.map(|_| 0);
    let inference = limits.inference.and_then(|i| i.max_tokens);
    limits.max_tokens.or(limits.max_completion_tokens).or(limits.max_gen_len).or(inference).or(embedding)
}
