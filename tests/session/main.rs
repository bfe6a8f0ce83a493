//! The session, driven by hand with a clock of the test's own: one behavior per test.
//!
//! A [`page::Page`] plays the driver and the server. It records what the session does as short lines
//! (`sub room e/5 credit 100`, `deliver 3..=5`), so that a test reads like a transcript.

mod ack;
mod answers;
mod backoff;
mod behind_hello;
mod bfcache;
mod casts;
mod channel;
mod connect;
mod credit;
mod heartbeat;
mod hole;
mod page;
mod path;
mod path_publish;
mod poison;
mod progress;
mod publish;
mod replay;
mod slow_link;
mod wake;
