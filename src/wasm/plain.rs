//! The dialect of `seamline-plain.wasm`. Its settings come after the numbers of every dialect.

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::host::JsHost;
use super::tables::{Kind, NUMBERS, argument, read_number};
use crate::browser::dialect::{Codec, Frame};
use crate::browser::driver::Driver;
use crate::browser::host::Transport;
use crate::browser::plain::Plain;
use crate::browser::value::Data;
use crate::core::{Batch, ChannelId, Instant, Protocol, SocketId};
use crate::plain::{Message, PlainConfig, PlainSession};
use crate::wire::MessageId;

pub type Dialect = Plain;

#[wasm_bindgen]
extern "C" {
    /// A WebSocket, wrapped by `js/src/socket.ts` so that none of this throws.
    #[derive(Clone)]
    pub type JsSocket;
    /// Returns the cause, as a text, if that fails.
    #[wasm_bindgen(method)]
    fn send(this: &JsSocket, text: &JsString) -> JsValue;
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

pub fn read(host: &JsHost) -> Dialect {
    let mut config = PlainConfig::default();
    let fields = [&mut config.settle_ms, &mut config.window_messages, &mut config.silence_ms];
    let first = NUMBERS as u32;
    let first_path = first + fields.len() as u32;
    for (place, field) in (first..).zip(fields) {
        read_number(host, place, field);
    }
    for (place, paths) in (first_path..).zip([&mut config.id_paths, &mut config.number_paths]) {
        let path = host.value(argument::SETTINGS + place);
        match path.as_string() {
            Some(path) => *paths = vec![path],
            None if path == false => paths.clear(), // there is none
            None => {}
        }
    }
    Plain(config)
}

/// Reports a message. The session has skipped those that were delivered before.
pub fn deliver(host: &JsHost, channel: ChannelId, batch: &Batch<Message<Data>>, _skip: u64) {
    let Message { id, position_id, object } = &batch.payload;
    let position_id = position_id.map_or(String::new(), |id| id.text());
    host.report_with(
        Kind::DeliverObject,
        channel,
        &js(id),
        &js(&position_id),
        batch.n,
        batch.replay.into(),
        0,
        object,
    );
}

/// A frame arrived.
pub fn receive(
    session: &mut PlainSession<Data>,
    now: Instant,
    _kind: u32,
    socket: SocketId,
    driver: &Driver<JsHost>,
) {
    match driver.decode(&driver.host().value(argument::VALUE)) {
        Ok(incoming) => session.handle_incoming(now, socket, incoming),
        Err(message) => session.handle_bad_frame(now, socket, message),
    }
}

pub fn send(socket: &JsSocket, frame: &Frame<Dialect>) -> JsValue {
    socket.send(&Dialect::encode(frame))
}

// Texts, which are strings of Rust here.

pub fn text(value: JsValue) -> String {
    value.as_string().unwrap_or_default()
}

pub fn optional_text(value: JsValue) -> Option<String> {
    value.as_string()
}

pub fn js(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// Why something failed, if it did.
pub fn cause(result: &JsValue) -> Option<String> {
    result.as_string()
}

pub fn message_id(id: String) -> Option<MessageId> {
    id.parse().ok()
}

pub fn message_id_js(id: &MessageId) -> JsValue {
    js(&id.text())
}
