//! The company of the worked example: two billion tokens a month on a model of $6 a million, three fifths of them on work that can wait.

use laneshift_units::Timestamp;

use crate::company::{Company, Counts, Truth, Workload};
use crate::draft::{fixed, numbered, part, task, workload};
use crate::part::{Arrival, Days, Operation, Part, Session, Turns};

const ACCOUNT: &str = "111122223333";
/// $3 and $15 a million tokens: with three tokens of input to one of output, $6.
const SONNET: &str = "global.anthropic.claude-sonnet-4-6";

/// Thirty days from Thursday, 1 October 2026, one request in fifty: 16,000,000 tokens that somebody waits for, 24,000,000 that
/// nobody does, and nothing left to chance in their number.
pub fn founding(seed: u64) -> Company {
    Company {
        name: "Founding".to_owned(),
        seed,
        start: Timestamp::from_civil(2026, 10, 1, 0, 0, 0),
        days: 30,
        sampling_factor: 50,
        counts: Counts::Exact,
        hours_behind_utc: 4,
        workloads: waiting().into_iter().chain(tolerant()).collect(),
    }
}

/// Always three tokens of input to one of output.
const fn sized(part: Part, tokens: u32) -> Part {
    let quarter = tokens as f64 / 4.0;
    part.tokens((3.0 * quarter, 0.0), (quarter, 0.0))
}

fn waiting() -> Vec<Workload> {
    let public = Arrival::Rates { client: 31, first_day: 0, tile: Some((0, 14)), shift_h: 0, weekend: 0.6 };
    let desks = Arrival::Rates { client: 13, first_day: 2, tile: Some((2, 7)), shift_h: -1, weekend: 0.1 };
    let stream = Operation::ConverseStream;
    vec![
        workload("support-chat", ACCOUNT, "support-chat-task", SONNET)
            .meta(&[("workload", "support-chat")])
            .with_bodies()
            .truly(Truth::Interactive, "seconds", "customers read along")
            .part(sized(part(public, 4_000, stream, task(6)).turns(Turns::Chat(5)), 2_000)),
        workload("copilot", ACCOUNT, "copilot-backend", SONNET)
            .meta(&[("workload", "copilot")])
            .with_bodies()
            .truly(Truth::Interactive, "seconds", "developers wait for it")
            .part(sized(part(desks, 2_000, stream, Session::People(40)).turns(Turns::Chat(3)), 4_000)),
    ]
}

fn tolerant() -> Vec<Workload> {
    let nightly = |hour, minute, minutes| Arrival::Daily { days: Days::All, hour, minute, minutes };
    let converse = Operation::Converse;
    let waits = |name: &str, role: &str, note: &str| {
        workload(name, ACCOUNT, role, SONNET).meta(&[("workload", name), ("deadline", "24h")]).with_bodies().truly(
            Truth::Batch,
            "24h",
            note,
        )
    };
    vec![
        waits("corpus-summaries", "summaries-worker", "the archive, summarised at night")
            .part(sized(part(nightly(0, 30, 240), 1_000, converse, numbered("night")), 8_000).tolerant()),
        waits("classification", "AWSGlueServiceRole-classify", "a Glue job labels the day's tickets")
            .part(sized(part(nightly(2, 0, 50), 4_000, converse, fixed("GlueJobRunnerSession")), 1_200).tolerant()),
        waits("enrichment", "StepFunctions-enrichment", "new products get their attributes every six hours")
            .part(sized(part(Arrival::Every { hours: 6, minutes: 35 }, 2_000, converse, Session::Job), 2_000).tolerant()),
        waits("evaluation", "github-ci-evals", "the nightly evaluation of prompts")
            .part(sized(part(nightly(19, 10, 110), 1_800, converse, fixed("GitHubActions")), 4_000).tolerant()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::calls;

    #[test]
    fn two_billion_tokens_of_which_three_fifths_can_wait() {
        let company = founding(7);
        let (mut waits, mut stays) = (0, 0);
        for call in calls(&company) {
            let tokens = call.usage.total().0;
            *(if call.tolerant { &mut waits } else { &mut stays }) += tokens * company.sampling_factor;
        }
        assert_eq!((stays, waits), (800_000_000, 1_200_000_000));
    }
}
