//! A part of a workload: when its requests come, who sends them, what they look like and how many tokens they take.

use laneshift_units::ServiceTier;

/// A part of a workload that behaves in one way.
#[derive(Clone, Debug)]
pub struct Part {
    /// When requests come.
    pub arrival: Arrival,
    /// Expected records in the logs over the whole period.
    pub records: u32,
    /// The API.
    pub operation: Operation,
    /// The session part of the identity.
    pub session: Session,
    /// What the messages look like.
    pub turns: Turns,
    /// How many tokens.
    pub tokens: TokenShape,
    /// How long an answer takes.
    pub latency: LatencyShape,
    /// The service tier it asks for.
    pub tier: ServiceTier,
    /// Whether an owner of this part would wait a day (or at least an hour).
    pub tolerant: bool,
}

/// The runtime API of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
    /// `InvokeModel`.
    InvokeModel,
    /// `InvokeModelWithResponseStream`.
    InvokeModelWithResponseStream,
}

impl Operation {
    /// AWS's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Converse => "Converse",
            Self::ConverseStream => "ConverseStream",
            Self::InvokeModel => "InvokeModel",
            Self::InvokeModelWithResponseStream => "InvokeModelWithResponseStream",
        }
    }

    /// Whether the answer comes piece by piece.
    pub const fn streams(self) -> bool {
        matches!(self, Self::ConverseStream | Self::InvokeModelWithResponseStream)
    }

    /// Whether bodies have the shape that is common to all models.
    pub const fn converses(self) -> bool {
        matches!(self, Self::Converse | Self::ConverseStream)
    }
}

/// When requests come. Hours are local.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// As a client of the ServeGen trace, hour by hour.
    Rates {
        /// The client's number in `servegen-rates.csv`.
        client: u32,
        /// The trace day on which the first local day falls.
        first_day: u32,
        /// Trace days used before they repeat, as `(from, length)`; a client that does not repeat has `None`.
        tile: Option<(u32, u32)>,
        /// Hours by which the trace is moved later.
        shift_h: i32,
        /// What is left of the rate on Saturday and Sunday.
        weekend: f64,
    },
    /// A run a day that starts at an hour and a minute and lasts some minutes.
    Daily {
        /// On which days.
        days: Days,
        /// The local hour.
        hour: u32,
        /// The minute.
        minute: u32,
        /// How long it works.
        minutes: u32,
    },
    /// A run every so many hours, from local midnight.
    Every {
        /// Hours between runs.
        hours: u32,
        /// How long it works.
        minutes: u32,
    },
    /// A scheduler that fires every so many minutes past the hour, round the clock.
    Cron {
        /// Minutes between firings.
        minutes: u32,
        /// Seconds that a firing's requests spread over.
        seconds: u32,
    },
    /// The same rate round the clock.
    Steady,
}

/// Days on which a daily run happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    All,
    /// Monday to Friday.
    Weekdays,
    /// Saturday and Sunday.
    Weekends,
}

/// The session part of an assumed-role identity.
#[derive(Clone, Debug)]
pub enum Session {
    /// A task of a container service: 32 hexadecimal digits, a few alive at once.
    Task(u32),
    /// People, by e-mail.
    People(u32),
    /// One a run: 32 hexadecimal digits.
    Job,
    /// One a run: a prefix, a dash and ten hexadecimal digits.
    Numbered(String),
    /// Always the same.
    Fixed(String),
}

/// What the messages of a request look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// One user turn: the same instruction, another payload.
    Template,
    /// One user turn in the user's own words.
    Single,
    /// Up to this many user turns, with the assistant's turns between them.
    Chat(u32),
    /// Up to this many user turns; after the first they are tool results.
    Tools(u32),
}

impl Turns {
    /// Whether a request never holds an assistant's turn.
    pub const fn one_turn(self) -> bool {
        matches!(self, Self::Template | Self::Single)
    }
}

/// A log-normal quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// Tokens of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenShape {
    /// All input: uncached, read and written.
    pub input: Spread,
    /// Output; `None` for embeddings.
    pub output: Option<Spread>,
    /// What the prompt cache does.
    pub cache: CachedShare,
}

impl TokenShape {
    /// How many tokens of the input its cache point comes after, where it has one.
    pub(crate) fn cached(&self) -> Option<u64> {
        match self.cache {
            CachedShare::None => None,
            CachedShare::Minutes5 { read, write } | CachedShare::Hour1 { read, write } => {
                Some((self.input.median * (read + write)) as u64)
            }
        }
    }
}

/// Shares of the input that the prompt cache reads and writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CachedShare {
    /// No cache point.
    None,
    /// Written for five minutes.
    Minutes5 {
        /// Share of the input read from the cache.
        read: f64,
        /// Share of the input written to the cache.
        write: f64,
    },
    /// Written for an hour.
    Hour1 {
        /// Share of the input read from the cache.
        read: f64,
        /// Share of the input written to the cache.
        write: f64,
    },
}

/// How long an answer takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyShape {
    /// Before the first token, at an empty prompt.
    pub first_ms: f64,
    /// For each output token.
    pub per_token_ms: f64,
}
