//! What is known about a slice of a workload. Sums over requests, so that evidence can be merged in any order.

use laneshift_units::Deadline;

/// A part and its whole, in the same unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// The whole; zero means not observed.
    pub whole: u64,
}

impl Share {
    /// The ratio, or `None` when nothing was observed.
    pub fn ratio(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }
}

/// The best evidence there is for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceKind {
    /// A bill: sums by day.
    Bill,
    /// Invocation logs without bodies.
    Logs,
    /// Invocation logs with bodies for at least a twentieth of the tokens.
    Bodies,
}

impl EvidenceKind {
    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bill => "bill only",
            Self::Logs => "logs without bodies",
            Self::Bodies => "logs with bodies",
        }
    }
}

/// What kind of caller a role and session look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// Nothing is known.
    Unknown,
    /// A person's session.
    Human,
    /// A session made by a batch-type service.
    BatchService,
    /// A role named like a batch job.
    BatchName,
    /// ECS or EKS.
    RequestService,
    /// Lambda, which serves both.
    Lambda,
    /// Step Functions.
    StepFunctions,
    /// An AWS service on the customer's behalf.
    AwsService,
}

impl PrincipalKind {
    /// Every kind; the index is used in sums.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Human,
        Self::BatchService,
        Self::BatchName,
        Self::RequestService,
        Self::Lambda,
        Self::StepFunctions,
        Self::AwsService,
    ];

    /// The name used in the weights file and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Human => "human",
            Self::BatchService => "batch_service",
            Self::BatchName => "batch_name",
            Self::RequestService => "request_service",
            Self::Lambda => "lambda",
            Self::StepFunctions => "step_functions",
            Self::AwsService => "aws_service",
        }
    }
}

/// Hours of the day that carry a slice, day after day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunPattern {
    /// Hours of the day in UTC, ascending.
    pub hours_utc: Vec<u8>,
    /// Tokens in those hours, of all.
    pub tokens: Share,
    /// Days on which the busiest of those hours ran, of the days it could have.
    pub days: Share,
    /// Whether all hours lie outside 07:00 to 21:00 in the zone that fits the account.
    pub off_hours: bool,
}

/// How long the same payload took to succeed after a throttling error, as counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitAfterThrottle {
    /// Within five seconds.
    pub short: u64,
    /// In between.
    pub middle: u64,
    /// Ten minutes or more.
    pub long: u64,
}

impl WaitAfterThrottle {
    /// All that were followed to a success.
    pub const fn total(self) -> u64 {
        self.short + self.middle + self.long
    }
}

/// Everything the signals look at. Token counts are of all classes together.
#[derive(Clone, Debug)]
pub struct SliceEvidence {
    /// The best kind of evidence.
    pub kind: EvidenceKind,
    /// Answered requests, as observed (not multiplied by a sampling factor).
    pub requests: u64,
    /// Days with at least one request.
    pub days_active: u32,
    /// Days of the period.
    pub days_span: u32,
    /// Tokens of those requests.
    pub tokens: u64,
    /// Streamed tokens, of those where it is known.
    pub streaming: Share,
    /// The deadline that callers stated, with the tokens it was stated for.
    pub declared: Option<(Deadline, Share)>,
    /// Tokens served by the flex tier.
    pub flex_tokens: u64,
    /// Tokens served by the priority tier.
    pub priority_tokens: u64,
    /// Tokens by kind of caller, indexed as [`PrincipalKind::ALL`].
    pub principals: [u64; PrincipalKind::ALL.len()],
    /// Tokens of requests whose body was seen.
    pub body_tokens: u64,
    /// Of those, requests with a single user turn.
    pub one_turn_tokens: u64,
    /// Of those, requests with earlier answers of the model.
    pub assistant_tokens: u64,
    /// Of those, requests with tool results.
    pub tool_result_tokens: u64,
    /// Requests with the commonest beginning, of those with a body.
    pub same_template: Share,
    /// Different payloads, of requests with a body; an estimate.
    pub distinct_payloads: Share,
    /// Tokens by hour of the week in UTC, Monday 00:00 first.
    pub hour_of_week: [u64; 168],
    /// Repeated runs, if there are any.
    pub runs: Option<RunPattern>,
    /// Requests by minute of the hour.
    pub minutes: [u64; 60],
    /// Hours to add to UTC for the zone that fits the account's people.
    pub zone_offset_h: i8,
    /// Waits after throttling.
    pub waits: WaitAfterThrottle,
    /// Whether the model only embeds.
    pub embeds: bool,
}

impl SliceEvidence {
    /// Evidence of a kind over a period, with nothing seen yet.
    pub const fn unseen(kind: EvidenceKind, days_span: u32) -> Self {
        let nothing = Share { part: 0, whole: 0 };
        Self {
            kind,
            requests: 0,
            days_active: 0,
            days_span,
            tokens: 0,
            streaming: nothing,
            declared: None,
            flex_tokens: 0,
            priority_tokens: 0,
            principals: [0; PrincipalKind::ALL.len()],
            body_tokens: 0,
            one_turn_tokens: 0,
            assistant_tokens: 0,
            tool_result_tokens: 0,
            same_template: nothing,
            distinct_payloads: nothing,
            hour_of_week: [0; 168],
            runs: None,
            minutes: [0; 60],
            zone_offset_h: 0,
            waits: WaitAfterThrottle { short: 0, middle: 0, long: 0 },
            embeds: false,
        }
    }
}
