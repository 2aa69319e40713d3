//! What each lane can do, as of a date: features, limits, waits, and which model runs in batch.
//!
//! Promises: every answer comes from a row with a source and a date, and rows that no source settles are listed. Leaves
//! out: prices, and what an account's own quotas say.

mod wire;

use std::collections::HashMap;
use std::path::Path;

use laneshift_core::route::{Features, LaneId, Wait};
use laneshift_units::{Bytes, Deadline, Profile, Region};

use crate::{DataError, file};

const SHIPPED: &str = include_str!("../../data/capabilities.toml");

/// What a capabilities file says.
#[derive(Clone, Debug)]
pub struct Capabilities {
    dated: String,
    limits: Limits,
    cache_in_batch: bool,
    global_profile_in_batch: bool,
    /// Indexed as [`LaneId::ALL`].
    supports: [Features; LaneId::ALL.len()],
    batch: HashMap<String, BatchModel>,
    burndown: HashMap<String, u32>,
    unverified: Vec<Switch>,
}

/// Numbers, in the units of the file.
#[derive(Clone, Copy, Debug)]
struct Limits {
    batch_records_min: u64,
    batch_records_max: u64,
    batch_file_max_bytes: u64,
    batch_job_max_bytes: u64,
    batch_jobs_open_max: u64,
    batch_body_max_bytes: u64,
    invoke_body_max_bytes: u64,
    batch_wait_s: u64,
    flex_wait_s: u64,
    invoke_wait_s: u64,
}

/// Where a model runs in batch.
#[derive(Clone, Debug)]
struct BatchModel {
    in_region: bool,
    /// Empty where no region is named.
    in_region_only: Vec<Region>,
    profiles: bool,
}

/// A row that no source settles, with the value that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Its place in the file, such as `limits.flex_wait_s` or `features batch: guardrail`.
    pub name: String,
    /// The value that is used.
    pub value: String,
    /// What is known.
    pub source: String,
    /// The day on which that was read, `YYYY-MM-DD`.
    pub read: String,
}

impl Capabilities {
    /// The file that this build carries.
    ///
    /// # Errors
    /// [`DataError`] when the file that was built in is damaged.
    pub fn shipped() -> Result<Self, DataError> {
        wire::read(Path::new("crates/catalog/data/capabilities.toml"), SHIPPED)
    }

    /// A file that replaces the shipped one as a whole.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, or when a row is missing, unknown, or said twice.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        wire::read(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    /// The day for which the file speaks, `YYYY-MM-DD`.
    pub fn dated(&self) -> &str {
        &self.dated
    }

    /// The features that a lane serves.
    pub const fn supports(&self, lane: LaneId) -> Features {
        self.supports[lane as usize]
    }

    /// Whether a model runs in batch when it is called like this somewhere; `None` when the model is not listed.
    pub fn batch(&self, model_key: &str, profile: &Profile) -> Option<bool> {
        let model = self.batch.get(model_key)?;
        Some(match profile {
            Profile::InRegion => model.in_region,
            Profile::Geo(_) => model.profiles,
            Profile::Global => model.profiles && self.global_profile_in_batch,
        })
    }

    /// As [`Capabilities::batch`], in one region. Only in-region calls are listed by region.
    pub fn batch_in(&self, model_key: &str, profile: &Profile, region: &Region) -> Option<bool> {
        let somewhere = self.batch(model_key, profile)?;
        let model = self.batch.get(model_key)?;
        let here = match profile {
            Profile::InRegion => model.in_region_only.is_empty() || model.in_region_only.contains(region),
            Profile::Geo(_) | Profile::Global => true,
        };
        Some(somewhere && here)
    }

    /// How long an answer takes in a lane, as a plan may promise it.
    pub const fn wait(&self, lane: LaneId) -> Wait {
        let seconds = match lane {
            LaneId::Batch => self.limits.batch_wait_s,
            LaneId::Flex => self.limits.flex_wait_s,
            LaneId::Provisioned | LaneId::Reserved | LaneId::Priority | LaneId::Standard => self.limits.invoke_wait_s,
        };
        Wait { promise_ms: seconds as i64 * 1000 }
    }

    /// The most patient deadline bucket that a lane's wait asks for.
    pub fn deadline_needed(&self, lane: LaneId) -> Deadline {
        let promise_ms = u128::try_from(self.wait(lane).promise_ms).unwrap_or(0);
        Deadline::ALL.into_iter().find(|d| d.wait().as_millis() >= promise_ms).unwrap_or(Deadline::Longer)
    }

    /// The largest body of one request.
    pub const fn body_max(&self, lane: LaneId) -> Bytes {
        Bytes(match lane {
            LaneId::Batch => self.limits.batch_body_max_bytes,
            LaneId::Provisioned | LaneId::Reserved | LaneId::Priority | LaneId::Standard | LaneId::Flex => {
                self.limits.invoke_body_max_bytes
            }
        })
    }

    /// The fewest records of a batch job.
    pub const fn batch_records_min(&self) -> u64 {
        self.limits.batch_records_min
    }

    /// The most records of a batch job.
    pub const fn batch_records_max(&self) -> u64 {
        self.limits.batch_records_max
    }

    /// The largest input file of a batch job.
    pub const fn batch_file_max(&self) -> Bytes {
        Bytes(self.limits.batch_file_max_bytes)
    }

    /// The largest batch job, all its files together.
    pub const fn batch_job_max(&self) -> Bytes {
        Bytes(self.limits.batch_job_max_bytes)
    }

    /// The most jobs of one model that may be submitted or in progress.
    pub const fn batch_jobs_open_max(&self) -> u64 {
        self.limits.batch_jobs_open_max
    }

    /// Whether the prompt cache works in batch.
    pub const fn cache_in_batch(&self) -> bool {
        self.cache_in_batch
    }

    /// How many times an output token counts against the on-demand quota; 1 for models that are not listed.
    pub fn output_burndown(&self, model_key: &str) -> u32 {
        self.burndown.get(model_key).copied().unwrap_or(1)
    }

    /// Rows that no source settles.
    pub fn unverified(&self) -> &[Switch] {
        &self.unverified
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn refused(text: &str) -> String {
        wire::read(Path::new("c.toml"), text).expect_err("refused").to_string()
    }

    #[test]
    fn the_shipped_file_answers_for_every_lane() {
        let c = Capabilities::shipped().expect("reads");
        assert_eq!(c.supports(LaneId::Batch), Features::STRUCTURED_OUTPUT);
        assert!(c.supports(LaneId::Flex).has(Features::STREAMING.with(Features::TOOLS_CONVERSE)));
        assert!(!c.supports(LaneId::Flex).has(Features::AWS_SERVICE));
        assert!(c.supports(LaneId::Standard).has(Features::AWS_SERVICE));
        assert_eq!(c.wait(LaneId::Batch).promise_ms, 86_400_000);
        assert_eq!(c.deadline_needed(LaneId::Batch), Deadline::Day);
        assert_eq!(c.deadline_needed(LaneId::Flex), Deadline::Hour);
        assert_eq!(c.deadline_needed(LaneId::Standard), Deadline::Seconds);
        assert_eq!((c.batch_records_min(), c.batch_records_max()), (100, 100_000));
        assert_eq!(c.body_max(LaneId::Standard), Bytes(25_000_000));
        assert!(!c.cache_in_batch());
    }

    #[test]
    fn batch_is_known_by_profile_and_region_or_not_at_all() {
        let c = Capabilities::shipped().expect("reads");
        let us = Profile::Geo("us".into());
        assert_eq!(c.batch("claudesonnet45", &us), Some(true));
        assert_eq!(c.batch("claudesonnet45", &Profile::Global), Some(true));
        assert_eq!(c.batch("claudesonnet45", &Profile::InRegion), Some(false));
        assert_eq!(c.batch("claudesonnet5", &us), None);
        assert_eq!(c.batch_in("claudesonnet46", &Profile::InRegion, &Region::new("eu-west-2")), Some(true));
        assert_eq!(c.batch_in("claudesonnet46", &Profile::InRegion, &Region::new("us-east-1")), Some(false));
        assert_eq!(c.batch_in("gptoss120b", &Profile::InRegion, &Region::new("us-east-1")), Some(true));
        assert_eq!(c.batch_in("unheardof", &Profile::InRegion, &Region::new("us-east-1")), None);
    }

    #[test]
    fn output_counts_as_the_quota_table_says() {
        let c = Capabilities::shipped().expect("reads");
        let counts = ["claudeopus48", "claudesonnet5", "claudehaiku45", "novapro"].map(|key| c.output_burndown(key));
        assert_eq!(counts, [15, 10, 5, 1]);
    }

    #[test]
    fn every_listed_model_is_in_the_price_catalogue() {
        let prices = include_str!("../../data/prices/catalog.csv");
        let known: HashSet<&str> = prices.lines().filter_map(|line| line.split(',').nth(1)).collect();
        let c = Capabilities::shipped().expect("reads");
        for key in c.batch.keys().chain(c.burndown.keys()) {
            assert!(known.contains(key.as_str()), "{key}");
        }
    }

    #[test]
    fn what_no_source_settles_is_listed() {
        let c = Capabilities::shipped().expect("reads");
        let names: Vec<&str> = c.unverified().iter().map(|s| s.name.as_str()).collect();
        for name in ["limits.flex_wait_s", "features batch: tools_invoke", "features batch: guardrail"] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        assert!(c.unverified().iter().all(|s| !s.source.is_empty() && s.read.len() == 10));
    }

    #[test]
    fn gaps_repetitions_and_unknown_names_are_refused() {
        let gap = refused(&SHIPPED.replace("features = [\"guardrail\"]", "features = []"));
        assert!(gap.contains("field features: no row says whether batch serves guardrail"), "{gap}");
        let twice = refused(&SHIPPED.replace("features = [\"guardrail\"]", "features = [\"guardrail\", \"streaming\"]"));
        assert!(twice.contains("field features: batch and streaming are said twice"), "{twice}");
        let lane = refused(&SHIPPED.replace("lanes = [\"flex\"]", "lanes = [\"flexible\"]"));
        assert!(lane.contains("field lanes: \"flexible\" is no lane"), "{lane}");
        let model = refused(&SHIPPED.replace("models = [\"claudesonnet46\"]", "models = [\"claudeopus5\"]"));
        assert!(model.contains("field models: claudeopus5 is said twice"), "{model}");
        let key = refused(&SHIPPED.replace("[limits.flex_wait_s]", "[limits.flex_wait]"));
        assert!(key.contains("unknown field `flex_wait`"), "{key}");
        let date = refused(&SHIPPED.replacen("read = \"2026-11-23\"", "read = \"today\"", 1));
        assert!(date.contains("field read: \"today\" is no day"), "{date}");
        let long = refused(&SHIPPED.replace("value = 900\n", "value = 90000000000\n"));
        assert!(long.contains("field flex_wait_s: "), "{long}");
    }
}
