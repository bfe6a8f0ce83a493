//! The application's token: one call of its function at a time.

use super::*;

/// What is known of the token.
#[derive(Debug)]
pub(super) enum Token {
    /// None is at hand; the next attempt to connect asks for one.
    Missing,
    /// The application's function runs, and may do so until this moment.
    Fetching { fetch: FetchId, until: Instant },
    /// What the function gave. None is good for one attempt: the next one asks again.
    Known(Option<String>),
}

impl<B, D: Clone> Session<B, D> {
    /// The token to say hello with.
    pub(crate) fn known_token(&self) -> Option<&str> {
        match &self.token {
            Token::Known(token) => token.as_deref(),
            Token::Missing | Token::Fetching { .. } => None,
        }
    }

    /// Begins an attempt with the token: opens the socket if it is at hand, or waits for it. A call of the
    /// function that is still running is waited for, also when it was begun for an earlier attempt.
    pub(super) fn obtain_token(&mut self) {
        if !self.config.has_token || matches!(self.token, Token::Known(Some(_))) {
            return self.open_socket();
        }
        let running_until = match self.token {
            Token::Fetching { until, .. } if until > self.now => Some(until),
            _ => None,
        };
        let until = running_until.unwrap_or_else(|| {
            let (fetch, until) = (self.draw_id(), self.now.after_ms(self.config.token_timeout_ms));
            self.token = Token::Fetching { fetch, until };
            self.out.push(Output::FetchToken { fetch, refresh: self.refusals > 0 });
            until
        });
        self.link = Link::AwaitingToken;
        self.timers.set(Timer::Connect, until);
    }

    /// The application's token function has an answer. It counts also if the attempt that asked for it is
    /// over, for the next one.
    pub fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<String>, String>) {
        self.advance(now);
        if !matches!(self.token, Token::Fetching { fetch: current, .. } if current == fetch) {
            return;
        }
        let awaited = matches!(self.link, Link::AwaitingToken);
        match token {
            Ok(token) => self.token = Token::Known(token),
            Err(message) => {
                self.token = Token::Missing;
                if awaited {
                    self.lost(ReasonCode::TokenFailed, message, None);
                }
                return;
            }
        }
        if awaited {
            self.open_socket();
        }
    }

    /// The next attempt asks for a fresh token: the server may have rejected this one without saying so.
    pub(crate) fn reject_token(&mut self) {
        self.forget_token();
        self.refusals = 1;
    }

    /// The token is of no use any more.
    pub(super) fn forget_token(&mut self) {
        if matches!(self.token, Token::Known(_)) {
            self.token = Token::Missing;
        }
    }
}
