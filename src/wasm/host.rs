//! The client object in `js/`, as the driver's host.

#![cfg_attr(feature = "js-texts", allow(clippy::needless_borrow))] // `js` makes a value only of a string of Rust

use wasm_bindgen::prelude::*;

use super::dialect::{self, Dialect, JsSocket, js, message_id_js};
use super::tables::{Kind, count};
use crate::browser::dialect::{Frame, Messages};
use crate::browser::driver::Driver;
use crate::browser::host::Host;
use crate::browser::value::Data;
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
    /// Makes a WebSocket, of the application's class if it passed one, or returns the cause as a text. `js/`
    /// knows the dialect, and so the subprotocol.
    #[wasm_bindgen(method)]
    fn socket(this: &JsHost, id: SocketId, url: &JsValue) -> JsValue;
}

impl Host for JsHost {
    type Dialect = Dialect;
    type Socket = JsSocket;

    fn event(&self, event: &Event<Messages<Dialect>, Data>) {
        match event {
            Event::State(State::Connecting) => self.report(Kind::Connecting, 0, NONE, NONE, 0, 0, 0),
            Event::State(State::Open) => self.report(Kind::Open, 0, NONE, NONE, 0, 0, 0),
            Event::State(State::Waiting { attempt, retry_in_ms, reason }) => {
                self.lost(Kind::Waiting, reason, *attempt, *retry_in_ms);
            }
            Event::State(State::Closed { reason }) => self.lost(Kind::Closed, reason, 0, 0),
            Event::Attached { channel, position } => {
                self.report(Kind::Attached, *channel, &js(&position.epoch), NONE, position.offset, 0, 0);
            }
            Event::Deliver { channel, batch, skip } => dialect::deliver(self, *channel, batch, *skip),
            Event::Gap { channel, gap, position } => {
                let (x, y, z) = (gap.from, gap.to.unwrap_or(0), position.offset);
                let reason = JsValue::from(gap.reason.word());
                self.report(Kind::Gap, *channel, &reason, &js(&position.epoch), x, y, z);
            }
            Event::Live { channel } => self.report(Kind::Live, *channel, NONE, NONE, 0, 0, 0),
            Event::Cast { channel, data } => {
                self.report_with(Kind::Cast, *channel, NONE, NONE, 0, 0, 0, data);
            }
            Event::Published { publish, id, offset } => {
                self.report(Kind::Published, *publish, &message_id_js(id), NONE, *offset, 0, 0);
            }
            Event::PublishFailed { publish, error } => {
                self.failed(Kind::PublishFailed, *publish, error);
            }
            Event::Error { channel, error } => {
                self.failed(Kind::Error, channel.unwrap_or(0), error);
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

    fn send(socket: &JsSocket, frame: &Frame<Dialect>) -> Result<(), Text> {
        dialect::cause(&dialect::send(socket, frame)).map_or(Ok(()), Err)
    }

    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>) {
        let (is_set, wait_ms) = (wait_ms.is_some(), wait_ms.unwrap_or(0));
        driver.host().report(Kind::Timer, 0, NONE, NONE, wait_ms.into(), is_set.into(), 0);
    }

    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool) {
        driver.host().report(Kind::FetchToken, fetch, NONE, NONE, refresh.into(), 0, 0);
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
        count(self.number(place))
    }

    /// The current call is refused.
    pub fn refuse(&self, error: &Error) {
        self.failed(Kind::Refused, 0, error);
    }

    fn failed(&self, kind: Kind, id: u32, error: &Error) {
        self.report(kind, id, &js(&error.code.0), &js(&error.message), 0, 0, 0);
    }

    fn lost(&self, kind: Kind, reason: &Reason, attempt: u32, retry_in_ms: u64) {
        let close_code = reason.close_code.unwrap_or(0).into();
        let code = JsValue::from(reason.code.word());
        self.report(kind, 0, &code, &js(&reason.message), attempt.into(), retry_in_ms, close_code);
    }

    #[allow(clippy::too_many_arguments)]
    fn report(&self, kind: Kind, id: u32, a: &JsValue, b: &JsValue, x: u64, y: u64, z: u64) {
        self.report_with(kind, id, a, b, x, y, z, NONE);
    }

    // One function, because each call of `emit` is long.
    #[allow(clippy::too_many_arguments)]
    #[inline(never)]
    pub fn report_with(
        &self,
        kind: Kind,
        id: u32,
        a: &JsValue,
        b: &JsValue,
        x: u64,
        y: u64,
        z: u64,
        value: &JsValue,
    ) {
        self.emit(kind as u32, id, a, b, x as f64, y as f64, z as f64, value);
    }
}
