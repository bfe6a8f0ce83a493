//! Errors of the API: a kind to match, a code and a sentence.

use std::fmt;

use crate::core;
use crate::wire::{code, push_text};

/// Why something failed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// What kind of failure it is, for programs.
    pub kind: ErrorKind,
    /// The code, as in `docs/PROTOCOL.md`; servers may send others.
    pub code: String,
    /// What failed, and what to do, for people.
    pub message: String,
}

/// The kinds of [`Error`]s. New ones may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, the URL, a name or a key is invalid. The message names it. (`bad_option`, `bad_url`, `bad_channel`,
    /// `bad_key`)
    InvalidInput,
    /// JSON cannot represent the value, or the payload has another shape than the requested type. (`bad_data`)
    Payload,
    /// The payload is larger than the server accepts. (`too_large`)
    TooLarge,
    /// The client is closed. (`closed`)
    Closed,
    /// The token is missing, invalid or expired. (`unauthorized`)
    Unauthorized,
    /// The token does not grant this. (`forbidden`)
    Forbidden,
    /// Too much at once: the outbox is full, or a limit of the server is exceeded. Try again later. (`outbox_full`,
    /// `too_fast`, `too_many_channels`, `too_many_connections`)
    Limit,
    /// The server failed. Try again later. (`log_error`, `authorization_error`)
    Server,
    /// This build, platform or dialect does not support it. (`not_supported`, `one_channel`)
    Unsupported,
    /// Anything else: see [`Error::code`].
    Other,
}

impl Error {
    /// An error of the API's own.
    pub(super) fn own(code: &'static str, message: String) -> Self {
        core::Error::with_text(code, message).into()
    }
}

impl From<core::Error> for Error {
    fn from(core::Error { code, message }: core::Error) -> Self {
        Error { kind: ErrorKind::of(code.as_str()), code: code.as_str().to_owned(), message }
    }
}

impl ErrorKind {
    fn of(code: &str) -> Self {
        match code {
            code::BAD_OPTION | code::BAD_URL | code::BAD_CHANNEL | code::BAD_KEY => ErrorKind::InvalidInput,
            code::BAD_DATA => ErrorKind::Payload,
            code::TOO_LARGE => ErrorKind::TooLarge,
            code::CLOSED => ErrorKind::Closed,
            code::UNAUTHORIZED => ErrorKind::Unauthorized,
            code::FORBIDDEN => ErrorKind::Forbidden,
            code::OUTBOX_FULL | code::TOO_FAST | code::TOO_MANY_CHANNELS | code::TOO_MANY_CONNECTIONS => {
                ErrorKind::Limit
            }
            code::LOG_ERROR | code::AUTHORIZATION_ERROR => ErrorKind::Server,
            code::NOT_SUPPORTED | code::ONE_CHANNEL => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        }
    }
}

impl fmt::Debug for Error {
    /// As derived, except for what is escaped. Rust's formatting of texts has tables of Unicode, which `expect` would bring
    /// into a page: 3 KB (gzip).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        push_text(&mut text, &self.code);
        text.push_str(", message: ");
        push_text(&mut text, &self.message);
        f.write_str("Error { kind: ")?;
        self.kind.fmt(f)?;
        f.write_str(", code: ")?;
        f.write_str(&text)?;
        f.write_str(" }")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shown_with_their_fields() {
        let error = Error::own(code::BAD_URL, "cannot use `\"`".to_owned());
        let shown = r#"Error { kind: InvalidInput, code: "bad_url", message: "cannot use `\"`" }"#;
        assert_eq!(format!("{error:?}"), shown);
    }
}
