//! What each workload adds up to, at list price and for all requests, not only the sampled ones.

use laneshift_units::{Money, TokenClass, Usage};

use crate::company::Company;
use crate::cur::mode;
use crate::events::EventDays;
use crate::prices;

/// The month of one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadTotals {
    /// The owner's name for it.
    pub name: String,
    /// The key under which an audit meets it.
    pub key: String,
    /// Records in the logs.
    pub records: u64,
    /// Tokens of all requests.
    pub usage: Usage,
    /// List cost of all requests.
    pub cost: Money,
    /// The share of that cost whose owner would wait an hour or more.
    pub tolerant_cost: Money,
}

/// The totals of each workload, in the company's order.
pub fn totals(company: &Company) -> Vec<WorkloadTotals> {
    let mut all: Vec<WorkloadTotals> = company
        .workloads
        .iter()
        .map(|w| WorkloadTotals { name: w.name.clone(), key: w.key(), ..WorkloadTotals::default() })
        .collect();
    for event in EventDays::new(company).flatten() {
        let (workload, part) = (event.workload_of(company), event.part_of(company));
        let sum = &mut all[event.workload];
        let usage = event.metered().times(company.sampling_factor);
        sum.records += 1;
        sum.usage += usage;
        for class in TokenClass::ALL.into_iter().filter(|&c| usage.get(c).0 > 0) {
            let rate = prices::rate(&workload.model, &workload.region, mode(part.tier), class);
            let cost = rate.expect("a company uses only what the price file prices").cost(usage.get(class));
            sum.cost += cost;
            if part.tolerant {
                sum.tolerant_cost += cost;
            }
        }
    }
    all
}
