//! What is sent: a company's month, as it was made up or as a ledger has recorded it.

use std::collections::BTreeMap;

use laneshift_example::{Call, Company};

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
