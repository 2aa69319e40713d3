//! A record that makes every job with it fail, and what it costs the others.

use laneshift_batch::{OneState, Single};
use laneshift_units::Timestamp;

use crate::sim::{HOUR_MS, Sim, no_hook};

#[tokio::test(start_paused = true)]
async fn one_bad_record_is_singled_out_and_the_others_are_answered() {
    let mut sim = Sim::new();
    sim.terms.lanes.clear();
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 400, 7 * 24 * HOUR_MS).await;
    for _ in 0..40 {
        engine.turn().await.expect("a turn");
        spoil_jobs_with(&sim, "question 123 of a.").await;
        sim.pass(2 * HOUR_MS).await;
    }
    let receipt = engine.finish(&id).await.expect("finished");
    assert_eq!((receipt.delivered.answered, receipt.delivered.failed), (399, 1));
    assert!(!sim.delivered("a", 400).contains("a-123"));
    // Halving finds one among 400 in nine jobs; the halves without it are answered beside.
    let failed = receipt.parts.iter().filter(|part| part.state == "Failed").count();
    assert!(failed <= 10, "{failed} jobs failed");
    assert_eq!(receipt.cost.paid, sim.billed(), "jobs that failed cost nothing");
    let errors = std::fs::read_to_string(laneshift_batch::errors_path(&sim.output("a"))).expect("there");
    assert!(errors.contains("a job with this record alone failed"), "{errors}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_surroundings_costs_no_record_an_attempt() {
    let sim = Sim::new();
    sim.faults(serde_json::json!([{ "fault": "role_denied", "times": 5 }])).await;
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 150, 7 * 24 * HOUR_MS).await;
    let receipt = sim.finish(&engine, &id, 200).await;
    assert_eq!(receipt.delivered.answered, 150, "five failed jobs are more than the three tries of a record");
    assert_eq!(receipt.cost.paid, sim.billed());
}

#[tokio::test(start_paused = true)]
async fn records_of_a_model_that_aws_does_not_have_fail_with_its_words_and_not_with_their_deadline() {
    let mut sim = Sim::new();
    sim.terms.lanes.clear();
    let engine = sim.engine(no_hook());
    let line = r#"{"modelInput":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}"#;
    let due = Timestamp(sim.now().0 + 24 * HOUR_MS);
    let single = Single::read(line.as_bytes(), Some("us.anthropic.nope-v1:0"), &sim.place(), "me", None, due).expect("read");
    let id = engine.accept_one(single).await.expect("accepted").id;
    engine.turn().await.expect("a turn");
    let one = engine.one(&id, "me").await.expect("read").expect("mine");
    let told = String::from_utf8(one.line.expect("an error")).expect("text");
    assert_eq!((one.state, told.contains("The provided model identifier is invalid")), (OneState::Failed, true), "{told}");
    let troubles = engine.troubles().await.expect("read");
    assert_eq!((troubles.len(), sim.jobs().await.len()), (1, 0), "{troubles:?}");
    engine.turn().await.expect("another");
    assert_eq!(sim.store.open_attempts().await.expect("read"), []);
}

/// AWS as it is when a record is bad in a way that nobody knows: every job with it fails as a whole. The emulator refuses lines
/// that are no JSON, so the input of such a job becomes that.
async fn spoil_jobs_with(sim: &Sim, needle: &str) {
    for attempt in sim.store.open_attempts().await.expect("read") {
        let input = attempt.intent.job.expect("a job").input.replacen("s3://", "", 1);
        let folder = sim.emulator.folder().join("s3").join(input);
        let holds = std::fs::read_dir(&folder).expect("an input").any(|file| {
            let file = file.expect("read").path();
            file.is_file() && std::fs::read_to_string(file).is_ok_and(|text| text.contains(needle))
        });
        if holds {
            std::fs::write(folder.join("part-00000.jsonl"), "no JSON\n".repeat(120)).expect("written");
        }
    }
}
