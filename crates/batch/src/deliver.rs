//! From results to the caller's file: in the order of the input, under the caller's own ids, errors in a file of their own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use laneshift_store::Submission;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::accept::Request;
use crate::engine::{Engine, EngineError};

/// How many records were answered, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

#[derive(Deserialize)]
struct Kept<'a> {
    slot: usize,
    #[serde(rename = "modelOutput", borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(rename = "modelInput", borrow)]
    model_input: &'a RawValue,
}

/// The file beside the output that holds what failed.
pub(crate) fn errors_path(output: &Path) -> PathBuf {
    let name = output.file_name().and_then(|n| n.to_str()).unwrap_or("output");
    output.with_file_name(format!("{}.errors.jsonl", name.trim_end_matches(".jsonl")))
}

impl Engine {
    /// Writes both files of a submission, whole or not at all. The same results give the same bytes.
    pub(crate) async fn deliver(&self, submission: &Submission, request: &Request) -> Result<Delivered, EngineError> {
        let (to, errors_to) = (&request.output, errors_path(&request.output));
        let failed = |e: std::io::Error| EngineError::Output(request.output.clone(), e);
        if let Some(folder) = to.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let part = |path: &Path| path.with_extension("part");
        let mut answers = BufWriter::new(File::create(part(to)).map_err(failed)?);
        let mut errors = BufWriter::new(File::create(part(&errors_to)).map_err(failed)?);
        let mut delivered = Delivered::default();
        for span in self.store.spans(&submission.new.id).await? {
            let mut kept: Vec<Option<String>> = vec![None; span.records as usize];
            for result in self.store.results(span.chunk).await? {
                let file = BufReader::new(File::open(self.folder.join(&result.object)).map_err(EngineError::Spool)?);
                for line in file.lines() {
                    let line = line.map_err(EngineError::Spool)?;
                    let slot = serde_json::from_str::<Kept<'_>>(&line)?.slot;
                    if result.winners.has(slot) && slot < kept.len() {
                        kept[slot] = Some(line);
                    }
                }
            }
            let chunk = self.chunk(span.chunk)?;
            for (slot, kept) in kept.iter().enumerate() {
                let entry = &chunk.entries[slot];
                let id = Value::from(entry.id.clone().unwrap_or_else(|| format!("line-{}", entry.line)));
                let input: Input<'_> = serde_json::from_slice(chunk.line(slot))?;
                let input = input.model_input.get();
                let read = kept.as_deref().map(serde_json::from_str::<Kept<'_>>).transpose()?;
                let written = match read {
                    Some(Kept { output: Some(output), .. }) => {
                        delivered.answered += 1;
                        writeln!(answers, "{{\"recordId\":{id},\"modelInput\":{input},\"modelOutput\":{output}}}")
                    }
                    other => {
                        delivered.failed += 1;
                        let none = "{\"errorCode\":504,\"errorMessage\":\"the record was not sent\"}";
                        let error = other.and_then(|k| k.error).map_or(none, RawValue::get);
                        writeln!(errors, "{{\"recordId\":{id},\"modelInput\":{input},\"error\":{error}}}")
                    }
                };
                written.map_err(failed)?;
            }
        }
        for (file, path) in [(answers, to.clone()), (errors, errors_to.clone())] {
            let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
            file.sync_all().map_err(failed)?;
            self.step("output written");
            fs::rename(part(&path), &path).map_err(failed)?;
        }
        if delivered.failed == 0 {
            fs::remove_file(errors_to).map_err(failed)?;
        }
        Ok(delivered)
    }
}
