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
mod error;
mod json;
mod limits;
mod position;
mod server_frame;

pub use client_frame::{ClientFields, ClientFrame, StartAt};
pub use code::close;
pub use error::FrameError;
pub(crate) use json::{Json, push_number};
pub use limits::{
    CHANNEL_NAME_BYTES_MAX, CHANNEL_NAME_RULE, KEY_BYTES_MAX, KEY_RULE, LINEAGE_NAME_BYTES_MAX,
    LINEAGE_NAMES_MAX, is_channel_name,
};
pub use position::{BadMessageId, MessageId, Position};
pub use server_frame::{Fields, Msgs, ServerFrame};

/// The WebSocket subprotocol's name (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "seamline.v1";
/// The version sent in `hello`.
pub const VERSION: u32 = 1;
