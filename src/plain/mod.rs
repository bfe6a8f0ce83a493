//! The plain dialect: servers that send one flat JSON object per message, and know nothing of
//! `seamline.v1`.
//!
//! Expected of such a server, and survived: it replays everything from the start on each connect, or
//! from a `last_message_id`; it sends each live message twice; its replay and its live stream overlap;
//! live messages come a little out of order; it has no epoch, never says what is missing, answers no
//! ping, and closes without a code. `docs/PROTOCOL.md` has the wire, and what cannot be promised on it.
//!
//! [`PlainSession`] wraps a [`Session`](crate::core::Session), which stays as it is: to the session, it plays a
//! server that speaks `seamline.v1`. It is driven like one ([`Protocol`](crate::core::Protocol)) and has no clock
//! and no I/O either.
//!
//! ```text
//!   driver ──  objects, opened, closed  ──▶  PlainSession  ──  frames of seamline.v1  ──▶  Session
//!          ◀──  acks, casts, events  ──                    ◀──  its outputs  ──
//! ```
//!
//! Instants are Unix time here. Only what cannot do harm depends on it: whether a message
//! counts as replayed, when a channel is reported live, and how long a first number is held back.
//!
//! A message is remembered as seen when the session *delivers* it, not when it comes: what the
//! session drops must be new when it comes again.

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
