//! From readings to a verdict: group caps, shrinkage for thin evidence, evidence ceilings, classes.

use laneshift_units::Deadline;

use super::signals;
use super::{EvidenceKind, Group, SignalId, SliceEvidence, Weights};

/// A score in thousandths. Higher means: can wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(pub u16);

/// What a verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Can wait for a cheaper lane.
    BatchFit,
    /// Two slices on different sides.
    Hybrid,
    /// Evidence is thin or mixed: ask the owner.
    Undetermined,
    /// Somebody is waiting.
    Stays,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::BatchFit, Self::Hybrid, Self::Undetermined, Self::Stays];

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BatchFit => "batch-fit",
            Self::Hybrid => "hybrid",
            Self::Undetermined => "undetermined",
            Self::Stays => "stays",
        }
    }
}

/// One signal's part in a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The signal.
    pub signal: SignalId,
    /// Its contribution in nats, after visibility and thin-evidence shrinkage and before its group's cap.
    pub nats: f64,
    /// The evidence in words.
    pub text: String,
    /// What would change it.
    pub change: &'static str,
}

/// An owner's answer about a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How long it can wait.
    pub deadline: Deadline,
}

/// The verdict on one slice.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The class; never [`Class::Hybrid`] for a slice.
    pub class: Class,
    /// The deadline bucket the plan may use.
    pub deadline: Deadline,
    /// The score after ceilings.
    pub score: Score,
    /// Whether the owner's answer decided it.
    pub confirmed: bool,
    /// Terms, strongest first.
    pub terms: Vec<Term>,
    /// Why the class is not what the sum alone says, if so.
    pub limits: Vec<String>,
    /// The best evidence there was.
    pub evidence: EvidenceKind,
}

/// Judges a slice. An owner's answer decides; without one the signals do.
pub fn judge(evidence: &SliceEvidence, weights: &Weights, answer: Option<Answer>) -> Verdict {
    let terms = terms(evidence, weights);
    let declared = terms.iter().any(|t| t.signal == SignalId::Declared);
    let mut sum = logit(weights.prior);
    for group in Group::ALL {
        let of_group: f64 = terms.iter().filter(|t| t.signal.group() == group).map(|t| t.nats).sum();
        sum += of_group.clamp(-weights.cap_of(group), weights.cap_of(group));
    }
    let mut limits = Vec::new();
    let raw = to_score(sigmoid(sum));
    let (low, high) = ceiling(evidence, weights, declared);
    let mut score = Score(raw.0.clamp(low, high));
    if score != raw {
        limits.push(format!(
            "the sum of signals gives .{:03}; evidence of this kind ({}) allows .{low:03} to .{high:03}",
            raw.0,
            evidence.kind.name()
        ));
    }
    let mut class = if score.0 >= weights.fit_min {
        Class::BatchFit
    } else if score.0 <= weights.stay_max {
        Class::Stays
    } else {
        Class::Undetermined
    };
    let thin = evidence.requests < weights.requests_min || evidence.days_active < weights.days_min;
    if thin && evidence.kind != EvidenceKind::Bill {
        class = Class::Undetermined;
        limits.push(format!(
            "{} requests on {} days; below {} requests or {} days nothing is decided",
            evidence.requests, evidence.days_active, weights.requests_min, weights.days_min
        ));
    }
    let mut deadline = deadline_of(evidence, class);
    if let Some(Answer { deadline: stated }) = answer {
        deadline = stated;
        let (low, high) = weights.ceiling_declared;
        let waits = stated >= Deadline::Hour;
        score = Score(if waits { high } else { low });
        class = if waits { Class::BatchFit } else { Class::Stays };
        limits.push(format!("the owner says: {stated}"));
    }
    Verdict { class, deadline, score, confirmed: answer.is_some(), terms, limits, evidence: evidence.kind }
}

fn terms(evidence: &SliceEvidence, weights: &Weights) -> Vec<Term> {
    let n = evidence.requests as f64;
    let days = f64::from(evidence.days_active);
    let shrink = n / (n + weights.half_requests) * days / (days + weights.half_days);
    let mut terms: Vec<Term> = signals::ALL
        .iter()
        .filter_map(|signal| signal(evidence))
        .map(|r| Term {
            signal: r.signal,
            nats: r.strength.clamp(-1.0, 1.0) * r.visible.clamp(0.0, 1.0) * shrink * weights.of(r.signal),
            text: r.text,
            change: r.change,
        })
        .filter(|t| t.nats.abs() >= 0.005)
        .collect();
    terms.sort_by(|a, b| b.nats.abs().total_cmp(&a.nats.abs()).then(a.signal.cmp(&b.signal)));
    terms
}

fn deadline_of(evidence: &SliceEvidence, class: Class) -> Deadline {
    match (class, evidence.declared) {
        (Class::Stays | Class::Undetermined | Class::Hybrid, _) => Deadline::Seconds,
        (Class::BatchFit, Some((declared, _))) => declared,
        // Who chose flex has shown that minutes are fine, not that a day is.
        (Class::BatchFit, None) if evidence.flex_tokens * 2 > evidence.tokens => Deadline::Hour,
        (Class::BatchFit, None) => Deadline::Day,
    }
}

fn ceiling(evidence: &SliceEvidence, weights: &Weights, declared: bool) -> (u16, u16) {
    if declared {
        return weights.ceiling_declared;
    }
    match evidence.kind {
        EvidenceKind::Bill if evidence.streaming.ratio().is_some_and(|r| r >= 0.5) => {
            (weights.ceiling_bill_streaming_min, weights.ceiling_bill.1)
        }
        EvidenceKind::Bill => weights.ceiling_bill,
        EvidenceKind::Logs => weights.ceiling_logs,
        EvidenceKind::Bodies => weights.ceiling_bodies,
    }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn to_score(p: f64) -> Score {
    Score((p * 1000.0).round().clamp(0.0, 1000.0) as u16)
}
