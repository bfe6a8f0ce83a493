//! The HTTP API, and what operators look at.

pub mod api;
pub mod demo;
pub mod error;
mod exposition;
pub mod health;
pub mod metrics;
pub mod observe;
#[cfg(target_os = "linux")]
mod process;
pub mod read;
