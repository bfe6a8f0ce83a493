//! Both dialects behind one type: a client selects one when it connects.

use super::frames::{self, Messages};
use super::payload::Data;
#[cfg(feature = "plain")]
use super::plain;
use crate::core::{
    ChannelId, Config, Error, FetchId, Incoming, Instant, Protocol, PublishId, Session, SocketId, Stats,
};
#[cfg(feature = "plain")]
use crate::plain::{Incoming as PlainIncoming, PlainConfig, PlainSession};
use crate::wire::{Position, SUBPROTOCOL, StartAt};

/// What the server speaks.
#[derive(Clone, Debug, Default)]
pub(super) enum Dialect {
    /// `seamline.v1`.
    #[default]
    Seamline,
    /// Flat objects.
    #[cfg(feature = "plain")]
    Plain(PlainConfig),
}

/// A session of either dialect.
pub(super) enum AnySession {
    Seamline(Box<Session<Messages, Data>>),
    #[cfg(feature = "plain")]
    Plain(Box<PlainSession<Data>>),
}

/// A received frame, for the session of its dialect.
pub(super) enum AnyIncoming {
    Seamline(Incoming<Messages, Data>),
    #[cfg(feature = "plain")]
    Plain(PlainIncoming<Data>),
}

impl Dialect {
    /// The WebSocket's subprotocol, or an empty text for none.
    pub fn subprotocol(&self) -> &'static str {
        match self {
            Dialect::Seamline => SUBPROTOCOL,
            #[cfg(feature = "plain")]
            Dialect::Plain(_) => "",
        }
    }

    /// Whether a position can be replayed for one handle of a channel while others are at another.
    pub fn replays(&self) -> bool {
        matches!(self, Dialect::Seamline)
    }

    /// Makes a session with the server at `url`.
    #[cfg_attr(
        not(feature = "plain"),
        expect(unused_variables, reason = "only the plain dialect changes the URL")
    )]
    pub fn session(&self, url: &str, config: Config, seed: u64, now: Instant) -> AnySession {
        match self {
            Dialect::Seamline => AnySession::Seamline(Box::new(Session::new(config, seed, now))),
            #[cfg(feature = "plain")]
            Dialect::Plain(plain) => {
                let session = PlainSession::new(url.to_owned(), config, plain.clone(), seed, now);
                AnySession::Plain(Box::new(session))
            }
        }
    }

    /// Reads a frame. An error states what is wrong with it.
    pub fn decode(&self, frame: &str) -> Result<AnyIncoming, String> {
        match self {
            Dialect::Seamline => frames::decode(frame).map(AnyIncoming::Seamline),
            #[cfg(feature = "plain")]
            Dialect::Plain(config) => plain::decode(frame, config).map(AnyIncoming::Plain),
        }
    }
}

/// Calls the session of either dialect.
macro_rules! either {
    ($any:expr, $session:ident => $call:expr) => {
        match $any {
            AnySession::Seamline($session) => $call,
            #[cfg(feature = "plain")]
            AnySession::Plain($session) => $call,
        }
    };
}

/// The methods of [`Protocol`].
impl AnySession {
    pub fn connect(&mut self, now: Instant) {
        either!(self, session => session.connect(now));
    }

    pub fn close(&mut self, now: Instant) {
        either!(self, session => session.close(now));
    }

    pub fn subscribe(
        &mut self,
        now: Instant,
        name: String,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        either!(self, session => session.subscribe(now, name, from, position))
    }

    pub fn unsubscribe(&mut self, now: Instant, channel: ChannelId) {
        either!(self, session => session.unsubscribe(now, channel));
    }

    pub fn publish(
        &mut self,
        now: Instant,
        name: String,
        key: String,
        data: Data,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        either!(self, session => session.publish(now, name, key, data, bytes))
    }

    pub fn cast(
        &mut self,
        now: Instant,
        name: String,
        data: Data,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        either!(self, session => session.cast(now, name, data, bytes, buffered_bytes))
    }

    pub fn processed(&mut self, now: Instant, channel: ChannelId, count: u64, position: Position) {
        either!(self, session => session.processed(now, channel, count, position));
    }

    pub fn stats(&self) -> Stats {
        either!(self, session => session.stats())
    }

    pub fn handle_open(&mut self, now: Instant, socket: SocketId) {
        either!(self, session => session.handle_open(now, socket));
    }

    pub fn handle_incoming(&mut self, now: Instant, socket: SocketId, incoming: AnyIncoming) {
        match (self, incoming) {
            (AnySession::Seamline(session), AnyIncoming::Seamline(incoming)) => {
                session.handle_incoming(now, socket, incoming);
            }
            #[cfg(feature = "plain")]
            (AnySession::Plain(session), AnyIncoming::Plain(incoming)) => {
                session.handle_incoming(now, socket, incoming);
            }
            #[cfg(feature = "plain")]
            _ => {} // a client has one dialect
        }
    }

    pub fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: String) {
        either!(self, session => session.handle_bad_frame(now, socket, message));
    }

    pub fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: String) {
        either!(self, session => session.handle_close(now, socket, code, message));
    }

    pub fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<String>, String>) {
        either!(self, session => session.handle_token(now, fetch, token));
    }

    pub fn handle_wake(&mut self, now: Instant) {
        either!(self, session => session.handle_wake(now));
    }

    pub fn handle_hide(&mut self, now: Instant) {
        either!(self, session => session.handle_hide(now));
    }

    pub fn handle_suspend(&mut self, now: Instant) {
        either!(self, session => session.handle_suspend(now));
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        either!(self, session => session.handle_timeout(now));
    }

    pub fn set_buffered_bytes(&mut self, bytes: u64) {
        either!(self, session => session.set_buffered_bytes(bytes));
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        either!(self, session => session.poll_timeout())
    }

    pub fn url(&self) -> Option<&str> {
        either!(self, session => session.url())
    }
}
