//! The client object in `js/`, as the driver's host.

#![cfg_attr(feature = "js-texts", allow(clippy::needless_borrow))] // `js` makes a value only of a string of Rust

use wasm_bindgen::prelude::*;

use super::dialect::{self, Dialect, JsSocket, js, message_id_js};
use super::tables::Kind;
use crate::browser::dialect::{Frame, Messages};
use crate::browser::driver::Driver;
use crate::browser::host::Host;
use crate::browser::value::{Data, integer};
use crate::core::{Error, Event, FetchId, Reason, SocketId, State};
use crate::wire::{MessageId, Text, TextRef};

const NONE: &JsValue = &JsValue::UNDEFINED;

#[wasm_bindgen]
extern "C" {
    /// The client object in `js/`.
    pub type JsHost;
    /// Does not throw.
    #[wasm_bindgen(method)]
    fn emit(
        this: &JsHost,
        kind: u32,
        id: u32,
        a: &JsValue,
        b: &JsValue,
        x: f64,
        y: f64,
        z: f64,
        value: &JsValue,
    );
    /// An argument of the current call.
    #[wasm_bindgen(method, js_name = argument)]
    pub fn value(this: &JsHost, place: u32) -> JsValue;
    /// The same as a number. It is NaN for one that is missing.
    #[wasm_bindgen(method, js_name = argument)]
    pub fn number(this: &JsHost, place: u32) -> f64;
    /// Keeps the error of the current call, which is refused.
    #[wasm_bindgen(method, js_name = refuse)]
    fn keep_error(this: &JsHost, code: &JsValue, message: &JsValue);
    /// Makes an error object.
    #[wasm_bindgen(method, js_name = error)]
    fn make_error(this: &JsHost, code: &JsValue, message: &JsValue) -> JsValue;
    /// Makes a WebSocket, of the application's class if it passed one, or returns the cause as a text. `js/`
    /// knows the dialect, and so the subprotocol.
    #[wasm_bindgen(method)]
    fn socket(this: &JsHost, id: SocketId, url: &JsValue) -> JsValue;
    /// Sets the one timer, or clears it if the time is negative.
    #[wasm_bindgen(method)]
    fn timer(this: &JsHost, wait_ms: i32);
    /// One of the numeric settings, by its place. It is not a number where the default stands.
    #[wasm_bindgen(method)]
    pub fn setting(this: &JsHost, place: u32) -> f64;
}

impl Host for JsHost {
    type Dialect = Dialect;
    type Socket = JsSocket;

    fn event(&self, event: Event<Messages<Dialect>, Data>) {
        match event {
            Event::State(State::Connecting) => self.report(Kind::Connecting, 0, NONE, NONE, [0; 3]),
            Event::State(State::Open) => self.report(Kind::Open, 0, NONE, NONE, [0; 3]),
            Event::State(State::Waiting { attempt, retry_in_ms, reason }) => {
                self.lost(Kind::Waiting, &reason, attempt, retry_in_ms);
            }
            Event::State(State::Closed { reason }) => self.lost(Kind::Closed, &reason, 0, 0),
            Event::Attached { channel, position } => {
                self.report(Kind::Attached, channel, &js(&position.epoch), NONE, [position.offset, 0, 0]);
            }
            Event::Deliver { channel, batch, skip } => dialect::deliver(self, channel, batch, skip),
            Event::Gap { channel, gap, position } => {
                let numbers = [gap.from, gap.to.unwrap_or(0), position.offset];
                let reason = JsValue::from_str(gap.reason.as_str());
                self.report(Kind::Gap, channel, &reason, &js(&position.epoch), numbers);
            }
            Event::Live { channel } => self.report(Kind::Live, channel, NONE, NONE, [0; 3]),
            Event::Cast { channel, data } => {
                self.report_with(Kind::Cast, channel, NONE, NONE, [0; 3], &data);
            }
            Event::Published { publish, id, offset } => {
                self.report(Kind::Published, publish, &message_id_js(&id), NONE, [offset, 0, 0]);
            }
            Event::PublishFailed { publish, error } => {
                self.report_with(Kind::PublishFailed, publish, NONE, NONE, [0; 3], &self.error(&error));
            }
            Event::Error { channel, error } => {
                let channel = channel.unwrap_or(0);
                self.report_with(Kind::Error, channel, NONE, NONE, [0; 3], &self.error(&error));
            }
        }
    }

    fn socket(
        driver: &Driver<Self>,
        id: SocketId,
        url: &TextRef,
        _subprotocol: &str,
    ) -> Result<JsSocket, Text> {
        let socket = JsHost::socket(driver.host(), id, &js(url));
        match dialect::cause(&socket) {
            Some(cause) => Err(cause),
            None => Ok(socket.unchecked_into()),
        }
    }

    fn send(socket: &JsSocket, frame: Frame<Dialect>) -> Result<(), Text> {
        dialect::cause(&dialect::send(socket, frame)).map_or(Ok(()), Err)
    }

    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>) {
        driver.host().timer(wait_ms.map_or(-1, |wait_ms| wait_ms as i32));
    }

    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool) {
        driver.host().report(Kind::FetchToken, fetch, NONE, NONE, [refresh.into(), 0, 0]);
    }
}

impl JsHost {
    // The arguments of the current call, read before anything else can run.

    pub fn text(&self, place: u32) -> Text {
        dialect::text(self.value(place))
    }

    pub fn optional_text(&self, place: u32) -> Option<Text> {
        dialect::optional_text(self.value(place))
    }

    pub fn message_id(&self, place: u32) -> Option<MessageId> {
        self.optional_text(place).and_then(dialect::message_id)
    }

    pub fn count(&self, place: u32) -> u64 {
        self.number(place) as u64
    }

    pub fn optional_count(&self, place: u32) -> Option<u64> {
        integer(self.number(place))
    }

    pub fn refuse(&self, error: &Error) {
        self.keep_error(&js(&error.code.0), &js(&error.message));
    }

    fn lost(&self, kind: Kind, reason: &Reason, attempt: u32, retry_in_ms: u64) {
        let close_code = reason.close_code.unwrap_or(0).into();
        let code = JsValue::from_str(reason.code.as_str());
        self.report(kind, 0, &code, &js(&reason.message), [attempt.into(), retry_in_ms, close_code]);
    }

    fn report(&self, kind: Kind, id: u32, a: &JsValue, b: &JsValue, numbers: [u64; 3]) {
        self.report_with(kind, id, a, b, numbers, NONE);
    }

    pub fn error(&self, error: &Error) -> JsValue {
        self.make_error(&js(&error.code.0), &js(&error.message))
    }

    pub fn report_with(
        &self,
        kind: Kind,
        id: u32,
        a: &JsValue,
        b: &JsValue,
        [x, y, z]: [u64; 3],
        value: &JsValue,
    ) {
        self.emit(kind as u32, id, a, b, x as f64, y as f64, z as f64, value);
    }
}
