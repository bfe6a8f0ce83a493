//! The reference server of Seamline.
//!
//! Publications come in through [`ws`] or [`http`]. The store in [`log`] numbers and commits them, and the [`log::hub`]
//! passes them on, in log order, to the subscriptions in [`ws`]. `docs/PROTOCOL.md` describes the protocol.

pub mod admin;
pub mod auth;
pub mod by_name;
pub mod cli;
pub mod config;
pub mod error;
pub mod http;
pub mod limits;
pub mod log;
pub mod logging;
pub mod net;
pub mod random;
pub mod refusal;
pub mod routes;
pub mod run;
pub mod state;
pub mod time;
pub mod trace;
pub mod ws;
