//! The one decision that the audit, the gateway and a simulation share: which target takes a demand.
//!
//! `route` is pure. Only its input differs between callers: the audit knows output lengths, a gateway
//! estimates them. Cost is marginal; the fee of a commitment belongs to the plan.

use std::num::NonZeroU64;

use laneshift_units::{Bytes, Deadline, ModelId, Money, Profile, QuotaTokens, Region, Timestamp, TokenClass, Tokens, Usage};

use crate::price::Rates;

/// What prices, limits and eligibility depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// The model.
    pub model: ModelId,
    /// Total input of one request, as the lower bound of its price tier.
    pub context: Tokens,
    /// What the requests use.
    pub needs: Features,
    /// How long the answer may take.
    pub deadline: Deadline,
}

/// `n` alike requests. `expected` and `reserve` are sums over them, so quotes add up.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Their class.
    pub class: &'a Class,
    /// How many.
    pub n: NonZeroU64,
    /// Tokens they will be billed for.
    pub expected: Usage,
    /// Tokens that admission will count.
    pub reserve: QuotaTokens,
    /// The largest body among them.
    pub largest: Bytes,
}

/// Features of a request that a lane may not support, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Features(pub u16);

impl Features {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// The answer is streamed to a reader.
    pub const STREAMING: Self = Self(1);
    /// Tool definitions in a Converse request.
    pub const TOOLS_CONVERSE: Self = Self(2);
    /// Tool definitions in an InvokeModel request.
    pub const TOOLS_INVOKE: Self = Self(4);
    /// A guardrail.
    pub const GUARDRAIL: Self = Self(8);
    /// A prompt ARN instead of a body.
    pub const PROMPT_ARN: Self = Self(16);
    /// A JSON schema for the answer.
    pub const STRUCTURED_OUTPUT: Self = Self(32);
    /// Called by an AWS service on the customer's behalf: nobody here can change the call.
    pub const AWS_SERVICE: Self = Self(64);

    /// Every feature with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::STREAMING, "streaming"),
        (Self::TOOLS_CONVERSE, "tools (Converse)"),
        (Self::TOOLS_INVOKE, "tools (InvokeModel)"),
        (Self::GUARDRAIL, "guardrail"),
        (Self::PROMPT_ARN, "prompt ARN"),
        (Self::STRUCTURED_OUTPUT, "structured output"),
        (Self::AWS_SERVICE, "called by an AWS service"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether everything in `other` is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of what is in the set.
    pub fn names(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|(f, _)| self.has(*f)).map(|(_, name)| name).collect()
    }
}

/// The lanes: the ways to buy the same tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaneId {
    /// Provisioned Throughput.
    Provisioned,
    /// The Reserved tier.
    Reserved,
    /// On-demand, priority tier.
    Priority,
    /// On-demand, standard tier.
    Standard,
    /// On-demand, flex tier.
    Flex,
    /// Batch inference jobs.
    Batch,
}

impl LaneId {
    /// Every lane, as shown.
    pub const ALL: [Self; 6] = [Self::Provisioned, Self::Reserved, Self::Priority, Self::Standard, Self::Flex, Self::Batch];

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::Reserved => "reserved",
            Self::Priority => "priority",
            Self::Standard => "standard",
            Self::Flex => "flex",
            Self::Batch => "batch",
        }
    }
}

/// Where a target is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The region that is called.
    pub region: Region,
    /// The profile it is called through.
    pub profile: Profile,
}

/// A row of the market: one lane at one place.
#[derive(Clone, Debug)]
pub struct Target {
    /// The lane.
    pub lane: LaneId,
    /// The place.
    pub place: Place,
    /// Prices. A class without a price is unknown.
    pub rates: Rates,
    /// What it supports.
    pub supports: Features,
    /// Quota left; `None` where nobody has said that it is short.
    pub headroom: Option<QuotaTokens>,
    /// How long an answer takes here.
    pub wait: Wait,
    /// The largest body it takes.
    pub body_max: Bytes,
}

/// How long an answer takes at a target, in milliseconds, as the plan dares to promise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// Milliseconds from now to a readable answer.
    pub promise_ms: i64,
}

/// One lane of the list: its id and how it quotes.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Which lane.
    pub id: LaneId,
    /// What a target of this lane offers for a demand.
    pub quote: fn(&Demand<'_>, &Target, Timestamp) -> Result<Offer, Refusal>,
}

/// What the caller does with an offer it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// Call the model.
    Invoke,
    /// Put it into a queue of batch records.
    Enqueue,
}

/// A target's word: what it would take, for how much, and by when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// How many of the demand's requests.
    pub takes: NonZeroU64,
    /// What they cost at the margin.
    pub marginal: Money,
    /// When the last answer is readable.
    pub finish_by: Timestamp,
    /// How to carry it out.
    pub dispatch: Dispatch,
}

/// Why a target does not take a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Tokens of this class have no known price here.
    NoPrice(TokenClass),
    /// It cannot serve these features.
    Unsupported(Features),
    /// It would be late by so many milliseconds.
    TooLate {
        /// How late.
        by_ms: i64,
    },
    /// Its quota is short.
    NoHeadroom,
    /// A body is larger than it takes.
    TooLarge,
}

/// Index into the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetIx(pub usize);

/// What `route` decided.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Targets taken, with their offers.
    pub parts: Vec<(TargetIx, Offer)>,
    /// Requests that nobody takes in time at a known price.
    pub unplaced: u64,
    /// Who refused, and why.
    pub refusals: Vec<(TargetIx, Refusal)>,
}

impl Decision {
    /// The marginal cost of all parts.
    pub fn marginal(&self) -> Money {
        self.parts.iter().map(|(_, o)| o.marginal).sum()
    }
}

/// Chooses the cheapest targets that take the demand in time; ties go to the earlier answer, then to the earlier row.
pub fn route(lanes: &[Lane], demand: &Demand<'_>, market: &[Target], now: Timestamp) -> Decision {
    let due_ms = i64::try_from(demand.class.deadline.wait().as_millis()).unwrap_or(i64::MAX);
    let mut decision = Decision::default();
    let mut offers: Vec<(TargetIx, Offer)> = Vec::new();
    for (ix, target) in market.iter().enumerate() {
        let Some(lane) = lanes.iter().find(|l| l.id == target.lane) else { continue };
        match (lane.quote)(demand, target, now) {
            Ok(offer) if offer.finish_by.0 - now.0 > due_ms => {
                let by_ms = offer.finish_by.0 - now.0 - due_ms;
                decision.refusals.push((TargetIx(ix), Refusal::TooLate { by_ms }));
            }
            Ok(offer) => offers.push((TargetIx(ix), offer)),
            Err(refusal) => decision.refusals.push((TargetIx(ix), refusal)),
        }
    }
    // A whole offer of the cheapest price for each request comes first: marginal / takes, compared without division.
    offers.sort_by(|(ai, a), (bi, b)| {
        let left = a.marginal.pico() * i128::from(b.takes.get());
        let right = b.marginal.pico() * i128::from(a.takes.get());
        left.cmp(&right).then(a.finish_by.cmp(&b.finish_by)).then(ai.cmp(bi))
    });
    let mut left = demand.n.get();
    for (ix, offer) in offers {
        let Some(takes) = NonZeroU64::new(offer.takes.get().min(left)) else { break };
        let marginal = if takes == offer.takes { offer.marginal } else { offer.marginal.scaled(takes.get(), offer.takes.get()) };
        decision.parts.push((ix, Offer { takes, marginal, ..offer }));
        left -= takes.get();
    }
    decision.unplaced = left;
    decision
}
