//! From an input file to a submission: every line is checked before one is accepted.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_dialect::LINE_BYTES_MAX;
use laneshift_store::{Charge, ChunkId, NewChunk, NewSubmission, PoolId, Promise, Span, Submission};
use laneshift_units::{Money, PriceMode, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use super::{PoolEstimate, usage};
use crate::chunk::{Builder, NewSlot};
use crate::cost::{Prices, most_of};
use crate::decide::Terms;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::id::PublicIds;
use crate::pool::PoolSpec;

/// Bad lines that are named; the others are counted.
const BAD_LINES_MAX: usize = 10_000;
/// Pools of one file, at most.
const POOLS_MAX: usize = 64;

/// Where jobs run, where their files lie, and which lanes may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The region of the jobs.
    pub region: String,
    /// The role that Bedrock assumes to read and write S3.
    pub role: String,
    /// The bucket of inputs and outputs.
    pub bucket: String,
    /// The prefix in it, without slashes at its ends.
    pub prefix: String,
    /// How the lanes may be used.
    #[serde(default)]
    pub terms: Terms,
}

/// What is asked for, kept with the submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The input file.
    pub input: PathBuf,
    /// Where the answers go.
    pub output: PathBuf,
    /// The model or profile for all records; without it each names its own.
    pub model: Option<String>,
    /// Where the jobs run.
    pub place: Place,
    /// A hash of what the input held.
    #[serde(default)]
    pub content: u64,
    /// The submission whose failures this one tries again; its answers are delivered with these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
}

impl Request {
    /// What was asked for with a submission.
    ///
    /// # Errors
    /// [`EngineError::Json`].
    pub fn of(submission: &Submission) -> Result<Self, EngineError> {
        Ok(serde_json::from_str(&submission.new.request)?)
    }
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

/// A submission whose every line can be accepted. Its chunks are written; the commit is still to come.
#[derive(Debug)]
pub struct Accepted {
    /// What to commit.
    pub submission: NewSubmission,
    /// Its chunks; their pools are named by [`Accepted::pools`] until they are committed.
    pub(crate) chunks: Vec<NewChunk>,
    /// Its spans, in the order of their first lines.
    pub(crate) spans: Vec<Span>,
    /// Its pools, in the order in which they came: a chunk's pool is the place in this list.
    pub(crate) pools: Vec<PoolSpec>,
    /// The most that the records of each chunk can use.
    pub(crate) most: Vec<Usage>,
    /// Who pays for its chunks.
    pub(crate) charges: Vec<Charge>,
    /// What its records are for, where somebody says.
    pub(crate) workload: Option<String>,
}

impl Accepted {
    /// Bytes of its chunks.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }

    /// Says what its records are for.
    #[must_use]
    pub fn of_workload(self, workload: Option<String>) -> Self {
        Self { workload, ..self }
    }

    /// The models that its lines name, as AWS takes them.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().map(|pool| &*pool.model)
    }

    /// Says who pays for it, and gives the most that it can cost: all of it called on demand, each record to its limit. `None`
    /// where a price is not known: then nobody pays yet.
    pub fn paid_by(&mut self, payer: &str, catalog: &Catalog) -> Option<Money> {
        let prices: Vec<Prices> = self.pools.iter().map(|spec| Prices::new(catalog, &spec.profiled(), &spec.region)).collect();
        let chunks = self.chunks.iter().zip(&self.most);
        let charge = |(chunk, most): (&NewChunk, &Usage)| {
            let most = prices.get(chunk.pool.0 as usize)?.estimate(PriceMode::OnDemand, most, 1)?;
            Some(Charge { chunk: chunk.id, payer: payer.to_owned(), at: chunk.created, most })
        };
        self.charges = chunks.map(charge).collect::<Option<_>>()?;
        Some(self.charges.iter().map(|charge| charge.most).sum())
    }

    /// What it would cost in each lane, by pool.
    pub fn estimate(&self, catalog: &Catalog, capabilities: &Capabilities) -> Vec<PoolEstimate> {
        let pool = |(at, spec): (usize, &PoolSpec)| {
            let chunks = self.chunks.iter().filter(|chunk| chunk.pool.0 == at as u64);
            let (records, usage) = chunks.fold((0, Usage::default()), |(n, sum), c| (n + u64::from(c.records), sum + c.usage));
            PoolEstimate::of(spec, records, usage, catalog, capabilities)
        };
        self.pools.iter().enumerate().map(pool).collect()
    }

    /// Takes back what was written: nothing was accepted.
    pub fn discard(self, folder: &Path) {
        for object in self.chunks.into_iter().filter_map(|chunk| chunk.object) {
            let _ = fs::remove_file(folder.join(object));
        }
    }
}

impl Engine {
    /// Reads and checks what `source` holds, and writes its chunks into the queue's folder.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read_input(
        &self,
        request: &Request,
        (id, source): (&str, &Path),
        owner: &str,
        deadline: Timestamp,
    ) -> Result<Accepted, Refused> {
        let folder = &*self.folder;
        let io = |e: io::Error| Refused::Io(request.input.clone(), e);
        let mut file = BufReader::with_capacity(1 << 18, fs::File::open(source).map_err(io)?);
        let mut filler = self.filler(id, deadline);
        let mut check = Check::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let n = (&mut file).take(LINE_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line).map_err(io)?;
            if n == 0 {
                break;
            }
            if line.len() > LINE_BYTES_MAX && line.last() != Some(&b'\n') {
                skip_line(&mut file).map_err(io)?;
                check.number += 1;
                check.bad(format!("the line has more than {LINE_BYTES_MAX} bytes; a record has at most that"));
                continue;
            }
            while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
                line.pop();
            }
            if let Some(record) = check.line(&line, request.model.as_deref()) {
                let spec = pool_of(&record, &request.place, owner);
                if let Err(e) = filler.push(spec, &record, check.number) {
                    filler.discard();
                    return Err(Refused::Io(folder.to_owned(), e));
                }
                if filler.pools.len() > POOLS_MAX {
                    check.bad(format!("this is the file's {}th model; a file has at most {POOLS_MAX}", filler.pools.len()));
                }
            }
        }
        if check.bad_count > 0 {
            filler.discard();
            return Err(Refused::Lines(check.bad, check.bad_count));
        }
        let request = serde_json::to_string(request).map_err(|e| Refused::Io(folder.to_owned(), e.into()))?;
        filler.finish(owner, request).map_err(|e| Refused::Io(folder.to_owned(), e))?.ok_or(Refused::Empty)
    }

    /// What fills the chunks of a submission.
    pub(crate) fn filler<'a>(&'a self, id: &'a str, deadline: Timestamp) -> Filler<'a> {
        let (pools, open, sealed) = Default::default();
        Filler { folder: &self.folder, ids: &self.ids, id, deadline, now: self.now(), pools, open, sealed, begun: 0 }
    }
}

/// Goes to the end of a line without keeping it.
fn skip_line(file: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = file.fill_buf()?;
        let end = memchr::memchr(b'\n', bytes);
        let n = end.map_or(bytes.len(), |end| end + 1);
        file.consume(n);
        if end.is_some() || n == 0 {
            return Ok(());
        }
    }
}

/// Checks lines, and keeps what is wrong with them.
#[derive(Default)]
struct Check {
    number: u64,
    ids: HashMap<u64, u64>,
    bad: Vec<BadLine>,
    bad_count: u64,
}

impl Check {
    /// A line's record; `None` for an empty line, for a bad one, and for all after a bad one.
    fn line<'a>(&mut self, line: &'a [u8], model: Option<&'a str>) -> Option<laneshift_dialect::Request<'a>> {
        self.number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        match laneshift_dialect::read(line, model) {
            Ok(record) => {
                let first = record.id.as_ref().and_then(|id| self.ids.insert(xxh3_64(id.as_bytes()), self.number));
                match first {
                    Some(first) => self.bad(format!("its id occurs before, on line {first}; every record needs its own")),
                    None if self.bad_count == 0 => return Some(record),
                    None => {}
                }
            }
            Err(why) => self.bad(why),
        }
        None
    }

    fn bad(&mut self, why: String) {
        self.bad_count += 1;
        if self.bad.len() < BAD_LINES_MAX {
            self.bad.push(BadLine { line: self.number, why });
        }
    }
}

/// The pool of a record.
pub(crate) fn pool_of(record: &laneshift_dialect::Request<'_>, place: &Place, owner: &str) -> PoolSpec {
    PoolSpec {
        model: record.model.clone().into_owned(),
        shape: record.shape.name().to_owned(),
        owner: owner.to_owned(),
        region: place.region.clone(),
        role: place.role.clone(),
        bucket: place.bucket.clone(),
        prefix: place.prefix.clone(),
        terms: place.terms.clone(),
    }
}

/// The id of the submission that a request makes of what `source` holds, and a hash of that. Content, model, owner, place and
/// output make a submission, so the same command is the same one; deadline and terms do not.
///
/// # Errors
/// When the source cannot be read.
pub fn submission_id(request: &Request, source: &Path, owner: &str) -> io::Result<(String, u64)> {
    let mut hash = Xxh3::new();
    let mut file = fs::File::open(source)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    let content = hash.digest();
    let Place { region, role, bucket, prefix, terms: _ } = &request.place;
    let output = request.output.display().to_string();
    for part in [request.model.as_deref().unwrap_or(""), owner, region, role, bucket, prefix, &output] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    Ok((format!("{:016x}", hash.digest()), content))
}

/// Fills chunks, one at a time for each pool, and writes each when it is full.
pub(crate) struct Filler<'a> {
    folder: &'a Path,
    ids: &'a PublicIds,
    id: &'a str,
    deadline: Timestamp,
    now: Timestamp,
    pools: HashMap<PoolSpec, usize>,
    open: Vec<Option<Open>>,
    /// Chunks, with the lines of their first records and the most that their records can use.
    sealed: Vec<(NewChunk, u64, Usage)>,
    begun: u64,
}

/// A chunk that is being filled.
struct Open {
    builder: Builder,
    object: String,
    usage: Usage,
    /// The most that its records can use.
    most: Usage,
    /// The line of its first record.
    first: u64,
}

impl Filler<'_> {
    /// Adds a record.
    pub(crate) fn push(&mut self, spec: PoolSpec, record: &laneshift_dialect::Request<'_>, line: u64) -> io::Result<()> {
        let id = record.id.as_deref().map(str::to_owned);
        let slot = NewSlot { id, line, dialect: record.dialect, input: &record.input };
        self.push_slot(spec, slot, usage(record))
    }

    /// Adds what is to become a slot.
    pub(crate) fn push_slot(&mut self, spec: PoolSpec, slot: NewSlot<'_>, usage: Usage) -> io::Result<()> {
        let next = self.pools.len();
        let pool = *self.pools.entry(spec).or_insert(next);
        if pool == self.open.len() {
            self.open.push(None);
        }
        if self.open[pool].is_none() {
            let id = self.ids.chunk_of(self.id, self.begun);
            let object = spool_object(id);
            let builder = Builder::new(id, &self.folder.join(&object))?;
            self.open[pool] = Some(Open { builder, object, usage: Usage::default(), most: Usage::default(), first: slot.line });
            self.begun += 1;
        }
        let full = match &mut self.open[pool] {
            None => false,
            Some(open) => {
                open.usage += usage;
                open.most += most_of(slot.input, laneshift_dialect::output_limit(slot.input));
                open.builder.push(slot)?;
                open.builder.is_full()
            }
        };
        if full { self.seal(pool) } else { Ok(()) }
    }

    fn seal(&mut self, pool: usize) -> io::Result<()> {
        let Some(open) = self.open[pool].take() else { return Ok(()) };
        let Open { builder, object, usage, most, first } = open;
        let (id, records) = (builder.id, builder.records());
        let bytes = builder.seal()?;
        let pool = PoolId(pool as u64);
        let object = Some(object);
        let chunk = NewChunk { id, pool, records, bytes, usage, object, deadline: self.deadline, created: self.now };
        self.sealed.push((chunk, first, most));
        Ok(())
    }

    /// All chunks, in the order of their first lines; `None` when there is no record.
    pub(crate) fn finish(mut self, owner: &str, request: String) -> io::Result<Option<Accepted>> {
        for pool in 0..self.open.len() {
            self.seal(pool)?;
        }
        if self.sealed.is_empty() {
            return Ok(None);
        }
        self.sealed.sort_by_key(|(_, first, _)| *first);
        let (chunks, most): (Vec<NewChunk>, Vec<Usage>) = self.sealed.into_iter().map(|(chunk, _, most)| (chunk, most)).unzip();
        let spans: Vec<Span> = chunks.iter().map(|c| Span { chunk: c.id, first_slot: 0, records: c.records }).collect();
        let mut pools: Vec<(PoolSpec, usize)> = self.pools.into_iter().collect();
        pools.sort_by_key(|(_, at)| *at);
        let submission = NewSubmission {
            id: self.id.to_owned(),
            owner: owner.to_owned(),
            key: None,
            body_hash: xxh3_64(self.id.as_bytes()),
            records: spans.iter().map(|span| u64::from(span.records)).sum(),
            request,
            deadline: self.deadline,
            promise: Promise::BestEffort,
            created: self.now,
        };
        let pools = pools.into_iter().map(|(spec, _)| spec).collect();
        Ok(Some(Accepted { submission, chunks, spans, pools, most, charges: Vec::new(), workload: None }))
    }

    /// Chunks without a row were never accepted: they are garbage.
    pub(crate) fn discard(self) {
        for open in self.open.into_iter().flatten() {
            open.builder.discard();
        }
        for (chunk, ..) in self.sealed {
            let _ = chunk.object.map(|object| fs::remove_file(self.folder.join(object)));
        }
    }
}

/// Where a chunk's object lies.
pub(crate) fn spool_object(id: ChunkId) -> String {
    format!("spool/{id}.lsc")
}

/// Sixteen bytes of a text's hash.
pub(crate) fn hash16(text: &str) -> [u8; 16] {
    xxh3_128(text.as_bytes()).to_le_bytes()
}
