//! The reference server of Seamline.
//!
//! Publications go through [`log`] (numbered, committed) and then, in log order, through [`log::hub`] to
//! the subscriptions in [`ws`]; [`http`] is the other way in. `docs/PROTOCOL.md` is what it speaks.

pub mod auth;
pub mod cli;
pub mod config;
pub mod error;
pub mod http;
pub mod limits;
pub mod log;
pub mod net;
pub mod random;
pub mod refusal;
pub mod routes;
pub mod run;
pub mod state;
pub mod time;
pub mod ws;
