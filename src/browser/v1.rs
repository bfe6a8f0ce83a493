//! `seamline.v1`: frames between JavaScript values and the core.
//!
//! The engine's `JSON.parse` parses a text frame once. Payloads stay JavaScript values. Of a `msgs` frame,
//! only the channel, the numbers and the last id enter wasm memory.
//!
//! A module named `seamline` would make the tests of this crate link it a second time, as their own dependency.

use std::cell::Cell;

use js_sys::JsString;
use wasm_bindgen::JsValue;

use super::dialect::{Codec, Dialect};
use super::object::{self, field, is_array, item, number, string};
use super::value::Data;
use crate::core::{Batch, Config, Incoming, Instant, Session};
use crate::wire::{ClientFrame, FrameError, MessageId, SUBPROTOCOL, ServerFrame};

/// The dialect of a Seamline server.
pub struct Seamline;

impl Dialect for Seamline {
    /// The messages of a batch are the whole `msgs` frame.
    type Session = Session<JsValue, Data>;

    fn subprotocol(&self) -> &'static str {
        SUBPROTOCOL
    }

    fn session(&self, _url: &str, config: Config, seed: u64, now: Instant) -> Self::Session {
        Session::new(config, seed, now)
    }
}

impl Codec for Seamline {
    fn decode(&self, text: &JsValue, units: &Cell<f64>) -> Result<Incoming<JsValue, Data>, String> {
        let value = object::parse(text, units)?;
        if field(&value, "op") == "msgs" {
            let bytes = object::length(text) as u64;
            let (ch, batch) = messages(value, bytes)
                .ok_or("the server sent a `msgs` frame without a valid `ch`, `n`, `ids` or `data`")?;
            return Ok(Incoming::Messages(ch, batch));
        }
        match ServerFrame::read(&value) {
            Ok(frame) => Ok(Incoming::Frame(frame)),
            Err(FrameError::UnknownOp(_)) => Ok(Incoming::Unknown),
            Err(FrameError::Missing { op, field }) => {
                // `concat` would add half a kilobyte to every page.
                let mut message = String::from("the server sent a frame without a valid `");
                message.push_str(field);
                message.push_str("`; its op is ");
                message.push_str(&op);
                Err(message)
            }
        }
    }

    fn encode(frame: ClientFrame<Data>) -> JsString {
        let mut head = frame.head();
        let Some(data) = frame.data() else {
            head.push('}');
            return head.into();
        };
        head.push_str(",\"data\":");
        JsString::from(head).concat(data).concat(&"}".into()) // a payload is JSON text
    }
}

fn messages(frame: JsValue, bytes: u64) -> Option<(String, Batch<JsValue>)> {
    let ids = list(&frame, "ids")?;
    let data = list(&frame, "data")?;
    let count = number(&ids, "length")?;
    if number(&data, "length") != Some(count) {
        return None;
    }
    let last = u32::try_from(count).ok()?.checked_sub(1)?;
    let last_id: MessageId = item(&ids, last).as_string()?.parse().ok()?;
    let n = number(&frame, "n")?;
    let replay = field(&frame, "replay") == JsValue::TRUE; // nothing else, as in `js/`
    let ch = string(&frame, "ch")?;
    Some((ch, Batch { n, count, last_id, replay, bytes, payload: frame }))
}

/// The id and the payload of a message of a `msgs` frame that was read.
pub fn message(frame: &JsValue, place: u64) -> (String, Data) {
    let place = place as u32; // a frame's count fits: `messages` has seen to it
    let id = item(&field(frame, "ids"), place).as_string().unwrap_or_default();
    (id, item(&field(frame, "data"), place))
}

fn list(frame: &JsValue, name: &str) -> Option<JsValue> {
    let value = field(frame, name);
    is_array(&value).then_some(value)
}
