//! Refusals in the plain dialect: the same authorization, limits and origins as for `seamline.v1`, and the same close
//! codes.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use crate::support::{Client, Got, SECRET, Server, now_s, token, token_with};

const QUERY: &str = "conversation_id=c&client_id=tab";

#[tokio::test]
async fn a_bad_request_is_explained() {
    let server = Server::start(&[]);
    for (query, why) in [
        ("", "seamline.v1"),
        ("client_id=tab", "conversation_id"),
        ("conversation_id=", "conversation_id"),
        ("conversation_id=c&client_id=", "client_id"),
        ("conversation_id=c&last_message_id=yesterday", "<milliseconds>-<sequence>"),
    ] {
        let (status, text) = Client::open(&server, query, &[]).await.err().unwrap();
        assert_eq!(status, 400, "{query}");
        assert!(text.contains(why), "{query}: {text}");
    }
    // A browser closes a connection that gets another subprotocol than it asked for, or none.
    let asked = [("sec-websocket-protocol", "mqtt")];
    assert_eq!(Client::open(&server, QUERY, &asked).await.err().unwrap().0, 400);
}

#[tokio::test]
async fn a_token_limits_who_connects_and_how_long() {
    let server = Server::start(&["--token-secret", SECRET]);
    server.publish_all_as("c", 1..=1, token("ada")).await;
    let other = token_with("eve", "another secret", 3600);
    let old = token_with("eve", SECRET, -5);
    for (token, why) in [(None, "a token is required"), (Some(&other), "signature"), (Some(&old), "expired")]
    {
        let token = token.map(|token| format!("&token={token}")).unwrap_or_default();
        let mut client = Client::plain(&server, &format!("{QUERY}{token}")).await;
        let Got::Closed(4401, reason) = client.got().await else { panic!("{why}: it was let in") };
        assert!(reason.contains(why), "{reason}");
    }
    let mut client = Client::plain(&server, &format!("{QUERY}&token={}", token_with("ada", SECRET, 5))).await;
    assert_eq!(client.next().await["sequence_number"], 1);
    assert_eq!(client.got().await, Got::Closed(4401, "token expired".into()));
    assert!(!server.stderr().contains(&token("ada")[..20]), "tokens are not logged");
}

#[tokio::test]
async fn a_token_limits_reading_and_writing() {
    let server = Server::start(&["--token-secret", SECRET]);
    let claims = json!({"sub": "ada", "exp": now_s() + 60, "channels": {"read": ["c"]}});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let reader = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let mut refused = Client::plain(&server, &format!("conversation_id=d&token={reader}")).await;
    assert_eq!(refused.closed().await.0, 4403);

    server.publish_all_as("c", 1..=1, token("bob")).await;
    let mut ada = Client::plain(&server, &format!("{QUERY}&token={reader}")).await;
    let mut bob = Client::plain(&server, &format!("conversation_id=c&token={}", token("bob"))).await;
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.next().await["sequence_number"], 1); // they listen now
    }
    ada.send(json!({"type": "typing", "user_id": "ada"})).await;
    bob.send(json!({"type": "typing", "user_id": "bob"})).await;
    assert_eq!(ada.next().await["user_id"], "bob");
    server.publish_all_as("c", 2..=2, token("bob")).await;
    assert_eq!(bob.next().await["sequence_number"], 2, "ada's event was not passed on");
}

#[tokio::test]
async fn plain_connections_have_the_same_limits() {
    let server = Server::start(&["--token-secret", SECRET, "--max-connections-per-user", "1"]);
    server.publish_all_as("c", 1..=1, token("bob")).await;
    let query = format!("{QUERY}&token={}", token("ada"));
    let mut first = Client::plain(&server, &query).await;
    first.next().await; // it is connected
    let mut second = Client::plain(&server, &query).await;
    assert_eq!(second.closed().await.0, 4429);

    let server = Server::start(&["--max-connections-per-ip", "2", "--max-frame-bytes", "1024"]);
    let mut first = Client::plain(&server, QUERY).await;
    // Two, because for a moment a socket also counts as the connection that it was.
    let _second = Client::plain(&server, QUERY).await;
    assert_eq!(Client::open(&server, QUERY, &[]).await.err().unwrap().0, 429);
    first.send(json!({"type": "typing", "x": "x".repeat(1024)})).await;
    assert_eq!(first.closed().await.0, 1009);
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let server = Server::start(&[]);
    let (status, _) = Client::open(&server, QUERY, &[("origin", "https://example.org")]).await.err().unwrap();
    assert_eq!(status, 403);
    assert!(Client::open(&server, QUERY, &[("origin", "http://localhost:8000")]).await.is_ok());
}

#[tokio::test]
async fn a_frame_that_is_not_an_object_closes() {
    let server = Server::start(&[]);
    for bad in ["ping", "7", "[]", r#"{"type":"ack"}"#, r#"{"type":"ack","msg_id":"a uuid"}"#] {
        let mut client = Client::plain(&server, QUERY).await;
        client.send_text(bad.into()).await;
        assert_eq!(client.closed().await.0, 4400, "{bad}");
    }
    let mut client = Client::plain(&server, QUERY).await;
    client.send_binary(vec![1]).await;
    assert_eq!(client.closed().await.0, 4400);
}

#[tokio::test]
async fn a_drain_closes_with_1012() {
    let mut server = Server::start(&[]);
    let mut client = Client::plain(&server, QUERY).await;
    server.publish("c", json!(1)).await;
    client.next().await;
    server.terminate();
    assert_eq!(client.closed().await, (1012, "the server restarts".into()));
    assert_eq!(server.ended().await.code(), Some(0));
}
