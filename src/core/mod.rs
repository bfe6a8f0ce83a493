//! The sans-I/O core: every decision of the client, and nothing else.
//!
//! No clock, no randomness, no network and no browser in here. Time, a random seed and everything
//! that happens come in as arguments; everything to be done comes out as [`Output`](event::Output)s.
//! So the same core runs in a page, in native tests and in a simulation, and runs the same way twice.
//! [`session::Session`] is the entrance.

pub mod backoff;
mod channel;
pub mod config;
pub mod event;
pub mod heartbeat;
mod outbox;
pub mod plain;
pub mod position;
pub mod seam;
pub mod session;
pub mod timer;
