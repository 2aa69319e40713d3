//! A mixed company to measure speed with: streams, chats, tools, jobs and hybrids, as long as real prompts.

use laneshift_units::Timestamp;

use crate::company::{Company, Counts, Truth, Workload};
use crate::draft::{fixed, part, task, workload};
use crate::part::{Arrival, CachedShare, Days, Operation, Session, Turns};

const ACCOUNT: &str = "111122223333";
const SONNET: &str = "us.anthropic.claude-sonnet-4-6";
const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const OPUS: &str = "global.anthropic.claude-opus-4-6-v1";
const NOVA_LITE: &str = "amazon.nova-lite-v1:0";

/// The mix, at 100,000 records over 14 days from Monday, 5 October 2026; [`Company::with_records`] changes the number.
///
/// With [`crate::Bodies::Full`] a record takes about 16 kB, with [`crate::Bodies::None`] about 600 bytes.
pub fn bench_company(seed: u64) -> Company {
    Company {
        name: "Bench".to_owned(),
        seed,
        start: Timestamp::from_civil(2026, 10, 5, 0, 0, 0),
        days: 14,
        sampling_factor: 1,
        counts: Counts::Chance,
        hours_behind_utc: 4,
        workloads: online().into_iter().chain(offline()).chain(hybrid()).collect(),
    }
}

fn public() -> Arrival {
    Arrival::Rates { client: 31, first_day: 0, tile: Some((0, 14)), shift_h: 0, weekend: 0.6 }
}

fn desks() -> Arrival {
    Arrival::Rates { client: 13, first_day: 2, tile: Some((2, 7)), shift_h: -1, weekend: 0.1 }
}

fn nightly(hour: u32, minutes: u32) -> Arrival {
    Arrival::Daily { days: Days::All, hour, minute: 0, minutes }
}

fn online() -> Vec<Workload> {
    use Operation::{Converse, ConverseStream, InvokeModelWithResponseStream};
    let waits = |w: Workload| w.truly(Truth::Interactive, "seconds", "somebody waits");
    vec![
        waits(workload("web-chat", ACCOUNT, "prod-chat-task", SONNET).meta(&[
            ("team", "web"),
            ("env", "prod"),
            ("feature", "chat"),
        ]))
        .part(part(public(), 17_000, ConverseStream, task(8)).turns(Turns::Chat(6)).tokens((1400.0, 0.9), (220.0, 0.7))),
        waits(workload("ide-assist", ACCOUNT, "dev-ide-assistant", SONNET)).part(
            part(desks(), 16_000, InvokeModelWithResponseStream, Session::People(60))
                .turns(Turns::Tools(3))
                .tokens((5600.0, 0.8), (70.0, 1.0)),
        ),
        waits(workload("voice", ACCOUNT, "prod-voice-lambda", HAIKU).meta(&[("team", "voice"), ("env", "prod")])).part(
            part(public(), 6_000, ConverseStream, fixed("voice")).turns(Turns::Chat(8)).tokens((620.0, 0.5), (50.0, 0.4)).fast(),
        ),
        waits(workload("support-agent", ACCOUNT, "prod-support-agent", SONNET).meta(&[("team", "support"), ("env", "prod")]))
            .part(
                part(public(), 8_000, Converse, task(4))
                    .turns(Turns::Tools(7))
                    .tokens((3400.0, 0.7), (150.0, 0.8))
                    .cache(CachedShare::Minutes5 { read: 0.4, write: 0.1 }),
            ),
        waits(workload("search", ACCOUNT, "prod-search-api", NOVA_LITE))
            .part(part(public(), 10_000, Converse, task(4)).tokens((1000.0, 0.4), (12.0, 0.4)).fast()),
    ]
}

fn offline() -> Vec<Workload> {
    use Operation::{Converse, InvokeModel};
    let can_wait = |w: Workload| w.truly(Truth::Batch, "24h", "nobody waits");
    vec![
        can_wait(workload("summaries", ACCOUNT, "etl-summaries-lambda", HAIKU)).part(
            part(nightly(2, 90), 10_000, InvokeModel, fixed("etl-summaries")).tokens((2700.0, 0.5), (270.0, 0.3)).tolerant(),
        ),
        can_wait(workload("extraction", ACCOUNT, "AWSGlueServiceRole-extract", SONNET)).part(
            part(Arrival::Every { hours: 6, minutes: 40 }, 6_000, Converse, fixed("GlueJobRunnerSession"))
                .tokens((6000.0, 0.5), (180.0, 0.4))
                .tolerant(),
        ),
        can_wait(workload("evaluation", ACCOUNT, "ci-eval-runner", OPUS)).part(
            part(
                Arrival::Daily { days: Days::Weekdays, hour: 19, minute: 0, minutes: 100 },
                2_000,
                Converse,
                fixed("GitHubActions"),
            )
            .tokens((1650.0, 0.6), (490.0, 0.5))
            .tolerant(),
        ),
        can_wait(workload("embedding", ACCOUNT, "batch-embed-job", "amazon.titan-embed-text-v2:0"))
            .part(part(nightly(1, 100), 6_000, InvokeModel, Session::Job).embeds((330.0, 0.4)).tolerant()),
        can_wait(workload("tagging", ACCOUNT, "stepfn-tagger", NOVA_LITE).meta(&[("team", "catalog"), ("env", "prod")])).part(
            part(Arrival::Cron { minutes: 15, seconds: 200 }, 6_000, InvokeModel, fixed("tagger"))
                .tokens((660.0, 0.3), (25.0, 0.3))
                .tolerant(),
        ),
    ]
}

fn hybrid() -> Vec<Workload> {
    use Operation::{Converse, InvokeModel};
    let both = |w: Workload| w.truly(Truth::Hybrid, "mixed", "by day somebody waits, by night nobody");
    vec![
        both(workload("risk", ACCOUNT, "prod-risk-service", "us.amazon.nova-pro-v1:0"))
            .part(part(public(), 4_000, Converse, task(3)).tokens((2000.0, 0.6), (100.0, 0.4)))
            .part(part(nightly(1, 60), 3_000, Converse, task(3)).tokens((2000.0, 0.6), (100.0, 0.4)).tolerant()),
        both(workload("reports", ACCOUNT, "prod-reporting", SONNET).meta(&[("team", "bi"), ("env", "prod")]))
            .part(part(desks(), 2_000, InvokeModel, task(2)).turns(Turns::Single).tokens((4000.0, 0.6), (735.0, 0.4)))
            .part(part(nightly(4, 40), 2_000, InvokeModel, fixed("report-cron")).tokens((4000.0, 0.6), (735.0, 0.4)).tolerant()),
        both(workload("comments", ACCOUNT, "comments-worker", "us.meta.llama3-3-70b-instruct-v1:0"))
            .part(part(Arrival::Steady, 1_000, InvokeModel, fixed("comments-worker")).tokens((740.0, 0.4), (9.0, 0.3)))
            .part(part(nightly(0, 30), 1_000, InvokeModel, fixed("comments-worker")).tokens((740.0, 0.4), (9.0, 0.3)).tolerant()),
    ]
}
