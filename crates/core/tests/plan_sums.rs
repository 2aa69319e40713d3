//! A plan's numbers add up to the picodollar, whatever the workloads.

use laneshift_core::plan::{Grain, Inputs, Scope, SliceInput, WorkloadInput, build};
use laneshift_core::price::Rates;
use laneshift_core::route::{Features, LaneId, Place, Target, Wait};
use laneshift_core::verdict::{Answer, EvidenceKind, Group, Share, SignalId, SliceEvidence, Weights};
use laneshift_units::{Bytes, Deadline, ModelId, Money, Profile, Rate, Region, Timestamp, TokenClass, Tokens, Usage};
use proptest::prelude::*;

fn weights() -> Weights {
    Weights {
        prior: 0.25,
        signal: [1.0; SignalId::ALL.len()],
        cap: [4.0; Group::ALL.len()],
        ceiling_bill: (300, 700),
        ceiling_logs: (100, 900),
        ceiling_bodies: (50, 950),
        ceiling_declared: (10, 990),
        ceiling_bill_streaming_min: 100,
        fit_min: 800,
        floor_min: 900,
        late_share: 50,
        stay_max: 200,
        requests_min: 100,
        days_min: 3,
        half_requests: 30.0,
        half_days: 3.0,
        hybrid_min: 100,
    }
}

fn scope() -> Scope {
    Scope {
        from: Timestamp(0),
        to: Timestamp(0),
        days: 1,
        accounts: Vec::new(),
        regions: Vec::new(),
        sampling_factor: 1,
        sources: Vec::new(),
        records: 0,
        answered: 0,
        failed: 0,
        throttled: 0,
        blocked: 0,
        uncounted: 0,
        rejected: Vec::new(),
        usage: Usage::default(),
        zone_offset_h: 0,
        catalogue: String::new(),
        unknowns: Vec::new(),
    }
}

fn evidence(requests: u64, days_active: u32, declared: Option<Deadline>) -> SliceEvidence {
    SliceEvidence {
        requests,
        days_active,
        tokens: 1000,
        streaming: Share { part: 0, whole: 1000 },
        declared: declared.map(|d| (d, Share { part: 1000, whole: 1000 })),
        ..SliceEvidence::unseen(EvidenceKind::Logs, 30)
    }
}

fn target(lane: LaneId, profile: Profile, pico: u64) -> Target {
    let mut rates = Rates::default();
    TokenClass::ALL.into_iter().for_each(|class| rates.set(class, Rate::from_pico_per_token(pico)));
    let hours = if lane == LaneId::Batch { 24 } else { 0 };
    let place = Place { region: Region::new("us-east-1"), profile };
    let supports = if lane == LaneId::Batch {
        Features(127).without(Features::STREAMING.with(Features::TOOLS_CONVERSE))
    } else {
        Features(127)
    };
    Target {
        lane,
        place,
        rates,
        supports,
        headroom: None,
        wait: Wait { promise_ms: hours * 3_600_000 },
        body_max: Bytes(u64::MAX),
    }
}

prop_compose! {
    fn grain()(
        input in 0..1_000_000_u64, output in 0..100_000_u64, read in 0..1_000_000_u64, requests in 0..5_000_u64,
        standard in 1..20_000_000_u64, batch in proptest::option::of(1..20_000_000_u64), flex in proptest::option::of(1..20_000_000_u64),
        global in proptest::option::of(1..20_000_000_u64), needs in 0..128_u16, too_small: bool, known in 0..10_u8,
    ) -> Grain {
        let geo = || Profile::Geo("us".into());
        let mut market = vec![target(LaneId::Standard, geo(), standard)];
        market.extend(batch.map(|p| target(LaneId::Batch, geo(), p)));
        market.extend(flex.map(|p| target(LaneId::Flex, geo(), p)));
        market.extend(global.map(|p| target(LaneId::Standard, Profile::Global, p)));
        Grain {
            model: ModelId::new("anthropic.claude-sonnet-4-6"),
            region: Region::new("us-east-1"),
            profile: geo(),
            lane: LaneId::Standard,
            context: Tokens(0),
            needs: Features(needs),
            requests,
            requests_per_day: requests,
            usage: Usage { input: Tokens(input), output: Tokens(output), cache_read: Tokens(read), ..Usage::default() },
            largest: Bytes(1),
            market,
            served: (known > 0).then_some(0),
            pool_too_small: too_small,
        }
    }
}

prop_compose! {
    fn workload()(
        grains in proptest::collection::vec(proptest::collection::vec(grain(), 1..4), 1..4),
        requests in 0..10_000_u64, days in 0..30_u32,
        declared in proptest::option::of(0..5_usize), answer in proptest::option::of(0..5_usize), key in "[a-z]{1,6}",
    ) -> WorkloadInput {
        WorkloadInput {
            key,
            account: "111122223333".to_owned(),
            owner: None,
            answer: answer.map(|d| Answer { deadline: Deadline::ALL[d] }),
            models: Vec::new(),
            roles: Vec::new(),
            slices: grains
                .into_iter()
                .enumerate()
                .map(|(i, grains)| SliceInput { name: format!("s{i}"), grains, evidence: evidence(requests, days, declared.map(|d| Deadline::ALL[d])) })
                .collect(),
            heat: Box::new([0; 168]),
            output_p50: 0,
            output_p95: 0,
        }
    }
}

proptest! {
    #[test]
    fn everything_adds_up(workloads in proptest::collection::vec(workload(), 0..6)) {
        let weights = weights();
        let plan = build(Inputs { scope: scope(), workloads, weights: &weights, unresolved: Vec::new() });
        let saved: Money = plan.waterfall.iter().map(|s| s.saves).sum();
        prop_assert_eq!(plan.today - saved, plan.planned, "the waterfall");
        prop_assert_eq!(plan.lanes.iter().map(|l| l.today).sum::<Money>(), plan.today, "lanes today");
        prop_assert_eq!(plan.lanes.iter().map(|l| l.planned).sum::<Money>(), plan.planned, "lanes planned");
        prop_assert_eq!(plan.workloads.iter().map(|w| w.today).sum::<Money>(), plan.today, "workloads today");
        prop_assert_eq!(plan.workloads.iter().map(|w| w.planned).sum::<Money>(), plan.planned, "workloads planned");
        for w in &plan.workloads {
            prop_assert_eq!(w.slices.iter().map(|s| s.today).sum::<Money>(), w.today);
            for s in &w.slices {
                let moved: Money = s.moves.iter().map(|m| m.before - m.after).sum();
                prop_assert_eq!(s.today - moved, s.planned);
                prop_assert!(s.planned <= s.today && s.potential <= s.today && s.potential >= Money::ZERO);
            }
        }
        prop_assert!(plan.savings.floor <= plan.savings.ceiling);
        prop_assert!(plan.savings.likely <= plan.savings.ceiling);
        prop_assert!(plan.planned <= plan.today);
    }
}
