//! Why the server refuses a request: each reason once, with its code, its message, and how long to wait.
//!
//! HTTP renders a refusal as a status ([`crate::http::error`]), `seamline.v1` as an `err` or a `pubnack`, and the plain
//! dialect as the reason of a close. `docs/PROTOCOL.md` lists the codes.

pub mod reason;
pub mod telemetry;

use std::fmt::Display;
use std::time::Duration;

use seamline::wire::code;
use tracing::error;

use crate::log::StoreError;

/// When to try again after the log failed.
pub const LOG_RETRY: Duration = Duration::from_secs(1);
/// When to ask again what the authorization service did not answer.
pub const AUTHORIZATION_RETRY: Duration = Duration::from_secs(1);
/// When to subscribe again after a fresh token ended the subscription.
pub const GRANT_RETRY: Duration = Duration::from_secs(1);
/// When to send a publication again that would overtake an earlier one. The client sends it after that one anyway.
pub const OUT_OF_ORDER_RETRY: Duration = Duration::from_millis(100);
/// When to connect again after a connection limit was reached, or the server has too many connections.
pub const CONNECTION_RETRY: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of [`code`].
    pub code: &'static str,
    /// What failed, the value, what to do.
    pub message: String,
    /// Set if the same request may succeed later.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that is final: the same request would be refused again.
    pub fn new(code: &'static str, message: impl ToString) -> Self {
        Refusal { code, message: message.to_string(), retry_after: None }
    }

    fn retry(code: &'static str, message: impl ToString, after: Duration) -> Self {
        Refusal { retry_after: Some(after), ..Refusal::new(code, message) }
    }

    /// In milliseconds, as frames and HTTP bodies carry it.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after.map(crate::time::millis)
    }

    /// The token is missing, invalid or expired.
    pub fn unauthorized(problem: impl Display) -> Self {
        Refusal::new(code::UNAUTHORIZED, problem)
    }

    /// The token may be signed with a new key, and the keys cannot be fetched.
    pub fn unknown_key() -> Self {
        let message = "the token names a key (`kid`) that this server does not have, and it cannot fetch the keys at \
                       the moment; try again later";
        Refusal::retry(code::AUTHORIZATION_ERROR, message, AUTHORIZATION_RETRY)
    }

    /// The token does not grant `access` ("read", "write") to the channel.
    pub fn not_granted(access: impl Display, ch: &str) -> Self {
        Refusal::new(code::FORBIDDEN, format!("the token does not grant {access} access to `{ch}`"))
    }

    /// A fresh token does not grant what the one before it did. The retry makes the client take the subscription for
    /// ended, and subscribe again: then it is refused for good.
    pub fn no_longer_granted(access: impl Display, ch: &str) -> Self {
        let message = format!("the new token does not grant {access} access to `{ch}`");
        Refusal::retry(code::FORBIDDEN, message, GRANT_RETRY)
    }

    /// A fresh token names another user than the connection's.
    pub fn another_user() -> Self {
        Refusal::new(code::FORBIDDEN, "the new token belongs to another user; open a new connection with it")
    }

    /// The authorization service denies the request.
    pub fn denied(access: impl Display, ch: &str) -> Self {
        let message = format!("the authorization service denies this user {access} access to `{ch}`");
        Refusal::new(code::FORBIDDEN, message)
    }

    /// The authorization service gave no answer.
    pub fn undecided(access: impl Display, ch: &str) -> Self {
        let message =
            format!("the authorization service did not decide on {access} access to `{ch}`; try again later");
        Refusal::retry(code::AUTHORIZATION_ERROR, message, AUTHORIZATION_RETRY)
    }

    /// The store did not accept a message.
    pub fn not_stored(e: &StoreError, ch: &str) -> Self {
        match e {
            StoreError::KeyConflict => Refusal::new(
                code::KEY_CONFLICT,
                format!("the key belongs to another message of `{ch}`; use a new key for each message"),
            ),
            _ => Refusal::log_failed(e, ch),
        }
    }

    /// The log failed. The logs have the reason, written here unless the store has done so.
    pub fn log_failed(e: &StoreError, ch: &str) -> Self {
        if !e.is_reported() {
            error!(ch, "{e}");
        }
        Refusal::retry(code::LOG_ERROR, "the log failed; try again later", LOG_RETRY)
    }

    /// There is no such channel.
    pub fn unknown_channel(ch: &str) -> Self {
        let message = format!("there is no channel `{ch}`; a publication or a subscription creates it");
        Refusal::new(code::UNKNOWN_CHANNEL, message)
    }

    /// The rate limit for publications is exceeded.
    pub fn too_fast(wait: Duration) -> Self {
        let message =
            "the rate limit for publications is exceeded; the message was not stored; send it again later";
        Refusal::retry(code::TOO_FAST, message, wait)
    }

    /// A publication would overtake an earlier one of the same channel.
    pub fn out_of_order(ch: &str) -> Self {
        let message =
            format!("an earlier publication to `{ch}` was refused; send that one again before this one");
        Refusal::retry(code::OUT_OF_ORDER, message, OUT_OF_ORDER_RETRY)
    }

    /// The connection has as many subscriptions as it may have.
    pub fn too_many_channels(max: u64) -> Self {
        let message = format!("the connection has {max} subscriptions, the maximum; end one first");
        Refusal::new(code::TOO_MANY_CHANNELS, message)
    }

    /// A user or an address ("this user", "this address") has as many connections as it may have.
    pub fn too_many_connections(owner: &str, max: u64) -> Self {
        let message = format!("{owner} has {max} connections, the maximum; close one, or try again later");
        Refusal::retry(code::TOO_MANY_CONNECTIONS, message, CONNECTION_RETRY)
    }

    /// There are too few file descriptors.
    pub fn overloaded() -> Self {
        let message = "the server has no file descriptors for more connections; try again later. \
                       Its operator can raise the limit (`ulimit -n`, LimitNOFILE=)";
        Refusal::retry(code::OVERLOADED, message, CONNECTION_RETRY)
    }

    /// The frame does not follow the protocol.
    pub fn bad_frame(problem: impl ToString) -> Self {
        Refusal::new(code::BAD_FRAME, problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_in_milliseconds() {
        assert_eq!(Refusal::too_fast(Duration::from_millis(150)).retry_after_ms(), Some(150));
        assert_eq!(
            Refusal::log_failed(&StoreError::Unavailable("x".into()), "c").retry_after_ms(),
            Some(1000)
        );
        assert_eq!(Refusal::not_granted("read", "c").retry_after_ms(), None);
    }
}
