//! What is sent: a company's month, as it was made up or as a ledger has recorded it.

use std::collections::BTreeMap;

use laneshift_catalog::policy::PolicyRule;
use laneshift_core::route::LaneId;
use laneshift_example::{Call, Company};

const HOUR_MS: i64 = 3_600_000;

/// A company and all that it sends, in order of time.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Who sends, and for how long.
    pub company: Company,
    /// The requests.
    pub calls: Vec<Call>,
}

impl From<Company> for Traffic {
    fn from(company: Company) -> Self {
        let calls = laneshift_example::calls(&company).collect();
        Self { company, calls }
    }
}

impl Traffic {
    /// The region that is called most: there the jobs run.
    pub(crate) fn main_region(&self) -> &str {
        let mut regions: BTreeMap<&str, u64> = BTreeMap::new();
        for call in &self.calls {
            *regions.entry(self.company.workloads[call.workload].region.as_str()).or_default() += 1;
        }
        regions.into_iter().max_by_key(|(_, calls)| *calls).map_or("us-east-1", |(region, _)| region)
    }
}

/// Which calls a policy lets wait for a job.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Rules by the place of the workload that they are for.
    rules: Vec<Vec<PolicyRule>>,
}

impl Patience {
    /// Of a company's calls.
    pub fn new(company: &Company, rules: &[PolicyRule]) -> Self {
        let of = |key: String| {
            let own = rules.iter().filter(|rule| rule.workload == key && rule.lanes.contains(&LaneId::Batch));
            own.cloned().collect()
        };
        Self { rules: company.workloads.iter().map(|workload| of(workload.key())).collect() }
    }

    /// Whether a call may wait. No stream does.
    pub fn may_wait(&self, call: &Call) -> bool {
        let hour = u8::try_from(call.at.0.div_euclid(HOUR_MS).rem_euclid(24)).unwrap_or(0);
        let holds = |rule: &PolicyRule| rule.matches.hours_utc.is_empty() || rule.matches.hours_utc.contains(&hour);
        !call.operation.streams() && self.rules[call.workload].iter().any(holds)
    }
}
