//! The client object in `js/`, as the driver's host.

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::dialect::{self, Dialect};
use super::tables::Kind;
use crate::browser::dialect::Messages;
use crate::browser::driver::Driver;
use crate::browser::host::{Host, Transport};
use crate::browser::value::Data;
use crate::core::{Error, Event, FetchId, SocketId, State};

#[wasm_bindgen]
extern "C" {
    /// The client object in `js/`.
    pub type JsHost;
    /// Does not throw; `catch` is there so that a bug in it cannot leave the driver in the middle of
    /// something.
    #[wasm_bindgen(method, catch)]
    fn emit(
        this: &JsHost,
        kind: u32,
        id: u32,
        a: &str,
        b: &str,
        x: f64,
        y: f64,
        z: f64,
        value: JsValue,
    ) -> Result<(), JsValue>;
    /// Makes an error object.
    #[wasm_bindgen(method, js_name = error)]
    fn make_error(this: &JsHost, code: &str, message: &str) -> JsValue;
    /// Makes a WebSocket, of the application's class if it passed one, or returns the cause as a text. `js/`
    /// knows the dialect, and so the subprotocol.
    #[wasm_bindgen(method)]
    fn socket(this: &JsHost, id: SocketId, url: &str) -> JsValue;

    /// Sets the one timer, or clears it if the time is negative.
    #[wasm_bindgen(method)]
    fn timer(this: &JsHost, wait_ms: i32);

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
    fn send(&self, text: &JsString) -> Result<(), String> {
        JsSocket::send(self, text).as_string().map_or(Ok(()), Err)
    }

    fn buffered_bytes(&self) -> u64 {
        self.buffered() as u64
    }

    fn close(&self, code: u16) {
        JsSocket::close(self, code);
    }
}

impl Host for JsHost {
    type Dialect = Dialect;
    type Socket = JsSocket;

    fn event(&self, event: Event<Messages<Dialect>, Data>) {
        match event {
            Event::State(State::Connecting) => self.report(Kind::Connecting, 0, "", "", [0; 3]),
            Event::State(State::Open) => self.report(Kind::Open, 0, "", "", [0; 3]),
            Event::State(State::Waiting { attempt, retry_in_ms, reason }) => {
                let close_code = u64::from(reason.close_code.unwrap_or(0));
                let numbers = [u64::from(attempt), retry_in_ms, close_code];
                self.report(Kind::Waiting, 0, reason.code.as_str(), &reason.message, numbers);
            }
            Event::State(State::Closed { reason }) => {
                let close_code = u64::from(reason.close_code.unwrap_or(0));
                self.report(Kind::Closed, 0, reason.code.as_str(), &reason.message, [0, 0, close_code]);
            }
            Event::Attached { channel, position } => {
                self.report(Kind::Attached, channel, &position.epoch, "", [position.offset, 0, 0]);
            }
            Event::Deliver { channel, batch, skip } => dialect::deliver(self, channel, batch, skip),
            Event::Gap { channel, gap, position } => {
                let numbers = [gap.from, gap.to.unwrap_or(0), position.offset];
                self.report(Kind::Gap, channel, gap.reason.as_str(), &position.epoch, numbers);
            }
            Event::Live { channel } => self.report(Kind::Live, channel, "", "", [0; 3]),
            Event::Cast { channel, data } => self.report_with(Kind::Cast, channel, "", "", [0; 3], data),
            Event::Published { publish, id, offset } => {
                self.report(Kind::Published, publish, &id.text(), "", [offset, 0, 0]);
            }
            Event::PublishFailed { publish, error } => {
                self.report_with(Kind::PublishFailed, publish, "", "", [0; 3], self.error(&error));
            }
            Event::Error { channel, error } => {
                self.report_with(Kind::Error, channel.unwrap_or(0), "", "", [0; 3], self.error(&error));
            }
        }
    }

    fn socket(
        driver: &Driver<Self>,
        id: SocketId,
        url: &str,
        _subprotocol: &str,
    ) -> Result<JsSocket, String> {
        let socket = JsHost::socket(driver.host(), id, url);
        socket.as_string().map_or_else(|| Ok(socket.unchecked_into()), Err)
    }

    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>) {
        driver.host().timer(wait_ms.map_or(-1, |wait_ms| wait_ms as i32));
    }

    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool) {
        driver.host().report(Kind::FetchToken, fetch, "", "", [refresh.into(), 0, 0]);
    }
}

impl JsHost {
    fn report(&self, kind: Kind, id: u32, a: &str, b: &str, numbers: [u64; 3]) {
        self.report_with(kind, id, a, b, numbers, JsValue::UNDEFINED);
    }

    pub fn error(&self, error: &Error) -> JsValue {
        self.make_error(error.code.as_str(), &error.message)
    }

    pub fn report_with(&self, kind: Kind, id: u32, a: &str, b: &str, [x, y, z]: [u64; 3], value: JsValue) {
        let _ = self.emit(kind as u32, id, a, b, x as f64, y as f64, z as f64, value);
    }
}
