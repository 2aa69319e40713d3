//! The tree of invocation logs, laid out and compressed as AWS delivers it to a bucket.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use laneshift_units::{AccountId, Region, Timestamp};

use crate::chance::Chance;
use crate::company::{Bodies, Company};
use crate::events::{Event, EventDays};
use crate::record::{self, Line, Moved};
use crate::written::Written;

/// How logs are written.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Which bodies they carry.
    pub bodies: Bodies,
    /// Hours of one account and region that share a file: 1, 2, 3, 4, 6, 8, 12 or 24. The file lies in the first hour's folder.
    pub hours_per_file: u32,
    /// Records of a file, at most.
    pub records_per_file_max: usize,
    /// Bytes of a file before compression, at most (the last record may pass it).
    pub file_bytes_max: usize,
    /// Deflate level, 1 to 9.
    pub level: u32,
    /// Whether to add what real trees hold besides records: arrays of records, two malformed lines, moved bodies.
    pub dirt: bool,
}

impl LogOptions {
    /// For an example that ships: few files, short bodies, dirt.
    pub const fn example() -> Self {
        Self {
            bodies: Bodies::Sampled,
            hours_per_file: 12,
            records_per_file_max: 5_000,
            file_bytes_max: 8_000_000,
            level: 9,
            dirt: true,
        }
    }

    /// For benchmarks: files as AWS cuts them, no dirt.
    pub const fn bench(bodies: Bodies) -> Self {
        Self { bodies, hours_per_file: 1, records_per_file_max: 1_500, file_bytes_max: 4_000_000, level: 6, dirt: false }
    }
}

/// Days, counted from the first, whose first file holds a malformed line.
const MALFORMED_DAYS: [usize; 2] = [6, 17];
/// In an untidy tree, one file in this many holds an array of three records on one line.
const ARRAY_ONE_FILE_IN: u64 = 5;
const ARRAY_RECORDS: usize = 3;

/// Writes the logs of a company under `out`, which becomes what a bucket holds.
///
/// # Errors
/// What the file system says.
pub fn write_logs(company: &Company, out: &Path, options: &LogOptions) -> io::Result<Written> {
    assert!(options.hours_per_file > 0 && 24 % options.hours_per_file == 0, "files divide a day evenly");
    let mut written = Written::default();
    for (number, events) in EventDays::new(company).enumerate() {
        let mut malformed = options.dirt && MALFORMED_DAYS.contains(&number);
        for (place, events) in by_place(company, &events, options.hours_per_file) {
            let mut rest = events.as_slice();
            while !rest.is_empty() {
                let mut file = Batch::new(company, &place, rest[0]);
                let taken = file.fill(company, rest, options);
                rest = &rest[taken..];
                file.write(out, options, std::mem::take(&mut malformed), &mut written)?;
            }
        }
    }
    Ok(written)
}

/// Records that are rendered to learn how long one is.
const MEASURED_RECORDS: u64 = 2_000;

/// The same mix with as many records as fill about `raw_bytes` of log before compression.
#[must_use]
pub fn with_raw_bytes(company: Company, raw_bytes: u64, bodies: Bodies) -> Company {
    let sample = company.clone().with_records(MEASURED_RECORDS);
    let (mut records, mut bytes) = (0, 0);
    for event in EventDays::new(&sample).flatten() {
        records += 1;
        bytes += record::line(&sample, &event, bodies, "", false).json.len() as u64 + 1;
    }
    company.with_records((raw_bytes * records).checked_div(bytes).unwrap_or(0))
}

type Place = (AccountId, Region, i64);

/// Events by account, region and the first hour of their file, in order of time.
fn by_place<'e>(company: &Company, events: &'e [Event], hours_per_file: u32) -> BTreeMap<Place, Vec<&'e Event>> {
    let mut places: BTreeMap<Place, Vec<&Event>> = BTreeMap::new();
    for event in events {
        let workload = event.workload_of(company);
        let hour = Timestamp(event.at_ms).hour_index();
        let first_hour = hour - hour.rem_euclid(24).rem_euclid(i64::from(hours_per_file));
        places.entry((workload.account.clone(), workload.region.clone(), first_hour)).or_default().push(event);
    }
    places
}

/// The key prefix of an hour's objects.
pub(crate) fn hour_folder(account: &AccountId, region: &Region, hour_index: i64) -> String {
    let at = Timestamp(hour_index * 3_600_000);
    let (year, month, day) = at.civil_date();
    let hour = hour_index.rem_euclid(24);
    format!("AWSLogs/{account}/BedrockModelInvocationLogs/{region}/{year:04}/{month:02}/{day:02}/{hour:02}")
}

/// One file in the making.
struct Batch {
    folder: String,
    name: String,
    /// Follows from the first event; decides the name and what is untidy.
    seed: u64,
    lines: Vec<String>,
    moved: Vec<Moved>,
}

impl Batch {
    fn new(company: &Company, (account, region, hour): &Place, first: &Event) -> Self {
        let seed = Chance::of(company.seed, &[first.id]).next();
        Self {
            folder: hour_folder(account, region, *hour),
            name: file_name(first.at_ms, seed),
            seed,
            lines: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Takes events until the file is full; says how many.
    fn fill(&mut self, company: &Company, events: &[&Event], options: &LogOptions) -> usize {
        let mut bytes = 0;
        for event in events.iter().take(options.records_per_file_max) {
            if bytes >= options.file_bytes_max {
                break;
            }
            let Line { json, moved } = record::line(company, event, options.bodies, &self.folder, options.dirt);
            bytes += json.len() + 1;
            self.lines.push(json);
            self.moved.extend(moved);
        }
        self.lines.len()
    }

    fn write(self, out: &Path, options: &LogOptions, malformed: bool, written: &mut Written) -> io::Result<()> {
        let folder = out.join(&self.folder);
        fs::create_dir_all(&folder)?;
        written.records += self.lines.len() as u64;
        let mut text = String::with_capacity(self.lines.iter().map(|l| l.len() + 2).sum());
        let mut lines = self.lines.as_slice();
        if options.dirt && self.seed.is_multiple_of(ARRAY_ONE_FILE_IN) && lines.len() > ARRAY_RECORDS {
            text.push_str(&format!("[{}]\n", lines[..ARRAY_RECORDS].join(",")));
            lines = &lines[ARRAY_RECORDS..];
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        if malformed {
            // A copy of a record that was cut short; the record itself is whole.
            let cut = lines.first().map_or("{", |line| &line[..line.len() / 3]);
            text.push_str(cut);
            text.push('\n');
            written.malformed_lines += 1;
        }
        written.files += 1;
        written.raw_bytes += text.len() as u64;
        written.gz_bytes += write_gz(&folder.join(&self.name), text.as_bytes(), options.level)?;
        if !self.moved.is_empty() {
            fs::create_dir_all(folder.join("data"))?;
        }
        for Moved { request_id, body } in self.moved {
            write_gz(&folder.join("data").join(format!("{request_id}_input.json.gz")), body.as_bytes(), options.level)?;
            written.moved_bodies += 1;
        }
        Ok(())
    }
}

/// `20261001T093000123Z_0123456789abcdef.json.gz`.
pub(crate) fn file_name(at_ms: i64, seed: u64) -> String {
    let second = Timestamp(at_ms).to_string().replace(['-', ':', 'Z'], "");
    format!("{second}{:03}Z_{seed:016x}.json.gz", at_ms.rem_euclid(1000))
}

/// Writes a gzip file without a name or a time in its header; says its size.
pub(crate) fn write_gz(path: &Path, bytes: &[u8], level: u32) -> io::Result<u64> {
    let mut gz = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(level));
    gz.write_all(bytes)?;
    let packed = gz.finish()?;
    File::create(path)?.write_all(&packed)?;
    Ok(packed.len() as u64)
}
