//! The frames of `seamline.v1`, shared by the client core and the server.
//!
//! A frame is a JSON object with an `op`. `docs/PROTOCOL.md` specifies the protocol; the constants and the
//! types here mirror it. Each direction has an enum ([`ClientFrame`], [`ServerFrame`]) and a way to read it
//! from the wire ([`ClientFields`] with serde; [`Fields`], field by field, which adds little code to a page).
//! A frame is read once and *parsed* into the enum. An error names the missing field. Unknown fields are
//! ignored, so that the protocol can grow.
//!
//! `D` is the type of a payload: raw JSON text natively, a JavaScript value in a page.

mod client_frame;
pub mod code;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
mod history;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
mod json;
mod known;
mod limits;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
mod message_id;
mod position;
mod server_frame;
mod text;

pub use client_frame::{Ahead, ClientFrame, StartAt};
pub use code::close;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub use history::{HistoryPage, READ_FEATURE, Read, ReadNack};
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
pub(crate) use json::push_text;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub use json::{ClientFields, Fields, FrameError};
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub(crate) use json::{Json, push_number};
pub use known::Known;
pub(crate) use known::known;
pub use limits::{
    CHANNEL_NAME_BYTES_MAX, CHANNEL_NAME_RULE, KEY_BYTES_MAX, KEY_RULE, LINEAGE_NAME_BYTES_MAX,
    LINEAGE_NAMES_MAX, is_channel_name,
};
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub use message_id::{BadMessageId, MessageId};
pub use position::Position;
pub use server_frame::{Msgs, ServerFrame};
#[cfg(all(target_arch = "wasm32", feature = "js-texts"))]
pub use text::Text as MessageId;
pub use text::{Text, TextRef, Word};

/// The WebSocket subprotocol's name (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "seamline.v1";
/// The version sent in `hello`.
pub const VERSION: u32 = 1;
