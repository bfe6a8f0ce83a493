//! What is refused is counted by its reason, and logged with the address and the user: once, and then how often.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Client, PATIENCE, SECRET, Server, eventually, request, token, token_with};

/// Asserts how often each of these was refused, and nothing else.
async fn assert_refused(server: &Server, expected: &[(&str, f64)]) {
    let (_, text) = request("GET", server.url("/metrics"), &[], b"").await;
    let counted = text.as_str().unwrap().lines().filter_map(|line| {
        let (reason, count) = line.strip_prefix("seamline_refused_total{reason=\"")?.split_once("\"} ")?;
        let count: f64 = count.parse().unwrap();
        (count > 0.0).then(|| (reason.to_owned(), count))
    });
    let mut counted: Vec<_> = counted.collect();
    let mut expected: Vec<_> = expected.iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
    counted.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(counted, expected, "{}", server.stderr());
}

/// The lines about what was refused, as JSON.
fn lines(server: &Server) -> Vec<Value> {
    let lines = server.stderr();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| line["fields"].clone()).filter(|fields| fields["reason"].is_string()).collect()
}

/// The only line of a reason.
#[track_caller]
fn line(server: &Server, reason: &str) -> Value {
    let mut lines = lines(server);
    lines.retain(|line| line["reason"] == reason);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[tokio::test]
async fn refused_sockets_are_counted_and_logged() {
    let args = ["--log-format", "json", "--token-secret", SECRET, "--hello-timeout-ms", "300"];
    let limits = ["--max-connections-per-user", "1", "--trusted-proxies", "127.0.0.1"];
    let server = Server::start(&[&args[..], &limits].concat());
    let from = [("origin", "https://evil.example"), ("x-forwarded-for", "[2001:db8::7]:4711")];
    assert_eq!(Client::try_connect_with(&server, &from).await.err(), Some(403));
    assert_eq!(Client::try_connect(&server, Some("mqtt")).await.err().unwrap().0, 400);
    let mut silent = Client::connect(&server).await;
    assert_eq!(silent.closed().await.0, 4408);
    let hello = async |frame: Value| {
        let mut client = Client::connect(&server).await;
        client.send(frame).await;
        client.next_op("err").await;
        client.closed().await.0
    };
    let as_user = |token: String| json!({"op": "hello", "v": 1, "client_id": "c", "token": token});
    assert_eq!(hello(as_user(token_with("ada", "another", 60))).await, 4401);
    assert_eq!(hello(json!({"op": "hello", "v": 2, "client_id": "c"})).await, 4400);
    assert_eq!(hello(json!({"op": "sub"})).await, 4400);
    let _first = Client::greeted_with(&server, "a", Some(token("ada"))).await;
    assert_eq!(hello(as_user(token("ada"))).await, 4429);
    let expected = [
        ("origin", 1.0),
        ("subprotocol", 1.0),
        ("hello_timeout", 1.0),
        ("token", 1.0),
        ("version", 1.0),
        ("frame", 1.0),
        ("user_sockets", 1.0),
    ];
    assert_refused(&server, &expected).await;
    let origin = line(&server, "origin");
    assert_eq!(origin["address"], "2001:db8::7");
    assert!(origin["message"].as_str().unwrap().contains("https://evil.example"), "{origin}");
    let user = line(&server, "user_sockets");
    assert_eq!((&user["user"], &user["address"]), (&json!("ada"), &json!("127.0.0.1")));
    assert_eq!(lines(&server).len(), 7);
}

#[tokio::test]
async fn refused_requests_are_counted_and_logged() {
    let args = ["--log-format", "json", "--token-secret", SECRET, "--max-publishes-per-second", "1"];
    let server = Server::start(&[&args[..], &["--max-frame-bytes", "1024"]].concat());
    let bearer = format!("Bearer {}", token("ada"));
    let headers = [("authorization", &*bearer)];
    let url = |path: &str| server.url(path);
    assert_eq!(request("GET", url("/channels/c"), &[], b"").await.0, 401);
    assert_eq!(request("GET", url("/channels/c"), &headers, b"").await.0, 404, "an answer, no refusal");
    assert_eq!(request("POST", url("/channels/c/messages"), &headers, b"nonsense").await.0, 400);
    assert_eq!(request("POST", url("/channels/c/messages"), &headers, &[b'1'; 2000]).await.0, 413);
    let mut too_fast = 0.0;
    for _ in 0..30 {
        let (status, _) = request("POST", url("/channels/c/messages"), &headers, b"1").await;
        too_fast += f64::from(status == 429);
    }
    let counts = [("token", 1.0), ("invalid", 1.0), ("too_large", 1.0), ("rate_limit", too_fast)];
    assert_refused(&server, &counts).await;
    assert_eq!(lines(&server).iter().find(|line| line["reason"] == "rate_limit").unwrap()["user"], "ada");
}

/// What a token does not grant is refused on a socket that stays open.
#[tokio::test]
async fn refused_subscriptions_are_counted_and_logged() {
    let server = Server::start(&["--log-format", "json", "--max-channels", "1"]);
    let mut client = Client::greeted(&server, "a").await;
    client.sub("c", 10, json!({"from": "start"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    client.sub("d", 10, json!({"from": "start"})).await;
    client.next_op("err").await;
    client.sub("", 10, json!({"from": "start"})).await;
    client.next_op("err").await;
    client.send(json!({"op": "future"})).await;
    client.next_op("err").await;
    assert_refused(&server, &[("subscriptions", 1.0), ("invalid", 1.0)]).await;
}

/// A flood has one line, and then one with the number of the others.
#[tokio::test]
async fn a_flood_of_refusals_does_not_fill_the_logs() {
    let server = Server::start(&["--log-format", "json", "--token-secret", SECRET]);
    for _ in 0..40 {
        assert_eq!(request("GET", server.url("/channels/c"), &[], b"").await.0, 401);
    }
    assert_refused(&server, &[("token", 40.0)]).await;
    assert_eq!(line(&server, "token")["more"], Value::Null, "the others follow when the window ends");
    eventually("the line about the others", || lines(&server).len() == 2).await;
    let others = lines(&server)[1]["more"].as_u64().unwrap();
    assert_eq!(others, 38, "the first and the last one have lines");
}

#[tokio::test]
async fn connections_beyond_a_limit_are_counted() {
    let args = ["--log-format", "json", "--max-connections-per-ip", "2", "--header-timeout-ms", "600000"];
    let server = Server::start(&args);
    let mut sockets = vec![Client::greeted(&server, "a").await, Client::greeted(&server, "b").await];
    assert_eq!(Client::try_connect(&server, Some("seamline.v1")).await.err().unwrap().0, 429);
    sockets.clear();
    let silent = [TcpStream::connect(&server.address).await, TcpStream::connect(&server.address).await];
    let refused = || lines(&server).iter().any(|line| line["reason"] == "address_connections");
    let mut more = Vec::new();
    let start = std::time::Instant::now();
    while !refused() {
        assert!(start.elapsed() < PATIENCE, "{}", server.stderr());
        more.push(TcpStream::connect(&server.address).await.unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(line(&server, "address_sockets")["address"], "127.0.0.1");
    drop((silent, more));
}
