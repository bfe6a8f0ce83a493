//! Errors for the person who runs the server, all in one form: what failed, why, and what to do.

use std::fmt;

/// The server cannot start, or has to stop; or what it was told to reload cannot be used.
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

impl From<String> for SetupError {
    fn from(what: String) -> Self {
        SetupError { what, why: String::new(), advice: String::new() }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SetupError { what, why, advice } = self;
        f.write_str(what)?;
        if !why.is_empty() {
            write!(f, ": {why}")?;
        }
        if !advice.is_empty() {
            write!(f, "\n{advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SetupError {}

/// A sentence for the person who started it, with what to do.
#[derive(Debug)]
pub struct RunError(pub String);

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RunError {}
