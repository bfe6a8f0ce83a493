//! The HTTP API: errors that say what is wrong, paging, files, and disconnecting a client.

use serde_json::json;

use crate::access::token_for;
use crate::support::{Client, Got, SECRET, Server, request, token};

#[tokio::test]
async fn errors_are_json_with_a_code_and_message() {
    let server = Server::start(&["--max-frame-bytes", "2000"]);
    let large = format!("\"{}\"", "x".repeat(2000));
    let long_name = format!("/channels/{}/messages", "x".repeat(201));
    let path = "/channels/c/messages";
    let key = "k".repeat(201);
    let table = [
        ("POST", path, vec![], r#"{"a": tru}"#, 400, "bad_json", "line 1 column"),
        ("POST", path, vec![], "", 400, "bad_json", "EOF"),
        ("POST", path, vec![], "1 2", 400, "bad_json", "trailing"),
        ("POST", path, vec![], large.as_str(), 413, "too_large", "2000 bytes"),
        ("POST", long_name.as_str(), vec![], "1", 400, "bad_channel", "200 bytes"),
        ("POST", "/channels/%0a/messages", vec![], "1", 400, "bad_channel", "control"),
        ("POST", "/channels/%ff/messages", vec![], "1", 400, "bad_channel", ""),
        ("POST", path, vec![("idempotency-key", key.as_str())], "1", 400, "bad_key", "200 bytes"),
        ("GET", "/channels/c/messages?limit=0", vec![], "", 400, "bad_query", "`limit`"),
        ("GET", "/channels/c/messages?limit=1001", vec![], "", 400, "bad_query", "`limit`"),
        ("GET", "/channels/c/messages?after=x", vec![], "", 400, "bad_query", "after"),
    ];
    for (method, path, headers, body, status, code, word) in table {
        let (got, answer) = request(method, server.url(path), &headers, body.as_bytes()).await;
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{method} {path}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(word), "{method} {path}: {answer}");
    }
    assert_eq!(request("GET", server.url(path), &[], b"").await.0, 404, "nothing was stored");
}

#[tokio::test]
async fn a_channel_is_read_page_by_page() {
    let server = Server::start(&[]);
    server.publish_all("a/b é", 1..=1).await;
    server.publish_all("c", 1..=150).await;
    let page = request("GET", server.url("/channels/c/messages"), &[], b"").await.1;
    assert_eq!(page["messages"].as_array().unwrap().len(), 100);
    let url = server.url("/channels/c/messages?after=148&limit=5");
    let page = request("GET", url, &[], b"").await.1;
    assert_eq!((&page["first"], &page["head"]), (&json!(1), &json!(150)));
    assert_eq!(page["messages"][1]["data"], json!({"i": 150}));
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
    let url = server.url("/channels/c/messages?after=18446744073709551615");
    assert_eq!(request("GET", url, &[], b"").await.1["messages"], json!([]));
    let url = server.url("/channels/a%2Fb%20%C3%A9/messages");
    assert_eq!(request("GET", url, &[], b"").await.1["head"], 1);
}

#[tokio::test]
async fn a_channel_is_read_backwards() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=150).await;
    let read = async |query: &str| {
        let url = server.url(&format!("/channels/c/messages?{query}"));
        let (status, page) = request("GET", url, &[], b"").await;
        let messages = page["messages"].as_array().cloned().unwrap_or_default();
        (status, messages.iter().map(|message| message["offset"].as_u64().unwrap()).collect::<Vec<_>>())
    };
    let run = |range: std::ops::RangeInclusive<u64>| (200, range.collect::<Vec<_>>());
    assert_eq!(read("last=3").await, run(148..=150));
    assert_eq!(read("last=1000").await, run(1..=150));
    assert_eq!(read("before=148&limit=2").await, run(146..=147));
    assert_eq!(read("before=148").await, run(48..=147), "100 by default");
    assert_eq!(read("before=1000&limit=1").await, run(150..=150));
    assert_eq!(read("before=1").await, (200, vec![]));
    for bad in ["last=0", "last=1001", "last=3&limit=2", "last=3&before=9", "after=1&before=9", "before=x"] {
        assert_eq!(read(bad).await.0, 400, "{bad}");
    }
    let url = server.url("/channels/new/messages?last=3");
    assert_eq!(request("GET", url, &[], b"").await.1["code"], "unknown_channel");
}

#[tokio::test]
async fn a_backend_reads_the_position_of_a_channel() {
    let server = Server::start(&["--token-secret", SECRET]);
    let get = async |ch: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        request("GET", server.url(&format!("/channels/{ch}")), &[("authorization", &bearer)], b"").await
    };
    let reader = token_for(json!({"read": ["c", "a/b"], "write": []}));
    assert_eq!(request("GET", server.url("/channels/c"), &[], b"").await.0, 401);
    let (status, answer) = get("secret", &reader).await;
    assert_eq!((status, &answer["code"], &answer["ch"]), (403, &json!("forbidden"), &json!("secret")));
    assert_eq!(get("%0a", &reader).await.0, 400);
    for path in ["a%2Fb", "a%2Fb/messages", "a%2Fb", "a%2Fb/messages"] {
        let (status, answer) = get(path, &reader).await;
        assert_eq!((status, &answer["code"]), (404, &json!("unknown_channel")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("`a/b`"), "{answer}");
    }
    server.publish_all_as("c", 1..=3, token("ada")).await;
    let (status, state) = get("c", &reader).await;
    assert_eq!((status, &state["first"], &state["head"]), (200, &json!(1), &json!(3)));
    let mut client = Client::greeted_with(&server, "c", Some(reader)).await;
    let position = json!({"epoch": state["epoch"], "offset": state["head"], "id": state["last_id"]});
    client.sub("c", 10, json!({"position": position})).await;
    let answer = client.next_op("subd").await;
    assert_eq!((&answer["at"], &answer["resumed"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn files_are_served_with_their_types() {
    let www = tempfile::TempDir::new().unwrap();
    std::fs::write(www.path().join("index.html"), "<p>hello</p>").unwrap();
    std::fs::write(www.path().join("a.wasm"), b"\0asm").unwrap();
    let server = Server::start(&["--www", www.path().to_str().unwrap()]);
    for (path, mime) in [("/", "text/html"), ("/a.wasm", "application/wasm")] {
        let url = server.url(path);
        let response = tokio::task::spawn_blocking(move || ureq::get(url).call().unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], mime, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let answer = request("GET", server.url(path), &[], b"").await;
        assert_eq!(answer, (200, json!({"status": "ok", "log": "ok"})), "{path}");
    }
    assert_eq!(request("GET", server.url("/../Cargo.toml"), &[], b"").await.0, 404);
}

#[tokio::test]
async fn a_demonstration_can_disconnect_a_client() {
    let server = Server::start(&["--demo"]);
    let mut client = Client::greeted(&server, "ada").await;
    let mut other = Client::greeted(&server, "bob").await;
    let (status, answer) = request("POST", server.url("/debug/drop?client_id=ada"), &[], b"").await;
    assert_eq!((status, answer), (200, json!({"dropped": 1})));
    assert_eq!(client.got().await, Got::Disconnected, "without a close frame");
    other.round_trip().await;

    let server = Server::start(&[]);
    assert_eq!(request("POST", server.url("/debug/drop?client_id=ada"), &[], b"").await.0, 404);
}
