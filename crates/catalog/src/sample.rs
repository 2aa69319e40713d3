//! A small plan for tests, with something in every list.

use laneshift_core::plan::{
    Adjustment, Blocker, BlockerKind, Commitment, Confusion, Coverage, CoverageRow, DailySpend, LaneSpend, LeverStep, Mistake,
    MistakeKind, ModelSpend, Move, OtherService, Plan, PriceNote, RejectedReason, RenewalLine, Savings, Scope, SlicePlan, Source,
    Unresolved, WalkAway, WorkloadPlan,
};
use laneshift_core::route::LaneId;
use laneshift_core::verdict::{Class, EvidenceKind, Score, SignalId, Term, Verdict};
use laneshift_units::{Deadline, ModelId, Money, Profile, Region, Timestamp, TokenClass, Tokens, Usage};

fn usd(text: &str) -> Money {
    Money::parse_usd(text).expect("an amount")
}

fn usage() -> Usage {
    Usage {
        input: Tokens(1_000_000),
        output: Tokens(200_000),
        cache_read: Tokens(30_000),
        cache_write_5m: Tokens(4_000),
        cache_write_1h: Tokens(500),
    }
}

/// A verdict with one term.
pub(crate) fn verdict(class: Class, score: u16) -> Verdict {
    Verdict {
        class,
        deadline: Deadline::Day,
        score: Score(score),
        confirmed: false,
        terms: vec![Term {
            signal: SignalId::OffHoursRuns,
            nats: 1.25,
            text: "runs at 02:00 on 13 of 14 days".to_owned(),
            change: "runs during the day",
        }],
        limits: vec!["the sum of signals gives .970".to_owned()],
        evidence: EvidenceKind::Bodies,
    }
}

/// A slice that moves to batch.
pub(crate) fn slice(name: &str, class: Class, score: u16) -> SlicePlan {
    SlicePlan {
        name: name.to_owned(),
        verdict: verdict(class, score),
        evidence: EvidenceKind::Bodies,
        requests: 4000,
        today: usd("700.5"),
        planned: usd("350.25"),
        potential: usd("350.25"),
        moves: vec![Move {
            model: ModelId::new("anthropic.claude-sonnet-4-5-20250929-v1:0"),
            region: Region::new("us-east-1"),
            from: LaneId::Standard,
            to: LaneId::Batch,
            profile_from: Profile::Geo("us".into()),
            profile_to: Profile::Global,
            requests: 4000,
            usage: usage(),
            before: usd("700.5"),
            after: usd("350.25"),
            saves_by_lane: usd("320"),
        }],
        blockers: vec![Blocker { kind: BlockerKind::TooFew, text: "40 records a day".to_owned(), today: usd("0.000000000001") }],
    }
}

/// A plan of one workload.
pub(crate) fn plan() -> Plan {
    let mut heat = Box::new([0; 168]);
    heat[26] = 4000;
    Plan {
        scope: Scope {
            from: Timestamp::from_civil(2026, 11, 1, 0, 0, 0),
            to: Timestamp::from_civil(2026, 11, 14, 23, 59, 59),
            days: 14,
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["us-east-1".to_owned()],
            sampling_factor: 2,
            sources: vec![Source { kind: "invocation log".to_owned(), files: 14, bytes: 1 << 20, rows: 4100 }],
            records: 4100,
            answered: 4000,
            failed: 50,
            throttled: 40,
            blocked: 6,
            uncounted: 4,
            rejected: vec![RejectedReason { reason: "not JSON".to_owned(), lines: 3 }],
            usage: usage(),
            zone_offset_h: -5,
            catalogue: "1, 2026-11-23".to_owned(),
            unknowns: vec!["logs carry no latency".to_owned()],
        },
        coverage: Some(Coverage {
            bill: usage(),
            logs: usage(),
            bill_money: usd("710"),
            explained_money: usd("700.5"),
            rows: vec![CoverageRow {
                model: "Claude Sonnet 4.5".to_owned(),
                class: TokenClass::CacheWrite1h,
                bill: 500,
                logs: 400,
                bill_money: usd("0.003"),
            }],
            days: vec![(20_758, 10, 9)],
            reasons: vec!["batch jobs are not logged".to_owned()],
        }),
        today: usd("700.5"),
        planned: usd("350.25"),
        lanes: vec![LaneSpend { lane: LaneId::Standard, today: usd("700.5"), planned: Money::ZERO }],
        models: vec![ModelSpend {
            model: ModelId::new("anthropic.claude-sonnet-4-5-20250929-v1:0"),
            name: "Claude Sonnet 4.5".to_owned(),
            requests: 4000,
            usage: usage(),
            today: None,
            batch_price: true,
            flex_price: false,
        }],
        daily: vec![DailySpend {
            day: 20_758,
            by_lane: [Money::ZERO, Money::ZERO, Money::ZERO, usd("50"), Money::ZERO, usd("-1.5")],
        }],
        has_batch_price: usd("700.5"),
        savings: Savings { floor: usd("300"), likely: usd("330"), ceiling: usd("350.25") },
        undetermined: Money::ZERO,
        not_movable: usd("0.1"),
        waterfall: vec![LeverStep { name: "mode".to_owned(), saves: usd("350.25") }],
        workloads: vec![WorkloadPlan {
            key: "workload=tagging".to_owned(),
            account: "111122223333".to_owned(),
            owner: Some("data team".to_owned()),
            models: vec!["Claude Sonnet 4.5".to_owned()],
            roles: vec!["nightly-tagging".to_owned()],
            requests: 4000,
            usage: usage(),
            today: usd("700.5"),
            planned: usd("350.25"),
            class: Class::BatchFit,
            deadline: Deadline::Day,
            score: Score(950),
            slices: vec![slice("all", Class::BatchFit, 950)],
            heat,
            unpriced_tokens: 7,
            output_p50: 40,
            output_p95: 90,
        }],
        mistakes: vec![Mistake {
            kind: MistakeKind::TolerantOnDemand,
            text: "tagging runs on-demand".to_owned(),
            costs: Some(usd("350.25")),
            advice: "move it to batch".to_owned(),
            workloads: vec!["workload=tagging".to_owned()],
        }],
        renewal: vec![RenewalLine {
            model: "Claude Sonnet 4.5".to_owned(),
            lane: LaneId::Batch,
            profile: Profile::InRegion,
            usage_today: Usage::default(),
            usage_planned: usage(),
            list_in: Some("1.5".to_owned()),
            list_out: None,
            today: Money::ZERO,
            planned: usd("350.25"),
            walk_away: vec![WalkAway {
                provider: "anthropic".to_owned(),
                model: "claude-sonnet-4-5".to_owned(),
                mode: "batch".to_owned(),
                cost: usd("340"),
                boundary: "data leaves AWS".to_owned(),
                source: "price page, 2026-11-23".to_owned(),
            }],
        }],
        other_services: vec![OtherService { product: "AmazonSageMaker".to_owned(), cost: usd("12.3456") }],
        adjustments: vec![Adjustment { kind: "Credit".to_owned(), amount: usd("-10") }],
        price_notes: vec![PriceNote { what: "Sonnet, us".to_owned(), text: "sources differ".to_owned(), spend: None, tokens: 7 }],
        unresolved: vec![Unresolved { id: "arn:aws:x".to_owned(), requests: 2, usage: Usage::default() }],
        commitments: vec![Commitment {
            name: "claims".to_owned(),
            lane: LaneId::Provisioned,
            model: ModelId::new("meta.llama3-1-70b-instruct-v1:0"),
            fee: usd("100"),
            on_demand_equivalent: usd("80"),
            usage: usage(),
        }],
        confusion: vec![Confusion { truth: "batch".to_owned(), verdict: Class::BatchFit, cost: usd("700.5") }],
    }
}
