//! Errors for the person who runs the server, all in one form: what failed, why, and what to do.

use std::fmt;

/// The server cannot start, or has to stop; or what it reloads cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    what: String,
    why: String,
    advice: String,
}

impl SetupError {
    /// What failed, with the value that was used, and why.
    pub fn new(what: impl Into<String>, why: impl ToString) -> Self {
        SetupError { what: what.into(), why: why.to_string(), advice: String::new() }
    }

    /// What to do about it, as a sentence.
    pub fn advice(self, advice: impl Into<String>) -> Self {
        SetupError { advice: advice.into(), ..self }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SetupError { what, why, advice } = self;
        write!(f, "{what}: {why}")?;
        if !advice.is_empty() {
            write!(f, "\n{advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SetupError {}
