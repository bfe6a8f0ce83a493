//! The HTTP API, and what operators look at.

pub mod admin;
pub mod api;
pub mod error;
pub mod health;
pub mod metrics;
