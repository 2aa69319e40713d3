//! Who is who: ordered rules over the names of roles and sessions. The first that matches decides.

use laneshift_core::verdict::PrincipalKind;

/// Ordered rules.
#[derive(Clone, Debug, Default)]
pub struct PrincipalRules(pub Vec<PrincipalRule>);

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRule {
    /// What it looks at.
    pub field: RuleField,
    /// How it looks.
    pub matches: RuleMatch,
    /// What it concludes.
    pub kind: PrincipalKind,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleField {
    /// The name of the role or user.
    Role,
    /// The name of the session; empty where there is none.
    Session,
}

/// How a rule looks. ASCII letters match in both cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleMatch {
    /// The name begins like this.
    Prefix(String),
    /// The name ends like this.
    Suffix(String),
    /// The name has this somewhere.
    Contains(String),
    /// The name is this.
    Equals(String),
    /// These pieces follow each other in the name: `eval` is in `NightlyEval`, not in `retrieval`.
    Word(Vec<String>),
    /// The name is an e-mail address.
    Email,
    /// The name is 32 hexadecimal digits.
    Hex32,
}

impl PrincipalRules {
    /// What kind of caller a role and session look like; [`PrincipalKind::Unknown`] where no rule matches.
    pub fn kind(&self, role: &str, session: &str) -> PrincipalKind {
        let (role, session) = (Name::of(role), Name::of(session));
        let name = |field| match field {
            RuleField::Role => &role,
            RuleField::Session => &session,
        };
        let rule = self.0.iter().find(|rule| rule.matches.holds(name(rule.field)));
        rule.map_or(PrincipalKind::Unknown, |rule| rule.kind)
    }
}

/// A name and its pieces.
struct Name<'a> {
    text: &'a str,
    pieces: Vec<String>,
}

impl<'a> Name<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, pieces: pieces(text) }
    }
}

impl RuleMatch {
    fn holds(&self, name: &Name<'_>) -> bool {
        let (text, bytes) = (name.text, name.text.as_bytes());
        match self {
            Self::Prefix(start) => bytes.get(..start.len()).is_some_and(|b| b.eq_ignore_ascii_case(start.as_bytes())),
            Self::Suffix(end) => {
                let from = bytes.len().checked_sub(end.len());
                from.is_some_and(|from| bytes[from..].eq_ignore_ascii_case(end.as_bytes()))
            }
            Self::Contains(part) => {
                !part.is_empty() && bytes.windows(part.len()).any(|b| b.eq_ignore_ascii_case(part.as_bytes()))
            }
            Self::Equals(whole) => text.eq_ignore_ascii_case(whole),
            Self::Word(words) => !words.is_empty() && name.pieces.windows(words.len()).any(|pieces| pieces == words),
            Self::Email => is_email(text),
            Self::Hex32 => bytes.len() == 32 && bytes.iter().all(u8::is_ascii_hexdigit),
        }
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, domain)| {
        let dotted = domain.split_once('.').is_some_and(|(host, rest)| !host.is_empty() && !rest.is_empty());
        !user.is_empty() && dotted && !domain.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// Cuts a name at everything that is no letter, where a capital follows a small letter (`NightlyEval`), and before the
/// last capital of several that a small letter follows (`ETLRole`). Pieces are in small letters.
pub(super) fn pieces(name: &str) -> Vec<String> {
    let bytes = name.as_bytes();
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        let before = i.checked_sub(1).map_or(b'-', |at| bytes[at]);
        let small_follows = bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
        let capital = byte.is_ascii_uppercase();
        let begins = capital && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && small_follows);
        if (begins || !byte.is_ascii_alphabetic()) && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        if byte.is_ascii_alphabetic() {
            piece.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use laneshift_core::verdict::PrincipalKind::{
        AwsService, BatchName, BatchService, Human, Lambda, RequestService, StepFunctions, Unknown,
    };

    use super::super::Signals;
    use super::*;

    #[test]
    fn callers_are_told_apart_by_role_and_session() {
        let signals = Signals::shipped().expect("reads");
        let task = "0123456789abcdef0123456789ABCDEF";
        for (role, session, kind) in [
            ("AWSReservedSSO_PowerUser_0a1b2c3d4e5f6071", "alice", Human),
            ("DataScience", "alice@example.com", Human),
            ("nightly-etl", "bob@example.com", Human),
            ("DataScience", "alice@example", Unknown),
            ("GlueRole", "GlueJobRunnerSession", BatchService),
            ("ClaimsRole", "SageMaker", BatchService),
            ("MLStudioRole", "SageMaker", Unknown),
            ("SageMakerNotebookRole", "SageMaker", Unknown),
            ("CaseNotesRole", "AWSBatch-7", BatchService),
            ("CaseNotesRole", "batch-worker-3", BatchService),
            ("CaseNotesRole", "batching", Unknown),
            ("SparkRole", "emr-serverless-00f1", BatchService),
            ("EMR_EC2_DefaultRole", "i-0abc", BatchService),
            ("CiRole", "GitHubActions", BatchService),
            ("DagRole", "mwaa-env", BatchService),
            ("DagRole", "airflow-worker", BatchService),
            ("CiRole", "AWSCodeBuild-1f2e", BatchService),
            ("nightly-summaries", task, BatchName),
            ("NightlySummaries", "i-0abc", BatchName),
            ("ETLRole", "", BatchName),
            ("embed-backfill", "", BatchName),
            ("prod_eval_runner", "", BatchName),
            ("OfflineEval2", "", BatchName),
            ("CRON.cleanup", "", BatchName),
            ("claims/enrich", "", BatchName),
            ("synthDataRole", "", BatchName),
            ("DocPipelineRole", "", BatchName),
            ("retrieval-api", "", Unknown),
            ("evaluator-ui", "", Unknown),
            ("RetrievalApi", "", Unknown),
            ("jobsearch-api", "", Unknown),
            ("chat-api", task, RequestService),
            ("chat-api", "ecs-chat", RequestService),
            ("chat-api", "eks-prod-chat-7f9c", RequestService),
            ("chat-api", "pod-identity-1", RequestService),
            ("chat-lambda-role", "chat", Lambda),
            ("chat", "chat-lambda", Lambda),
            ("StepFunctions-claims-role-1a2b", "x", StepFunctions),
            ("claims", "states-1a2b", StepFunctions),
            ("AmazonBedrockExecutionRoleForKnowledgeBase_batch", "x", AwsService),
            ("AmazonBedrockExecutionRoleForAgents_AB12", "x", AwsService),
            ("AWSServiceRoleForAmazonQ", "x", AwsService),
            ("", "", Unknown),
            ("Bücherei-Rolle", "é", Unknown),
        ] {
            assert_eq!(signals.principal_kind(role, session), kind, "{role} / {session}");
        }
    }

    #[test]
    fn names_are_cut_into_pieces() {
        assert_eq!(pieces("ETLRole_v2.nightlyEval/x"), ["etl", "role", "v", "nightly", "eval", "x"]);
        assert_eq!(pieces("AWSBatch"), ["aws", "batch"]);
        assert!(pieces("7-7").is_empty());
    }
}
