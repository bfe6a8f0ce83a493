//! What is wrong with a store, shortened.

use std::fmt;

/// How many problems are shown per channel.
const SHOWN_MAX: usize = 20;

/// See the module.
#[derive(Debug, Default)]
pub struct Problems {
    /// How many there are.
    pub found: usize,
    shown: Vec<String>,
}

impl Problems {
    /// Adds what is wrong with one channel.
    pub(super) fn of_channel(&mut self, ch: &str, problems: &[String]) {
        self.shown.extend(problems.iter().take(SHOWN_MAX).map(|problem| format!("{ch:?}: {problem}")));
        if let Some(more @ 1..) = problems.len().checked_sub(SHOWN_MAX) {
            self.shown.push(format!("{ch:?}: and {more} more"));
        }
        self.found += problems.len();
    }

    /// Adds what is wrong with no single channel.
    pub(super) fn of_store(&mut self, problems: Vec<String>) {
        self.found += problems.len();
        self.shown.extend(problems);
    }
}

/// A line for each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}
