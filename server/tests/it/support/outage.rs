//! How a store that is unavailable shows to clients and operators.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Client, PATIENCE, Server, ask, request};

/// The health may change a moment after publishers are answered.
pub async fn is_degraded(server: &Server) {
    shows(server, (200, json!("degraded"), 503, 0.0)).await;
}

pub async fn is_well(server: &Server) {
    shows(server, (200, json!("ok"), 200, 1.0)).await;
}

async fn shows(server: &Server, expected: (u16, Value, u16, f64)) {
    let start = Instant::now();
    while health(server).await != expected {
        assert!(start.elapsed() < PATIENCE, "{}", server.stderr());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn health(server: &Server) -> (u16, Value, u16, f64) {
    let (status, body) = request("GET", server.url("/healthz"), &[], b"").await;
    let ready = request("GET", server.url("/readyz"), &[], b"").await.0;
    (status, body["status"].clone(), ready, server.metric("seamline_log_up").await)
}

/// Asserts that a publication over HTTP is rejected with a retry hint.
pub async fn rejects_publications(server: &Server) {
    let answer = ask("POST", server.url("/channels/c/messages"), &[], b"1").await;
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("log_error")));
    assert_eq!(answer.body["retry_after_ms"], 1000);
    assert_eq!(answer.headers["retry-after"], "1");
}

/// Publishes with a key over a socket; returns the offset, or `None` if it is rejected with a retry hint.
pub async fn try_publish(client: &mut Client, ch: &str, key: &str, data: &Value) -> Option<u64> {
    client.send(json!({"op": "pub", "ch": ch, "key": key, "data": data})).await;
    let answer = client.next().await;
    assert_eq!((&answer["ch"], &answer["key"]), (&json!(ch), &json!(key)), "{answer}");
    match answer["op"].as_str().unwrap() {
        "puback" => Some(answer["offset"].as_u64().unwrap()),
        "pubnack" => {
            assert_eq!(answer["code"], "log_error");
            assert!(answer["retry_after_ms"].as_u64().expect("a hint") > 0);
            None
        }
        _ => panic!("{answer}"),
    }
}

/// Publishes with a key over a socket until it is acknowledged; returns the offset.
pub async fn publish_until_stored(client: &mut Client, ch: &str, key: &str, data: &Value) -> u64 {
    let start = Instant::now();
    loop {
        if let Some(offset) = try_publish(client, ch, key, data).await {
            return offset;
        }
        assert!(start.elapsed() < PATIENCE, "{key} is still refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
