//! Faults: what goes wrong with a cloud, by name, by rule, and repeatably.
//!
//! A rule names a fault (or a failure story, F01 to F28) and says which calls it strikes. Some stories need no rule: the
//! emulator behaves like that always; asking for one of those says so. Faults of a job are chosen when it is created.

mod rule;

pub use rule::{Rule, RuleError};

use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chance;

/// The most rules at one time.
pub const RULES_MAX: usize = 256;

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $level:ident;)*) => {
        /// What can be made to go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault { $($(#[$doc])* $variant,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in a rule.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it strikes a call or a job.
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }
        }
    };
}

faults! {
    /// Create answers ServiceQuotaExceededException (F02).
    QuotaExceeded = "quota_exceeded", Call;
    /// Waiting and running take `factor` times as long (F03).
    SlowTurnaround = "slow_turnaround", Job;
    /// Stays Scheduled until it expires (F04).
    NeverBegins = "never_begins", Job;
    /// Time runs out when `share` of the records is done: PartiallyCompleted (F05).
    CutShort = "cut_short", Job;
    /// The operation is carried out and the connection closed without an answer (F06).
    LostResponse = "lost_response", Call;
    /// `share` of the output lines is missing, as much is there twice, and the manifest disagrees (F09).
    MangledOutput = "mangled_output", Job;
    /// `share` of the records carries its error inside `modelOutput` (F10).
    InnerErrors = "inner_errors", Job;
    /// `share` of the answers is empty and billed to `max_tokens` (F11).
    EmptyAnswers = "empty_answers", Job;
    /// `share` of the records fails, all by default; the job is Completed (F12).
    RecordsFail = "records_fail", Job;
    /// Answers ResourceNotFoundException, twice by default (F13).
    NotFound = "not_found", Call;
    /// Output becomes readable `minutes` after the job has ended (F13, F14).
    LateResults = "late_results", Job;
    /// Output lists and ends in the middle of a line, until `minutes` after the job has ended (F14).
    TruncatedOutput = "truncated_output", Job;
    /// Create answers AccessDeniedException for lack of iam:PassRole (F15).
    AccessDenied = "access_denied", Call;
    /// Validation fails: the role cannot reach the bucket (F15).
    RoleDenied = "role_denied", Job;
    /// Answers ThrottlingException (F16).
    Throttled = "throttled", Call;
    /// Stopping takes `minutes`, while records still complete and bill (F17).
    SlowStop = "slow_stop", Job;
    /// Counters stay 0 to the end (F18).
    ZeroCounters = "zero_counters", Job;
    /// State changes are announced to nobody (F20).
    EventsLost = "events_lost", Job;
    /// State changes are announced twice (F20).
    EventsTwice = "events_twice", Job;
    /// State changes are announced `minutes` late (F20).
    EventsLate = "events_late", Job;
    /// No answer for `minutes` of the machine's time, then the connection is closed (F25).
    Stalled = "stalled", Call;
    /// Behaves as if something on the way had decoded the path: UnknownOperationException (F26).
    DecodedPath = "decoded_path", Call;
    /// The job stays InProgress for ever (F27).
    Stuck = "stuck", Job;
    /// Answers the `error` that the rule names.
    Error = "error", Call;
    /// A response stream ends in an exception after its first half.
    BrokenStream = "broken_stream", Call;
}

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One call.
    Call,
    /// A job, from its creation on.
    Job,
}

/// A fault that strikes, with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strike {
    /// Which.
    pub fault: Fault,
    /// A length, where the fault has one.
    pub minutes: f64,
    /// A part of all records, where the fault has one.
    pub share: f64,
    /// A multiple, where the fault has one.
    pub factor: f64,
    /// The error's name, for [`Fault::Error`] and [`Fault::BrokenStream`].
    pub error: String,
}

/// How often a rule has been asked and has struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Place in the list of rules.
    pub rule: usize,
    /// Calls that matched.
    pub seen: u64,
    /// Of those, struck.
    pub struck: u64,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(Rule, Timestamp, Count)>,
}

impl Faults {
    /// Replaces all rules; counts begin at zero.
    pub fn set(&mut self, rules: Vec<Rule>, at: Timestamp) {
        self.rules = rules.into_iter().enumerate().map(|(i, rule)| (rule, at, Count { rule: i, ..Count::default() })).collect();
    }

    /// Takes over a count.
    pub fn count(&mut self, count: Count) {
        if let Some(entry) = self.rules.get_mut(count.rule) {
            entry.2 = count;
        }
    }

    /// The rules with their counts.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, Count)> {
        self.rules.iter().map(|(rule, _, count)| (rule, *count))
    }

    /// No rule at all, so that the common case costs nothing.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Which faults strike this call, and the counts to take over. Job faults are asked for with the operation
    /// that creates the job.
    pub fn strike(&self, seed: u64, call: &Target<'_>, now: Timestamp) -> (Vec<Strike>, Vec<Count>) {
        let (mut strikes, mut counts) = (Vec::new(), Vec::new());
        for (rule, set_at, count) in &self.rules {
            if !rule.matches(call, *set_at, now) {
                continue;
            }
            let mut count = Count { seen: count.seen + 1, ..*count };
            let chance = chance::share(seed ^ count.rule as u64, &count.seen.to_string());
            if rule.strikes(count, chance) {
                count.struck += 1;
                strikes.push(rule.strike());
            }
            counts.push(count);
        }
        (strikes, counts)
    }
}

/// The call that rules are held against.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// AWS's name of the operation.
    pub operation: &'a str,
    /// The model as called; empty when the operation has none.
    pub model: &'a str,
    /// The caller's account.
    pub account: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Faults {
        let mut faults = Faults::default();
        faults.set(Rule::parse_list(json).expect("rules"), Timestamp(0));
        faults
    }

    fn struck(faults: &mut Faults, operation: &str) -> usize {
        let target = Target { operation, model: "us.amazon.nova-pro-v1:0", account: "1" };
        let (strikes, counts) = faults.strike(1, &target, Timestamp(0));
        counts.into_iter().for_each(|count| faults.count(count));
        strikes.len()
    }

    #[test]
    fn a_rule_strikes_the_calls_it_names() {
        let mut faults = rules(r#"[{"fault":"throttled","operation":"Converse","nth":2},{"fault":"F13"}]"#);
        let converse: Vec<usize> = (0..4).map(|_| struck(&mut faults, "Converse")).collect();
        assert_eq!(converse, [0, 1, 0, 0]);
        let get: Vec<usize> = (0..4).map(|_| struck(&mut faults, "GetModelInvocationJob")).collect();
        assert_eq!(get, [1, 1, 0, 0], "twice by default");
    }

    #[test]
    fn a_rate_is_met_and_repeats() {
        let run = || {
            let mut faults = rules(r#"[{"fault":"throttled","operation":"Converse","rate":0.25}]"#);
            (0..1000).map(|_| struck(&mut faults, "Converse")).collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first, run());
        let hits: usize = first.iter().sum();
        assert!((200..300).contains(&hits), "{hits}");
    }

    #[test]
    fn a_story_that_is_always_true_needs_no_rule_and_a_slip_is_named() {
        let message = |json: &str| Rule::parse_list(json).expect_err("refused").to_string();
        assert!(message(r#"[{"fault":"F07"}]"#).contains("always"));
        assert!(message(r#"[{"fault":"thruttled"}]"#).contains("thruttled"));
        assert!(message(r#"[{"fault":"throttled","rate":2}]"#).contains("rate"));
        assert!(message(r#"[{"fault":"throttled","operation":"Convers"}]"#).contains("Convers"));
    }
}
