//! The frames of `seamline.v1`, shared by the client core and the server: one source of truth.
//!
//! A frame is a JSON object with an `op`. `docs/PROTOCOL.md` is the prose; the constants and the
//! types here mirror it. Each direction has an enum to work with ([`ClientFrame`], [`ServerFrame`])
//! and a way to read it from the wire ([`ClientFields`] with serde; [`Fields`], field by field, which
//! is small in a page): a frame is read once and *parsed* into the enum, and whatever is missing is
//! named. Unknown fields are ignored, so that the protocol can grow.
//!
//! `D` is what holds a payload: raw JSON text natively, a JavaScript value in a page.

mod client;
mod server;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::position::MessageId;

pub(crate) use client::Json;
pub use client::{ClientFields, ClientFrame};
pub use server::{Fields, ServerFrame};

/// The WebSocket subprotocol's name (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "seamline.v1";
/// The version sent in `hello`.
pub const VERSION: u32 = 1;
/// The longest channel name, in bytes.
pub const CHANNEL_NAME_BYTES_MAX: usize = 200;
/// What a channel may be called.
pub const CHANNEL_NAME_RULE: &str =
    "a channel name has 1 to 200 bytes, no control characters, no space at either end";

/// Whether a channel may be called so.
pub fn is_channel_name(name: &str) -> bool {
    let fits = (1..=CHANNEL_NAME_BYTES_MAX).contains(&name.len());
    let spaced = name.starts_with(' ') || name.ends_with(' ');
    fits && !spaced && !name.bytes().any(|byte| byte.is_ascii_control())
}

/// The longest idempotency key and the longest client id, in bytes.
pub const KEY_BYTES_MAX: usize = 200;

/// The most names in a lineage: the page load at hand, and the earlier ones that are remembered.
pub const LINEAGE_NAMES_MAX: usize = 8;
/// The longest name in a lineage, in bytes.
pub const LINEAGE_NAME_BYTES_MAX: usize = 40;

/// WebSocket close codes (RFC 6455 §7.4; 4000–4999 are an application's own).
pub mod close {
    /// The work is done.
    pub const NORMAL: u16 = 1000;
    /// A page or a server is going away.
    pub const GOING_AWAY: u16 = 1001;
    /// A frame was larger than the receiver takes.
    pub const TOO_BIG: u16 = 1009;
    /// The server restarts: come back.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server is overloaded: come back later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// Another connection took this one's place.
    pub const REPLACED: u16 = 4009;
    /// A frame that could not be understood.
    pub const BAD_FRAME: u16 = 4400;
    /// The token was refused or has expired: bring a fresh one.
    pub const UNAUTHORIZED: u16 = 4401;
    /// Not allowed, whatever the token.
    pub const FORBIDDEN: u16 = 4403;
    /// No `hello` came in time.
    pub const HELLO_TIMEOUT: u16 = 4408;
    /// Too much, too fast.
    pub const TOO_FAST: u16 = 4429;
}

/// Where a subscription without a position begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartAt {
    /// After the newest message: only what is published from now on.
    Tail,
    /// At the oldest message that the log still has.
    Start,
}

/// `msgs`: a contiguous run of messages. Kept apart from [`ServerFrame`] because a page never
/// brings its payloads into wasm memory: there, only `ch`, `n`, the count and the last id are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename = "msgs")]
pub struct Msgs<D> {
    /// The channel.
    pub ch: String,
    /// The offset of the first message; the others follow without a hole.
    pub n: u64,
    /// The messages' ids.
    pub ids: Vec<MessageId>,
    /// The messages' payloads, as many as `ids`.
    pub data: Vec<D>,
    /// Whether this comes from the replay; then it uses up credit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// There is no `op`, or it is not known: ignore the frame, the peer may be newer.
    UnknownOp(String),
    /// A field that the op needs is missing.
    Missing {
        /// The op.
        op: String,
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::UnknownOp(op) => f.write_str("unknown op `").and_then(|()| f.write_str(op)),
            FrameError::Missing { op, field } => {
                f.write_str("`").and_then(|()| f.write_str(op))?;
                f.write_str("` needs the field `").and_then(|()| f.write_str(field))
            }
        }?;
        f.write_str("`")
    }
}

impl std::error::Error for FrameError {}
