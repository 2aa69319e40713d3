//! The decision by itself: one call, one target of each lane.

use std::hint::black_box;
use std::num::NonZeroU64;

use anyhow::{Context, Result, bail};
use clap::Args;
use laneshift_core::lanes::LANES;
use laneshift_core::price::Rates;
use laneshift_core::route::{Class, Demand, Features, LaneId, Place, Target, Wait, route};
use laneshift_units::{Bytes, Deadline, ModelId, Profile, QuotaTokens, Rate, Region, Timestamp, TokenClass, Tokens, Usage};

use super::machine;
use crate::clock::Stopwatch;

#[derive(Args)]
pub(crate) struct RouteArgs {
    /// Decisions in a round
    #[arg(long, default_value_t = 1_000_000)]
    decisions: u32,
    /// Rounds; the table has the median
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Measures and prints the table.
pub(crate) fn run(args: &RouteArgs) -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("this build is not optimised: cargo run --release -p xtask -- bench route");
    }
    let now = Timestamp(1_790_000_000_000);
    let target = |(at, lane): (usize, LaneId)| {
        let mut rates = Rates::default();
        TokenClass::ALL.into_iter().for_each(|class| rates.set(class, Rate::from_pico_per_token(1_000_000 * (at as u64 + 1))));
        Target {
            lane,
            place: Place { region: Region::new("us-east-1"), profile: Profile::Global },
            rates,
            supports: Features(u16::MAX),
            headroom: Some(QuotaTokens(10_000_000)),
            wait: Wait { promise_ms: 5_000 },
            body_max: Bytes(25_000_000),
        }
    };
    let market: Vec<Target> = LaneId::ALL.into_iter().enumerate().map(target).collect();
    let class = Class {
        model: ModelId::new("anthropic.claude-sonnet-4-6"),
        context: Tokens(1_000),
        needs: Features::NONE,
        deadline: Deadline::Day,
    };
    let expected = Usage { input: Tokens(1_000), output: Tokens(300), ..Usage::default() };
    let demand = Demand { class: &class, n: NonZeroU64::MIN, expected, reserve: QuotaTokens(2_500), largest: Bytes(4_000) };
    let mut rounds: Vec<f64> = Vec::new();
    for _ in 0..args.rounds {
        let clock = Stopwatch::start();
        for _ in 0..args.decisions {
            black_box(route(LANES, black_box(&demand), black_box(&market), now));
        }
        rounds.push(clock.elapsed_s() * 1e9 / f64::from(args.decisions));
    }
    rounds.sort_by(f64::total_cmp);
    let median = rounds.get(rounds.len() / 2).context("--rounds is 0")?;
    println!("{}; {} decisions a round, {} rounds.\n", machine::line(), args.decisions, args.rounds);
    println!("| decision | ns |\n|---|--:|\n| {} targets | {median:.0} |", market.len());
    Ok(())
}
