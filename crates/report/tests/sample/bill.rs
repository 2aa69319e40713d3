//! What the sample's plan says beyond its workloads.

use laneshift_core::plan::{
    Adjustment, Commitment, Coverage, CoverageRow, Mistake, MistakeKind, OtherService, PriceNote, RenewalLine, WalkAway,
};
use laneshift_core::route::LaneId;
use laneshift_units::{Money, Profile, TokenClass, Tokens, Usage};

use super::{HOSTILE, workloads};

fn millions(input: u64, output: u64) -> Usage {
    Usage { input: Tokens(input * 1_000_000), output: Tokens(output * 1_000_000), ..Usage::default() }
}

pub(super) fn coverage() -> Coverage {
    let row = |model: &str, class, bill: u64, logs: u64, usd| CoverageRow {
        model: model.into(),
        class,
        bill: bill * 1_000_000,
        logs: logs * 1_000_000,
        bill_money: Money::from_usd(usd),
    };
    Coverage {
        bill: millions(10_400, 1_610),
        logs: millions(9_210, 1_480),
        bill_money: Money::from_usd(31_240),
        explained_money: Money::from_usd(27_880),
        rows: vec![
            row("Claude Sonnet 4.8", TokenClass::Input, 3_900, 3_020, 11_700),
            row("Claude Sonnet 4.8", TokenClass::Output, 410, 380, 6_150),
            row("Nova Pro", TokenClass::Input, 2_100, 2_098, 1_680),
        ],
        days: (0..14).map(|n| (20_727 + n, 860_000_000, if n == 9 { 0 } else { 810_000_000 + n as u64 * 3_000_000 })).collect(),
        reasons: vec![
            "account 777788889999 delivers no invocation log".into(),
            "10 Oct: no log files; the bill has 860 M tokens".into(),
        ],
    }
}

pub(super) fn mistakes() -> Vec<Mistake> {
    let mistake = |kind, text: &str, usd: Option<i64>, advice: &str, workloads: &[&str]| Mistake {
        kind,
        text: text.into(),
        costs: usd.map(Money::from_usd),
        advice: advice.into(),
        workloads: workloads.iter().map(|w| (*w).to_owned()).collect(),
    };
    vec![
        mistake(
            MistakeKind::TolerantOnDemand,
            "work that can wait is bought on demand: $11,105 in 4 workloads",
            Some(5_724),
            "move it to the lane that the plan names",
            &["workload=rag-search", "workload=tagging"],
        ),
        mistake(
            MistakeKind::ExtendedAccess,
            "Claude Sonnet 4.6 costs double since 1 Oct 2026, as its extended access began",
            Some(1_410),
            "plan the move to its successor, with an evaluation first",
            &["role/glue-enrichment"],
        ),
        mistake(
            MistakeKind::CacheWrittenNotRead,
            "prompt caches are written and hardly read in 1 workloads",
            None,
            "remove the cache points, or send requests that share a prefix closer together",
            &["workload=support-chat", HOSTILE],
        ),
        mistake(MistakeKind::Unattributed, "3 % of the spend names no workload", Some(0), "set requestMetadata", &[]),
    ]
}

pub(super) fn renewal() -> Vec<RenewalLine> {
    let line = |model: &str, lane, today: (u64, i64), planned: (u64, i64), list: Option<(&str, &str)>, walk_away| RenewalLine {
        model: model.into(),
        lane,
        profile: Profile::Geo("us".into()),
        usage_today: millions(today.0, today.0 / 8),
        usage_planned: millions(planned.0, planned.0 / 8),
        list_in: list.map(|l| l.0.to_owned()),
        list_out: list.map(|l| l.1.to_owned()),
        today: Money::from_usd(today.1),
        planned: Money::from_usd(planned.1),
        walk_away,
    };
    vec![
        line(
            "Claude Sonnet 4.8",
            LaneId::Standard,
            (3_020, 10_932),
            (3_020, 10_932),
            Some(("3.3", "16.5")),
            elsewhere("on demand", 10_140),
        ),
        line("Claude Haiku 4.5", LaneId::Batch, (0, 0), (4_100, 3_104), Some(("0.55", "2.75")), elsewhere("batch", 2_870)),
        line("Claude Haiku 4.5", LaneId::Standard, (4_100, 6_208), (0, 0), Some(("1.1", "5.5")), Vec::new()),
        line("Nova Pro", LaneId::Flex, (0, 0), (1_300, 1_007), None, Vec::new()),
    ]
}

fn elsewhere(mode: &str, usd: i64) -> Vec<WalkAway> {
    let at = |provider: &str, usd, boundary: &str| WalkAway {
        provider: provider.into(),
        model: "claude-sonnet-4-8".into(),
        mode: mode.into(),
        cost: Money::from_usd(usd),
        boundary: boundary.into(),
        source: "https://example.com/pricing, 2026-11-20".into(),
    };
    vec![
        at("Anthropic", usd, "data leaves AWS; Anthropic is the processor"),
        at("Google Vertex AI", usd + 240, "data leaves AWS for Google Cloud"),
    ]
}

pub(super) fn other_services() -> Vec<OtherService> {
    [("AmazonSageMaker", 8_420), ("AmazonComprehend", 312), (HOSTILE, 4)]
        .map(|(product, usd)| OtherService { product: product.into(), cost: Money::from_usd(usd) })
        .into()
}

pub(super) fn adjustments() -> Vec<Adjustment> {
    [("Credit", -1_250), ("Tax", 2_031)].map(|(kind, usd)| Adjustment { kind: kind.into(), amount: Money::from_usd(usd) }).into()
}

pub(super) fn price_notes() -> Vec<PriceNote> {
    let note = |what: &str, text: &str, spend: Option<i64>, tokens| PriceNote {
        what: what.into(),
        text: text.into(),
        spend: spend.map(Money::from_usd),
        tokens,
    };
    vec![
        note("Claude Sonnet 4.8, eu-central-1, batch", "two sources disagree; the dearer one is used", Some(1_204), 310_000_000),
        note("Nova Sonic 2, us-east-1, on demand", "no price in the catalogue", None, 14_200_000),
    ]
}

pub(super) fn commitments() -> Vec<Commitment> {
    vec![Commitment {
        name: format!("pt-chat {HOSTILE}"),
        lane: LaneId::Provisioned,
        model: workloads::model("Claude Sonnet 4.6"),
        fee: Money::from_usd(4_000),
        on_demand_equivalent: Money::from_usd(3_120),
        usage: millions(700, 80),
    }]
}
