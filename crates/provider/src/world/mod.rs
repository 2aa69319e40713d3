//! The whole state of the emulator, made from events.
//!
//! Promises: `apply` is the only way to change what a restart must bring back. Decisions (`control`, `models`, `due`,
//! `calls`) read the state and give events; they write nothing. Leaves out: clocks, files, sockets.

mod calls;
mod control;
mod due;
mod logging;
mod models;
mod provisioned;

pub use calls::{CallInput, Prepared, usage};
pub use control::Outcome;
pub use due::Due;
pub use logging::{LogDelivery, LogTarget};

use std::collections::{BTreeMap, HashMap};

use laneshift_units::{AccountId, ModelId, PriceMode, Profile, ProfiledModel, Region, ServiceTier, Timestamp, Tokens, Usage};

use crate::admission::Admission;
use crate::bill::{self, Bill, PriceList};
use crate::cache::PromptCache;
use crate::event::{Called, Event, JobCreated, VERSION};
use crate::faults::Faults;
use crate::jobs::{self, Job, Mark, Status, Tag};
use crate::resolve::Directory;
use crate::settings::{ApplicationProfile, Settings};
use logging::PendingLogs;
use provisioned::Provisions;

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The region that was called.
    pub region: String,
    /// The caller's ARN.
    pub principal: String,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// What the emulator was told.
    pub settings: Settings,
    /// Jobs by id.
    pub jobs: BTreeMap<String, Job>,
    /// What is to be paid.
    pub bill: Bill,
    /// Fault rules.
    pub faults: Faults,
    /// On-demand quotas.
    pub admission: Admission,
    /// Prompt caches.
    pub cache: PromptCache,
    /// When the folder was opened for the first time.
    pub first_opened: Option<Timestamp>,
    /// How often it was opened, so that ids of one run differ from those of the next.
    pub openings: u64,
    tokens: HashMap<(String, String, String), String>,
    tags: HashMap<String, Vec<Tag>>,
    logging: BTreeMap<(String, String), serde_json::Value>,
    profiles: Vec<ApplicationProfile>,
    provisions: Provisions,
    logs: PendingLogs,
}

impl World {
    /// Nothing has happened yet.
    pub fn new(settings: Settings) -> Self {
        let profiles = settings.application_profiles.clone();
        let cache = PromptCache::new(settings.cache_ttl_factor);
        Self {
            settings,
            jobs: BTreeMap::new(),
            bill: Bill::default(),
            faults: Faults::default(),
            admission: Admission::default(),
            cache,
            first_opened: None,
            openings: 0,
            tokens: HashMap::new(),
            tags: HashMap::new(),
            logging: BTreeMap::new(),
            profiles,
            provisions: Provisions::default(),
            logs: PendingLogs::default(),
        }
    }

    /// What identifiers can name.
    pub fn directory(&self) -> Directory<'_> {
        Directory { profiles: &self.profiles, provisioned: &self.settings.provisioned_models }
    }

    /// Takes over what happened.
    ///
    /// # Errors
    /// A journal of an unknown version.
    pub fn apply(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Opened { version, at_ms, .. } => {
                if *version > VERSION {
                    return Err(format!("the journal has version {version}; this program reads up to {VERSION}"));
                }
                self.openings += 1;
                self.first_opened.get_or_insert(Timestamp(*at_ms));
            }
            Event::ClockSet { .. } => {}
            Event::JobCreated(created) => self.job_created(created),
            Event::JobMoved { id, status, at_ms } => {
                self.job(id, |job| {
                    if *status == Status::InProgress {
                        job.began = Some(Timestamp(*at_ms));
                    }
                    job.status = *status;
                    job.since = Timestamp(*at_ms);
                });
            }
            Event::JobValidated { id, at_ms, records, start_ms, run_ms } => self.job(id, |job| {
                job.status = Status::Scheduled;
                job.since = Timestamp(*at_ms);
                job.records = *records;
                job.start = Timestamp(*start_ms);
                job.run_ms = *run_ms;
            }),
            Event::JobRan { id, marks } => self.job(id, |job| job.marks = Some(marks.clone())),
            Event::JobEnded { id, status, at_ms, message, cut, published } => {
                self.job(id, |job| {
                    job.status = *status;
                    job.since = Timestamp(*at_ms);
                    job.ended = Some(Timestamp(*at_ms));
                    job.message.clone_from(message);
                    job.cut.clone_from(cut);
                    job.published = *published;
                });
                if let (Some(cut), Some(job)) = (cut, self.jobs.get(id)) {
                    charge_job(&mut self.bill, job, cut);
                }
            }
            Event::JobPublished { id } => self.job(id, |job| job.published = true),
            Event::Tagged { arn, tags } => {
                let kept = self.tags.entry(arn.clone()).or_default();
                kept.retain(|tag| !tags.iter().any(|new| new.key == tag.key));
                kept.extend(tags.iter().cloned());
            }
            Event::Untagged { arn, keys } => {
                if let Some(kept) = self.tags.get_mut(arn) {
                    kept.retain(|tag| !keys.contains(&tag.key));
                }
            }
            Event::LoggingSet { account, region, config } => {
                let place = (account.clone(), region.clone());
                match config {
                    Some(config) => self.logging.insert(place, config.clone()),
                    None => self.logging.remove(&place),
                };
            }
            Event::ProfileCreated(profile) => self.profiles.push(profile.clone()),
            Event::ProfileDeleted { arn } => {
                self.profiles.retain(|profile| profile.arn() != *arn);
                self.tags.remove(arn);
            }
            Event::ProvisionedSet { models, at_ms } => self.provisions.set(models, Timestamp(*at_ms)),
            Event::Called(called) => self.called(called),
            Event::Logged { account, region, at_ms, log } => self.logs.push(account, region, Timestamp(*at_ms), log),
            Event::LogsDelivered { account, region, hour, records } | Event::LogsDropped { account, region, hour, records } => {
                self.logs.left(account, region, *hour, *records);
            }
            Event::FaultsSet { rules, at_ms } => self.faults.set(rules.clone(), Timestamp(*at_ms)),
            Event::FaultCounted(count) => self.faults.count(*count),
        }
        Ok(())
    }

    fn job(&mut self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.get_mut(id) {
            change(job);
        }
    }

    fn job_created(&mut self, created: &JobCreated) {
        if let Some(token) = &created.request.client_request_token {
            let key = (created.account.clone(), created.region.clone(), token.clone());
            self.tokens.insert(key, created.id.clone());
        }
        let at = Timestamp(created.at_ms);
        let (model, resource) = self.resolved(created);
        let job = Job {
            id: created.id.clone(),
            account: created.account.clone(),
            region: created.region.clone(),
            principal: created.principal.clone(),
            request: created.request.clone(),
            model,
            resource,
            seed: created.seed,
            number: self.jobs.len(),
            faults: created.faults.clone(),
            submitted: at,
            expires: Timestamp(created.expires_ms),
            status: Status::Submitted,
            message: None,
            since: at,
            records: 0,
            start: at,
            began: None,
            run_ms: 0,
            marks: None,
            cut: None,
            ended: None,
            published: false,
        };
        self.tags.insert(jobs::arn(&job), job.request.tags.clone());
        self.jobs.insert(job.id.clone(), job);
    }

    fn called(&mut self, called: &Called) {
        for entry in &called.cache {
            self.cache.keep(entry.clone());
        }
        if let Some(log) = &called.log {
            self.logs.push(&called.account, &called.region, Timestamp(called.at_ms), log);
        }
        if called.provisioned {
            return;
        }
        let usage = usage_of(called.tokens);
        let model = profiled(&called.model, &called.profile);
        let tier = ServiceTier::parse(&called.tier).unwrap_or_default();
        let mode = if called.latency_optimized { PriceMode::LatencyOptimized } else { mode_of(tier) };
        let region = Region::new(&called.region);
        let context = PriceList::shipped().context_tier(&model.model, &model.profile, &region, mode, usage.total_input());
        let key = bill::Key {
            account: AccountId::new(&called.account),
            region,
            hour: Timestamp(called.at_ms).hour_index(),
            model,
            mode,
            tier,
            streaming: Some(called.streaming),
            principal: called.principal.clone(),
            resource: called.resource.clone(),
            context,
        };
        self.bill.add(key, &usage);
    }

    /// The model and application profile of a job. A journal that does not say them is asked for what is known by then.
    fn resolved(&self, created: &JobCreated) -> (ProfiledModel, String) {
        if !created.model.is_empty() {
            return (profiled(&created.model, &created.profile), created.resource.clone());
        }
        match self.directory().resolve(&created.request.model_id, &created.account, &created.region) {
            Ok(found) => (profiled(&found.model.id, found.profile.name()), found.application_profile.unwrap_or_default()),
            Err(_) => (ProfiledModel::parse_id(&created.request.model_id), String::new()),
        }
    }
}

fn profiled(model: &str, profile: &str) -> ProfiledModel {
    ProfiledModel { model: ModelId::new(model), profile: Profile::parse(profile).unwrap_or(Profile::InRegion) }
}

fn charge_job(bill: &mut Bill, job: &Job, cut: &Mark) {
    for (context, input, output) in &cut.usage {
        let key = bill::Key {
            account: AccountId::new(&job.account),
            region: Region::new(&job.region),
            hour: job.since.hour_index(),
            model: job.model.clone(),
            mode: PriceMode::Batch,
            tier: ServiceTier::Default,
            streaming: None,
            principal: job.principal.clone(),
            resource: job.resource.clone(),
            context: Tokens(*context),
        };
        bill.add(key, &Usage { input: Tokens(*input), output: Tokens(*output), ..Usage::default() });
    }
}

fn usage_of([input, output, cache_read, cache_write_5m, cache_write_1h]: [u64; 5]) -> Usage {
    Usage {
        input: Tokens(input),
        output: Tokens(output),
        cache_read: Tokens(cache_read),
        cache_write_5m: Tokens(cache_write_5m),
        cache_write_1h: Tokens(cache_write_1h),
    }
}

fn mode_of(tier: ServiceTier) -> PriceMode {
    match tier {
        ServiceTier::Priority => PriceMode::Priority,
        ServiceTier::Flex => PriceMode::Flex,
        ServiceTier::Default | ServiceTier::Reserved => PriceMode::OnDemand,
    }
}
