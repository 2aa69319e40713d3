//! The workloads of the sample.

use laneshift_core::plan::{Blocker, BlockerKind, Move, SlicePlan, WorkloadPlan};
use laneshift_core::route::LaneId;
use laneshift_core::verdict::{Class, EvidenceKind, Score, SignalId, Term, Verdict};
use laneshift_units::{Deadline, ModelId, Money, Profile, Region, Tokens, Usage};

use super::HOSTILE;

/// When a workload calls.
#[derive(Clone, Copy)]
enum Rhythm {
    Nightly,
    Office,
    Always,
}

/// A model id from a shown name.
pub(super) fn model(name: &str) -> ModelId {
    ModelId::new(&format!("vendor.{}", name.to_lowercase().replace([' ', '.'], "-")))
}

/// All workloads, dearest first.
pub(super) fn all() -> Vec<WorkloadPlan> {
    let mut chat = slice("all", Class::Stays, 61, 9_412, vec![streaming(), diurnal()]);
    chat.potential = Money::from_usd(1_410);
    let summaries = to_lane(
        slice("all", Class::BatchFit, 957, 6_208, vec![runs(), template(), service()]),
        LaneId::Batch,
        500,
        "Claude Haiku 4.5",
    );
    let rag_live = slice("streamed", Class::Stays, 52, 3_104, vec![streaming()]);
    let rag_index = to_lane(
        slice("runs at 02:00", Class::BatchFit, 931, 2_240, vec![runs(), template()]),
        LaneId::Batch,
        500,
        "Claude Sonnet 4.6",
    );
    let mut hostile =
        to_lane(slice("all", Class::BatchFit, 990, 2_015, vec![declared(), streaming()]), LaneId::Flex, 500, "Nova Pro");
    hostile.verdict.confirmed = true;
    hostile.verdict.limits.push("the owner says: 24h".into());
    hostile.verdict.terms[0].text = format!("requestMetadata states 24h on 100 % of tokens {HOSTILE}");
    hostile.moves[0].profile_to = Profile::Global;
    hostile.moves[0].saves_by_lane = Money::from_usd(850);
    let mut unclear = slice("all", Class::Undetermined, 540, 1_733, vec![service(), assistant()]);
    unclear.potential = Money::from_usd(866);
    unclear
        .verdict
        .limits
        .push("the sum of signals gives .930; evidence of this kind (logs without bodies) allows .100 to .900".into());
    let mut newest = slice("all", Class::BatchFit, 902, 1_520, vec![template()]);
    newest.blockers = vec![blocker(BlockerKind::NoPrice, "the model has no batch or flex price where it is called", 1_520)];
    let mut agent = slice("all", Class::Stays, 118, 1_180, vec![assistant()]);
    agent.blockers =
        vec![blocker(BlockerKind::AwsService, "an AWS service makes these calls; not movable without replacing it", 1_180)];
    let mut tags = to_lane(slice("all", Class::BatchFit, 862, 640, vec![template(), service()]), LaneId::Flex, 500, "Nova Micro");
    tags.blockers = vec![blocker(BlockerKind::TooFew, "fewer records a day than a job takes", 95)];
    let mut found = vec![
        workload("workload=support-chat", Some("Dana Okafor"), "Claude Sonnet 4.8", Rhythm::Office, vec![chat]),
        workload(
            "workload=corpus-summaries-for-the-legal-archive-of-all-countries",
            None,
            "Claude Haiku 4.5",
            Rhythm::Nightly,
            vec![summaries],
        ),
        workload("workload=rag-search", Some("Search team"), "Claude Sonnet 4.6", Rhythm::Always, vec![rag_live, rag_index]),
        workload(
            &format!("workload={HOSTILE}'; drop table x; --"),
            Some("\"><img src=x onerror=alert(1)>"),
            "Nova Pro",
            Rhythm::Nightly,
            vec![hostile],
        ),
        workload("role/glue-enrichment", None, "Claude Sonnet 4.6", Rhythm::Always, vec![unclear]),
        workload("aip/a1b2c3d4e5f6", Some("ML platform"), "Claude Sonnet 4.8", Rhythm::Nightly, vec![newest]),
        workload("role/AmazonBedrockExecutionRoleForKnowledgeBase", None, "Nova Lite", Rhythm::Always, vec![agent]),
        workload("workload=tagging", Some("Catalogue"), "Nova Micro", Rhythm::Office, vec![tags]),
    ];
    for n in 0..6 {
        let one = slice("all", Class::Stays, 150 - n * 10, 90 - i64::from(n) * 13, vec![diurnal()]);
        found.push(workload(&format!("role/team-{n}-service"), None, "Nova Lite", Rhythm::Office, vec![one]));
    }
    found.sort_by_key(|w| std::cmp::Reverse(w.today));
    found
}

fn workload(key: &str, owner: Option<&str>, model: &str, rhythm: Rhythm, slices: Vec<SlicePlan>) -> WorkloadPlan {
    let today: Money = slices.iter().map(|s| s.today).sum();
    let planned = slices.iter().map(|s| s.planned).sum();
    let class = if slices.len() > 1 { Class::Hybrid } else { slices[0].verdict.class };
    let deciding = slices.iter().max_by_key(|s| s.verdict.score).map(|s| s.verdict.clone());
    let cents = (today.pico() / 10_000_000_000) as u64;
    WorkloadPlan {
        key: key.to_owned(),
        account: "111122223333".into(),
        owner: owner.map(str::to_owned),
        models: vec![model.to_owned(), "Titan Text Embeddings V2".into()],
        roles: vec!["eks-support-prod".into(), format!("role-{HOSTILE}")],
        requests: slices.iter().map(|s| s.requests).sum(),
        usage: usage(cents),
        today,
        planned,
        class,
        deadline: deciding.as_ref().map_or(Deadline::Seconds, |v| v.deadline),
        score: deciding.map_or(Score(0), |v| v.score),
        slices,
        heat: heat(rhythm, cents),
        unpriced_tokens: if key.contains("tagging") { 1_200_000 } else { 0 },
        output_p50: 214,
        output_p95: 1_480,
    }
}

fn usage(cents: u64) -> Usage {
    Usage { input: Tokens(cents * 2_000), output: Tokens(cents * 310), cache_read: Tokens(cents * 400), ..Usage::default() }
}

fn heat(rhythm: Rhythm, scale: u64) -> Box<[u64; 168]> {
    let mut hours = [0; 168];
    for (at, hour) in hours.iter_mut().enumerate() {
        let (day, of_day) = (at / 24, at % 24);
        *hour = scale
            * match rhythm {
                Rhythm::Nightly => u64::from(matches!(of_day, 0..=2)) * (7 + day as u64),
                Rhythm::Office if day < 5 => [0, 0, 0, 0, 1, 3, 7, 9, 9, 8, 6, 8, 9, 8, 7, 5, 3, 2, 1, 1, 0, 0, 0, 0][of_day],
                Rhythm::Office => u64::from(of_day > 8),
                Rhythm::Always => 4 + (of_day as u64 * 7 + day as u64 * 3) % 4,
            };
    }
    Box::new(hours)
}

fn slice(name: &str, class: Class, score: u16, usd: i64, terms: Vec<Term>) -> SlicePlan {
    let deadline = if class == Class::BatchFit { Deadline::Day } else { Deadline::Seconds };
    let today = Money::from_usd(usd) + Money::from_pico(370_000_000_000);
    SlicePlan {
        name: name.to_owned(),
        verdict: Verdict {
            class,
            deadline,
            score: Score(score),
            confirmed: false,
            terms,
            limits: Vec::new(),
            evidence: EvidenceKind::Bodies,
        },
        evidence: EvidenceKind::Bodies,
        requests: usd as u64 * 430,
        today,
        planned: today,
        potential: Money::ZERO,
        moves: Vec::new(),
        blockers: Vec::new(),
    }
}

fn to_lane(mut slice: SlicePlan, to: LaneId, saves_per_mille: u16, name: &str) -> SlicePlan {
    let saves = slice.today.per_mille(saves_per_mille);
    slice.planned = slice.today - saves;
    slice.potential = saves;
    slice.moves.push(Move {
        model: model(name),
        region: Region::new("us-east-1"),
        from: LaneId::Standard,
        to,
        profile_from: Profile::Geo("us".into()),
        profile_to: Profile::Geo("us".into()),
        requests: slice.requests,
        usage: usage(slice.requests),
        before: slice.today,
        after: slice.planned,
        saves_by_lane: saves,
    });
    slice
}

fn blocker(kind: BlockerKind, text: &str, usd: i64) -> Blocker {
    Blocker { kind, text: text.to_owned(), today: Money::from_usd(usd) }
}

fn term(signal: SignalId, nats: f64, text: &str, change: &'static str) -> Term {
    Term { signal, nats, text: text.to_owned(), change }
}

fn runs() -> Term {
    term(
        SignalId::OffHoursRuns,
        1.48,
        "runs at 02:00 on 13 of 14 days, 96 % of tokens",
        "the runs stop or move into office hours",
    )
}

fn template() -> Term {
    term(
        SignalId::OneTurnTemplate,
        0.79,
        "one turn, 98 % begin alike, payloads differ",
        "several turns, or prompts written by hand",
    )
}

fn service() -> Term {
    term(
        SignalId::BatchService,
        1.9,
        "100 % of tokens come from a session that a batch-type service makes",
        "the work moves to another role or service",
    )
}

fn declared() -> Term {
    term(SignalId::Declared, 3.9, "requestMetadata states 24h on 100 % of tokens", "another value in requestMetadata")
}

fn streaming() -> Term {
    term(SignalId::Streaming, -2.93, "99 % of tokens are streamed", "the client stops streaming")
}

fn diurnal() -> Term {
    term(SignalId::HumanDiurnal, -0.96, "office hours and a weekend dip at UTC+2", "calls at night and at weekends")
}

fn assistant() -> Term {
    term(
        SignalId::AssistantTurns,
        -1.44,
        "88 % of tokens carry earlier answers of the model (a conversation)",
        "requests without earlier answers",
    )
}
