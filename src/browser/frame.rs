//! Frames between JavaScript values and the core.
//!
//! A text frame is parsed once, by the engine's own `JSON.parse`. Payloads stay JavaScript values;
//! of a `msgs` frame only the channel, the numbers and the last id come into wasm memory. Fields are
//! read one by one rather than through serde: that spares each page 10 KB of number formatting.

use std::cell::Cell;

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use crate::core::Batch;
use crate::wire::{ClientFrame, Fields, FrameError, MessageId, ServerFrame};

/// Integers of a JavaScript number are exact up to here.
const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// A payload. The core does not look into it. An incoming one is a JavaScript value from `JSON.parse`. An outgoing
/// one is JSON text, written once, when the application publishes it: nothing can fail later.
pub type Data = JsValue;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn json_parse(text: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = Array, js_name = isArray)]
    fn is_array(value: &JsValue) -> bool;
    type Text;
    /// `Reflect` takes no primitive strings.
    #[wasm_bindgen(js_name = length, method, getter)]
    fn units(this: &Text) -> f64;
    /// A property of an object (of anything else it throws).
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    pub fn field(of: &JsValue, name: &str) -> JsValue;
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    pub fn item(of: &JsValue, index: u32) -> JsValue;
}

/// What came in.
pub enum Incoming {
    /// `msgs`, of this channel. The batch's payload is the whole frame.
    Messages(String, Batch<JsValue>),
    /// Any other frame.
    Frame(ServerFrame<Data>),
    /// A frame of a newer protocol.
    Unknown,
}

/// Reads a frame, and counts its UTF-16 code units; an error says what is wrong with it.
pub fn decode(text: &JsValue, units: &Cell<f64>) -> Result<Incoming, String> {
    let value = parse(text, units)?;
    if field(&value, "op") == "msgs" {
        let bytes = text.unchecked_ref::<Text>().units() as u64;
        let (ch, batch) =
            messages(value, bytes).ok_or("a `msgs` frame came whose `ch`, `n`, `ids` or `data` is wrong")?;
        return Ok(Incoming::Messages(ch, batch));
    }
    match ServerFrame::read(&value) {
        Ok(frame) => Ok(Incoming::Frame(frame)),
        Err(FrameError::UnknownOp(_)) => Ok(Incoming::Unknown),
        Err(FrameError::Missing { op, field }) => {
            // `concat` would bring half a kilobyte into each page.
            let mut message = String::from("a frame came without a proper `");
            message.push_str(field);
            message.push_str("`; its op is ");
            message.push_str(&op);
            Err(message)
        }
    }
}

/// Reads a frame as far as JSON goes.
pub fn parse(text: &JsValue, units: &Cell<f64>) -> Result<JsValue, String> {
    if !text.is_string() {
        return Err("a binary frame came; there are only text frames".to_owned());
    }
    units.set(units.get() + text.unchecked_ref::<Text>().units());
    let value = json_parse(text).map_err(|_| "a frame came that is not JSON")?;
    if !value.is_object() || is_array(&value) {
        return Err("a frame came that is not a JSON object".to_owned());
    }
    Ok(value)
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

/// A property of a frame's `ids` that the plain dialect's translator sets: the id of the position after the
/// messages, or an empty text for none. An array parsed from JSON cannot have it, so a server cannot set it.
pub const POSITION_ID: &str = "position";

/// The id of the position after a message: its own, unless the translator says that the position lags.
pub fn position_id(frame: &JsValue, own: &str) -> Option<MessageId> {
    string(&field(frame, "ids"), POSITION_ID).as_deref().unwrap_or(own).parse().ok()
}

fn list(frame: &JsValue, name: &str) -> Option<JsValue> {
    let value = field(frame, name);
    is_array(&value).then_some(value)
}

impl Fields for JsValue {
    type Data = Data;

    fn text(&self, name: &'static str) -> Option<String> {
        string(self, name)
    }

    fn number(&self, name: &'static str) -> Option<u64> {
        number(self, name)
    }

    fn data(&self) -> Option<Data> {
        let data = field(self, "data");
        (data != JsValue::UNDEFINED).then_some(data)
    }
}

/// A text.
pub fn string(of: &JsValue, name: &str) -> Option<String> {
    field(of, name).as_string()
}

/// An integer that is exact.
pub fn number(of: &JsValue, name: &str) -> Option<u64> {
    field(of, name).as_f64().and_then(integer)
}

/// A JavaScript number that is an exact integer, 0 or more.
pub fn integer(number: f64) -> Option<u64> {
    let exact = (0.0..=SAFE_INTEGER_MAX).contains(&number) && number as u64 as f64 == number;
    exact.then_some(number as u64)
}

/// Writes a frame. Its payload is JSON text.
pub fn encode(frame: &ClientFrame<Data>) -> JsString {
    let mut head = frame.head();
    let Some(data) = frame.data() else {
        head.push('}');
        return head.into();
    };
    head.push_str(",\"data\":");
    JsString::from(head).concat(data).concat(&"}".into())
}
