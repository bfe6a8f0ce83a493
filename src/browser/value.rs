//! JavaScript values.

use wasm_bindgen::JsValue;

/// Integers of a JavaScript number are exact up to here.
#[cfg(not(feature = "js-texts"))]
const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// A payload. The core does not inspect it. A received one is a JavaScript value from `JSON.parse`. An
/// outgoing one is JSON text, serialized once, when the application publishes it, so nothing can fail later.
pub type Data = JsValue;

/// A JavaScript number that is an exact integer, 0 or more.
#[cfg(not(feature = "js-texts"))]
pub fn integer(number: f64) -> Option<u64> {
    let exact = (0.0..=SAFE_INTEGER_MAX).contains(&number) && number as u64 as f64 == number;
    exact.then_some(number as u64)
}
