//! The dialect of `seamline.wasm`. Texts stay in JavaScript, where `js/src/frames.ts` reads and writes the frames.

use wasm_bindgen::prelude::*;

use super::host::JsHost;
use super::tables::{Kind, argument, frame, op, start};
use crate::browser::dialect::Frame;
use crate::browser::driver::Driver;
use crate::browser::host::Transport;
use crate::browser::value::Data;
use crate::core::{Batch, ChannelId, Config, Incoming, Instant, Protocol, Session, SocketId};
use crate::wire::{ClientFrame, MessageId, Position, SUBPROTOCOL, ServerFrame, StartAt, Text, TextRef};

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
pub fn deliver(host: &JsHost, channel: ChannelId, batch: Batch<JsValue>, skip: u64) {
    let none = &JsValue::UNDEFINED;
    host.report_with(Kind::Deliver, channel, none, none, [skip, 0, 0], &batch.payload);
}

/// A frame arrived, which `js/src/frames.ts` has read and checked.
pub fn receive(driver: &Driver<JsHost>, kind: u32, socket: SocketId) {
    let host = driver.host();
    let ch = || host.text(argument::A);
    let b = || host.text(argument::B);
    let c = || host.text(argument::C);
    let x = || host.count(argument::X);
    let reference = || host.optional_count(argument::W);
    let received = match kind {
        frame::MESSAGES => {
            let batch = Batch {
                n: x(),
                count: host.count(argument::Y),
                last_id: b(),
                replay: host.count(argument::W) > 0,
                bytes: host.count(argument::Z),
                payload: host.value(argument::VALUE),
            };
            let incoming = Incoming::Messages(ch(), batch);
            return driver.with(|session, now| session.handle_incoming(now, socket, incoming));
        }
        frame::WELCOME => ServerFrame::Welcome {
            session: ch(),
            heartbeat_ms: x(),
            max_frame_bytes: host.count(argument::Y),
        },
        frame::SUBSCRIBED => ServerFrame::Subd {
            ch: ch(),
            epoch: b(),
            first: host.count(argument::Y),
            head: x(),
            at: host.count(argument::Z),
            at_epoch: host.optional_text(argument::C),
            reference: reference(),
            resumed: false,
        },
        frame::LIVE => ServerFrame::Live { ch: ch(), head: x(), reference: reference() },
        frame::PUBLISHED => ServerFrame::PubAck { ch: ch(), key: b(), id: c(), offset: x() },
        frame::REJECTED => ServerFrame::PubNack {
            ch: ch(),
            key: b(),
            code: c(),
            message: host.text(argument::VALUE),
            retry_after_ms: host.optional_count(argument::X),
        },
        frame::CAST_FRAME => ServerFrame::Cast { ch: ch(), data: host.value(argument::VALUE) },
        frame::PONG => ServerFrame::Pong,
        frame::INCOMING => ServerFrame::Incoming { bytes: x() },
        frame::DRAIN => ServerFrame::Drain { reconnect_in_ms: x() },
        frame::ERROR => ServerFrame::Err {
            code: c(),
            message: host.text(argument::VALUE),
            ch: host.optional_text(argument::A),
            reference: reference(),
            retry_after_ms: host.optional_count(argument::X),
        },
        frame::BAD_FRAME => {
            return driver.with(|session, now| session.handle_bad_frame(now, socket, ch()));
        }
        _ => return driver.with(|session, now| session.handle_unknown_frame(now, socket)),
    };
    driver.with(|session, now| session.handle_frame(now, socket, received));
}

pub fn send(socket: &JsSocket, sent: Frame<Dialect>) -> JsValue {
    let none = f64::NAN;
    let number = |number: Option<u64>| number.map_or(none, |number| number as f64);
    match sent {
        ClientFrame::Hello { v, client_id, lineage, token, ordered } => {
            let ordered = u32::from(ordered).into();
            socket.send(op::HELLO, &client_id, or_none(&lineage), v.into(), ordered, none, or_none(&token))
        }
        ClientFrame::Sub { ch, position, from, credit, reference } => {
            let (credit, reference) = (credit as f64, number(reference));
            let Some(Position { epoch, offset, id }) = position else {
                let from = match from {
                    Some(StartAt::Start) => start::START,
                    Some(StartAt::Tail) => start::TAIL,
                    None => none,
                };
                return socket.send(op::SUB, &ch, NONE, credit, reference, from, NONE);
            };
            socket.send(op::SUB, &ch, &epoch, credit, reference, offset as f64, or_none(&id))
        }
        ClientFrame::More { ch, credit } => socket.send(op::MORE, &ch, NONE, credit as f64, none, none, NONE),
        ClientFrame::Unsub { ch } => socket.send(op::UNSUB, &ch, NONE, none, none, none, NONE),
        ClientFrame::Pub { ch, key, data } => socket.send(op::PUB, &ch, &key, none, none, none, &data),
        ClientFrame::Cast { ch, data } => socket.send(op::CAST, &ch, NONE, none, none, none, &data),
        ClientFrame::Ack { ch, epoch, offset, id } => {
            socket.send(op::ACK, &ch, &epoch, none, none, offset as f64, or_none(&id))
        }
        ClientFrame::Token { token } => socket.send(op::TOKEN, &token, NONE, none, none, none, NONE),
        ClientFrame::Ping => socket.send(op::PING, NONE, NONE, none, none, none, NONE),
    }
}

const NONE: &JsValue = &JsValue::UNDEFINED;

fn or_none(text: &Option<Text>) -> &JsValue {
    text.as_ref().map_or(NONE, |text| text)
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
