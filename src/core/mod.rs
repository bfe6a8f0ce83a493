//! The sans-I/O core: every decision of the client, and nothing else.
//!
//! The core has no clock, no randomness, no network and no browser. Time, a random seed and everything that
//! happens are arguments. Everything to do is returned as an [`Output`]. So the same core runs in a page, in
//! native tests and in a simulation, and every run is reproducible. [`Session`] is the entry point.

mod backoff;
mod channel;
mod config;
mod error;
mod event;
mod heartbeat;
mod outbox;
mod output;
mod protocol;
mod reconnect;
pub mod seam;
mod session;
mod state;
mod stats;
mod sum;
mod timer;
mod window;

pub use config::{BACKOFF_MS_MIN, BackoffConfig, Config, MS_MAX};
pub use error::{Error, ErrorCode};
pub use event::{Batch, ChannelId, Event, Gap, GapReason, PublishId};
pub use output::{FetchId, Output, SocketId};
pub use protocol::{Incoming, Protocol};
pub use session::Session;
pub use state::{Reason, ReasonCode, State};
pub use stats::Stats;
pub use timer::Instant;
