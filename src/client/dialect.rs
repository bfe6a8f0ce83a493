//! Both dialects behind one type: a client selects one when it connects.

use super::frames::{self, Messages};
use super::payload::Data;
#[cfg(feature = "plain")]
use super::plain;
use crate::core::{
    Batch, ChannelId, Config, Error, Event, FetchId, Incoming, Instant, Output, Protocol, PublishId, Session,
    SocketId, Stats,
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

impl Protocol for AnySession {
    type Messages = Messages;
    type Data = Data;
    type Incoming = AnyIncoming;
    /// Each dialect's frames, encoded.
    type Frame = String;

    fn connect(&mut self, now: Instant) {
        either!(self, session => session.connect(now));
    }

    fn close(&mut self, now: Instant) {
        either!(self, session => session.close(now));
    }

    fn subscribe(
        &mut self,
        now: Instant,
        name: String,
        from: Option<StartAt>,
        position: Option<Position>,
    ) -> Result<ChannelId, Error> {
        either!(self, session => session.subscribe(now, name, from, position))
    }

    fn subscribe_to_casts(&mut self, now: Instant, name: String) -> Result<ChannelId, Error> {
        either!(self, session => session.subscribe_to_casts(now, name))
    }

    fn unsubscribe(&mut self, now: Instant, channel: ChannelId) {
        either!(self, session => session.unsubscribe(now, channel));
    }

    fn publish(
        &mut self,
        now: Instant,
        name: String,
        key: String,
        data: Data,
        bytes: u64,
    ) -> Result<PublishId, Error> {
        either!(self, session => session.publish(now, name, key, data, bytes))
    }

    fn cast(
        &mut self,
        now: Instant,
        name: String,
        data: Data,
        bytes: u64,
        buffered_bytes: u64,
    ) -> Result<(), Error> {
        either!(self, session => session.cast(now, name, data, bytes, buffered_bytes))
    }

    fn processed(&mut self, now: Instant, channel: ChannelId, count: u64, position: Position) {
        either!(self, session => session.processed(now, channel, count, position));
    }

    fn stats(&self) -> Stats {
        either!(self, session => session.stats())
    }

    fn handle_open(&mut self, now: Instant, socket: SocketId) {
        either!(self, session => session.handle_open(now, socket));
    }

    fn handle_incoming(&mut self, now: Instant, socket: SocketId, incoming: AnyIncoming) {
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

    fn handle_bad_frame(&mut self, now: Instant, socket: SocketId, message: String) {
        either!(self, session => session.handle_bad_frame(now, socket, message));
    }

    fn handle_close(&mut self, now: Instant, socket: SocketId, code: u16, message: String) {
        either!(self, session => session.handle_close(now, socket, code, message));
    }

    fn handle_token(&mut self, now: Instant, fetch: FetchId, token: Result<Option<String>, String>) {
        either!(self, session => session.handle_token(now, fetch, token));
    }

    fn handle_wake(&mut self, now: Instant) {
        either!(self, session => session.handle_wake(now));
    }

    fn handle_hide(&mut self, now: Instant) {
        either!(self, session => session.handle_hide(now));
    }

    fn handle_suspend(&mut self, now: Instant) {
        either!(self, session => session.handle_suspend(now));
    }

    fn handle_timeout(&mut self, now: Instant) {
        either!(self, session => session.handle_timeout(now));
    }

    fn set_buffered_bytes(&mut self, bytes: u64) {
        either!(self, session => session.set_buffered_bytes(bytes));
    }

    fn poll_output(&mut self) -> Option<Output<Messages, Data, String>> {
        Some(match self {
            AnySession::Seamline(session) => {
                output(session.poll_output()?, frames::encode, |messages| messages)
            }
            #[cfg(feature = "plain")]
            AnySession::Plain(session) => output(session.poll_output()?, plain::encode, plain::single),
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        either!(self, session => session.poll_timeout())
    }

    fn url(&self) -> Option<&str> {
        either!(self, session => session.url())
    }
}

/// An output of one dialect as one of any.
fn output<B, F>(
    output: Output<B, Data, F>,
    encode: impl FnOnce(F) -> String,
    messages: impl FnOnce(B) -> Messages,
) -> Output<Messages, Data, String> {
    match output {
        Output::Connect(socket) => Output::Connect(socket),
        Output::Disconnect { socket, code } => Output::Disconnect { socket, code },
        Output::Send { socket, frame } => Output::Send { socket, frame: encode(frame) },
        Output::FetchToken { fetch, refresh } => Output::FetchToken { fetch, refresh },
        Output::Event(happened) => Output::Event(event(happened, messages)),
    }
}

fn event<B>(event: Event<B, Data>, messages: impl FnOnce(B) -> Messages) -> Event<Messages, Data> {
    match event {
        Event::Deliver { channel, batch, skip } => {
            let Batch { n, count, last_id, replay, bytes, payload } = batch;
            let batch = Batch { n, count, last_id, replay, bytes, payload: messages(payload) };
            Event::Deliver { channel, batch, skip }
        }
        Event::State(state) => Event::State(state),
        Event::Attached { channel, position } => Event::Attached { channel, position },
        Event::Gap { channel, gap, position } => Event::Gap { channel, gap, position },
        Event::Live { channel } => Event::Live { channel },
        Event::Cast { channel, data } => Event::Cast { channel, data },
        Event::Published { publish, id, offset } => Event::Published { publish, id, offset },
        Event::PublishFailed { publish, error } => Event::PublishFailed { publish, error },
        Event::Error { channel, error } => Event::Error { channel, error },
    }
}
