//! A dialect: its session, and how its frames are read and written.

use std::cell::Cell;

use js_sys::JsString;
use wasm_bindgen::JsValue;

use super::value::Data;
use crate::core::{Config, Instant, Protocol};

/// What a driver needs to speak a dialect. It reads and writes frames with nothing borrowed, because both call into
/// JavaScript.
pub trait Dialect {
    /// The session.
    type Session: Protocol<Data = Data>;
    /// The WebSocket's subprotocol, or an empty text for none.
    fn subprotocol(&self) -> &'static str;
    /// Makes a session with the server at `url`.
    fn session(&self, url: &str, config: Config, seed: u64, now: Instant) -> Self::Session;
    /// Reads a frame from the server, and counts its UTF-16 code units. An error states what is wrong with
    /// it.
    fn decode(
        &self,
        text: &JsValue,
        units: &Cell<f64>,
    ) -> Result<<Self::Session as Protocol>::Incoming, String>;
    /// Writes a frame for the server.
    fn encode(frame: <Self::Session as Protocol>::Frame) -> JsString;
}

/// The messages of a batch, as a dialect's session holds them.
pub type Messages<D> = <<D as Dialect>::Session as Protocol>::Messages;
