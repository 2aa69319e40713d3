//! Short ways to write a workload down, for the companies of this crate.

use laneshift_units::{AccountId, ProfiledModel, Region, ServiceTier};

use crate::company::{CalledAs, Truth, Workload};
use crate::part::{Arrival, CachedShare, LatencyShape, Operation, Part, Session, Spread, TokenShape, Turns};

/// A workload with one role and one model, still without parts.
pub(crate) fn workload(name: &str, account: &str, role: &str, model: &str) -> Workload {
    Workload {
        name: name.to_owned(),
        account: AccountId::new(account),
        region: Region::new("us-east-1"),
        role: role.to_owned(),
        metadata: Vec::new(),
        model: ProfiledModel::parse_id(model),
        called_as: CalledAs::Id,
        bodies_logged: false,
        truth: Truth::Interactive,
        tolerance: "seconds".to_owned(),
        note: String::new(),
        parts: Vec::new(),
    }
}

impl Workload {
    pub(crate) fn meta(mut self, pairs: &[(&str, &str)]) -> Self {
        self.metadata = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self
    }

    pub(crate) fn called(mut self, called_as: CalledAs) -> Self {
        self.called_as = called_as;
        self
    }

    pub(crate) fn with_bodies(mut self) -> Self {
        self.bodies_logged = true;
        self
    }

    pub(crate) fn in_region(mut self, region: &str) -> Self {
        self.region = Region::new(region);
        self
    }

    pub(crate) fn truly(mut self, truth: Truth, tolerance: &str, note: &str) -> Self {
        (self.truth, self.tolerance, self.note) = (truth, tolerance.to_owned(), note.to_owned());
        self
    }

    pub(crate) fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}

/// A part that somebody waits for, one template turn, at the speed of a mid-size model.
pub(crate) fn part(arrival: Arrival, records: u32, operation: Operation, session: Session) -> Part {
    Part {
        arrival,
        records,
        operation,
        session,
        turns: Turns::Template,
        tokens: TokenShape { input: Spread { median: 1000.0, sigma: 0.4 }, output: None, cache: CachedShare::None },
        latency: LatencyShape { first_ms: 450.0, per_token_ms: 14.0 },
        tier: ServiceTier::Default,
        tolerant: false,
    }
}

impl Part {
    /// Medians and sigmas of input and output.
    pub(crate) const fn tokens(mut self, input: (f64, f64), output: (f64, f64)) -> Self {
        self.tokens.input = Spread { median: input.0, sigma: input.1 };
        self.tokens.output = Some(Spread { median: output.0, sigma: output.1 });
        self
    }

    /// Median and sigma of an embedding's input.
    pub(crate) const fn embeds(mut self, input: (f64, f64)) -> Self {
        self.tokens.input = Spread { median: input.0, sigma: input.1 };
        self.tokens.output = None;
        self.latency = LatencyShape { first_ms: 60.0, per_token_ms: 0.0 };
        self
    }

    pub(crate) const fn turns(mut self, turns: Turns) -> Self {
        self.turns = turns;
        self
    }

    pub(crate) const fn cache(mut self, cache: CachedShare) -> Self {
        self.tokens.cache = cache;
        self
    }

    pub(crate) const fn fast(mut self) -> Self {
        self.latency = LatencyShape { first_ms: 220.0, per_token_ms: 6.0 };
        self
    }

    pub(crate) const fn flex(mut self) -> Self {
        self.tier = ServiceTier::Flex;
        self
    }

    pub(crate) const fn tolerant(mut self) -> Self {
        self.tolerant = true;
        self
    }
}

/// The session of a service's task, of which so many are alive.
pub(crate) const fn task(alive: u32) -> Session {
    Session::Task(alive)
}

/// A session that is always the same.
pub(crate) fn fixed(name: &str) -> Session {
    Session::Fixed(name.to_owned())
}

/// A session a run.
pub(crate) fn numbered(prefix: &str) -> Session {
    Session::Numbered(prefix.to_owned())
}
