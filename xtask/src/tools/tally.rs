//! Counts tests in the output of test runners.

use std::ops::AddAssign;

use crate::tools::failures::{self, Failure};

/// How many tests passed and failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// What is known of those that failed, for the summary.
    pub failures: Vec<Failure>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }
}

impl Tally {
    /// So many tests that passed.
    pub fn passed(passed: u64) -> Tally {
        Tally { passed, ..Tally::default() }
    }

    /// One test that failed.
    pub fn failed(failure: Failure) -> Tally {
        Tally { passed: 0, failed: 1, failures: vec![failure] }
    }

    /// Sums the last lines of cargo's and wasm-bindgen's runners (`test result: ok. 3 passed; 0 failed; …`) and of
    /// Node's (`# pass 3` or `ℹ pass 3`), and that of the fixtures (`3 passed, 0 failed`).
    pub fn of(output: &str) -> Tally {
        let mut tally = Tally { failures: failures::of(output), ..Tally::default() };
        for line in output.lines().map(plain) {
            let line = line.trim();
            if let Some(counts) = line.strip_prefix("test result: ") {
                tally.passed += number_before(counts, " passed").unwrap_or(0);
                tally.failed += number_before(counts, " failed").unwrap_or(0);
            } else if let Some(count) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
                match count.split_once(' ') {
                    Some(("pass", number)) => tally.passed += number.parse().unwrap_or(0),
                    Some(("fail", number)) => tally.failed += number.parse().unwrap_or(0),
                    _ => {}
                }
            } else if let Some((passed, failed)) = line.split_once(" passed, ") {
                let counts = failed.strip_suffix(" failed").map(|failed| (passed.parse(), failed.parse()));
                if let Some((Ok::<u64, _>(passed), Ok::<u64, _>(failed))) = counts {
                    tally.passed += passed;
                    tally.failed += failed;
                }
            }
        }
        tally
    }
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    let before = &text[..text.find(word)?];
    let digits = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    before[digits..].parse().ok()
}

/// The line without terminal colors.
pub fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c)
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(output: &str) -> (u64, u64) {
        let Tally { passed, failed, .. } = Tally::of(output);
        (passed, failed)
    }

    #[test]
    fn cargos_results_are_summed() {
        let output = "running 3 tests\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\
                      test result: \u{1b}[31mFAILED\u{1b}[0m. 10 passed; 2 failed; 0 ignored; finished in 0.1s\n";
        assert_eq!(counts(output), (13, 2));
    }

    #[test]
    fn nodes_results_are_summed_in_both_formats() {
        assert_eq!(counts("# tests 3\n# pass 2\n# fail 1\n# cancelled 0\n"), (2, 1));
        assert_eq!(counts("\u{1b}[34mℹ pass 12\u{1b}[39m\nℹ fail 0\n"), (12, 0));
    }

    #[test]
    fn the_last_line_of_the_fixtures_counts() {
        assert_eq!(counts("\n12 passed, 3 failed\n"), (12, 3));
    }

    #[test]
    fn other_lines_are_ignored() {
        assert_eq!(
            Tally::of(
                "# passing by\n# pass the salt\n5 passed\ntest result: unknown\nall passed, 1 failed\n"
            ),
            Tally::default()
        );
    }
}
