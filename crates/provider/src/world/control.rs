//! The batch control plane: create, get, list, stop, tags, logging, profiles.

use laneshift_units::Timestamp;
use serde_json::{Value, json};

use super::{Caller, World};
use crate::chance;
use crate::event::{Event, JobCreated};
use crate::faults::{Fault, Strike};
use crate::jobs::{self, Job, JobRequest, ListQuery, Status, Tag};
use crate::models::Models;
use crate::quotas;
use crate::refusal::{Kind, Refusal};
use crate::settings::{OverJobQuota, StopFinished, TokenReuse};

/// Tags on one resource.
// Service model of bedrock: TagList holds up to 200. Read 2026-11-23.
const TAGS_MAX: usize = 200;
const HOUR_MS: i64 = 3_600_000;

/// What an operation answers, and what happened.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// HTTP status of success.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// To be journalled and applied before the answer leaves.
    pub events: Vec<Event>,
}

impl Outcome {
    pub(super) fn read(body: Value) -> Result<Self, Refusal> {
        Ok(Self { status: 200, body, events: Vec::new() })
    }

    pub(super) fn changed(status: u16, body: Value, event: Event) -> Result<Self, Refusal> {
        Ok(Self { status, body, events: vec![event] })
    }
}

impl World {
    /// CreateModelInvocationJob. Field rules are checked before; `strikes` are the faults that struck this call.
    ///
    /// # Errors
    /// AWS's errors.
    pub fn create_job(&self, caller: &Caller, body: &Value, strikes: &[Strike], now: Timestamp) -> Result<Outcome, Refusal> {
        let request: JobRequest =
            serde_json::from_value(body.clone()).map_err(|e| Refusal::new(Kind::Serialization, e.to_string()))?;
        if let Some(job) = self.job_of_token(caller, &request, now) {
            if job.request != request && self.settings.switches.token_reuse == TokenReuse::Conflict {
                return Err(Refusal::new(Kind::Conflict, "The clientRequestToken was used with other parameters."));
            }
            return Outcome::read(json!({ "jobArn": jobs::arn(job) }));
        }
        let role_account = request.role_arn.split(':').nth(4).unwrap_or_default();
        if !role_account.is_empty() && role_account != caller.account {
            return Err(Refusal::new(Kind::AccessDenied, "Cross-account pass role is not allowed."));
        }
        let resolved = self.directory().resolve(&request.model_id, &caller.account, &caller.region)?;
        let resolved = resolved.in_batch(&request.model_id, &caller.region)?;
        self.check_open_jobs(caller, resolved.model, &request)?;

        let count = self.jobs.len();
        let seed = chance::draw(self.settings.seed, &format!("job {count}"));
        let hours = request.timeout_duration_in_hours.unwrap_or(self.settings.switches.default_timeout_h);
        let created = JobCreated {
            id: chance::id12(seed, "job"),
            account: caller.account.clone(),
            region: caller.region.clone(),
            principal: caller.principal.clone(),
            at_ms: now.0,
            expires_ms: now.0 + i64::from(hours) * HOUR_MS,
            seed,
            faults: strikes.iter().filter(|s| s.fault.level() == crate::faults::Level::Job).cloned().collect(),
            model: resolved.model.id.clone(),
            profile: resolved.profile.name().to_owned(),
            resource: resolved.application_profile.unwrap_or_default(),
            request,
        };
        let arn = format!("arn:aws:bedrock:{}:{}:model-invocation-job/{}", created.region, created.account, created.id);
        Outcome::changed(200, json!({ "jobArn": arn }), Event::JobCreated(Box::new(created)))
    }

    fn job_of_token(&self, caller: &Caller, request: &JobRequest, now: Timestamp) -> Option<&Job> {
        let token = request.client_request_token.clone()?;
        let id = self.tokens.get(&(caller.account.clone(), caller.region.clone(), token))?;
        let retention_ms = i64::from(self.settings.switches.token_retention_h) * HOUR_MS;
        self.jobs.get(id).filter(|job| now.0 - job.submitted.0 < retention_ms)
    }

    fn check_open_jobs(&self, caller: &Caller, model: &crate::models::Model, request: &JobRequest) -> Result<(), Refusal> {
        let open = || {
            self.jobs
                .values()
                .filter(|job| job.account == caller.account && job.region == caller.region && !job.status.is_terminal())
        };
        if self.settings.switches.job_name_unique && open().any(|job| job.request.job_name == request.job_name) {
            let text = format!("A model invocation job with the name {} exists already.", request.job_name);
            return Err(Refusal::new(Kind::Conflict, text));
        }
        let same_model = |job: &&Job| job.model.model.as_str() == model.id;
        let max = quotas::open_jobs_max(&self.settings, model);
        if self.settings.switches.over_job_quota == OverJobQuota::Refuse && open().filter(same_model).count() >= max {
            return Err(quota_exceeded(&model.name, max));
        }
        Ok(())
    }

    /// The refusal of story F02, for the fault of that name.
    pub fn quota_refusal(&self, model_id: &str, caller: &Caller) -> Refusal {
        match self.directory().resolve(model_id, &caller.account, &caller.region) {
            Ok(found) => quota_exceeded(&found.model.name, quotas::open_jobs_max(&self.settings, found.model)),
            Err(refusal) => refusal,
        }
    }

    fn find_job(&self, caller: &Caller, identifier: &str) -> Result<&Job, Refusal> {
        let found = self.jobs.get(jobs::job_id(identifier)).filter(|job| {
            job.account == caller.account
                && job.region == caller.region
                && (!identifier.starts_with("arn:") || jobs::arn(job) == identifier)
        });
        found
            .ok_or_else(|| Refusal::new(Kind::ResourceNotFound, format!("Could not find the model invocation job: {identifier}")))
    }

    fn counter_lag_ms(&self) -> i64 {
        (self.settings.turnaround.counter_lag_s * 1000.0) as i64
    }

    /// GetModelInvocationJob.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get_job(&self, caller: &Caller, identifier: &str, now: Timestamp) -> Result<Outcome, Refusal> {
        let job = self.find_job(caller, identifier)?;
        Outcome::read(jobs::to_json(job, now, self.counter_lag_ms()))
    }

    /// ListModelInvocationJobs.
    ///
    /// # Errors
    /// ValidationException.
    pub fn list_jobs(&self, caller: &Caller, query: &ListQuery, now: Timestamp) -> Result<Outcome, Refusal> {
        let mine = self.jobs.values().filter(|job| job.account == caller.account && job.region == caller.region);
        let (page, next) = jobs::list(mine, query)?;
        let page: Vec<Value> = page.into_iter().map(|job| jobs::to_json(job, now, self.counter_lag_ms())).collect();
        let mut body = json!({ "invocationJobSummaries": page });
        if let Some(next) = next {
            body["nextToken"] = next.into();
        }
        Outcome::read(body)
    }

    /// StopModelInvocationJob: 200 means that it was accepted.
    ///
    /// # Errors
    /// ResourceNotFoundException, or what the switch says of a finished job.
    pub fn stop_job(&self, caller: &Caller, identifier: &str, now: Timestamp) -> Result<Outcome, Refusal> {
        let job = self.find_job(caller, identifier)?;
        // A job whose end is due may be on its way into its bucket: it has ended, whoever is to write that down.
        if job.status.is_terminal() || jobs::end(job).is_some_and(|(at, _)| at <= now) {
            let kind = match self.settings.switches.stop_finished {
                StopFinished::Conflict => Kind::Conflict,
                StopFinished::Validation => Kind::Validation,
            };
            let text = format!("The model invocation job cannot be stopped: it has ended ({}).", job.status.name());
            return Err(Refusal::new(kind, text));
        }
        if job.status == Status::Stopping {
            return Outcome::read(json!({}));
        }
        Outcome::changed(200, json!({}), Event::JobMoved { id: job.id.clone(), status: Status::Stopping, at_ms: now.0 })
    }

    fn known_resource(&self, caller: &Caller, arn: &str) -> Result<(), Refusal> {
        let job = self.find_job(caller, arn).is_ok();
        let profile = self.profiles.iter().any(|p| p.arn() == arn && p.account == caller.account);
        let provisioned = self.settings.provisioned_models.iter().any(|p| p.arn() == arn && p.account == caller.account);
        if job || profile || provisioned {
            return Ok(());
        }
        Err(Refusal::new(Kind::ResourceNotFound, format!("Could not find the resource: {arn}")))
    }

    /// ListTagsForResource.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn list_tags(&self, caller: &Caller, body: &Value) -> Result<Outcome, Refusal> {
        let arn = body["resourceARN"].as_str().unwrap_or_default();
        self.known_resource(caller, arn)?;
        Outcome::read(json!({ "tags": self.tags.get(arn).cloned().unwrap_or_default() }))
    }

    /// TagResource.
    ///
    /// # Errors
    /// ResourceNotFoundException, TooManyTagsException.
    pub fn tag(&self, caller: &Caller, body: &Value) -> Result<Outcome, Refusal> {
        let arn = body["resourceARN"].as_str().unwrap_or_default();
        self.known_resource(caller, arn)?;
        let tags = read_tags(&body["tags"]);
        let kept = self.tags.get(arn).map_or(&[][..], Vec::as_slice);
        let after = kept.iter().filter(|t| !tags.iter().any(|n| n.key == t.key)).count() + tags.len();
        if after > TAGS_MAX {
            return Err(Refusal::new(Kind::TooManyTags, format!("A resource can have at most {TAGS_MAX} tags.")));
        }
        Outcome::changed(200, json!({}), Event::Tagged { arn: arn.to_owned(), tags })
    }

    /// UntagResource.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn untag(&self, caller: &Caller, body: &Value) -> Result<Outcome, Refusal> {
        let arn = body["resourceARN"].as_str().unwrap_or_default();
        self.known_resource(caller, arn)?;
        let keys = body["tagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Outcome::changed(200, json!({}), Event::Untagged { arn: arn.to_owned(), keys })
    }

    /// The fault that is due for an event notice of a job.
    pub fn notices_of(job: &Job) -> (usize, f64) {
        if job.fault(Fault::EventsLost).is_some() {
            return (0, 0.0);
        }
        let copies = if job.fault(Fault::EventsTwice).is_some() { 2 } else { 1 };
        (copies, job.fault(Fault::EventsLate).map_or(0.0, |s| s.minutes))
    }

    /// All quotas of the served models.
    pub fn quotas(&self) -> Vec<quotas::Quota> {
        quotas::all(Models::shipped().iter(), &self.settings)
    }
}

pub(super) fn read_tags(value: &Value) -> Vec<Tag> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn quota_exceeded(model: &str, max: usize) -> Refusal {
    let text = format!(
        "The number of in-progress and submitted batch inference jobs for {model} has reached the quota of {max}. Wait for \
         jobs to end, or request an increase of the quota."
    );
    Refusal::new(Kind::ServiceQuotaExceeded, text)
}
