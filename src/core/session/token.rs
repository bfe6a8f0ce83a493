//! The application's token: one call of its function at a time, and one fresh token for a rejected one.

use super::Session;
use super::link::Link;
use crate::core::timer::Timer;
use crate::core::{FetchId, Instant, Output, Reason, ReasonCode};
use crate::wire::Text;

/// What is known about the token.
#[derive(Debug, Default)]
pub(super) struct Token {
    value: Value,
    /// The server rejected the last token, and has not welcomed this client with another since.
    rejected: bool,
}

#[derive(Debug, Default)]
enum Value {
    /// There is no token. The next attempt to connect requests one.
    #[default]
    Missing,
    /// The application's function is running, and may take until this moment.
    Fetching { fetch: FetchId, until: Instant },
    /// What the function returned. `None` is valid for one attempt: the next one requests a token again.
    Known(Option<Text>),
}

impl Token {
    /// The server has welcomed this client.
    pub fn accepted(&mut self) {
        self.rejected = false;
    }

    /// The server rejected the token, or an accepted one has expired. Returns whether to try a fresh one.
    pub fn rejected(&mut self, was_accepted: bool) -> bool {
        let again = self.rejected && !was_accepted;
        self.suspect();
        !again
    }

    /// The server may have rejected the token: the next attempt requests a fresh one.
    pub fn suspect(&mut self) {
        self.rejected = true;
        if matches!(self.value, Value::Known(_)) {
            self.value = Value::Missing;
        }
    }
}

impl<B, D: Clone> Session<B, D> {
    /// The token for `hello`.
    pub(crate) fn known_token(&self) -> Option<&Text> {
        match &self.token.value {
            Value::Known(token) => token.as_ref(),
            Value::Missing | Value::Fetching { .. } => None,
        }
    }

    /// Begins an attempt with the token: opens the socket if there is a token, or waits for one. If the
    /// function is still running, the attempt waits for it, even if an earlier attempt called it.
    pub(super) fn obtain_token(&mut self) {
        if !self.config.has_token || matches!(self.token.value, Value::Known(Some(_))) {
            return self.open_socket();
        }
        let running_until = match self.token.value {
            Value::Fetching { until, .. } if until > self.now => Some(until),
            _ => None,
        };
        let until = running_until.unwrap_or_else(|| {
            let (fetch, until) = (self.draw_id(), self.now.after_ms(self.config.token_timeout_ms));
            self.token.value = Value::Fetching { fetch, until };
            self.out.push(Output::FetchToken { fetch, refresh: self.token.rejected });
            until
        });
        self.link = Link::AwaitingToken;
        self.timers.set(Timer::Connect, until);
    }

    /// The application's token function has returned. If the attempt that called it is over, the next one uses
    /// what it returned.
    pub fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<Text>, Text>) {
        self.advance(now);
        if !matches!(self.token.value, Value::Fetching { fetch: current, .. } if current == fetch) {
            return;
        }
        let awaited = matches!(self.link, Link::AwaitingToken);
        match token {
            Ok(token) => {
                self.token.value = Value::Known(token);
                if awaited {
                    self.open_socket();
                }
            }
            Err(message) => {
                self.token.value = Value::Missing;
                if awaited {
                    self.schedule_reconnect(Reason {
                        code: ReasonCode::TokenFailed,
                        message,
                        close_code: None,
                    });
                }
            }
        }
    }

    /// The next attempt requests a fresh token: the server may have rejected this one without a code.
    #[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
    pub(crate) fn reject_token(&mut self) {
        self.token.suspect();
    }
}
