//! `evidence.toml` in a folder of evidence: what a reader of the files must know and cannot see.

use std::num::NonZeroU64;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{DataError, file};

/// Sampling thinner than this is a slip.
const SAMPLING_FACTOR_MAX: u64 = 1_000_000;

/// What the folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceNote {
    /// Each observed request stands for so many.
    pub sampling_factor: NonZeroU64,
    /// What the evidence is; may be empty.
    pub description: String,
}

impl Default for EvidenceNote {
    fn default() -> Self {
        Self { sampling_factor: NonZeroU64::MIN, description: String::new() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    sampling_factor: Option<Spanned<u64>>,
    #[serde(default)]
    description: String,
}

#[derive(Serialize)]
struct Written<'a> {
    sampling_factor: u64,
    description: &'a str,
}

impl EvidenceNote {
    /// The name of the file.
    pub const FILE_NAME: &'static str = "evidence.toml";

    /// The note of a folder; without a file every request stands for itself.
    ///
    /// # Errors
    /// [`DataError`] as [`EvidenceNote::open`], unless the file is not there.
    pub fn in_folder(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(Self::FILE_NAME);
        if path.exists() { Self::open(&path) } else { Ok(Self::default()) }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has an unknown key, or a factor below 1 or above a million.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let Wire { sampling_factor, description } = file::toml(path, text)?;
        let Some(stated) = sampling_factor else { return Ok(Self { description, ..Self::default() }) };
        let factor = *stated.get_ref();
        match NonZeroU64::new(factor).filter(|f| f.get() <= SAMPLING_FACTOR_MAX) {
            Some(sampling_factor) => Ok(Self { sampling_factor, description }),
            None => {
                let hint = "write how many requests each observed one stands for; 1 when all were logged";
                let reason = format!("{factor} is not from 1 to {SAMPLING_FACTOR_MAX}");
                Err(DataError::field(path, file::line_of(text, &stated), "sampling_factor", reason, hint))
            }
        }
    }

    /// The note as a file.
    ///
    /// # Errors
    /// [`DataError::Write`] when it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        let written = Written { sampling_factor: self.sampling_factor.get(), description: &self.description };
        file::write(path, &file::to_toml(path, &written)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<EvidenceNote, String> {
        EvidenceNote::parse(Path::new("evidence.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_factor_is_one_unless_stated() {
        assert_eq!(parse(""), Ok(EvidenceNote::default()));
        let note = parse("sampling_factor = 20\ndescription = \"one in twenty\"\n").expect("reads");
        assert_eq!((note.sampling_factor.get(), note.description.as_str()), (20, "one in twenty"));
        assert_eq!(EvidenceNote::in_folder(Path::new("/nowhere/at/all")).expect("absent"), EvidenceNote::default());
    }

    #[test]
    fn slips_are_refused() {
        for (text, expected) in [
            ("sampling_factor = 0", "line 1, field sampling_factor: 0 is not from 1"),
            ("sampling_factor = -1", "line 1, field sampling_factor: "),
            ("\nfactor = 2", "line 2, field factor: unknown field"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let path = std::env::temp_dir().join(format!("laneshift-evidence-{}.toml", std::process::id()));
        let note = EvidenceNote { sampling_factor: NonZeroU64::MIN, description: "a \"quoted\"\nnote".to_owned() };
        note.write(&path).expect("written");
        assert_eq!(EvidenceNote::open(&path).expect("read"), note);
        std::fs::remove_file(&path).expect("removed");
    }
}
