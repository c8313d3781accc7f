//! Running every test of the workspace and adding up what the runner says.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::steps;

/// What the tests came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, and test programs that did not come to an end of their own.
    pub(crate) failed: u64,
}

/// Runs all tests; then those again that are told by the environment which store they are to use.
pub(crate) fn run() -> Totals {
    let all = run_some(&mut steps::command(&["test", "--workspace", "--no-fail-fast"]));
    // Of the whole workspace, so that nothing is built otherwise than above.
    let mut http = steps::command(&["test", "--workspace", "--no-fail-fast", "--test", "http"]);
    let http = run_some(http.env("SCRIP_TEST_STORE", "postgres"));
    Totals { passed: all.passed + http.passed, failed: all.failed + http.failed }
}

/// Runs tests, shows their output, and adds up their summaries.
fn run_some(command: &mut Command) -> Totals {
    let mut totals = Totals::default();
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cargo test: {error}");
            return Totals { passed: 0, failed: 1 };
        }
    };
    let output = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(output).lines() {
        match line {
            Ok(line) => {
                println!("{line}");
                if let Some(summary) = summary(&line) {
                    totals.passed += summary.passed;
                    totals.failed += summary.failed;
                }
            }
            Err(error) => {
                eprintln!("cargo test: its output cannot be read: {error}");
                totals.failed += 1;
                break;
            }
        }
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    if !succeeded && totals.failed == 0 {
        // It did not compile, or a test program was killed before its summary.
        totals.failed = 1;
    }
    totals
}

/// Reads a line such as `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
fn summary(line: &str) -> Option<Totals> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok());
    Some(Totals { passed: count(" passed")?, failed: count(" failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let ok = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(summary(ok), Some(Totals { passed: 12, failed: 0 }));
        assert_eq!(summary(bad), Some(Totals { passed: 3, failed: 2 }));
        assert_eq!(summary("test amount::tests::reads ... ok"), None);
    }
}
