//! Reading a small text file whole, writing one whole or not at all, and TOML with the place of what is wrong.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::DataError;

/// The largest file that a person writes or edits.
pub(crate) const EDITED_MB_MAX: u64 = 16;

/// What spreadsheets put before UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a text of at most `max_mb` times 1,048,576 bytes.
pub(crate) fn read(path: &Path, max_mb: u64) -> Result<String, DataError> {
    let failed = |source| DataError::Read { path: path.into(), source };
    let max = max_mb << 20;
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(max + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > max {
        return Err(DataError::TooLarge { path: path.into(), max_mb });
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.remove(0);
    }
    Ok(text)
}

/// Writes a text: to a file beside it first, which then takes its name.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), DataError> {
    let failed = |source| DataError::Write { path: path.into(), source };
    let name = path.file_name().ok_or_else(|| failed(io::Error::other("not a file name")))?;
    let mut draft = name.to_owned();
    draft.push(format!(".{}.draft", std::process::id()));
    let draft = path.with_file_name(draft);
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&draft, path)).map_err(|source| {
        // The draft is worthless without its name; a failure to remove it changes nothing for the caller.
        let _ = fs::remove_file(&draft);
        failed(source)
    })
}

/// Reads TOML; an error names the line and the key on it.
pub(crate) fn toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, DataError> {
    toml::from_str(text).map_err(|e| {
        let start = e.span().map_or(0, |s| s.start);
        let key = text[line_start(text, start)..].lines().next().unwrap_or_default();
        let field = key.split('=').next().unwrap_or_default().trim();
        let at = line(text, start);
        let hint = "correct the line, or compare it with the file that laneshift ships";
        if field.is_empty() || field.starts_with('#') {
            return DataError::format(path, at, e.message(), hint);
        }
        DataError::field(path, at, field, e.message(), hint)
    })
}

/// Prints TOML; `path` is the name that errors carry.
pub(crate) fn to_toml<T: Serialize>(path: &Path, value: &T) -> Result<String, DataError> {
    toml::to_string_pretty(value).map_err(|e| DataError::Write { path: path.into(), source: io::Error::other(e) })
}

/// The line of a value in a text, as errors show it.
pub(crate) fn line_of<T>(text: &str, value: &Spanned<T>) -> String {
    line(text, value.span().start)
}

fn line(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    format!("line {}", before.matches('\n').count() + 1)
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct One {
        #[expect(dead_code, reason = "only its absence is tested")]
        known: u8,
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = toml::<One>(Path::new("f.toml"), "known = 1\n\nkown = 2\n").expect_err("refused");
        let text = error.to_string();
        assert!(text.starts_with("read f.toml, line 3, field kown: unknown field `kown`"), "{text}");
        assert!(text.contains("; hint: "), "{text}");
    }

    #[test]
    fn a_file_is_replaced_whole_and_read_back_without_its_mark() {
        let path = std::env::temp_dir().join(format!("laneshift-catalog-file-{}.txt", std::process::id()));
        write(&path, "\u{feff}a").expect("written");
        write(&path, "\u{feff}b").expect("replaced");
        assert_eq!(read(&path, 1).expect("read"), "b");
        fs::remove_file(&path).expect("removed");
        let gone = read(&path, 1).expect_err("gone").to_string();
        assert!(gone.contains("hint: check that the file exists"), "{gone}");
    }
}
