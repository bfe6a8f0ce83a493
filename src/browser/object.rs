//! JavaScript objects, read property by property. serde would cost every page 10 KB of number formatting.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use super::value::{Data, integer};
use crate::wire::Fields;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn json_parse(text: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = Array, js_name = isArray)]
    pub fn is_array(value: &JsValue) -> bool;
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

/// Parses a frame as JSON, and counts its UTF-16 code units. An error states what is wrong with it.
pub fn parse(text: &JsValue, units: &Cell<f64>) -> Result<JsValue, String> {
    if !text.is_string() {
        return Err("the server sent a binary frame".to_owned());
    }
    units.set(units.get() + length(text));
    let value = json_parse(text).map_err(|_| "the server sent a frame that is not JSON")?;
    if !value.is_object() || is_array(&value) {
        return Err("the server sent a frame that is not a JSON object".to_owned());
    }
    Ok(value)
}

/// The length of a text in UTF-16 code units.
pub fn length(text: &JsValue) -> f64 {
    text.unchecked_ref::<Text>().units()
}

/// A text.
pub fn string(of: &JsValue, name: &str) -> Option<String> {
    field(of, name).as_string()
}

/// A property of a value that may not be an object, or whose getter may be the application's and throw.
pub fn property(of: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// An integer that is exact.
pub fn number(of: &JsValue, name: &str) -> Option<u64> {
    field(of, name).as_f64().and_then(integer)
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
