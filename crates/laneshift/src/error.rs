//! Errors that reach a user: a code to look up, a message, a hint that can be typed, an exit code.
//! Every code stands in `docs/errors.md`.

use std::path::PathBuf;

use laneshift_batch::BadLine;
use serde_json::{Value, json};
use thiserror::Error;

/// What can go wrong on the way to an answer.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("find {0}: no such file, folder or match")]
    NotFound(String),
    #[error("find evidence in {0}: no invocation log and no bill there")]
    NoEvidence(String),
    #[error("read the evidence: {0}")]
    Evidence(String),
    #[error("read a data file: {0}")]
    Data(String),
    #[error("price {0}: the catalogue has no such price")]
    NoPrice(String),
    #[error("load the price catalogue: {0}")]
    Catalog(String),
    #[error("reach the object store for {uri}: {reason}")]
    ObjectStore { uri: String, reason: String },
    #[error("write {path}: {reason}")]
    Write { path: PathBuf, reason: String },
    #[error("finish: stopped by the user; what was read is kept in {0}")]
    Interrupted(PathBuf),
    #[error("explain {asked}: the plan has no such workload")]
    UnknownWorkload { asked: String, known: Vec<String> },
    #[error("find the model {asked} in the price catalogue")]
    UnknownModel { asked: String, near: Vec<String> },
    #[error("read the bill {0}: FOCUS exports are not read")]
    Focus(String),
    #[error("draw the report: {0}")]
    Report(String),
    #[error("{0}")]
    Batch(String),
    #[error("accept {text}")]
    Input { text: String, lines: Vec<BadLine>, count: u64 },
    #[error("accept it: {what}")]
    Refused { what: String, hint: String },
    #[error("go ahead: the answer was no, and nothing was accepted")]
    Declined,
    #[error("find {0}")]
    NoSuch(String),
    #[error("use the queue in {0}: another laneshift works in it")]
    Busy(PathBuf),
    #[error("create jobs: {0}")]
    Held(String),
    #[error("deliver the answers to {path}: {reason}")]
    Deliver { path: PathBuf, reason: String },
    #[error("answer {records} requests of {id}: the file of errors says why")]
    Unanswered { id: String, records: u64 },
    #[error("find everything that a run needs: {0} checks say that something is missing")]
    Unready(usize),
    #[error("wait for {0}: detached by the user; AWS goes on")]
    Detached(String),
    #[error("emulate: {0}")]
    Emulator(String),
    #[error("run the demo: {0}")]
    Demo(String),
    #[error("simulate: {0}")]
    Simulation(String),
    #[error("find the key {0}, or it is revoked already")]
    NoKey(String),
    #[error("serve: {0}")]
    Gateway(String),
    #[error("prove the saving: {}", .0.join("; "))]
    Unproven(Vec<String>),
    #[error("understand {what}: {reason}")]
    Argument { what: String, reason: String },
}

impl Error {
    /// The code under which `docs/errors.md` explains it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "LS0001",
            Self::NoEvidence(_) => "LS0002",
            Self::Evidence(_) => "LS0003",
            Self::Data(_) => "LS0004",
            Self::NoPrice(_) => "LS0005",
            Self::Catalog(_) => "LS0006",
            Self::ObjectStore { .. } => "LS0007",
            Self::Write { .. } => "LS0008",
            Self::Interrupted(_) => "LS0009",
            Self::UnknownWorkload { .. } => "LS0010",
            Self::UnknownModel { .. } => "LS0011",
            Self::Focus(_) => "LS0012",
            Self::Report(_) => "LS0013",
            Self::Argument { .. } => "LS0014",
            Self::Emulator(_) => "LS0015",
            Self::Batch(_) => "LS0016",
            Self::Detached(_) => "LS0017",
            Self::Unanswered { .. } => "LS0018",
            Self::Unready(_) => "LS0019",
            Self::Input { .. } => "LS0020",
            Self::Refused { .. } => "LS0021",
            Self::Declined => "LS0022",
            Self::NoSuch(_) => "LS0023",
            Self::Busy(_) => "LS0024",
            Self::Held(_) => "LS0025",
            Self::Deliver { .. } => "LS0026",
            Self::Gateway(_) => "LS0027",
            Self::NoKey(_) => "LS0028",
            Self::Demo(_) => "LS0029",
            Self::Unproven(_) => "LS0030",
            Self::Simulation(_) => "LS0031",
        }
    }

    /// Something that can be typed or done.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NotFound(_) => "check the path; quote globs so that the shell leaves them alone".to_owned(),
            Self::NoEvidence(_) => "give the folder that holds AWSLogs/…/BedrockModelInvocationLogs, or a CUR 2.0 export; \
                 `laneshift audit examples/acme` shows a working one"
                .to_owned(),
            Self::Evidence(_) => "see `laneshift audit --help`; a fresh --out starts from nothing".to_owned(),
            Self::Data(_) => {
                "correct the named field; the file's format stands in its header line or in docs/files.md".to_owned()
            }
            Self::NoPrice(_) => "`laneshift prices show --model <name>` lists what is known".to_owned(),
            Self::Catalog(_) => "`laneshift prices check` names the row; leave --catalog away to use the shipped one".to_owned(),
            Self::ObjectStore { .. } => {
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; for another endpoint add --s3-endpoint URL"
                    .to_owned()
            }
            Self::Write { .. } => "choose a folder that can be written with --out".to_owned(),
            Self::Interrupted(_) => "run the same command again to continue where it stopped".to_owned(),
            Self::UnknownWorkload { known, .. } => format!("known are: {}", known.join(", ")),
            Self::UnknownModel { near, .. } if near.is_empty() => "`laneshift prices show` lists all models".to_owned(),
            Self::UnknownModel { near, .. } => format!("did you mean {}?", near.join(" or ")),
            Self::Focus(_) => "export CUR 2.0 (Data Exports, standard) and give that folder".to_owned(),
            Self::Report(_) => "plan.json and policy.toml are written all the same".to_owned(),
            Self::Argument { .. } => "`--help` shows examples".to_owned(),
            Self::Batch(_) => {
                "nothing that was accepted is lost; `laneshift batch list` shows it, `laneshift batch resume` continues"
                    .to_owned()
            }
            Self::Unanswered { id, .. } => format!("`laneshift batch retry {id}` tries them again"),
            Self::Input { lines, .. } if lines.is_empty() => {
                "give a file of requests, one JSON object a line; `laneshift batch run --help` shows examples".to_owned()
            }
            Self::Input { .. } => "mend the lines that are named, and run it again; nothing of the file was accepted".to_owned(),
            Self::Refused { hint, .. } => hint.clone(),
            Self::Declined => "run it again to be asked again".to_owned(),
            Self::NoSuch(_) => "`laneshift batch list` shows what there is; --data names another queue".to_owned(),
            Self::Busy(_) => "wait for it, or stop it with Ctrl-C, which loses nothing; list, status, explain and results work \
                 beside it"
                .to_owned(),
            Self::Held(_) => "mend what AWS names (`laneshift batch doctor` says what to grant), then `laneshift batch resume`; \
                 nothing that was accepted is lost"
                .to_owned(),
            Self::Deliver { .. } => "make room or a folder there and `laneshift batch resume`, or write them elsewhere: \
                 `laneshift batch results ID --output PATH`"
                .to_owned(),
            Self::Unready(_) => "grant what the printed policies say, and ask again".to_owned(),
            Self::Detached(id) => format!("`laneshift batch resume {id}` continues"),
            Self::NoKey(_) => "`laneshift keys list` shows what there is; --data names another folder".to_owned(),
            Self::Gateway(_) => {
                "choose another folder with --data or another port with --listen; docs/gateway.md shows a configuration"
                    .to_owned()
            }
            Self::Unproven(_) => {
                "the lines that are outside of the tolerance are printed; docs/verify.md says what each reason means".to_owned()
            }
            Self::Simulation(_) => "the seed runs the same way again; docs/simulate.md says what is checked".to_owned(),
            Self::Demo(_) => "choose an empty folder with --out".to_owned(),
            Self::Emulator(_) => "choose another folder with --data or another port with --listen".to_owned(),
        }
    }

    /// For machines.
    pub(crate) fn value(&self) -> Value {
        let mut error = json!({ "code": self.code(), "message": format!("failed to {self}"), "hint": self.hint() });
        if let Self::Input { lines, count, .. } = self {
            error["lines"] = lines.iter().map(|BadLine { line, why }| json!({ "line": line, "why": why })).collect();
            error["bad_lines"] = json!(count);
        }
        json!({ "error": error })
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Unanswered { .. } | Self::Unready(_) | Self::Declined => 1,
            Self::Argument { .. } => 2,
            Self::NotFound(_)
            | Self::Input { .. }
            | Self::Refused { .. }
            | Self::NoSuch(_)
            | Self::NoKey(_)
            | Self::NoEvidence(_)
            | Self::Data(_)
            | Self::NoPrice(_)
            | Self::Catalog(_)
            | Self::UnknownWorkload { .. }
            | Self::UnknownModel { .. }
            | Self::Focus(_) => 3,
            Self::Evidence(_)
            | Self::ObjectStore { .. }
            | Self::Write { .. }
            | Self::Report(_)
            | Self::Emulator(_)
            | Self::Gateway(_)
            | Self::Demo(_)
            | Self::Simulation(_)
            | Self::Batch(_)
            | Self::Busy(_)
            | Self::Held(_)
            | Self::Deliver { .. } => 4,
            Self::Unproven(_) => 5,
            Self::Interrupted(_) | Self::Detached(_) => 130,
        }
    }
}
