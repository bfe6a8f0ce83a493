//! Both dialects behind one type: a Rust client selects one when it connects.

use std::cell::Cell;

use js_sys::JsString;
use wasm_bindgen::JsValue;

use super::Options;
use crate::browser::dialect::{Codec, Dialect};
#[cfg(feature = "plain")]
use crate::browser::plain::Plain;
use crate::browser::v1::{self, Seamline};
use crate::browser::value::Data;
use crate::core::{
    Batch, ChannelId, Config, Error, Event, FetchId, Incoming, Instant, Output, Protocol, PublishId, Session,
    SocketId, Stats,
};
#[cfg(feature = "plain")]
use crate::plain::{Incoming as PlainIncoming, Message, PlainSession};
use crate::wire::{MessageId, Position, StartAt};

/// What the server speaks.
pub(super) enum AnyDialect {
    Seamline(Seamline),
    #[cfg(feature = "plain")]
    Plain(Plain),
}

/// A session of either dialect.
pub(super) enum AnySession {
    Seamline(Box<Session<JsValue, Data>>),
    #[cfg(feature = "plain")]
    Plain(Box<PlainSession<Data>>),
}

/// A received frame, for the session of its dialect.
pub(super) enum AnyIncoming {
    Seamline(Incoming<JsValue, Data>),
    #[cfg(feature = "plain")]
    Plain(PlainIncoming<Data>),
}

/// The messages of a batch.
pub(super) enum AnyMessages {
    /// A `msgs` frame.
    Frame(JsValue),
    #[cfg(feature = "plain")]
    Single(Message<Data>),
}

impl AnyMessages {
    /// One message: its id, the id of the position after it, and its payload.
    pub fn get(&self, place: u64) -> (String, Option<MessageId>, Data) {
        match self {
            AnyMessages::Frame(frame) => {
                let (id, data) = v1::message(frame, place);
                let position_id = id.parse().ok();
                (id, position_id, data)
            }
            #[cfg(feature = "plain")]
            AnyMessages::Single(message) => (message.id.clone(), message.position_id, message.object.clone()),
        }
    }
}

impl Options {
    /// The dialect of these options.
    pub(super) fn dialect(&self) -> AnyDialect {
        #[cfg(feature = "plain")]
        if let Some(config) = &self.plain {
            return AnyDialect::Plain(Plain(config.clone()));
        }
        AnyDialect::Seamline(Seamline)
    }
}

impl Dialect for AnyDialect {
    type Session = AnySession;

    fn subprotocol(&self) -> &'static str {
        match self {
            AnyDialect::Seamline(dialect) => dialect.subprotocol(),
            #[cfg(feature = "plain")]
            AnyDialect::Plain(dialect) => dialect.subprotocol(),
        }
    }

    fn session(&self, url: &str, config: Config, seed: u64, now: Instant) -> AnySession {
        match self {
            AnyDialect::Seamline(dialect) => {
                AnySession::Seamline(Box::new(dialect.session(url, config, seed, now)))
            }
            #[cfg(feature = "plain")]
            AnyDialect::Plain(dialect) => {
                AnySession::Plain(Box::new(dialect.session(url, config, seed, now)))
            }
        }
    }
}

impl Codec for AnyDialect {
    fn decode(&self, text: &JsValue, units: &Cell<f64>) -> Result<AnyIncoming, String> {
        match self {
            AnyDialect::Seamline(dialect) => dialect.decode(text, units).map(AnyIncoming::Seamline),
            #[cfg(feature = "plain")]
            AnyDialect::Plain(dialect) => dialect.decode(text, units).map(AnyIncoming::Plain),
        }
    }

    fn encode(text: JsString) -> JsString {
        text
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
    type Messages = AnyMessages;
    type Data = Data;
    type Incoming = AnyIncoming;
    /// Each dialect's frames, encoded: `poll_output` joins strings, which runs no application code.
    type Frame = JsString;

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

    fn poll_output(&mut self) -> Option<Output<AnyMessages, Data, JsString>> {
        Some(match self {
            AnySession::Seamline(session) => {
                output(session.poll_output()?, Seamline::encode, AnyMessages::Frame)
            }
            #[cfg(feature = "plain")]
            AnySession::Plain(session) => output(session.poll_output()?, Plain::encode, AnyMessages::Single),
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
    encode: impl FnOnce(F) -> JsString,
    messages: impl FnOnce(B) -> AnyMessages,
) -> Output<AnyMessages, Data, JsString> {
    match output {
        Output::Connect(socket) => Output::Connect(socket),
        Output::Disconnect { socket, code } => Output::Disconnect { socket, code },
        Output::Send { socket, frame } => Output::Send { socket, frame: encode(frame) },
        Output::FetchToken { fetch, refresh } => Output::FetchToken { fetch, refresh },
        Output::Event(happened) => Output::Event(event(happened, messages)),
    }
}

fn event<B>(event: Event<B, Data>, messages: impl FnOnce(B) -> AnyMessages) -> Event<AnyMessages, Data> {
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
