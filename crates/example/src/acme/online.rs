//! Acme's workloads that somebody waits for, hybrids included.

use super::{DATA, HAIKU_US, PROD, SONNET_GLOBAL, SONNET_US};
use crate::company::{CalledAs, Truth, Workload};
use crate::draft::{numbered, part, task, workload};
use crate::part::{Arrival, CachedShare, Days, Operation, Session, Turns};

/// People at work: ServeGen client 29, its second week, turned so that its quiet days fall on Saturday and Sunday.
fn business(weekend: f64) -> Arrival {
    Arrival::Rates { client: 29, first_day: 9, tile: Some((7, 7)), shift_h: 0, weekend }
}

/// People at desks, nine to seven: ServeGen client 13, the week in which it runs daily, an hour earlier.
fn desks(weekend: f64) -> Arrival {
    Arrival::Rates { client: 13, first_day: 2, tile: Some((2, 7)), shift_h: -1, weekend }
}

/// People at home and at work, nights included: fourteen days of a diurnal ServeGen client.
fn public(client: u32) -> Arrival {
    Arrival::Rates { client, first_day: 0, tile: Some((0, 14)), shift_h: 0, weekend: 1.0 }
}

fn nightly(hour: u32, minutes: u32) -> Arrival {
    Arrival::Daily { days: Days::All, hour, minute: 0, minutes }
}

pub(super) fn workloads() -> Vec<Workload> {
    use Operation::{Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream};
    vec![
        workload("support-chat", PROD, "support-chat-task", SONNET_US)
            .called(CalledAs::ProfileArn)
            .truly(Truth::Interactive, "seconds", "customers talk to it")
            .part(part(business(0.8), 1850, ConverseStream, task(4)).turns(Turns::Chat(6)).tokens((1300.0, 0.5), (600.0, 0.5))),
        workload("ide-copilot", PROD, "AWSReservedSSO_DeveloperAccess_4f1c2a9be0d7c635", SONNET_US)
            .with_bodies()
            .truly(Truth::Interactive, "seconds", "developers' editors, signed in as themselves")
            .part(
                part(desks(0.05), 1040, InvokeModelWithResponseStream, Session::People(45))
                    .turns(Turns::Chat(3))
                    .tokens((2700.0, 0.6), (260.0, 0.7)),
            ),
        workload("rag", PROD, "rag-service", SONNET_GLOBAL)
            .meta(&[("workload", "rag"), ("team", "knowledge")])
            .with_bodies()
            .truly(Truth::Hybrid, "mixed", "live answers by day, re-indexing from one to three at night, under one key")
            .part(part(business(0.7), 830, ConverseStream, task(3)).turns(Turns::Chat(2)).tokens((1700.0, 0.4), (600.0, 0.5)))
            .part(part(business(0.7), 210, Converse, task(3)).turns(Turns::Single).tokens((1700.0, 0.4), (600.0, 0.5)))
            .part(part(nightly(1, 115), 542, InvokeModel, numbered("reindex")).tokens((1800.0, 0.3), (560.0, 0.3)).tolerant()),
        workload("report-writer", PROD, "reporting-service", SONNET_US)
            .truly(Truth::Hybrid, "mixed", "people ask for reports in the office; the standing ones are written at four at night")
            .part(part(desks(0.1), 230, ConverseStream, task(2)).turns(Turns::Single).tokens((2600.0, 0.5), (1600.0, 0.4)))
            .part(
                part(nightly(4, 50), 220, InvokeModel, numbered("standing-reports"))
                    .tokens((2600.0, 0.5), (1600.0, 0.4))
                    .tolerant(),
            ),
        workload("support-agent", PROD, "support-agent-task", SONNET_GLOBAL)
            .meta(&[("team", "support")])
            .with_bodies()
            .truly(Truth::Interactive, "seconds", "each step waits for the one before; a customer waits for the last")
            .part(
                part(public(31), 900, Converse, task(3))
                    .turns(Turns::Tools(6))
                    .tokens((2800.0, 0.6), (320.0, 0.6))
                    .cache(CachedShare::Hour1 { read: 0.5, write: 0.1 }),
            ),
        workload("voice-agent", PROD, "voice-agent-lambda", HAIKU_US)
            .meta(&[("workload", "voice"), ("latency", "low")])
            .truly(Truth::Interactive, "seconds", "a caller is on the line")
            .part(
                part(
                    Arrival::Rates { client: 41, first_day: 0, tile: Some((0, 7)), shift_h: 0, weekend: 0.7 },
                    1930,
                    ConverseStream,
                    Session::Fixed("voice-agent".to_owned()),
                )
                .turns(Turns::Chat(8))
                .tokens((500.0, 0.5), (45.0, 0.4))
                .fast(),
            ),
        workload("moderation", PROD, "moderation-task", HAIKU_US)
            .meta(&[("workload", "moderation"), ("latency", "realtime")])
            .truly(Truth::Interactive, "seconds", "a post is shown only after the answer; one template, one turn, no stream")
            .part(part(public(5), 2800, Converse, task(4)).tokens((300.0, 0.3), (12.0, 0.2)).fast()),
        workload("interactive-search", PROD, "search-api-task", "us.amazon.nova-pro-v1:0")
            .with_bodies()
            .truly(
                Truth::Interactive,
                "seconds",
                "a results page waits for it; one template, one turn, no stream, nothing declared",
            )
            .part(part(public(31), 1700, Converse, task(4)).tokens((800.0, 0.3), (90.0, 0.3)).fast()),
        workload("eu-help", PROD, "eu-help-task", "amazon.nova-pro-v1:0")
            .in_region("eu-west-1")
            .truly(Truth::Interactive, "seconds", "a help page in another region")
            .part(
                part(
                    Arrival::Rates { client: 26, first_day: 0, tile: Some((0, 14)), shift_h: -6, weekend: 1.0 },
                    300,
                    ConverseStream,
                    task(2),
                )
                .turns(Turns::Chat(3))
                .tokens((1100.0, 0.4), (180.0, 0.4)),
            ),
        workload("flex-notes", DATA, "notes-service", "openai.gpt-oss-120b-1:0")
            .with_bodies()
            .truly(Truth::Batch, "1h", "already on the flex tier: it can wait and says so")
            .part(part(desks(0.3), 440, Converse, task(2)).tokens((900.0, 0.4), (400.0, 0.4)).flex().tolerant())
            .part(part(desks(0.3), 200, InvokeModel, task(2)).tokens((900.0, 0.4), (400.0, 0.4)).flex().tolerant()),
    ]
}
