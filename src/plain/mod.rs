//! The plain dialect: servers that send one flat JSON object per message and do not implement `seamline.v1`.
//!
//! Such a server may replay everything from the start on each connect, or from a `last_message_id`. It may
//! send each live message twice. Its replay and its live stream may overlap, and live messages may arrive
//! slightly out of order. It has no epoch, never reports missing messages, answers no ping, and closes
//! without a code. `docs/PROTOCOL.md` specifies the wire, and what the client cannot promise on it.
//!
//! [`PlainSession`] wraps an unchanged [`Session`](crate::core::Session), and acts as a server of
//! `seamline.v1` to it. A driver drives it like a session ([`Protocol`](crate::core::Protocol)). It has no
//! clock and no I/O either.
//!
//! ```text
//!   driver ──  objects, opened, closed  ──▶  PlainSession  ──  frames of seamline.v1  ──▶  Session
//!          ◀──  acks, casts, events  ──                    ◀──  its outputs  ──
//! ```
//!
//! Instants are Unix time here. Only harmless decisions depend on it: whether a message counts as replayed,
//! when a channel is reported live, and how long a first number waits.
//!
//! A message is remembered as seen when the session *delivers* it, not when it arrives: a message that the
//! session drops must be new when it arrives again.

mod config;
mod digits;
mod frame;
mod history;
mod id;
pub mod object;
mod order;
mod session;
mod settle;
mod url;
mod window;

pub use config::{NUMBER_MAX, PlainConfig};
pub use frame::{Frame, Incoming, Message};
pub use session::PlainSession;
