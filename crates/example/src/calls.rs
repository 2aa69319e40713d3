//! The requests of a company as its clients make them, for whoever runs them instead of reading about them.

use laneshift_units::{Timestamp, Usage};
use serde_json::Value;

use crate::bodies::{self, Length, Talk};
use crate::company::Company;
use crate::events::{EventDays, Outcome};
use crate::identity;
use crate::part::Operation;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it is made.
    pub at: Timestamp,
    /// Index into [`Company::workloads`].
    pub workload: usize,
    /// The ARN of its caller.
    pub principal: String,
    /// The API.
    pub operation: Operation,
    /// Its body, without metadata. The last text tells the emulator's toy model how long to answer.
    pub body: Value,
    /// What it takes, by the emulator's count of tokens; of tools and caches only about.
    pub usage: Usage,
    /// Whether its owner would wait a day, or at least an hour.
    pub tolerant: bool,
}

/// Every request of a company that is answered, in order of time: what throttles, refuses and caches is whoever runs them.
pub fn calls(company: &Company) -> impl Iterator<Item = Call> {
    let answered = EventDays::new(company).flatten().filter(|event| event.outcome == Outcome::Answered);
    answered.map(|event| {
        let part = event.part_of(company);
        let usage = Usage { input: event.usage.total_input(), output: event.usage.output, ..Usage::default() };
        let mut talk = Talk::new(company, &event, Length::Metered);
        talk.tell(usage.input.0, usage.output.0);
        let body = serde_json::to_value(bodies::input(company, &event, &talk)).expect("bodies hold only strings and numbers");
        Call {
            at: Timestamp(event.at_ms),
            workload: event.workload,
            principal: identity::arn(company, &event),
            operation: part.operation,
            body,
            usage,
            tolerant: part.tolerant,
        }
    })
}
