//! What a token's claim `channels` grants, on the socket and over HTTP, and what happens to a subscription that a fresh
//! token no longer grants.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{Client, SECRET, Server, now_s, request};

/// Ada's token with this claim.
pub fn token_for(channels: Value) -> String {
    let claims = json!({"sub": "ada", "exp": now_s() + 3600, "channels": channels});
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn reader() -> String {
    token_for(json!({"read": ["room-*", "both"], "write": ["both", "outbox"]}))
}

#[tokio::test]
async fn a_socket_may_do_what_its_token_grants() {
    let server = Server::start(&["--token-secret", SECRET]);
    let mut client = Client::greeted_with(&server, "c", Some(reader())).await;
    for (ch, allowed) in [("room-1", true), ("both", true), ("outbox", false), ("room", false)] {
        client.sub(ch, 10, json!({"from": "tail"})).await;
        let answer = client.next().await;
        assert_eq!(answer["ch"], ch);
        if allowed {
            assert_eq!(answer["op"], "subd", "{answer}");
            client.next_op("live").await;
        } else {
            assert_eq!((&answer["op"], &answer["code"]), (&json!("err"), &json!("forbidden")), "{answer}");
            assert_eq!(answer["retry_after_ms"], Value::Null, "it is refused for good");
        }
    }
    for (ch, op) in [("outbox", "puback"), ("room-1", "pubnack")] {
        client.send(json!({"op": "pub", "ch": ch, "key": "k", "data": 1})).await;
        let answer = client.next_op(op).await;
        assert_eq!((&answer["ch"], &answer["key"]), (&json!(ch), &json!("k")));
        assert!(op == "puback" || (answer["code"] == "forbidden" && answer["retry_after_ms"].is_null()));
    }
    // An `err` that names a channel ends a subscription that waits for its `subd`. This user may read, so it is not
    // named.
    client.send(json!({"op": "cast", "ch": "room-1", "data": 1})).await;
    let answer = client.next_op("err").await;
    assert_eq!((&answer["code"], &answer["ch"]), (&json!("forbidden"), &Value::Null));
    assert!(answer["message"].as_str().unwrap().contains("room-1"), "{answer}");
    client.send(json!({"op": "cast", "ch": "secret", "data": 1})).await;
    let answer = client.next_op("err").await;
    assert_eq!((&answer["code"], &answer["ch"]), (&json!("forbidden"), &json!("secret")));
    client.round_trip().await;
}

#[tokio::test]
async fn http_may_do_what_the_token_grants() {
    let server = Server::start(&["--token-secret", SECRET]);
    let bearer = format!("Bearer {}", reader());
    for (method, ch, expected) in [
        ("GET", "room-1", 404),
        ("GET", "outbox", 403),
        ("POST", "outbox", 201),
        ("POST", "room-1", 403),
        ("POST", "both", 201),
        ("GET", "both", 200),
    ] {
        let url = server.url(&format!("/channels/{ch}/messages"));
        let (status, answer) = request(method, url, &[("authorization", &bearer)], b"1").await;
        assert_eq!(status, expected, "{method} {ch}: {answer}");
        if status == 403 {
            assert_eq!((&answer["code"], &answer["ch"]), (&json!("forbidden"), &json!(ch)));
        }
    }
}

#[tokio::test]
async fn a_malformed_claim_grants_nothing() {
    let server = Server::start(&["--token-secret", SECRET]);
    for channels in [json!(null), json!(["c"]), json!({"read": "c"}), json!({"reads": ["c"]})] {
        let bearer = format!("Bearer {}", token_for(channels.clone()));
        let url = server.url("/channels/c/messages");
        assert_eq!(request("GET", url, &[("authorization", &bearer)], b"").await.0, 401, "{channels}");
    }
}

#[tokio::test]
async fn a_fresh_token_ends_subscriptions_it_does_not_grant() {
    let server = Server::start(&["--token-secret", SECRET]);
    let mut client = Client::greeted_with(&server, "c", Some(reader())).await;
    for ch in ["room-1", "both"] {
        client.sub(ch, 10, json!({"from": "tail"})).await;
        client.next_op("subd").await;
        client.next_op("live").await;
    }
    client.send(json!({"op": "token", "token": token_for(json!({"read": ["both"], "write": ["*"]}))})).await;
    let answer = client.next_op("err").await;
    assert_eq!((&answer["code"], &answer["ch"]), (&json!("forbidden"), &json!("room-1")));
    assert!(answer["retry_after_ms"].is_u64(), "a subscription ends with a retry");
    client.send(json!({"op": "pub", "ch": "room-1", "key": "k", "data": 1})).await;
    client.next_op("puback").await;
    client.round_trip().await; // and no message of room-1 comes
    client.sub("room-1", 10, json!({"from": "tail"})).await;
    assert_eq!(client.next_op("err").await["retry_after_ms"], Value::Null);
    client.send(json!({"op": "pub", "ch": "both", "key": "k", "data": 2})).await;
    let ops = [client.next().await["op"].clone(), client.next().await["op"].clone()];
    assert!(ops.contains(&json!("msgs")) && ops.contains(&json!("puback")), "{ops:?}");
}
