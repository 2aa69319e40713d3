//! A source file says its subject in its first line and stays short.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Lines of a file outside of tests, at most.
const LINES_MAX: usize = 500;

/// Each file without a `//!` header, and each that is too long.
pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in sources(&root.join(folder))? {
            let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            found.extend(judge(name, &text));
        }
    }
    Ok(found)
}

fn judge(name: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{} does not begin with `//!`: say what the file is for", name.display()));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX && !is_test(name) {
        found.push(format!("{} has {lines} lines; {LINES_MAX} are enough for one subject", name.display()));
    }
    found
}

fn is_test(name: &Path) -> bool {
    name.file_stem().is_some_and(|stem| stem == "tests") || name.iter().any(|part| part == "tests")
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_header_is_found() {
        let found = judge(Path::new("crates/a/src/lib.rs"), "use std::fs;\n");
        assert_eq!(found, ["crates/a/src/lib.rs does not begin with `//!`: say what the file is for"]);
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_a_test() {
        let text = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(
            judge(Path::new("crates/a/src/long.rs"), &text),
            ["crates/a/src/long.rs has 501 lines; 500 are enough for one subject"]
        );
        assert_eq!(judge(Path::new("crates/a/tests/long.rs"), &text), Vec::<String>::new());
        assert_eq!(judge(Path::new("crates/a/src/b/tests.rs"), &text), Vec::<String>::new());
    }
}
