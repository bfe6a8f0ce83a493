//! Errors: a code for programs, a sentence for people.

/// An error with a word for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// A stable word, such as `too_large`.
    pub code: String,
    /// What happened and what can be done.
    pub message: String,
}

impl Error {
    /// An error of that code.
    pub fn new(code: &str, message: &str) -> Self {
        Error { code: code.to_owned(), message: message.to_owned() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
