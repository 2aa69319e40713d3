//! Who calls: people, services that answer requests, services that run jobs.

use super::{Reading, percent};
use crate::verdict::{PrincipalKind, SignalId, SliceEvidence};

fn reading(e: &SliceEvidence, kind: PrincipalKind, signal: SignalId, what: &str) -> Option<Reading> {
    let tokens = e.principals[kind as usize];
    let ratio = tokens as f64 / e.tokens.max(1) as f64;
    (ratio >= 0.01).then(|| Reading {
        signal,
        strength: 1.0,
        visible: ratio,
        text: format!("{} of tokens come from {what}", percent(ratio)),
        change: "the work moves to another role or service",
    })
}

pub(super) fn human(e: &SliceEvidence) -> Option<Reading> {
    reading(e, PrincipalKind::Human, SignalId::Human, "people's own sessions")
}

pub(super) fn batch_service(e: &SliceEvidence) -> Option<Reading> {
    reading(e, PrincipalKind::BatchService, SignalId::BatchService, "sessions that a batch-type service made")
}

pub(super) fn batch_name(e: &SliceEvidence) -> Option<Reading> {
    reading(e, PrincipalKind::BatchName, SignalId::BatchName, "a role named like a job")
}

pub(super) fn request_service(e: &SliceEvidence) -> Option<Reading> {
    reading(e, PrincipalKind::RequestService, SignalId::RequestService, "a container service that usually answers requests")
}

pub(super) fn step_functions(e: &SliceEvidence) -> Option<Reading> {
    reading(e, PrincipalKind::StepFunctions, SignalId::StepFunctions, "Step Functions")
}
