//! Finds the failed tests in the output of test runners: what a summary says of each.

use crate::tools::tally::plain;

/// How many lines a summary shows of a failure. The others are in the output of its group.
const LINES_MAX: usize = 12;

/// A failed test, or a command that failed otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name; in Node, after its file.
    pub name: String,
    /// How it failed, in a few lines.
    pub lines: Vec<String>,
}

impl Failure {
    /// A failure that is described by the first lines of a text.
    pub fn new(name: impl Into<String>, text: &str) -> Failure {
        let mut lines: Vec<String> = text.trim().lines().map(str::to_string).collect();
        if lines.len() > LINES_MAX {
            lines.truncate(LINES_MAX - 1);
            lines.push("…".to_string());
        }
        Failure { name: name.into(), lines }
    }

    /// A failure after which a program ended: `why`, and the last lines that it had printed.
    pub fn at_the_end(name: impl Into<String>, why: &str, output: &str) -> Failure {
        let printed: Vec<_> = output.lines().map(plain).filter(|line| !line.trim().is_empty()).collect();
        let last = printed.iter().skip(printed.len().saturating_sub(LINES_MAX - 1)).cloned();
        Failure { name: name.into(), lines: std::iter::once(why.to_string()).chain(last).collect() }
    }

    /// As the summary shows it; `group` ran it.
    pub fn shown(&self, group: &str) -> String {
        let lines = self.lines.iter().map(|line| format!("\n    {line}").trim_end().to_string());
        format!("FAILED {group}: {}{}", self.name, lines.collect::<String>())
    }
}

/// The failed tests that a runner lists: cargo's, wasm-bindgen's, Node's or that of the fixtures.
pub fn of(output: &str) -> Vec<Failure> {
    let lines: Vec<String> = output.lines().map(|line| plain(line).trim_end().to_string()).collect();
    [of_cargo(&lines), of_node(&lines), of_fixtures(&lines)].concat()
}

/// `---- name stdout ----`, and what the test printed; in a browser `---- name output ----`.
fn of_cargo(lines: &[String]) -> Vec<Failure> {
    let name = |line: &str| {
        let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
        name.strip_suffix(" stdout").or(name.strip_suffix(" output")).map(str::to_string)
    };
    let ends = |line: &str| line == "failures:" || line.starts_with("test result: ");
    let failures = blocks(lines, name, ends).into_iter().map(|(name, mut text)| {
        text.retain(|line| !line.starts_with("note: run with `RUST_BACKTRACE"));
        failure(name, &text)
    });
    failures.collect()
}

/// `test at file:line:column`, then `✖ name (time)`, the message and the stack.
fn of_node(lines: &[String]) -> Vec<Failure> {
    let place = |line: &str| line.strip_prefix("test at ").map(str::to_string);
    let failures = blocks(lines, place, |_| false).into_iter().map(|(place, text)| {
        let is_frame = |line: &&str| line.trim_start().starts_with("at ");
        let test = text.first().map_or("", |line| line.trim_start_matches("✖ "));
        let name = test.rsplit_once(" (").map_or(test, |(name, _time)| name);
        let message = text.iter().skip(1).copied().take_while(|line| !is_frame(line));
        // Of the stack, only what belongs to the test.
        let stack = text.iter().copied().filter(is_frame).filter(|frame| frame.contains(".test.mjs"));
        failure(format!("{place} {name}"), &message.chain(stack).collect::<Vec<_>>())
    });
    failures.collect()
}

/// `failed  name  time  versions`, and the indented reason.
fn of_fixtures(lines: &[String]) -> Vec<Failure> {
    let name = |line: &str| line.strip_prefix("failed  ")?.split_whitespace().next().map(str::to_string);
    let failures = blocks(lines, name, |line| !line.starts_with("    ")).into_iter();
    failures.map(|(name, text)| failure(name, &text)).collect()
}

/// The blocks of lines that begin with a name, each up to the next one, or to a line that `ends` it.
fn blocks(
    lines: &[String],
    name: impl Fn(&str) -> Option<String>,
    ends: impl Fn(&str) -> bool,
) -> Vec<(String, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in lines {
        if let Some(name) = name(line) {
            blocks.extend(open.replace((name, Vec::new())));
        } else if ends(line) {
            blocks.extend(open.take());
        } else if let Some((_, text)) = &mut open {
            text.push(line);
        }
    }
    blocks.extend(open);
    blocks
}

/// Without empty lines, and without the space before all lines.
fn failure(name: String, text: &[&str]) -> Failure {
    let lines = || text.iter().filter(|line| !line.is_empty());
    let space = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let text: Vec<_> = lines().map(|line| line.get(space..).unwrap_or(line)).collect();
    Failure::new(name, &text.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(output: &str) -> Vec<String> {
        of(output).iter().map(|failure| failure.shown("unit")).collect()
    }

    #[test]
    fn cargos_failures_have_their_name_and_message() {
        let output = "running 2 tests\n..F\nfailures:\n\n---- clock::is_right stdout ----\n\n\
                      thread 'clock::is_right' panicked at src/clock.rs:7:5:\nassertion failed: 1 == 2\n\
                      note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\
                      ---- tests::ticks stdout ----\nError: too late\n\n\n\
                      failures:\n    clock::is_right\n    tests::ticks\n\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; finished in 0.1s\n";
        let first = "FAILED unit: clock::is_right\n    thread 'clock::is_right' panicked at src/clock.rs:7:5:\n    \
                     assertion failed: 1 == 2";
        assert_eq!(shown(output), [first, "FAILED unit: tests::ticks\n    Error: too late"]);
    }

    #[test]
    fn failures_in_a_browser_have_their_name_and_output() {
        let output = "failures:\n\n---- browser::seam::holds output ----\n    error output:\n        \
                      panicked at tests/browser/seam.rs:9:5:\n\nfailures:\n\n    browser::seam::holds\n\n\
                      test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 filtered out\n";
        let text = "FAILED unit: browser::seam::holds\n    error output:\n        \
                    panicked at tests/browser/seam.rs:9:5:";
        assert_eq!(shown(output), [text]);
    }

    #[test]
    fn nodes_failures_have_their_place_and_message() {
        let output = "✖ is \u{1b}[31mright\u{1b}[39m (1.5ms)\n  Error: inline\n\nℹ pass 3\nℹ fail 2\n\n\
                      ✖ failing tests:\n\ntest at js/a.test.mjs:4:1\n✖ is right (now) (1.5ms)\n  \
                      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n  \n  1 !== 2\n  \n      \
                      at until (file:///js/support/page.mjs:1:2)\n      at Test.<anonymous> (file:///js/a.test.mjs:5:3) {\n    \
                      generatedMessage: true\n  }\n\ntest at js/b.test.mjs:1:1\n✖ hangs (7.5ms)\n  'it never ends'\n";
        let first = "FAILED unit: js/a.test.mjs:4:1 is right (now)\n    \
                     AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n    1 !== 2\n        \
                     at Test.<anonymous> (file:///js/a.test.mjs:5:3) {";
        assert_eq!(shown(output), [first, "FAILED unit: js/b.test.mjs:1:1 hangs\n    'it never ends'"]);
    }

    #[test]
    fn failures_of_fixtures_have_their_reason() {
        let output = "ok             vite/build        3.0 s  vite 7\nfailed         vue/dev     1.0 s  vue 3\n    \
                      it shows nothing\nok             vue/build       1.0 s  vue 3\n\n1 passed, 1 failed\n";
        assert_eq!(shown(output), ["FAILED unit: vue/dev\n    it shows nothing"]);
    }

    #[test]
    fn long_texts_are_truncated() {
        let failure = Failure::new("name", &"line\n".repeat(LINES_MAX + 1));
        assert_eq!((failure.lines.len(), failure.lines.last().unwrap().as_str()), (LINES_MAX, "…"));
        let failure = Failure::at_the_end("name", "it ended", &"line\n\n".repeat(LINES_MAX + 1));
        assert_eq!((failure.lines.len(), failure.lines[0].as_str()), (LINES_MAX, "it ended"));
    }

    #[test]
    fn an_output_without_failures_has_none() {
        assert_eq!(of("failures to connect: 3\ntest result: ok. 3 passed; 0 failed\nℹ pass 2\n"), []);
    }
}
