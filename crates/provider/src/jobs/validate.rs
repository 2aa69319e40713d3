//! What validation checks of a job's files: names, sizes, counts, and that each line is a JSON object with a `modelInput`.
//!
//! It does not look into `modelInput`: a body that the model refuses becomes an error line of a completed job.
// AWS, "Batch inference job statuses" and "Format and upload your batch inference data", read 2026-11-23.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

/// The quotas that a job is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in a job, at least.
    pub records_min: u64,
    /// Records in a job, at most.
    pub records_max: u64,
    /// Records in a file, at most.
    pub file_records_max: u64,
    /// Bytes in a file, at most.
    pub file_bytes_max: u64,
    /// Bytes in a job, at most.
    pub job_bytes_max: u64,
    /// One bad line fails the job.
    pub bad_line_fails: bool,
    /// The same `recordId` twice fails the job.
    pub duplicates_fail: bool,
}

/// A line of an input file. Other members are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "recordId", default)]
    record_id: Option<serde_json::Value>,
    #[serde(rename = "modelInput", borrow)]
    model_input: Option<&'a RawValue>,
}

/// The check of a whole job, file by file.
#[derive(Debug)]
pub struct JobCheck {
    limits: Limits,
    records: u64,
    bytes: u64,
    ids: HashSet<u64>,
}

impl JobCheck {
    /// Nothing seen yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, records: 0, bytes: 0, ids: HashSet::new() }
    }

    /// Begins a file.
    ///
    /// # Errors
    /// The message of a failed job.
    pub fn file<'a>(&'a mut self, key: &'a str, bytes: u64) -> Result<FileCheck<'a>, String> {
        if bytes > self.limits.file_bytes_max {
            return Err(format!(
                "Batch job contains file {key} of {bytes} bytes, which is more than the allowed maximum of: {} bytes",
                self.limits.file_bytes_max
            ));
        }
        self.bytes += bytes;
        if self.bytes > self.limits.job_bytes_max {
            return Err(format!("Batch job contains more than the allowed maximum of: {} bytes", self.limits.job_bytes_max));
        }
        Ok(FileCheck { job: self, key, line: 0, records: 0 })
    }

    /// After the last file: the number of records.
    ///
    /// # Errors
    /// The message of a failed job.
    // The text of the minimum is quoted by users' logs; those of the maxima are shaped after it. Read 2026-11-23.
    pub fn finish(self) -> Result<u64, String> {
        let (n, limits) = (self.records, self.limits);
        if n < limits.records_min {
            return Err(format!("Batch job contains less records ({n}) than the required minimum of: {}", limits.records_min));
        }
        if n > limits.records_max {
            return Err(format!("Batch job contains more records ({n}) than the allowed maximum of: {}", limits.records_max));
        }
        Ok(n)
    }
}

/// The check of one file, line by line.
#[derive(Debug)]
pub struct FileCheck<'a> {
    job: &'a mut JobCheck,
    key: &'a str,
    line: u64,
    records: u64,
}

impl FileCheck<'_> {
    /// Takes the next line, without its end. Blank lines count as nothing.
    ///
    /// # Errors
    /// The message of a failed job; it names file and line and shows no content.
    pub fn line(&mut self, line: &[u8]) -> Result<(), String> {
        self.line += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let bad = |what: &str| format!("Invalid JSONL in file {} at line {}: {what}", self.key, self.line);
        let problem = match serde_json::from_slice::<Line<'_>>(line) {
            Err(_) if line.starts_with(b"\xef\xbb\xbf") => Some(bad("the file begins with a byte order mark")),
            Err(_) => Some(bad("not a JSON object")),
            Ok(Line { model_input: None, .. }) => Some(bad("modelInput is missing")),
            Ok(Line { model_input: Some(input), .. }) if !input.get().starts_with('{') => {
                Some(bad("modelInput is not a JSON object"))
            }
            Ok(Line { record_id: Some(id), .. }) if !id.is_string() => Some(bad("recordId is not a string")),
            Ok(Line { record_id: Some(id), .. }) if self.job.limits.duplicates_fail => {
                let new = self.job.ids.insert(xxh3_64(id.as_str().unwrap_or_default().as_bytes()));
                (!new).then(|| bad("recordId occurs twice"))
            }
            Ok(_) => None,
        };
        if let Some(problem) = problem
            && self.job.limits.bad_line_fails
        {
            return Err(problem);
        }
        self.records += 1;
        self.job.records += 1;
        if self.records > self.job.limits.file_records_max {
            return Err(format!(
                "Batch job contains file {} with more records than the allowed maximum of: {}",
                self.key, self.job.limits.file_records_max
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        records_min: 2,
        records_max: 3,
        file_records_max: 3,
        file_bytes_max: 1_000,
        job_bytes_max: 1_500,
        bad_line_fails: true,
        duplicates_fail: true,
    };

    fn check(lines: &[&str]) -> Result<u64, String> {
        let mut job = JobCheck::new(LIMITS);
        let mut file = job.file("a.jsonl", 10)?;
        lines.iter().try_for_each(|line| file.line(line.as_bytes()))?;
        job.finish()
    }

    #[test]
    fn what_breaks_a_file_is_named_with_its_line() {
        let good = r#"{"recordId":"a","modelInput":{"x":1}}"#;
        let other = r#"{"modelInput":{},"more":1}"#;
        assert_eq!(check(&[good, "", other, "  "]), Ok(2));
        assert_eq!(check(&[good]), Err("Batch job contains less records (1) than the required minimum of: 2".to_owned()));
        for (line, word) in [
            ("[1]", "not a JSON object"),
            ("{\"modelInput\":{}", "not a JSON object"),
            ("{\"recordId\":\"b\"}", "modelInput is missing"),
            ("{\"modelInput\":[]}", "modelInput is not"),
            ("{\"recordId\":5,\"modelInput\":{}}", "recordId is not"),
            (good, "twice"),
            ("\u{feff}{\"modelInput\":{}}", "byte order mark"),
        ] {
            let message = check(&[good, line]).expect_err(line);
            assert!(message.contains(word) && message.contains("at line 2"), "{message}");
        }
        assert!(check(&[good, other, other, other]).expect_err("four").contains("maximum"));
    }

    #[test]
    fn sizes_are_held_against_their_quotas() {
        let mut job = JobCheck::new(LIMITS);
        assert!(job.file("a.jsonl", 1_001).expect_err("large").contains("1001 bytes"));
        assert!(job.file("b.jsonl", 900).is_ok());
        assert!(job.file("c.jsonl", 900).expect_err("job too large").contains("1500"));
    }
}
