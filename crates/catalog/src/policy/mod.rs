//! `policy.toml`: the moves of a plan as rules that a gateway can follow.
//!
//! Promises: only moves of slices with the class batch-fit become rules; a rule matches only what a gateway sees; a slice
//! that cannot be told apart at a gateway makes no rule. Leaves out: prices; the gateway has its own catalogue.

mod from_plan;
mod wire;

use std::path::Path;

use laneshift_core::plan::Plan;
use laneshift_core::route::LaneId;
use laneshift_core::verdict::Score;
use laneshift_units::{Deadline, ModelId, Profile, Timestamp};

use crate::{DataError, file};

/// Rules, in the order in which they apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// First moment of the evidence.
    pub from: Timestamp,
    /// Last moment of the evidence.
    pub to: Timestamp,
    /// What the price catalogue said of itself.
    pub catalogue: String,
    /// The rules.
    pub rules: Vec<PolicyRule>,
}

/// One rule: these requests may take these lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The workload's key in the plan.
    pub workload: String,
    /// The slice's name in the plan.
    pub slice: String,
    /// Which requests.
    pub matches: PolicyMatch,
    /// Lanes, best first; the last one is where they run today.
    pub lanes: Vec<LaneId>,
    /// How long an answer may take.
    pub deadline: Deadline,
    /// Profiles they may be called through.
    pub profiles: Vec<Profile>,
    /// Median of output tokens a request.
    pub output_p50: u64,
    /// 95th percentile of output tokens a request.
    pub output_p95: u64,
    /// The score of the verdict.
    pub score: Score,
    /// Whether the owner said so.
    pub confirmed: bool,
    /// What it rests on, for people.
    pub note: String,
}

/// Which requests a rule is for. All of it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyMatch {
    /// What names the workload.
    pub by: MatchBy,
    /// The account; `None` is any.
    pub account: Option<String>,
    /// Base models.
    pub models: Vec<ModelId>,
    /// Whether the answer is streamed; `None` is both.
    pub streamed: Option<bool>,
    /// Hours of the day in UTC, ascending; empty is all.
    pub hours_utc: Vec<u8>,
}

/// What names a workload in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchBy {
    /// The value of the first workload key of the signals file that is in `requestMetadata`.
    Metadata(String),
    /// The id of the application inference profile.
    ApplicationProfile(String),
    /// The caller's role or user.
    Role(String),
    /// The caller as the evidence names it, where roles were replaced by pseudonyms.
    Principal(String),
}

/// The policy of a plan, as a file.
///
/// # Errors
/// [`DataError`] when it cannot be printed as TOML.
pub fn to_toml(plan: &Plan) -> Result<String, DataError> {
    Policy::from(plan).to_toml()
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has another version, an unknown key, or a value without a meaning.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        wire::read(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    /// The policy as a file.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be printed as TOML.
    pub fn to_toml(&self) -> Result<String, DataError> {
        wire::print(Path::new("policy.toml"), self)
    }
}

#[cfg(test)]
mod tests {
    use laneshift_core::verdict::Class;
    use laneshift_units::Money;

    use super::*;
    use crate::sample;

    const GOLDEN: &str = include_str!("../../tests/golden/policy-1.toml");

    fn read(text: &str) -> Result<Policy, String> {
        wire::read(Path::new("policy.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn version_one_is_written_and_read_as_kept() {
        assert_eq!(to_toml(&sample::plan()).expect("prints"), GOLDEN);
        assert_eq!(read(GOLDEN).expect("reads"), Policy::from(&sample::plan()));
    }

    #[test]
    fn only_moves_of_batch_fit_slices_become_rules() {
        let mut plan = sample::plan();
        plan.workloads[0].slices[0].verdict.class = Class::Undetermined;
        assert_eq!(Policy::from(&plan).rules, []);
        plan.workloads[0].slices[0].verdict.class = Class::BatchFit;
        plan.workloads[0].slices[0].moves.clear();
        assert_eq!(Policy::from(&plan).rules, []);
    }

    #[test]
    fn a_slice_is_told_apart_by_stream_and_hour_or_not_at_all() {
        let mut plan = sample::plan();
        let names = ["streamed", "runs at 02:00, 23:00", "outside the runs"];
        plan.workloads[0].slices = names.map(|name| sample::slice(name, Class::BatchFit, 900)).to_vec();
        let rules = Policy::from(&plan).rules;
        let told: Vec<(Option<bool>, Vec<u8>)> =
            rules.iter().map(|r| (r.matches.streamed, r.matches.hours_utc.clone())).collect();
        // The plan's zone is five hours west of UTC.
        let outside: Vec<u8> = (0..24).filter(|h| ![4, 7].contains(h)).collect();
        assert_eq!(told, [(Some(true), vec![]), (Some(false), vec![4, 7]), (Some(false), outside)]);

        for name in ["half of it", "outside the runs", "runs at noon", "runs at 25:00"] {
            plan.workloads[0].slices = vec![sample::slice(name, Class::BatchFit, 900)];
            assert_eq!(Policy::from(&plan).rules, [], "{name}");
        }
    }

    #[test]
    fn keys_say_what_a_gateway_looks_at() {
        let mut plan = sample::plan();
        for (key, by) in [
            ("workload=a=b", Some(MatchBy::Metadata("a=b".to_owned()))),
            ("aip/x1", Some(MatchBy::ApplicationProfile("x1".to_owned()))),
            ("role/etl", Some(MatchBy::Role("etl".to_owned()))),
            ("principal/p7", Some(MatchBy::Principal("p7".to_owned()))),
            ("role/unknown", None),
            ("something", None),
        ] {
            plan.workloads[0].key = key.to_owned();
            let policy = Policy::from(&plan);
            assert_eq!(policy.rules.first().map(|r| r.matches.by.clone()), by, "{key}");
            assert_eq!(read(&policy.to_toml().expect("prints")).expect("reads"), policy);
        }
    }

    #[test]
    fn moves_to_one_lane_share_a_rule_and_others_get_their_own() {
        let mut plan = sample::plan();
        let slice = &mut plan.workloads[0].slices[0];
        let mut flex = slice.moves[0].clone();
        flex.to = LaneId::Flex;
        flex.after = Money::from_usd(1);
        let mut other = slice.moves[0].clone();
        other.model = ModelId::new("amazon.nova-pro-v1:0");
        slice.moves.extend([flex, other]);
        let rules = Policy::from(&plan).rules;
        let lanes: Vec<(&[LaneId], usize)> = rules.iter().map(|r| (&*r.lanes, r.matches.models.len())).collect();
        assert_eq!(lanes, [(&[LaneId::Flex, LaneId::Standard][..], 1), (&[LaneId::Batch, LaneId::Standard][..], 2)]);
    }

    #[test]
    fn slips_are_refused() {
        for (from, to, expected) in [
            ("version = 1", "version = 2", "field version: "),
            ("metadata = \"tagging\"", "metadata = \"tagging\"\nrole = \"x\"", "field match: "),
            ("metadata = \"tagging\"\n", "", "field match: "),
            ("\"batch\"", "\"bath\"", "field lanes: \"bath\" is no lane"),
            ("deadline = \"24h\"", "deadline = \"soon\"", "field deadline: \"soon\" is not a deadline"),
            ("score = 950", "score = 1950", "field score: "),
            ("confirmed =", "confirm =", "unknown field `confirm`"),
            ("\"global\"", "\"mars\"", "field profiles: \"mars\" is no profile"),
            ("2026-11-01T00:00:00Z", "yesterday", "field from: \"yesterday\" is not a moment"),
        ] {
            let changed = GOLDEN.replacen(from, to, 1);
            assert_ne!(changed, GOLDEN, "{from}");
            let error = read(&changed).expect_err(to);
            assert!(error.contains(expected), "{error}");
        }
    }
}
