//! JavaScript objects, read property by property. serde would cost every page 10 KB of number formatting.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[cfg(feature = "npm")]
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    fn json_parse(text: &JsValue) -> Result<JsValue, JsValue>;
    #[cfg(feature = "npm")]
    #[wasm_bindgen(js_namespace = Array, js_name = isArray)]
    fn is_array(value: &JsValue) -> bool;
    /// A property of an object (of anything else it throws).
    #[cfg(feature = "npm")]
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    pub fn field(of: &JsValue, name: &str) -> JsValue;
}

/// Parses a frame as JSON. An error states what is wrong with it.
#[cfg(feature = "npm")]
pub fn parse(text: &JsValue) -> Result<JsValue, String> {
    if !text.is_string() {
        return Err("the server sent a binary frame".to_owned());
    }
    let value = json_parse(text).map_err(|_| "the server sent a frame that is not JSON")?;
    if !value.is_object() || is_array(&value) {
        return Err("the server sent a frame that is not a JSON object".to_owned());
    }
    Ok(value)
}

/// A property of a value that may not be an object, or whose getter may be the application's and throw.
#[cfg(not(feature = "npm"))]
pub fn property(of: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
