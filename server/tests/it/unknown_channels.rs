//! A channel that does not exist: reading it creates nothing, and a subscription or a publication does. With each kind
//! of store.

use serde_json::{Value, json};

use crate::support::{Client, Redis, Server, request};

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let (status, answer) = request("GET", server.url(&format!("/channels/{path}")), &[], b"").await;
    (status, answer["code"].clone())
}

async fn assert_unknown(server: &Server, ch: &str, after: &str) {
    assert_eq!(get(server, ch).await, (404, json!("unknown_channel")), "after {after}");
}

async fn reading_creates_nothing(server: &Server) {
    for path in ["c/messages", "c/messages?after=7&limit=1", "c"] {
        assert_eq!(get(server, path).await, (404, json!("unknown_channel")), "{path}");
        assert_unknown(server, "c", path).await;
    }
    let mut client = Client::greeted(server, "c").await;
    client.send(json!({"op": "read", "ref": 1, "ch": "c", "limit": 10})).await;
    assert_eq!(client.next_op("readnack").await["code"], "unknown_channel");
    assert_unknown(server, "c", "read").await;
    client.send(json!({"op": "ack", "ch": "c", "epoch": "e", "offset": 0})).await;
    client.send(json!({"op": "unsub", "ch": "c"})).await;
    client.send(json!({"op": "cast", "ch": "c", "data": 1})).await;
    client.round_trip().await;
    client.close().await; // acknowledged positions are stored by then
    assert_unknown(server, "c", "ack, unsub and cast").await;

    let mut client = Client::greeted(server, "c").await;
    client.sub("c", 10, json!({})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    assert_eq!(get(server, "c").await.0, 200);
    assert_eq!(get(server, "c/messages").await.0, 200);
    server.publish("d", json!(1)).await;
    assert_eq!(get(server, "d").await.0, 200);
}

#[tokio::test]
async fn reading_creates_nothing_in_the_embedded_store() {
    reading_creates_nothing(&Server::start(&[])).await;
}

#[tokio::test]
async fn reading_creates_nothing_in_redis() {
    let redis = Redis::start();
    reading_creates_nothing(&Server::start(&["--log", &redis.url()])).await;
}
