//! What a client may use: how fast it publishes, how many connections it has, how long its names are.

pub mod connections;
pub mod names;
pub mod quota;
pub mod rate;
