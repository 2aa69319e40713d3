//! Runs a test runner, shows what it prints, and counts what passed and failed from its summary.

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::cargo::shown;

/// Tests that passed and failed. What a runner skips on its own is in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Whose summary it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One `test result: ok. 3 passed; 0 failed; …` for each binary.
    Libtest,
    /// `Summary [ 1.2s] 5 tests run: 4 passed, 1 failed, 0 skipped`.
    Nextest,
    /// `test_a (test_b.C.test_a) ... ok` for each that passed, then `OK` or `FAILED (failures=1, errors=2)`; needs `-v`.
    Unittest,
}

/// Runs the tests to their end.
///
/// # Errors
/// The runner did not start, or failed without naming a failed test: something does not compile.
pub(crate) fn count(command: &mut Command, style: Style) -> Result<Totals> {
    let shown = shown(command);
    eprintln!("+ {shown}");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("failed to start {shown}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Two pipes, two readers: one alone would let the other pipe fill and the runner wait.
    let (out, err) = thread::scope(|scope| {
        let out = scope.spawn(|| echo(stdout, std::io::stdout(), style));
        let err = scope.spawn(|| echo(stderr, std::io::stderr(), style));
        (out.join(), err.join())
    });
    let panicked = |_| anyhow!("failed to read the output of {shown}");
    let mut sum = out.map_err(panicked)??;
    sum += err.map_err(panicked)??;
    let status = child.wait().with_context(|| format!("failed to wait for {shown}"))?;
    if !status.success() && sum.failed == 0 {
        bail!("{shown}: {status}, and no test failed: see above");
    }
    Ok(sum)
}

fn echo(from: Option<impl Read>, mut to: impl Write, style: Style) -> Result<Totals> {
    let mut sum = Totals::default();
    let Some(from) = from else { return Ok(sum) };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        add(&mut sum, &String::from_utf8_lossy(&line), style);
        line.clear();
    }
    Ok(sum)
}

/// Adds what a line of a runner's output says.
fn add(sum: &mut Totals, line: &str, style: Style) {
    let line = line.trim();
    match style {
        Style::Libtest if line.starts_with("test result: ") => {
            sum.passed += before(line, "passed");
            sum.failed += before(line, "failed");
        }
        Style::Nextest if line.starts_with("Summary [") => {
            sum.passed += before(line, "passed");
            sum.failed += before(line, "failed") + before(line, "timed");
        }
        // Not from `Ran 4 tests`: a class that cannot be set up is an error, but none of what ran.
        Style::Unittest if line == "ok" || line.ends_with("... ok") => sum.passed += 1,
        Style::Unittest if line.starts_with("FAILED (") => {
            sum.failed += after(line, "failures=") + after(line, "errors=") + after(line, "unexpected successes=");
        }
        Style::Libtest | Style::Nextest | Style::Unittest => {}
    }
}

/// The number before a word, as in `3 passed`.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// The number after a key, as in `failures=1`.
fn after(line: &str, key: &str) -> u64 {
    let Some((_, rest)) = line.split_once(key) else { return 0 };
    rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(style: Style, text: &str) -> (u64, u64) {
        let mut sum = Totals::default();
        for line in text.lines() {
            add(&mut sum, line, style);
        }
        (sum.passed, sum.failed)
    }

    #[test]
    fn every_binary_of_libtest_counts() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test a ... ok\ntest result: FAILED. 4 passed; 2 failed; 0 ignored";
        assert_eq!(sum(Style::Libtest, text), (7, 2));
    }

    #[test]
    fn nextest_is_read_from_its_summary() {
        assert_eq!(sum(Style::Nextest, "     Summary [   0.016s] 5 tests run: 4 passed, 1 failed, 2 skipped"), (4, 1));
        assert_eq!(sum(Style::Nextest, "     Summary [   9.1s] 3 tests run: 1 passed (1 slow), 1 failed, 1 timed out"), (1, 2));
    }

    #[test]
    fn unittest_counts_what_is_ok_and_what_its_summary_calls_failed() {
        let text = "test_a (t.A.test_a) ... ok\nsetUpClass (t.B) ... ERROR\ntest_c (t.A.test_c) ... said something\nok\n\
                    Ran 2 tests in 0.1s\n\nFAILED (errors=1, skipped=1)";
        assert_eq!(sum(Style::Unittest, text), (2, 1));
        assert_eq!(sum(Style::Unittest, "test_a (t.A.test_a) ... ok\nRan 1 test in 0.1s\n\nOK"), (1, 0));
    }
}
