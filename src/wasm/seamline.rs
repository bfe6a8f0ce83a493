//! The dialect of `seamline.wasm`. Texts stay in JavaScript, where `js/src/frames.ts` reads and writes the frames.

use wasm_bindgen::prelude::*;

use super::host::JsHost;
use super::tables::{Kind, argument, frame, op, start};
use crate::browser::dialect::Frame;
use crate::browser::driver::Driver;
use crate::browser::host::Transport;
use crate::browser::value::Data;
use crate::core::{Batch, ChannelId, Config, Error, Instant, Session, SocketId};
use crate::wire::{Ahead, ClientFrame, MessageId, Position, SUBPROTOCOL, StartAt, Text, TextRef};

pub struct Dialect;

impl crate::browser::dialect::Dialect for Dialect {
    /// The messages of a batch are the whole `msgs` frame.
    type Session = Session<JsValue, Data>;

    fn subprotocol(&self) -> &'static str {
        SUBPROTOCOL
    }

    fn session(&self, _url: &TextRef, config: Config, seed: u64, now: Instant) -> Self::Session {
        Session::new(config, seed, now)
    }
}

#[wasm_bindgen]
extern "C" {
    /// A WebSocket, wrapped by `js/src/socket.ts` so that none of this throws.
    #[derive(Clone)]
    pub type JsSocket;
    /// Writes and sends a frame. Returns the cause, as a text, if that fails.
    #[wasm_bindgen(method)]
    fn send(
        this: &JsSocket,
        op: u32,
        a: &JsValue,
        b: &JsValue,
        x: f64,
        y: f64,
        z: f64,
        c: &JsValue,
        v: f64,
        w: f64,
    ) -> JsValue;
    #[wasm_bindgen(method)]
    fn buffered(this: &JsSocket) -> f64;
    #[wasm_bindgen(method)]
    fn close(this: &JsSocket, code: u16);
}

impl Transport for JsSocket {
    fn buffered_bytes(&self) -> u64 {
        self.buffered() as u64
    }

    fn close(&self, code: u16) {
        JsSocket::close(self, code);
    }
}

pub fn read(_host: &JsHost) -> Dialect {
    Dialect
}

/// Reports a `msgs` frame.
pub fn deliver(host: &JsHost, channel: ChannelId, batch: &Batch<JsValue>, skip: u64) {
    host.report_with(Kind::Deliver, channel, NONE, NONE, skip, 0, 0, &batch.payload);
}

/// A frame arrived, which `js/src/frames.ts` has read and checked.
pub fn receive(
    session: &mut Session<JsValue, Data>,
    now: Instant,
    kind: u32,
    socket: SocketId,
    driver: &Driver<JsHost>,
) {
    let host = driver.host();
    let ch = || host.text(argument::A);
    let b = || host.text(argument::B);
    let c = || host.text(argument::C);
    let x = || host.count(argument::X);
    let y = || host.count(argument::Y);
    let z = || host.count(argument::Z);
    let value = || host.value(argument::VALUE);
    let error = || Error::from_server(c(), text(value()));
    let reference = || host.optional_count(argument::W);
    let after = || host.optional_count(argument::X);
    match kind {
        frame::MESSAGES => {
            let batch = Batch {
                n: x(),
                count: y(),
                last_id: b(),
                replay: host.count(argument::W) > 0,
                bytes: z(),
                payload: value(),
            };
            return session.handle_messages(now, socket, &ch(), batch);
        }
        frame::BAD_FRAME => return session.handle_bad_frame(now, socket, ch()),
        _ => {}
    }
    // As `Session::handle_frame` does, without making a `ServerFrame` and taking it apart.
    let Some(is_open) = session.listens(now, socket) else { return };
    match kind {
        frame::WELCOME => session.welcome(socket, x(), y()),
        frame::DRAIN => session.drain(x()),
        frame::ERROR => {
            session.server_error(is_open, error(), host.optional_text(argument::A), reference(), after());
        }
        _ if !is_open => {}
        frame::SUBSCRIBED => {
            session.subscribed(&ch(), reference(), b(), y(), x(), z(), host.optional_text(argument::C));
        }
        frame::LIVE => session.live(&ch(), x(), reference()),
        frame::PUBLISHED => session.published(&ch(), &b(), c(), x()),
        frame::REJECTED => session.publish_refused(&ch(), &b(), error(), after()),
        frame::CAST_FRAME => session.cast_arrived(&ch(), value()),
        frame::PONG => session.pong(),
        frame::INCOMING => session.incoming(x()),
        _ => {} // unknown: the server is newer than this client
    }
}

/// One call for all frames, because each is code of its own.
pub fn send(socket: &JsSocket, sent: &Frame<Dialect>) -> JsValue {
    let none = f64::NAN;
    let (mut ahead, mut ahead_bytes) = (none, none);
    let (op, a, b, x, y, z, c) = match sent {
        ClientFrame::Hello { v, client_id, lineage, token, ordered } => {
            let ordered = u32::from(*ordered).into();
            (op::HELLO, client_id, or_none(lineage), (*v).into(), ordered, none, or_none(token))
        }
        ClientFrame::Sub { ch, position, from, credit, ahead: limits, reference } => {
            let (epoch, offset, id) = match (position, from) {
                (Some(Position { epoch, offset, id }), _) => (value(epoch), *offset as f64, or_none(id)),
                (None, Some(StartAt::Start)) => (NONE, start::START, NONE),
                (None, Some(StartAt::Tail)) => (NONE, start::TAIL, NONE),
                (None, None) => (NONE, none, NONE),
            };
            let reference = reference.map_or(none, |reference| reference as f64);
            if let Some(Ahead { messages, bytes }) = limits {
                (ahead, ahead_bytes) = (*messages as f64, *bytes as f64);
            }
            (op::SUB, ch, epoch, *credit as f64, reference, offset, id)
        }
        ClientFrame::More { ch, credit } => (op::MORE, ch, NONE, *credit as f64, none, none, NONE),
        ClientFrame::Unsub { ch } => (op::UNSUB, ch, NONE, none, none, none, NONE),
        ClientFrame::Pub { ch, key, data } => (op::PUB, ch, value(key), none, none, none, data),
        ClientFrame::Cast { ch, data } => (op::CAST, ch, NONE, none, none, none, data),
        ClientFrame::Ack { ch, epoch, offset, id } => {
            (op::ACK, ch, value(epoch), none, none, *offset as f64, or_none(id))
        }
        ClientFrame::Token { token } => (op::TOKEN, token, NONE, none, none, none, NONE),
        ClientFrame::Ping => (op::PING, NONE.unchecked_ref(), NONE, none, none, none, NONE),
    };
    socket.send(op, a, b, x, y, z, c, ahead, ahead_bytes)
}

const NONE: &JsValue = &JsValue::UNDEFINED;

fn value(text: &Text) -> &JsValue {
    text
}

fn or_none(text: &Option<Text>) -> &JsValue {
    text.as_ref().map_or(NONE, value)
}

// Texts, which stay in JavaScript.

pub fn text(value: JsValue) -> Text {
    value.unchecked_into()
}

pub fn optional_text(value: JsValue) -> Option<Text> {
    Some(value).filter(|value| !value.is_undefined()).map(text)
}

pub fn js(text: &Text) -> &JsValue {
    text
}

/// Why something failed, if it did.
pub fn cause(result: &JsValue) -> Option<Text> {
    result.is_string().then(|| text(result.clone()))
}

/// The script has checked it.
pub fn message_id(id: Text) -> Option<MessageId> {
    Some(id)
}

pub fn message_id_js(id: &MessageId) -> &JsValue {
    id
}
