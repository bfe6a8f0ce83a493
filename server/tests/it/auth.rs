//! Tokens: which are rejected, and what happens to an open connection when its token expires.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use crate::support::{Client, SECRET, Server, now_s, request, token, token_with};

fn with_secret() -> Server {
    Server::start(&["--token-secret", SECRET])
}

fn signed(algorithm: Algorithm, claims: serde_json::Value) -> String {
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// `alg: none`, made by hand: no library signs that.
fn unsigned() -> String {
    // {"alg":"none","typ":"JWT"} . {"sub":"eve","exp":9999999999} .
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJldmUiLCJleHAiOjk5OTk5OTk5OTl9.".into()
}

/// A token with further fields in its header.
fn with_header(more: serde_json::Value) -> String {
    let mut header = serde_json::to_value(Header::new(Algorithm::HS256)).unwrap();
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header: Header = serde_json::from_value(header).unwrap();
    let claims = json!({"sub": "eve", "exp": now_s() + 3600});
    encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn bad_tokens() -> Vec<(Option<String>, &'static str)> {
    let soon = now_s() + 3600;
    vec![
        (None, "a token is required"),
        (Some("nonsense".into()), "malformed"),
        (Some(String::new()), "malformed"),
        (Some(token_with("eve", "another secret", 3600)), "signature"),
        (Some(token_with("eve", SECRET, -5)), "expired"),
        (Some(token_with("eve", SECRET, 0)), "expired"),
        (Some(with_header(json!({"crit": ["urn:example:cnf"], "urn:example:cnf": 1}))), "`crit`"),
        (Some(with_header(json!({"crit": []}))), "`crit`"),
        (Some(with_header(json!({"crit": ["b64"], "b64": false}))), "`crit`"),
        (Some(with_header(json!({"b64": false}))), "`b64`"),
        (Some(unsigned()), ""),
        (Some(signed(Algorithm::HS512, json!({"sub": "eve", "exp": soon}))), "HS256"),
        (Some(signed(Algorithm::HS256, json!({"sub": "eve"}))), "`exp`"),
        (Some(signed(Algorithm::HS256, json!({"exp": soon}))), "`sub`"),
        (Some(signed(Algorithm::HS256, json!({"sub": "eve", "exp": soon, "nbf": soon}))), "not valid yet"),
        (Some(signed(Algorithm::HS256, json!({"sub": "eve", "exp": soon, "nbf": null}))), "malformed"),
        (Some(signed(Algorithm::HS256, json!({"sub": "eve", "exp": soon, "nbf": "1"}))), "malformed"),
        (Some(signed(Algorithm::HS256, json!({"sub": "eve", "exp": soon.to_string()}))), "malformed"),
        (Some(signed(Algorithm::HS256, json!({"sub": ["eve"], "exp": soon}))), "malformed"),
    ]
}

#[tokio::test]
async fn a_socket_needs_a_valid_token() {
    let server = with_secret();
    for (token, word) in bad_tokens() {
        let mut client = Client::connect(&server).await;
        client.send(json!({"op": "hello", "v": 1, "client_id": "c", "token": token})).await;
        let answer = client.next_op("err").await;
        assert_eq!(answer["code"], "unauthorized");
        assert!(answer["message"].as_str().unwrap().contains(word), "{token:?}: {answer}");
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4401, "{token:?}");
        assert!(reason.contains(word), "{reason}");
    }
    Client::greeted_with(&server, "c", Some(token("ada"))).await.round_trip().await;
}

#[tokio::test]
async fn http_needs_a_valid_token() {
    let server = with_secret();
    let url = || server.url("/channels/c/messages");
    for (token, word) in bad_tokens() {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        for method in ["GET", "POST"] {
            let (status, answer) = request(method, url(), &headers, b"1").await;
            assert_eq!((status, &answer["code"]), (401, &json!("unauthorized")));
            // Over HTTP, an empty token counts as none.
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains(word) || message.contains("required"), "{answer}");
        }
    }
    let bearer = format!("Bearer {}", token("ada"));
    assert_eq!(request("POST", url(), &[("authorization", &bearer)], b"1").await.0, 201);
    assert_eq!(request("GET", url(), &[("authorization", &bearer)], b"").await.0, 200);
    assert_eq!(request("GET", server.url("/healthz"), &[], b"").await.0, 200);
}

#[tokio::test]
async fn a_connection_closes_when_its_token_expires() {
    let server = with_secret();
    let mut client = Client::greeted_with(&server, "c", Some(token_with("ada", SECRET, 5))).await;
    assert_eq!(client.closed().await, (4401, "token expired".into()));
}

#[tokio::test]
async fn a_fresh_token_keeps_a_connection_alive() {
    let server = with_secret();
    let mut client = Client::greeted_with(&server, "c", Some(token_with("ada", SECRET, 5))).await;
    let ends = now_s() + 8;
    client.send(json!({"op": "token", "token": token_with("ada", SECRET, 8)})).await;
    assert_eq!(client.closed().await, (4401, "token expired".into()));
    assert!(now_s() >= ends, "it ended with the first token");
}

#[tokio::test]
async fn a_rejected_fresh_token_closes_the_connection() {
    let server = with_secret();
    for (fresh, code) in [(token_with("ada", "another", 60), 4401), (token("eve"), 4403)] {
        let mut client = Client::greeted_with(&server, "c", Some(token("ada"))).await;
        client.send(json!({"op": "token", "token": fresh})).await;
        client.next_op("err").await;
        assert_eq!(client.closed().await.0, code);
    }
}
