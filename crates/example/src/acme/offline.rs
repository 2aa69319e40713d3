//! Acme's workloads that nobody waits for.

use super::{DATA, HAIKU_GLOBAL, OPUS_GLOBAL, PROD, SONNET_GLOBAL, SONNET_US, TITAN};
use crate::company::{CalledAs, Truth, Workload};
use crate::draft::{fixed, numbered, part, workload};
use crate::part::{Arrival, CachedShare, Days, Operation, Session};

fn daily(days: Days, hour: u32, minute: u32, minutes: u32) -> Arrival {
    Arrival::Daily { days, hour, minute, minutes }
}

pub(super) fn workloads() -> Vec<Workload> {
    use Operation::{Converse, InvokeModel};
    let batch = Truth::Batch;
    vec![
        workload("corpus-summaries", DATA, "summaries-worker", SONNET_GLOBAL)
            .meta(&[("workload", "corpus-summaries"), ("deadline", "24h")])
            .with_bodies()
            .truly(batch, "24h", "the archive, summarised at night and over the weekend; declared")
            .part(
                part(daily(Days::All, 0, 30, 240), 830, Converse, numbered("night"))
                    .tokens((4100.0, 0.3), (2100.0, 0.3))
                    .tolerant(),
            )
            .part(
                part(daily(Days::Weekends, 9, 0, 600), 470, Converse, numbered("weekend"))
                    .tokens((4100.0, 0.3), (2100.0, 0.3))
                    .tolerant(),
            ),
        // ServeGen client 20 runs at nine daily; seven hours earlier that is two at night.
        workload("nightly-classification", DATA, "AWSGlueServiceRole-classify", HAIKU_GLOBAL)
            .truly(batch, "24h", "a Glue job labels the day's tickets")
            .part(
                part(
                    Arrival::Rates { client: 20, first_day: 0, tile: Some((0, 14)), shift_h: -7, weekend: 1.0 },
                    2000,
                    InvokeModel,
                    fixed("GlueJobRunnerSession"),
                )
                .tokens((700.0, 0.4), (80.0, 0.4))
                .fast()
                .tolerant(),
            ),
        workload("enrichment", DATA, "StepFunctions-enrichment", SONNET_GLOBAL)
            .with_bodies()
            .truly(batch, "24h", "new products get their attributes every six hours")
            .part(
                part(Arrival::Every { hours: 6, minutes: 35 }, 984, Converse, Session::Job)
                    .tokens((1250.0, 0.4), (680.0, 0.3))
                    .tolerant(),
            ),
        workload("tagging", DATA, "tagging-lambda-role", "amazon.nova-lite-v1:0")
            .truly(batch, "1h", "a scheduler fires every quarter of an hour")
            .part(
                part(Arrival::Cron { minutes: 15, seconds: 90 }, 3000, InvokeModel, fixed("tagger"))
                    .tokens((350.0, 0.3), (20.0, 0.3))
                    .fast()
                    .tolerant(),
            ),
        workload("evaluation", DATA, "github-ci-evals", OPUS_GLOBAL)
            .truly(batch, "24h", "the nightly evaluation of prompts, after work")
            .part(
                part(daily(Days::Weekdays, 19, 10, 110), 1030, Converse, fixed("GitHubActions"))
                    .tokens((1400.0, 0.5), (500.0, 0.5))
                    .tolerant(),
            ),
        workload("synthetic-data", DATA, "AmazonSageMaker-ExecutionRole-20260301T101500", SONNET_US)
            .truly(batch, "longer", "training examples, made in long runs on a few days")
            .part(
                part(
                    Arrival::Rates { client: 30, first_day: 0, tile: Some((0, 14)), shift_h: 0, weekend: 1.0 },
                    660,
                    Converse,
                    numbered("SageMaker-Processing"),
                )
                .tokens((700.0, 0.4), (1400.0, 0.3))
                .tolerant(),
            ),
        workload("embedding-backfill", DATA, "aws-batch-embed-job", TITAN)
            .truly(batch, "longer", "the archive, embedded once over a few days")
            .part(
                part(
                    Arrival::Rates { client: 24, first_day: 0, tile: None, shift_h: 0, weekend: 1.0 },
                    1500,
                    InvokeModel,
                    Session::Job,
                )
                .embeds((450.0, 0.4))
                .tolerant(),
            ),
        workload("knowledge-base", DATA, "AmazonBedrockExecutionRoleForKnowledgeBase_k7m2q", TITAN)
            .truly(batch, "24h", "a knowledge base takes in documents; AWS makes the calls")
            .part(part(daily(Days::All, 3, 30, 12), 700, InvokeModel, numbered("ingestion")).embeds((300.0, 0.2)).tolerant()),
        workload("policy-checks", DATA, "policy-checks", SONNET_GLOBAL)
            .with_bodies()
            .truly(batch, "24h", "can wait, but its prompt cache already saves more than batch would")
            .part(
                part(daily(Days::All, 23, 0, 55), 320, Converse, numbered("policy"))
                    .tokens((7000.0, 0.2), (150.0, 0.3))
                    .cache(CachedShare::Minutes5 { read: 0.85, write: 0.03 })
                    .tolerant(),
            ),
        workload("contract-review", DATA, "contract-review-job", "global.anthropic.claude-sonnet-5-5")
            .truly(batch, "24h", "can wait, but its model has no batch price")
            .part(
                part(daily(Days::Weekdays, 21, 0, 80), 345, Converse, numbered("contracts"))
                    .tokens((3400.0, 0.4), (1050.0, 0.3))
                    .tolerant(),
            ),
        workload("claims-letters", PROD, "claims-letters-job", SONNET_US)
            .called(CalledAs::Application("k3x9c1q7m2ab".to_owned()))
            .with_bodies()
            .truly(batch, "24h", "an application inference profile hides the model")
            .part(
                part(daily(Days::All, 2, 15, 40), 318, InvokeModel, Session::Job).tokens((1600.0, 0.3), (700.0, 0.3)).tolerant(),
            ),
    ]
}
