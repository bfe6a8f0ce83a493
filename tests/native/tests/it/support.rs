//! The test server, and what the tests have it do. The support of `tests/browser` has the same names.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use seamline::ClientBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use tokio::test as conversation;

pub use crate::clients::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// The secret of servers that require tokens.
pub const SECRET: &str = "a secret that is long enough for the server";

/// A name that only this run uses.
pub fn name(what: &str) -> String {
    format!("{what}-{}", RandomState::new().hash_one(what))
}

/// Where the server that all tests share listens.
fn server() -> String {
    std::env::var("SEAMLINE_TEST_URL").expect("no server: run `cargo xtask test --only native`")
}

pub fn url() -> String {
    format!("{}/ws", server().replacen("http", "ws", 1))
}

/// Waits, but not forever: a test that hangs would hide the others.
pub async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing has happened for a minute")
}

/// A client with quick reconnects, of any server.
pub fn at(url: &str) -> ClientBuilder {
    builder_at(url, &name("client"))
}

/// Has the server cut a client's sockets, without a close.
pub async fn cut(client_id: &str) {
    let server = server();
    let address = server.trim_start_matches("http://");
    let mut tcp = TcpStream::connect(address).await.expect("the server runs");
    let request = format!(
        "POST /debug/drop?client_id={client_id} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}
