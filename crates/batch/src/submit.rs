//! From a decision to a job at AWS: intend it, create it, watch it; or take it back.

use laneshift_aws::AwsError;
use laneshift_store::{Attempt, AttemptChange, AttemptId, AttemptState, BatchJob, Intent, Lane, Members, PoolId};
use laneshift_units::Timestamp;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::decide::Limits;
use crate::engine::{Engine, Phase};
use crate::error::{EngineError, denied};
use crate::hold::Failure;
use crate::pad;
use crate::pool::PoolSpec;
use crate::upload::key_of;

/// Hours that `timeoutDurationInHours` can be.
// Service model of bedrock, read 2026-11-23.
const TIMEOUT_H: (i64, i64) = (24, 168);
const HOUR_MS: i64 = 3_600_000;
/// What a revoked job finds as its input: no JSON, so that AWS refuses it before it costs anything.
const TOMBSTONE: &str = "revoked: this input must not run\n";
/// How the names of jobs begin; the attempt's id follows.
pub(crate) const NAME_PREFIX: &str = "laneshift-";
/// How the queue marks a job that failed because of one of its records.
pub(crate) const BLAMES_A_RECORD: &str = "a record: ";
/// AWS may show a job that was created a while after it was.
const CLOCK_SLACK_MS: i64 = HOUR_MS;

/// What creating a job came to.
pub(crate) enum Created {
    /// AWS has it.
    Yes,
    /// AWS has no slot for it now.
    Later,
    /// AWS will never take it; the text says why.
    Never(String),
    /// AWS does not have its model, in its words: no other job of its records would run either.
    NoModel(String),
}

impl Engine {
    /// Decides a job over these members: everything that will be sent is fixed here.
    pub(crate) async fn intend(
        &self,
        spec: &PoolSpec,
        pool: PoolId,
        limits: &Limits,
        mut members: Vec<Members>,
        filler: u64,
    ) -> Result<(), EngineError> {
        let now = self.now();
        // As the queue gives them back: files are cut by what comes after what.
        members.sort_by_key(|m| m.chunk);
        let id = self.attempt_id(&members).await?;
        let mut deadline = Timestamp(i64::MAX);
        for m in &members {
            self.seal_if_open(m.chunk).await?;
            deadline = deadline.min(self.store.chunk(m.chunk).await?.new.deadline);
        }
        let filler = if pad::input(spec).is_some() { filler } else { 0 };
        let manifest = self.manifest(spec, &members, limits, filler).await?;
        let hours = ((deadline.0 - now.0 + HOUR_MS - 1) / HOUR_MS).clamp(TIMEOUT_H.0, TIMEOUT_H.1);
        let name = format!("{NAME_PREFIX}{id}");
        let input = spec.uri(&format!("jobs/{id}/in/"));
        let body = json!({
            "jobName": name,
            "roleArn": spec.role,
            "clientRequestToken": name,
            "modelId": spec.model,
            "modelInvocationType": spec.shape,
            "inputDataConfig": { "s3InputDataConfig": { "s3Uri": input, "s3InputFormat": "JSONL" } },
            "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": spec.uri(&format!("jobs/{id}/out/")) } },
            "timeoutDurationInHours": hours,
            "tags": [{ "key": "laneshift", "value": "batch" }, { "key": "laneshift-owner", "value": tag(&spec.owner) }],
        });
        let manifest = serde_json::to_string(&manifest)?;
        let intent = Intent {
            id,
            pool,
            lane: Lane::Batch,
            job: Some(BatchJob { name, request: body.to_string(), input, manifest }),
            records: members.iter().map(|m| m.slots.count()).sum(),
            bound: None,
            hedge: false,
            created: now,
            members,
        };
        self.store.intend(&intent).await?;
        self.step("intended");
        Ok(())
    }

    /// An id that follows from the members and the tries before, so that a decision that was not committed is made again alike,
    /// and a try after one that was revoked is another.
    pub(crate) async fn attempt_id(&self, members: &[Members]) -> Result<AttemptId, EngineError> {
        let mut seed = Vec::new();
        for m in members {
            seed.extend_from_slice(&m.chunk.0.to_le_bytes());
            seed.extend_from_slice(&m.slots.to_bytes());
            for one in self.store.tries(m.chunk).await? {
                seed.extend_from_slice(&one.attempt.0.to_le_bytes());
            }
        }
        Ok(AttemptId(xxh3_64(&seed) >> 1))
    }

    /// Creates a job whose input is complete. A job that an earlier try has created, and whose answer was lost, is found by its
    /// name, or by its token.
    pub(crate) async fn create(&self, attempt: &Attempt) -> Result<Created, EngineError> {
        let Some(job) = &attempt.intent.job else { return Ok(Created::Later) };
        let known = self.client.jobs_named(&job.name).await?;
        let arn = match known.into_iter().find(|view| view.name == job.name) {
            Some(view) => view.arn,
            None => match self.client.create_job(&job.request).await {
                Ok(arn) => arn,
                Err(error) if error.is("ServiceQuotaExceededException") || error.is_transient() => return Ok(Created::Later),
                Err(error @ AwsError::Service { .. }) if blames_the_model(&error) => {
                    return Ok(Created::NoModel(error.to_string()));
                }
                Err(error @ AwsError::Service { .. }) => return Ok(Created::Never(error.to_string())),
                Err(error) => return Err(error.into()),
            },
        };
        self.step("created");
        self.note_created(attempt, arn).await?;
        self.step("created and noted");
        Ok(Created::Yes)
    }

    /// AWS has a job.
    pub(crate) async fn note_created(&self, attempt: &Attempt, arn: String) -> Result<(), EngineError> {
        let change = AttemptChange { arn: Some(arn), started: Some(self.now()), ..AttemptChange::default() };
        Ok(self.store.move_attempt(attempt.intent.id, AttemptState::Uploaded, AttemptState::Created, &change).await?)
    }

    /// Takes a job back that AWS does not have, as far as is known. What lies at its input is made unusable first: a create that
    /// is still on its way fails there, before it costs anything.
    pub(crate) async fn revoke(&self, attempt: &Attempt, why: &str) -> Result<(), EngineError> {
        let spec = self.spec(attempt.intent.pool).await?;
        if let Some(job) = &attempt.intent.job {
            let key = Key::from(format!("{}part-00000.jsonl", key_of(&job.input)));
            let store = self.objects(&spec.bucket)?;
            match store.put(&key, PutPayload::from_static(TOMBSTONE.as_bytes())).await {
                Ok(_) => {}
                // Where nothing can be written, no input was.
                Err(error) if denied(&error) => {}
                Err(error) => return Err(error.into()),
            }
            self.step("poisoned");
        }
        let change = AttemptChange { message: Some(why.to_owned()), ended: Some(self.now()), ..AttemptChange::default() };
        self.store.move_attempt(attempt.intent.id, attempt.state, AttemptState::Revoked, &change).await?;
        self.step("revoked");
        Ok(())
    }

    /// Looks at a job at AWS. A job that is not found just after its creation is looked for again.
    pub(crate) async fn watch(&self, attempt: &Attempt) -> Result<Phase, EngineError> {
        let id = attempt.intent.id;
        let view = match self.client.get_job(attempt.arn.as_deref().unwrap_or_default()).await {
            Ok(view) => view,
            Err(error) if error.is("ResourceNotFoundException") || error.is_transient() => return Ok(Phase::Running),
            Err(error) => return Err(error.into()),
        };
        let mut seen = AttemptChange {
            provider_state: Some(view.status.clone()),
            message: view.message.clone(),
            ..AttemptChange::default()
        };
        if !view.is_terminal() {
            self.memo().processed.insert(id, view.counts[1]);
            if attempt.provider_state.as_ref() != Some(&view.status) {
                self.store.move_attempt(id, AttemptState::Created, AttemptState::Created, &seen).await?;
            }
            return Ok(Phase::Running);
        }
        self.memo().processed.remove(&id);
        // By AWS's word, which its bill goes by, unless its clock is another one than ours.
        let now = self.now();
        seen.ended = view.ended.filter(|at| (attempt.intent.created..=now).contains(at)).or(Some(now));
        if view.status == "Failed" && view.counts[1] == 0 {
            // Nothing ran and nothing is billed: its records are free, and none of them has had an attempt.
            let message = view.message.unwrap_or_else(|| "AWS gave no reason".to_owned());
            match Failure::of(&message) {
                Failure::Around => self.hold(attempt.intent.pool, &format!("the job {} failed: {message}", view.arn)),
                Failure::Record => seen.message = Some(format!("{BLAMES_A_RECORD}{message}")),
            }
            self.store.move_attempt(id, AttemptState::Created, AttemptState::Revoked, &seen).await?;
            self.step("failed");
            return Ok(Phase::Waiting);
        }
        self.store.move_attempt(id, AttemptState::Created, AttemptState::Terminal, &seen).await?;
        self.step("ended");
        Ok(Phase::Harvesting)
    }

    /// Jobs that were revoked within a day and yet turn up at AWS are stopped; gives their names.
    pub(crate) async fn stop_revoked(&self, now: Timestamp) -> Result<Vec<String>, EngineError> {
        let mut stopped = Vec::new();
        for attempt in self.store.past_jobs(200).await? {
            let recent = attempt.ended.is_some_and(|at| now.0 - at.0 < 24 * HOUR_MS + CLOCK_SLACK_MS);
            let Some(job) = attempt.intent.job.filter(|_| recent && attempt.arn.is_none()) else { continue };
            for view in self.client.jobs_named(&job.name).await? {
                if view.name == job.name && !view.is_terminal() {
                    self.client.stop_job(&view.arn).await?;
                    stopped.push(view.name);
                }
            }
        }
        Ok(stopped)
    }
}

/// Whether AWS refuses a job because of the model that it names, and nothing around it.
// "The provided model identifier is invalid.": aws-samples/amazon-bedrock-workshop, issue 315, of InvokeModel, read 2026-11-30. AWS
// documents no list; what this does not know waits, as after any refusal.
fn blames_the_model(error: &AwsError) -> bool {
    let kind = error.is("ValidationException") || error.is("ResourceNotFoundException");
    kind && error.to_string().contains("model identifier")
}

/// A tag's value: what AWS does not take becomes a dash.
fn tag(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { '-' };
    text.chars().take(256).map(plain).collect()
}
