//! The native client against a real server: `cargo xtask test --only native`, which starts a server for the
//! conversations that the browser tests have too, and names its binary for the tests that kill it.

#[path = "../../../browser/clients.rs"]
mod clients;
#[path = "../../../browser/connection.rs"]
mod connection;
mod ends;
#[path = "../../../browser/handles.rs"]
mod handles;
#[path = "../../../browser/messages.rs"]
mod messages;
mod outages;
#[path = "../../../browser/plain.rs"]
mod plain;
#[path = "../../../browser/publishing.rs"]
mod publishing;
#[path = "../../../browser/refusals.rs"]
mod refusals;
mod server;
mod support;
mod tail;
mod tls;
mod tokens;
