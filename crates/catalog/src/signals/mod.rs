//! The signals file: weights of the verdict, who is who, and the metadata keys that are read.

mod principal;
mod wire;

use std::path::Path;

use laneshift_core::verdict::{PrincipalKind, Weights};

use crate::{DataError, file};

pub use principal::{PrincipalRule, PrincipalRules, RuleField, RuleMatch};

const SHIPPED: &str = include_str!("../../data/signals.toml");

/// What a signals file says.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The day on which its numbers were chosen, `YYYY-MM-DD`.
    pub dated: String,
    /// The numbers of the score.
    pub weights: Weights,
    /// Keys of `requestMetadata` that name a workload, best first.
    pub metadata_keys: Vec<String>,
    /// Keys of `requestMetadata` that state a deadline, best first.
    pub deadline_keys: Vec<String>,
    /// Who is who.
    pub rules: PrincipalRules,
}

impl Signals {
    /// The file that this build carries.
    ///
    /// # Errors
    /// [`DataError`] when the file that was built in is damaged.
    pub fn shipped() -> Result<Self, DataError> {
        Self::parse(Path::new("crates/catalog/data/signals.toml"), SHIPPED)
    }

    /// A file that replaces the shipped one as a whole.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, lacks a signal, names one that is unknown, or holds a number out of range.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        wire::SignalsFile::read(path, text)
    }

    /// What kind of caller a role and session look like. Meant to be asked once for each distinct pair.
    pub fn principal_kind(&self, role: &str, session: &str) -> PrincipalKind {
        self.rules.kind(role, session)
    }
}

#[cfg(test)]
mod tests {
    use laneshift_core::verdict::{Group, SignalId};

    use super::*;

    fn refused(text: &str) -> String {
        Signals::parse(Path::new("s.toml"), text).expect_err("refused").to_string()
    }

    #[test]
    fn the_shipped_file_has_every_signal_and_cap() {
        let signals = Signals::shipped().expect("reads");
        let weights = &signals.weights;
        assert_eq!(weights.of(SignalId::Declared), 4.0);
        assert_eq!(weights.of(SignalId::WaitedShort), -0.5);
        assert_eq!(weights.cap_of(Group::Shape), 3.0);
        assert_eq!(weights.ceiling_bill, (300, 700));
        assert_eq!((weights.prior, weights.fit_min, weights.days_min), (0.25, 800, 3));
        assert_eq!(signals.metadata_keys.first().map(String::as_str), Some("laneshift:workload"));
        assert_eq!(signals.metadata_keys.len(), 11);
        assert_eq!(signals.deadline_keys.len(), 6);
    }

    #[test]
    fn unknown_and_missing_signals_are_refused_by_name() {
        let unknown = refused(&SHIPPED.replace("\nbulk_embeddings =", "\nbulk_embedings ="));
        assert!(unknown.contains("field bulk_embedings: no signal has this name"), "{unknown}");
        let missing = refused(&SHIPPED.replace("\nbulk_embeddings = 0.7", ""));
        assert!(missing.contains("[weights], field bulk_embeddings: missing"), "{missing}");
        let cap = refused(&SHIPPED.replace("\nrevealed = 1.5", ""));
        assert!(cap.contains("[caps], field revealed: missing"), "{cap}");
        let key = refused(&SHIPPED.replace("stay_max", "stays_max"));
        assert!(key.contains("field stays_max: unknown field"), "{key}");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for (from, to, field) in [
            ("prior = 0.25", "prior = 1.0", "prior"),
            ("human = -2.5", "human = nan", "human"),
            ("human = -2.5", "human = -25.0", "human"),
            ("bill = [300, 700]", "bill = [700, 300]", "bill"),
            ("logs = [100, 900]", "logs = [100, 1900]", "logs"),
            ("floor_min = 900", "floor_min = 700", "floor_min"),
            ("stay_max = 200", "stay_max = 800", "stay_max"),
            ("cadence = 2.0", "cadence = -2.0", "cadence"),
            ("half_days = 3.0", "half_days = -1.0", "half_days"),
            ("version = 1", "version = 2", "version"),
            ("kind = \"human\"", "kind = \"person\"", "kind"),
            ("match = \"email\"", "match = \"mail\"", "match"),
            ("match = \"email\"", "match = \"prefix\"", "text"),
        ] {
            let changed = SHIPPED.replacen(from, to, 1);
            assert_ne!(changed, SHIPPED, "{from}");
            let error = refused(&changed);
            assert!(error.contains(&format!("field {field}: ")), "{to}: {error}");
        }
    }
}
