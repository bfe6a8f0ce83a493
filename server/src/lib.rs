//! The reference server of Seamline.
//!
//! Publications go through [`log`] (numbered, committed) and then, in log order, through [`hub`] to
//! the subscriptions in [`ws`]; [`http`] is the other way in. `docs/PROTOCOL.md` is what it speaks.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod connections;
pub mod counts;
pub mod error;
pub mod health;
pub mod http;
pub mod hub;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod names;
pub mod origin;
pub mod pace;
pub mod random;
pub mod reload;
pub mod run;
pub mod shutdown;
pub mod time;
pub mod tls;
pub mod ws;
