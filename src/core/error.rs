//! Errors: a code for programs, a sentence for people.

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
use std::fmt;

use crate::wire::{Known, Text, Word};

/// An error of the session, or one that the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What happened, for programs.
    pub code: ErrorCode,
    /// What happened and what can be done, for people.
    pub message: Text,
}

impl Error {
    /// An error with one of the client's own codes (see [`wire::code`](crate::wire::code)).
    pub fn new(code: Known, message: Known) -> Self {
        Error::with_text(code, Text::from(message))
    }

    /// The same with a text that is no constant.
    pub(crate) fn with_text(code: Known, message: Text) -> Self {
        Error { code: ErrorCode(Word::from(code)), message }
    }

    /// An error that the server sent. Its code may be unknown.
    pub(crate) fn from_server(code: Text, message: Text) -> Self {
        Error { code: ErrorCode(Word::from(code)), message }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl std::error::Error for Error {}

/// The code of an error. [`wire::code`](crate::wire::code) lists the known ones; a server may send others, which
/// are kept as they are. Codes compare with text: `error.code == code::TOO_LARGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_arch = "wasm32", feature = "js-texts")), derive(Hash))]
pub struct ErrorCode(pub(crate) Word);

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl ErrorCode {
    /// The code as a word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

#[cfg(all(target_arch = "wasm32", feature = "js-texts"))]
impl PartialEq<Known> for ErrorCode {
    fn eq(&self, other: &Known) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::code;

    #[test]
    fn codes_compare_with_text() {
        let error = Error::new(code::TOO_LARGE, "too much");
        assert_eq!((error.code == code::TOO_LARGE, error.code == *"closed"), (true, false));
        assert_eq!(format!("{}: {error}", error.code), "too_large: too much");
    }

    #[test]
    fn unknown_server_codes_are_kept() {
        let error = Error::from_server("odd".to_owned(), "something".to_owned());
        assert_eq!(error.code.as_str(), "odd");
        assert_eq!(
            Error::from_server(code::CLOSED.to_owned(), String::new()).code,
            Error::new(code::CLOSED, "").code
        );
    }
}
