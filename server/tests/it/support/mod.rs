//! What the tests share: a server process, a Redis, a socket, and HTTP.

mod certificate;
mod client;
mod collector;
mod outage;
mod redis;
mod seam;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

pub use certificate::Certificate;
pub use client::{Client, Got, offsets};
pub use collector::{Collector, Span};
pub use outage::{is_degraded, is_well, publish_until_stored, rejects_publications, try_publish};
pub use redis::Redis;
pub use seam::{SEAM_DELAY_MS, shown};
pub use seamline_test_support::server::without_settings;
pub use server::{Server, assert_log_refused, log_command, refused_to_start, try_start};

/// How long a test waits for something that should happen. Only a failing test waits this long. It is shorter than the
/// server's longest default timeouts, which would otherwise end the wait.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// The secret of servers that ask for tokens.
pub const SECRET: &str = "a-secret-for-tests-and-nothing-else";

/// An address at which nobody listens, as long as the socket is held.
pub fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Waits for a condition.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A token for a user, signed with a secret, which expires after this many seconds.
pub fn token_with(user: &str, secret: &str, expires_in_s: i64) -> String {
    let exp = now_s() + expires_in_s;
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &json!({ "sub": user, "exp": exp }), &key).unwrap()
}

/// A valid token.
pub fn token(user: &str) -> String {
    token_with(user, SECRET, 3600)
}

pub fn now_s() -> i64 {
    seamline_server::time::since_unix_epoch().as_secs() as i64
}

/// The answer to a request.
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    /// JSON, or a string if it is not JSON.
    pub body: Value,
}

/// Sends a request; returns the status and the JSON of the answer.
pub async fn request(method: &str, url: String, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
    let answer = ask(method, url, headers, body).await;
    (answer.status, answer.body)
}

/// Like [`request`], with the headers of the answer.
pub async fn ask(method: &str, url: String, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    match try_ask(method, url, headers, body).await {
        Ok(answer) => answer,
        Err(e) => panic!("no answer: {e}"),
    }
}

/// Like [`request`], for servers that may be down.
pub async fn try_request(
    method: &str,
    url: String,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(u16, Value), String> {
    try_ask(method, url, headers, body).await.map(|answer| (answer.status, answer.body))
}

async fn try_ask(method: &str, url: String, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_vec()).unwrap();
    let send = move || -> Result<Answer, String> {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
        let mut response = agent.run(request).map_err(|e| e.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|e| e.to_string())?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    };
    tokio::task::spawn_blocking(send).await.unwrap()
}
