//! What Prometheus reads: calls, tokens, money and times by owner, workload and lane; never a prompt or a key.

use std::sync::atomic::AtomicU64;

use laneshift_units::Money;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::books::Record;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    owner: String,
    workload: String,
    lane: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    lane: String,
    operation: String,
    /// `ok`, or AWS's name of the error.
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    owner: String,
    workload: String,
    lane: String,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lane {
    lane: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Error {
    error: &'static str,
}

type Dollars = Counter<f64, AtomicU64>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Outcome, Counter>,
    tokens: Family<Tokens, Counter>,
    paid: Family<Place, Dollars>,
    on_demand: Family<Place, Dollars>,
    bound: Family<Place, Dollars>,
    seconds: Family<Lane, Histogram>,
    refused: Family<Error, Counter>,
    open: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("laneshift");
        let metrics = Self {
            calls: Family::default(),
            tokens: Family::default(),
            paid: Family::default(),
            on_demand: Family::default(),
            bound: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.05, 2.0, 14))),
            refused: Family::default(),
            open: Gauge::default(),
            registry: Registry::default(),
        };
        let dollars = || Unit::Other("usd".to_owned());
        registry.register("calls", "Calls that were sent on and have ended", metrics.calls.clone());
        registry.register("tokens", "Tokens that were metered", metrics.tokens.clone());
        registry.register_with_unit("paid", "What was paid, by list price", dollars(), metrics.paid.clone());
        let on_demand = "What the same tokens cost in the standard tier";
        registry.register_with_unit("on_demand", on_demand, dollars(), metrics.on_demand.clone());
        let bound = "What may have been paid beyond that, for calls whose answer was lost";
        registry.register_with_unit("bound", bound, dollars(), metrics.bound.clone());
        let seconds = "From the coming of a call to the end of its answer";
        registry.register_with_unit("call", seconds, Unit::Seconds, metrics.seconds.clone());
        registry.register("refused", "Requests that the gateway refused itself", metrics.refused.clone());
        registry.register("open_calls", "Calls that have not ended", metrics.open.clone());
        Self { registry, ..metrics }
    }

    pub(crate) fn begun(&self) {
        self.open.inc();
    }

    /// A call has ended, and counts for a workload.
    pub(crate) fn ended(&self, record: &Record, workload: String) {
        self.open.dec();
        let booked = &record.laneshift;
        let owner = booked.owner.clone();
        let outcome = record.error_code.clone().unwrap_or_else(|| "ok".to_owned());
        let outcome = Outcome { lane: record.lane(), operation: record.operation.clone(), outcome };
        self.calls.get_or_create(&outcome).inc();
        let (input, output) = record.tokens();
        let mut tokens = Tokens { owner, workload, lane: outcome.lane, class: "input" };
        self.tokens.get_or_create(&tokens).inc_by(input);
        tokens.class = "output";
        self.tokens.get_or_create(&tokens).inc_by(output);
        let Tokens { owner, workload, lane, .. } = tokens;
        let place = Place { owner, workload, lane };
        for (family, money) in
            [(&self.paid, booked.paid_usd), (&self.on_demand, booked.on_demand_usd), (&self.bound, booked.bound_usd)]
        {
            family.get_or_create(&place).inc_by(dollars(money));
        }
        self.seconds.get_or_create(&Lane { lane: place.lane }).observe(booked.took_ms as f64 / 1_000.0);
    }

    pub(crate) fn refused(&self, error: &'static str) {
        self.refused.get_or_create(&Error { error }).inc();
    }

    /// The text of a scrape.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// For charts; the books have the exact amount.
fn dollars(money: Money) -> f64 {
    money.pico() as f64 / 1e12
}
