//! A rich plan with hostile names, made so that its sums hold. Amounts are in whole dollars.

mod bill;
mod workloads;

use std::collections::BTreeMap;

use laneshift_core::plan::{
    Confusion, DailySpend, LaneSpend, LeverStep, ModelSpend, Plan, RejectedReason, Savings, Scope, Source, Unresolved,
};
use laneshift_core::route::LaneId;
use laneshift_core::verdict::Class;
use laneshift_units::{Money, Timestamp, Tokens, Usage};

/// What an attacker may write where a name is expected.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>";

/// A plan of nothing.
pub(crate) fn empty() -> Plan {
    Plan {
        scope: Scope {
            from: Timestamp(0),
            to: Timestamp(0),
            days: 0,
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
        },
        coverage: None,
        today: Money::ZERO,
        planned: Money::ZERO,
        lanes: Vec::new(),
        models: Vec::new(),
        daily: Vec::new(),
        has_batch_price: Money::ZERO,
        savings: Savings::default(),
        undetermined: Money::ZERO,
        not_movable: Money::ZERO,
        waterfall: Vec::new(),
        workloads: Vec::new(),
        mistakes: Vec::new(),
        renewal: Vec::new(),
        other_services: Vec::new(),
        adjustments: Vec::new(),
        price_notes: Vec::new(),
        unresolved: Vec::new(),
        commitments: Vec::new(),
        confusion: Vec::new(),
    }
}

/// A plan with something in every section.
pub(crate) fn rich() -> Plan {
    let workloads = workloads::all();
    let today: Money = workloads.iter().map(|w| w.today).sum();
    let planned: Money = workloads.iter().map(|w| w.planned).sum();
    let moves = || workloads.iter().flat_map(|w| &w.slices).flat_map(|s| &s.moves);
    let saved_to = |lane| moves().filter(|m| m.to == lane).map(|m| m.saves_by_lane).sum::<Money>();
    let by_profile = moves().map(|m| m.before - m.after - m.saves_by_lane).sum();
    let waterfall = [
        ("move to batch", saved_to(LaneId::Batch)),
        ("move to flex", saved_to(LaneId::Flex)),
        ("global profile, where the owner allows it", by_profile),
    ];
    let of_class = |class| workloads.iter().filter(|w| w.class == class).map(|w| w.today).sum::<Money>();
    Plan {
        scope: scope(),
        coverage: Some(bill::coverage()),
        today,
        planned,
        lanes: lanes(&workloads),
        models: models(&workloads),
        daily: daily(today),
        has_batch_price: today.per_mille(614),
        savings: savings(&workloads),
        undetermined: of_class(Class::Undetermined),
        not_movable: Money::from_usd(1180),
        waterfall: waterfall.into_iter().map(|(name, saves)| LeverStep { name: name.to_owned(), saves }).collect(),
        workloads,
        mistakes: bill::mistakes(),
        renewal: bill::renewal(),
        other_services: bill::other_services(),
        adjustments: bill::adjustments(),
        price_notes: bill::price_notes(),
        unresolved: vec![Unresolved {
            id: format!("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/{HOSTILE}"),
            requests: 18_450,
            usage: Usage { input: Tokens(40_100_000), output: Tokens(3_200_000), ..Usage::default() },
        }],
        commitments: bill::commitments(),
        confusion: confusion(),
    }
}

fn scope() -> Scope {
    Scope {
        from: Timestamp::from_civil(2026, 10, 1, 0, 0, 3),
        to: Timestamp::from_civil(2026, 10, 14, 23, 59, 41),
        days: 14,
        accounts: vec!["111122223333".into(), "444455556666".into(), "777788889999".into()],
        regions: vec!["eu-central-1".into(), "us-east-1".into()],
        sampling_factor: 10,
        sources: vec![
            Source { kind: "invocation log".into(), files: 4_032, bytes: 1_536_000_000, rows: 912_403 },
            Source { kind: "CUR 2.0".into(), files: 2, bytes: 4_200_000, rows: 18_230 },
        ],
        records: 912_403,
        answered: 901_220,
        failed: 8_803,
        throttled: 6_110,
        blocked: 1_902,
        uncounted: 478,
        rejected: vec![
            RejectedReason { reason: "not JSON".into(), lines: 37 },
            RejectedReason { reason: "no timestamp <b>anywhere</b>".into(), lines: 4 },
        ],
        usage: Usage {
            input: Tokens(9_210_000_000),
            output: Tokens(1_480_000_000),
            cache_read: Tokens(2_730_000_000),
            cache_write_5m: Tokens(310_000_000),
            cache_write_1h: Tokens(12_000_000),
        },
        zone_offset_h: 2,
        catalogue: "catalogue 2026.11, list prices read 2026-11-21".into(),
        unknowns: vec![
            "Invocation logs hold neither batch jobs nor calls through bedrock-mantle; what those cost is on the bill only."
                .into(),
            "The logs carry no latency, so nobody's wait was measured.".into(),
            "Prices are list prices: discounts of a private agreement are not known here.".into(),
        ],
    }
}

fn savings(workloads: &[laneshift_core::plan::WorkloadPlan]) -> Savings {
    let mut savings = Savings::default();
    for slice in workloads.iter().flat_map(|w| &w.slices) {
        let by_lane = if slice.moves.is_empty() { slice.potential } else { slice.moves.iter().map(|m| m.saves_by_lane).sum() };
        savings.ceiling += by_lane;
        savings.likely += by_lane.per_mille(slice.verdict.score.0);
        if slice.verdict.class == Class::BatchFit && (slice.verdict.confirmed || slice.verdict.score.0 >= 900) {
            savings.floor += by_lane;
        }
    }
    savings
}

fn lanes(workloads: &[laneshift_core::plan::WorkloadPlan]) -> Vec<LaneSpend> {
    let mut sums: BTreeMap<LaneId, (Money, Money)> = BTreeMap::new();
    for slice in workloads.iter().flat_map(|w| &w.slices) {
        let moved: Money = slice.moves.iter().map(|m| m.before).sum();
        for m in &slice.moves {
            sums.entry(m.from).or_default().0 += m.before;
            sums.entry(m.to).or_default().1 += m.after;
        }
        let standard = sums.entry(LaneId::Standard).or_default();
        standard.0 += slice.today - moved;
        standard.1 += slice.today - moved;
    }
    sums.into_iter().map(|(lane, (today, planned))| LaneSpend { lane, today, planned }).collect()
}

fn models(workloads: &[laneshift_core::plan::WorkloadPlan]) -> Vec<ModelSpend> {
    let mut sums: BTreeMap<&str, (u64, Usage, Money)> = BTreeMap::new();
    for w in workloads {
        let sum = sums.entry(&w.models[0]).or_default();
        *sum = (sum.0 + w.requests, sum.1 + w.usage, sum.2 + w.today);
    }
    let mut models: Vec<ModelSpend> = sums
        .into_iter()
        .map(|(name, (requests, usage, today))| ModelSpend {
            model: workloads::model(name),
            name: name.to_owned(),
            requests,
            usage,
            today: (name != "Nova Sonic 2").then_some(today),
            batch_price: !name.contains("4.8"),
            flex_price: name.contains("Nova"),
        })
        .collect();
    models.sort_by_key(|m| std::cmp::Reverse(m.today));
    models
}

fn daily(today: Money) -> Vec<DailySpend> {
    let first = Timestamp::from_civil(2026, 10, 1, 0, 0, 0).day_index();
    (0..14)
        .filter(|n| *n != 9)
        .map(|n| {
            let weekend = matches!((first + n + 3).rem_euclid(7), 5 | 6);
            let share = if weekend { 34 } else { 86 };
            let total = today.per_mille(share);
            let by_lane = [
                total.per_mille(60),
                Money::ZERO,
                total.per_mille(70),
                total.per_mille(820),
                total.per_mille(30),
                total.per_mille(20),
            ];
            DailySpend { day: first + n, by_lane }
        })
        .collect()
}

fn confusion() -> Vec<Confusion> {
    [
        ("can wait", Class::BatchFit, 9_310),
        ("can wait", Class::Undetermined, 2_204),
        ("cannot wait", Class::Stays, 14_950),
        ("cannot wait", Class::BatchFit, 310),
        ("both", Class::Hybrid, 4_100),
    ]
    .map(|(truth, verdict, usd)| Confusion { truth: truth.into(), verdict, cost: Money::from_usd(usd) })
    .into()
}
