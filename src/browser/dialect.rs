//! A dialect: its session, and how its frames are read and written.

#[cfg(not(feature = "js-texts"))]
use js_sys::JsString;
#[cfg(not(feature = "js-texts"))]
use wasm_bindgen::JsValue;

use super::value::Data;
use crate::core::{Config, Instant, Protocol};
use crate::wire::TextRef;

/// What a driver needs to speak a dialect.
pub trait Dialect {
    /// The session.
    type Session: Protocol<Data = Data>;
    /// The WebSocket's subprotocol, or an empty text for none.
    fn subprotocol(&self) -> &'static str;
    /// Makes a session with the server at `url`.
    fn session(&self, url: &TextRef, config: Config, seed: u64, now: Instant) -> Self::Session;
}

/// A dialect whose frames Rust reads and writes. It does so with nothing borrowed, because both call into
/// JavaScript.
#[cfg(not(feature = "js-texts"))]
pub trait Codec: Dialect {
    /// Reads a frame from the server. An error states what is wrong with it.
    fn decode(&self, text: &JsValue) -> Result<<Self::Session as Protocol>::Incoming, String>;
    /// Writes a frame for the server.
    fn encode(frame: &<Self::Session as Protocol>::Frame) -> JsString;
}

/// The messages of a batch, as a dialect's session holds them.
pub type Messages<D> = <<D as Dialect>::Session as Protocol>::Messages;
/// A frame for the server.
pub type Frame<D> = <<D as Dialect>::Session as Protocol>::Frame;
