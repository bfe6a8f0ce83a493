//! The state of a connection, and why a connection ended.

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
use std::fmt;

use crate::wire::{Known, Text, known};

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(target_arch = "wasm32", feature = "js-texts")),
    derive(serde::Serialize),
    serde(tag = "name", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum State {
    /// The client is connecting.
    Connecting,
    /// The server has sent `welcome`.
    Open,
    /// The connection is lost. The client waits before the next attempt.
    Waiting {
        /// How many attempts have failed since the last connection that lasted.
        attempt: u32,
        /// The time until the next attempt, unless a wake event makes it earlier. For
        /// [`ReasonCode::PageHidden`], it is the minimum: the attempt waits for the page to be shown.
        retry_in_ms: u64,
        /// Why the connection was lost.
        reason: Reason,
    },
    /// The client is closed. It makes no further attempt.
    Closed {
        /// Why.
        reason: Reason,
    },
}

impl State {
    /// The state as a word.
    pub fn name(&self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Open => "open",
            State::Waiting { .. } => "waiting",
            State::Closed { .. } => "closed",
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            State::Connecting | State::Open => Ok(()),
            State::Waiting { retry_in_ms, reason, .. } => write!(f, " {retry_in_ms} ms: {reason}"),
            State::Closed { reason } => write!(f, ": {reason}"),
        }
    }
}

/// Why a connection was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_arch = "wasm32", feature = "js-texts")), derive(serde::Serialize))]
pub struct Reason {
    /// Why, as a word.
    pub code: ReasonCode,
    /// Why, as a sentence, from the server if it sent one.
    pub message: Text,
    /// The close code, if the server closed the connection (RFC 6455 §7.4). 1006 means that it sent none.
    pub close_code: Option<u16>,
}

impl Reason {
    /// A reason of this client's own.
    pub(super) fn local(code: ReasonCode, message: Known) -> Self {
        Reason { code, message: Text::from(message), close_code: None }
    }
}

/// The codes for why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(target_arch = "wasm32", feature = "js-texts")),
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ReasonCode {
    /// The application called `close()`.
    ClosedByApplication,
    /// The connection failed: it was refused, there is no network, or the server has no WebSocket. A page
    /// cannot distinguish these. If the constructor of the WebSocket threw an error, the message contains it.
    ConnectFailed,
    /// The connection was not established in time.
    ConnectTimeout,
    /// The connection broke or the server closed it.
    ConnectionLost,
    /// The server did not answer a ping.
    HeartbeatTimeout,
    /// The server announced a restart.
    Drained,
    /// The application's token function failed.
    TokenFailed,
    /// The server rejected the token.
    Unauthorized,
    /// The server forbids this client to connect.
    Forbidden,
    /// Another connection replaced this one.
    Replaced,
    /// The server violated `seamline.v1`, or reported that this client did.
    ProtocolError,
    /// The page entered the back/forward cache. The client connects when the page is shown again.
    PageHidden,
}

impl ReasonCode {
    /// The reason as a word.
    #[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
    pub fn as_str(self) -> &'static str {
        self.word()
    }

    pub(crate) fn word(self) -> Known {
        match self {
            ReasonCode::ClosedByApplication => known!("closed_by_application"),
            ReasonCode::ConnectFailed => known!("connect_failed"),
            ReasonCode::ConnectTimeout => known!("connect_timeout"),
            ReasonCode::ConnectionLost => known!("connection_lost"),
            ReasonCode::HeartbeatTimeout => known!("heartbeat_timeout"),
            ReasonCode::Drained => known!("drained"),
            ReasonCode::TokenFailed => known!("token_failed"),
            ReasonCode::Unauthorized => known!("unauthorized"),
            ReasonCode::Forbidden => known!("forbidden"),
            ReasonCode::Replaced => known!("replaced"),
            ReasonCode::ProtocolError => known!("protocol_error"),
            ReasonCode::PageHidden => known!("page_hidden"),
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => self.code.fmt(f)?,
            message => f.write_str(message)?,
        }
        self.close_code.map_or(Ok(()), |close_code| {
            // As a number of the type that gaps have: each type adds a formatter to a page.
            write!(f, " (close code {})", u64::from(close_code))
        })
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_sentences_and_json() {
        let reason =
            Reason { code: ReasonCode::ConnectionLost, message: String::new(), close_code: Some(1006) };
        let waiting = State::Waiting { attempt: 1, retry_in_ms: 250, reason };
        assert_eq!(waiting.to_string(), "waiting 250 ms: connection_lost (close code 1006)");
        assert_eq!(
            serde_json::to_value(&waiting).unwrap(),
            serde_json::json!({
                "name": "waiting", "attempt": 1, "retry_in_ms": 250,
                "reason": { "code": "connection_lost", "message": "", "close_code": 1006 },
            })
        );
        let closed = State::Closed {
            reason: Reason::local(ReasonCode::ClosedByApplication, "the application closed it"),
        };
        assert_eq!(closed.to_string(), "closed: the application closed it");
        assert_eq!(State::Open.to_string(), "open");
    }

    #[test]
    fn codes_are_serialized_as_their_words() {
        for code in [ReasonCode::ClosedByApplication, ReasonCode::TokenFailed, ReasonCode::PageHidden] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
