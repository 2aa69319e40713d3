//! Batches over the batch lane: a file in, a file out, and no minimum.
//!
//! Source: OpenAI, API reference, "Batch", read 2026-11-30. Here the window may be any length, and what a job would answer too late
//! is called on demand in time, as in every submission of the batch lane.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Response;
use laneshift_batch::{Accepted, Delivered, Engine, EngineError, Refused, Request, errors_path, submission_id};
use laneshift_dialect::is_bedrocks;
use laneshift_store::SubmissionState;
use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::files::seconds;
use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response};
use crate::keys::Key;
use crate::lanes;
use crate::later::Later;
use crate::refusal::Refusal;
use crate::shelf::fresh;

const PREFIX: &str = "batch_";
/// Bad lines that a batch names.
const ERRORS_MAX: usize = 100;
/// Batches of one page.
const PAGE: usize = 20;
const PAGE_MAX: usize = 100;

/// What is asked for.
#[derive(Deserialize)]
struct Create {
    input_file_id: String,
    endpoint: String,
    completion_window: String,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

/// What is known of a batch beside its submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Batch {
    id: String,
    /// The region of its batch lane; without one its work is in the first queue.
    region: Option<String>,
    owner: String,
    input_file_id: String,
    endpoint: String,
    completion_window: String,
    created_ms: i64,
    due_ms: i64,
    metadata: Option<Map<String, Value>>,
    output_file_id: String,
    error_file_id: String,
    /// `None` where its input was refused.
    submission: Option<String>,
    /// The queue has it. Until then its note is an intent, which a later process carries out.
    accepted: bool,
    /// Whose budget it counts in, where the key has one.
    payer: Option<String>,
    /// What it is for: as its metadata says, or else its key.
    workload: Option<String>,
    /// The client's idempotency key.
    token: Option<String>,
    errors: Vec<Value>,
    cancelled_ms: Option<i64>,
    completed_ms: Option<i64>,
}

/// What of a line says where it belongs.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    url: Option<&'a str>,
    #[serde(borrow)]
    body: Option<LineBody<'a>>,
}

#[derive(Deserialize)]
struct LineBody<'a> {
    #[serde(borrow)]
    model: Option<std::borrow::Cow<'a, str>>,
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("There is no batch {id}."))
}

fn bad_line(line: u64, message: &str) -> Value {
    json!({ "code": "invalid_request", "line": line, "message": message, "param": null })
}

impl Gateway {
    /// Makes a batch of a file: accepted when this answers, or failed with the lines that are wrong.
    pub(super) async fn create_batch(
        &self,
        Caller { key, region }: &Caller<'_>,
        token: Option<&str>,
        body: &Bytes,
    ) -> Result<Response<Body>, Refusal> {
        let asked: Create = serde_json::from_slice(body).map_err(|e| Refusal::validation(format!("The body: {e}")))?;
        if !["/v1/chat/completions", "/v1/embeddings"].contains(&&*asked.endpoint) {
            return Err(Refusal::validation("endpoint is neither /v1/chat/completions nor /v1/embeddings"));
        }
        let later = self.later_in(*region)?;
        let stays = self.live().stays_in(*region).is_some();
        let now = self.now();
        let due = lanes::read(&asked.completion_window, now).filter(|due| *due > now);
        let due = due.ok_or_else(|| Refusal::validation("completion_window is no length of time, such as 24h"))?;
        self.file(&asked.input_file_id, key)?;
        let creating = self.creating(&key.owner);
        let _one = creating.lock().await;
        let same = |batch: &Batch| token.is_some() && batch.owner == key.owner && batch.token.as_deref() == token;
        if let Some(mut batch) = self.shelf("batches").all(|batch: &Batch| batch.created_ms).into_iter().find(same) {
            let was = (&batch.input_file_id, &batch.endpoint, &batch.completion_window);
            let is_elsewhere = stays && !self.is_of(batch.region.as_deref(), later);
            if was != (&asked.input_file_id, &asked.endpoint, &asked.completion_window) || is_elsewhere {
                return Err(Refusal::conflict("The idempotency key was used for another batch."));
            }
            self.finish_batch(&mut batch).await.map_err(Refusal::failed)?;
            return Ok(json_response(&self.told(&mut batch).await?));
        }
        let mut batch = Batch {
            id: fresh(PREFIX)?,
            region: Some(later.region().to_owned()),
            owner: key.owner.clone(),
            input_file_id: asked.input_file_id,
            endpoint: asked.endpoint,
            completion_window: asked.completion_window,
            created_ms: now.0,
            due_ms: due.0,
            workload: self.rules().workload(asked.metadata.as_ref().unwrap_or(&Map::new()), key).map(str::to_owned),
            metadata: asked.metadata,
            output_file_id: fresh("file-")?,
            error_file_id: fresh("file-")?,
            submission: None,
            accepted: false,
            payer: key.budget.as_ref().map(|_| key.spends_as().to_owned()),
            token: token.map(str::to_owned),
            errors: Vec::new(),
            cancelled_ms: None,
            completed_ms: None,
        };
        match self.read_where_served(&mut batch, later, key, stays).await? {
            Err(errors) => batch.errors = errors,
            Ok((later, accepted)) => self.submit(&mut batch, later, accepted, key).await?,
        }
        self.shelf("batches").note(&batch.id, &batch).map_err(Refusal::failed)?;
        Ok(json_response(&self.told(&mut batch).await?))
    }

    /// Reads a batch in its lane. One that need not stay there, and names a model that this region does not have, goes to the first
    /// lane whose region has it.
    async fn read_where_served<'a>(
        &'a self,
        batch: &mut Batch,
        here: &'a Later,
        key: &Key,
        stays: bool,
    ) -> Result<Result<(&'a Later, Accepted), Vec<Value>>, Refusal> {
        let accepted = match self.read_batch(batch, here).await? {
            Ok(accepted) => accepted,
            Err(errors) => return Ok(Err(errors)),
        };
        let pools = accepted.estimate(self.catalog(), self.capabilities());
        if let Err(refusal) = pools.iter().try_for_each(|pool| self.may_call(key, &pool.spec.model)) {
            here.discard(vec![accepted]);
            return Err(refusal);
        }
        let Some(why) = here.engine.unknown_model(accepted.models()).await else { return Ok(Ok((here, accepted))) };
        let mut others = self.batch_lanes().iter().filter(|later| !stays && later.region() != here.region());
        let other = loop {
            match others.next() {
                Some(later) if later.engine.unknown_model(accepted.models()).await.is_some() => {}
                found => break found,
            }
        };
        here.discard(vec![accepted]);
        let Some(other) = other else { return Ok(Err(vec![bad_line(0, &why)])) };
        batch.region = Some(other.region().to_owned());
        Ok(self.read_batch(batch, other).await?.map(|accepted| (other, accepted)))
    }

    /// Reads and checks the lines of a batch.
    async fn read_batch(&self, batch: &Batch, later: &Later) -> Result<Result<Accepted, Vec<Value>>, Refusal> {
        let (input, output) = (self.path_of(&batch.input_file_id), self.path_of(&batch.output_file_id));
        let mut request = Request { input, output, model: None, place: later.place.clone(), content: 0, retry_of: None };
        let (names, endpoint, engine) = (self.config().models.clone(), batch.endpoint.clone(), later.engine.clone());
        let (owner, due) = (batch.owner.clone(), Timestamp(batch.due_ms));
        // Reading and checking is work for a thread of its own.
        let read = tokio::task::spawn_blocking(move || {
            request.model = one_model(&request.input, &endpoint, &names)?;
            let source = request.input.clone();
            let (id, content) = submission_id(&request, &source, &owner).map_err(|e| vec![bad_line(0, &e.to_string())])?;
            request.content = content;
            let refused = |refused: Refused| match refused {
                Refused::Lines(lines, _) => lines.iter().take(ERRORS_MAX).map(|bad| bad_line(bad.line, &bad.why)).collect(),
                other => vec![bad_line(0, &other.to_string())],
            };
            engine.read_input(&request, (&id, &source), &owner, due).map_err(refused)
        });
        Ok(read.await.map_err(Refusal::failed)?.map(|accepted| accepted.of_workload(batch.workload.clone())))
    }

    /// Accepts what was read. It is noted before: from its note on it will be run, whatever becomes of this process.
    async fn submit(&self, batch: &mut Batch, later: &Later, accepted: Accepted, key: &Key) -> Result<(), Refusal> {
        let mut read = vec![accepted];
        let most = self.paid_by(batch.payer.as_deref(), &mut read);
        if let Err(held) = self.books().reserve(key, most) {
            later.discard(read);
            return Err(Refusal::held(held));
        }
        batch.submission = read.first().map(|accepted| accepted.submission.id.clone());
        let taken = match self.shelf("batches").note(&batch.id, &*batch) {
            Ok(()) => later.engine.accept(read).await.map_err(Refusal::failed),
            Err(error) => Err(Refusal::failed(error)),
        };
        self.books().accepted(key, most, matches!(taken, Ok(true)));
        taken?;
        batch.accepted = true;
        Ok(())
    }

    /// Carries out what was noted. Done twice it changes nothing: a submission follows from what it holds.
    async fn finish_batch(&self, batch: &mut Batch) -> Result<(), EngineError> {
        let lane = self.lane_noted(batch.region.as_deref());
        let (Some(later), Some(noted)) = (lane, batch.submission.clone()) else { return Ok(()) };
        if batch.accepted {
            return Ok(());
        }
        if !later.is_accepted(&noted).await? {
            match self.read_batch(batch, later).await {
                Ok(Ok(accepted)) if accepted.submission.id == noted => {
                    let mut read = vec![accepted];
                    // Its bound was reserved before it was noted.
                    self.paid_by(batch.payer.as_deref(), &mut read);
                    later.engine.accept(read).await?;
                }
                Ok(Ok(accepted)) => {
                    later.discard(vec![accepted]);
                    batch.errors.push(bad_line(0, "The input file was changed before it was accepted."));
                }
                Ok(Err(errors)) => batch.errors = errors,
                Err(refusal) => batch.errors.push(bad_line(0, &refusal.to_string())),
            }
        }
        batch.accepted = batch.errors.is_empty();
        batch.submission = batch.submission.take().filter(|_| batch.accepted);
        self.shelf("batches").note(&batch.id, &*batch).map_err(EngineError::Spool)
    }

    /// Carries out every batch of a lane that was noted and not accepted.
    pub(crate) async fn finish_batches(&self, later: &Later) -> Result<(), EngineError> {
        let (shelf, mut first) = (self.shelf("batches"), Ok(()));
        let begun = |batch: &Batch| !batch.accepted && batch.submission.is_some() && self.is_of(batch.region.as_deref(), later);
        for batch in shelf.all(|batch: &Batch| batch.created_ms).into_iter().filter(begun) {
            let creating = self.creating(&batch.owner);
            let _one = creating.lock().await;
            // Whoever held the lock may have done it.
            if let Some(mut batch) = shelf.read::<Batch>(&batch.id) {
                first = first.and(self.finish_batch(&mut batch).await);
            }
        }
        first
    }

    fn batch(&self, id: &str, key: &Key) -> Result<Batch, Refusal> {
        let batch = self.shelf("batches").read::<Batch>(id).filter(|batch| batch.owner == key.owner);
        batch.ok_or_else(|| unknown(id))
    }

    pub(super) async fn tell_batch(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        Ok(json_response(&self.told(&mut self.batch(id, key)?).await?))
    }

    pub(super) async fn list_batches(&self, query: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        let of = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let limit = of("limit").and_then(|n| n.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let mut all = self.shelf("batches").all(|batch: &Batch| batch.created_ms);
        all.retain(|batch| batch.owner == key.owner);
        let begin = of("after").and_then(|after| all.iter().position(|batch| batch.id == after)).map_or(0, |at| at + 1);
        let (more, mut page) = (all.len() > begin + limit, Vec::new());
        for batch in all.iter_mut().skip(begin).take(limit) {
            page.push(self.told(batch).await?);
        }
        let ends = (page.first().map(|batch| batch["id"].clone()), page.last().map(|batch| batch["id"].clone()));
        Ok(json_response(&json!({ "object": "list", "data": page, "first_id": ends.0, "last_id": ends.1, "has_more": more })))
    }

    pub(super) async fn cancel_batch(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        let mut batch = self.batch(id, key)?;
        if let Some(submission) = &batch.submission {
            if !batch.accepted {
                return Err(Refusal::conflict("The batch is being accepted; cancel it in a moment."));
            }
            let later = self.lane_noted(batch.region.as_deref());
            let gone = || Refusal::conflict("The batch's lane is not in this gateway's configuration any more.");
            later.ok_or_else(gone)?.engine.cancel(submission).await.map_err(Refusal::failed)?;
            batch.cancelled_ms.get_or_insert(self.now().0);
            self.shelf("batches").note(&batch.id, &batch).map_err(Refusal::failed)?;
        }
        Ok(json_response(&self.told(&mut batch).await?))
    }

    /// A batch as OpenAI's clients read it.
    async fn told(&self, batch: &mut Batch) -> Result<Value, Refusal> {
        let mut told = json!({
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.endpoint,
            "errors": null,
            "input_file_id": batch.input_file_id,
            "completion_window": batch.completion_window,
            "status": "failed",
            "output_file_id": null,
            "error_file_id": null,
            "created_at": seconds(Timestamp(batch.created_ms)),
            "in_progress_at": seconds(Timestamp(batch.created_ms)),
            "expires_at": seconds(Timestamp(batch.due_ms)),
            "cancelled_at": batch.cancelled_ms.map(|at| seconds(Timestamp(at))),
            "metadata": batch.metadata,
            "request_counts": { "total": 0, "completed": 0, "failed": 0 },
        });
        let Some(id) = &batch.submission else {
            told["failed_at"] = told["created_at"].clone();
            told["errors"] = json!({ "object": "list", "data": batch.errors });
            return Ok(told);
        };
        if !batch.accepted {
            told["status"] = "validating".into();
            return Ok(told);
        }
        let Some(Later { engine, .. }) = self.lane_noted(batch.region.as_deref()) else {
            // Its lane is not in the configuration any more: it stands as it stood.
            told["status"] = if batch.completed_ms.is_some() { "completed" } else { "in_progress" }.into();
            return Ok(told);
        };
        let submission = engine.submission(id).await.map_err(Refusal::failed)?;
        let receipt = engine.status(&submission).await.map_err(Refusal::failed)?;
        let Delivered { answered, waiting, expired, cancelled, .. } = receipt.delivered;
        let unanswered = receipt.delivered.settled() - answered;
        told["request_counts"] = json!({ "total": submission.new.records, "completed": answered, "failed": unanswered });
        let done =
            submission.state == SubmissionState::Delivered || (submission.state == SubmissionState::Cancelled && waiting == 0);
        told["status"] = match submission.state {
            SubmissionState::Open if waiting > 0 => "in_progress",
            SubmissionState::Open => "finalizing",
            SubmissionState::Cancelled if waiting > 0 => "cancelling",
            SubmissionState::Cancelled => "cancelled",
            SubmissionState::Delivered if cancelled > 0 => "cancelled",
            SubmissionState::Delivered if expired > 0 && expired == unanswered => "expired",
            SubmissionState::Delivered => "completed",
        }
        .into();
        // What it cost, which OpenAI does not tell.
        told["laneshift"] = json!({
            "paid_usd": receipt.cost.paid.to_exact_string(),
            "on_demand_usd": receipt.cost.on_demand.to_exact_string(),
            "guaranteed": receipt.promise == laneshift_store::Promise::Guaranteed,
        });
        if done {
            self.shelve_results(batch, engine, &submission, &mut told).await?;
        }
        Ok(told)
    }

    /// The files of a batch that has ended; the first time they are asked for they are put among the others.
    async fn shelve_results(
        &self,
        batch: &mut Batch,
        engine: &Engine,
        submission: &laneshift_store::Submission,
        told: &mut Value,
    ) -> Result<(), Refusal> {
        let output = self.path_of(&batch.output_file_id);
        let errors = self.path_of(&batch.error_file_id);
        if batch.completed_ms.is_none() {
            // Delivered already, unless it was cancelled; the same results give the same bytes.
            engine.write_results(submission, &output, false).await.map_err(Refusal::failed)?;
            let written =
                [(output.clone(), &batch.output_file_id, "output"), (errors_path(&output), &batch.error_file_id, "errors")];
            for (path, id, what) in written {
                if holds_something(&path) {
                    let name = format!("{}_{what}.jsonl", batch.id);
                    self.shelve(id, (&name, "batch_output"), &batch.owner, &path).map_err(Refusal::failed)?;
                }
            }
            batch.completed_ms = Some(self.now().0);
            self.shelf("batches").note(&batch.id, &*batch).map_err(Refusal::failed)?;
        }
        for (path, id, name) in
            [(&output, &batch.output_file_id, "output_file_id"), (&errors, &batch.error_file_id, "error_file_id")]
        {
            if holds_something(path) {
                told[name] = id.clone().into();
            }
        }
        told["completed_at"] = batch.completed_ms.map(|at| seconds(Timestamp(at))).into();
        Ok(())
    }
}

fn holds_something(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// The model of all lines, where they name it as the configuration does; `None` where each names one of Bedrock's.
fn one_model(
    path: &PathBuf,
    endpoint: &str,
    names: &std::collections::BTreeMap<String, String>,
) -> Result<Option<String>, Vec<Value>> {
    let file = fs::File::open(path).map_err(|e| vec![bad_line(0, &e.to_string())])?;
    let mut models = BTreeSet::new();
    let mut errors = Vec::new();
    for (line, number) in BufReader::new(file).split(b'\n').zip(1_u64..) {
        let line = line.map_err(|e| vec![bad_line(number, &e.to_string())])?;
        // What is wrong with a line is said when all of it is read.
        let Ok(read) = serde_json::from_slice::<Line<'_>>(&line) else { continue };
        if read.url.is_some_and(|url| url != endpoint) && errors.len() < ERRORS_MAX {
            errors.push(bad_line(number, "url is not the endpoint of the batch"));
        }
        if let Some(model) = read.body.and_then(|body| body.model).filter(|model| !is_bedrocks(model)) {
            if !names.contains_key(&*model) && errors.len() < ERRORS_MAX {
                errors.push(bad_line(number, "body.model is none of Bedrock's, and [models] does not name it"));
            }
            models.insert(Some(model.into_owned()));
        } else {
            models.insert(None);
        }
    }
    if errors.is_empty() && models.len() > 1 && models.iter().any(Option::is_some) {
        errors.push(bad_line(0, "a file that names models as the configuration does holds one model only"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(models.into_iter().flatten().next().and_then(|name| names.get(&name).cloned()))
}
