//! Limits for one client: sockets per address and per user, publications per second, and time for a request.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Answer, Client, PATIENCE, SECRET, Server, ask, eventually, request, token};

#[tokio::test]
async fn an_address_has_a_limit_of_sockets() {
    let server = Server::start(&["--max-connections-per-ip", "2"]);
    let first = Client::greeted(&server, "a").await;
    let _second = Client::greeted(&server, "b").await;
    let refused = Client::try_connect(&server, Some("seamline.v1")).await.err().unwrap();
    assert_eq!(refused.0, 429);
    first.close().await;
    let start = Instant::now();
    while let Err((status, _)) = Client::try_connect(&server, Some("seamline.v1")).await {
        assert!(status == 429 && start.elapsed() < PATIENCE, "{status}");
    }
}

/// An idle connection holds a file descriptor as well. WebSockets have their own limit.
#[tokio::test]
async fn an_address_has_a_limit_of_idle_connections() {
    // Long enough not to close them.
    let server = Server::start(&["--max-connections-per-ip", "3", "--header-timeout-ms", "600000"]);
    let socket = Client::greeted(&server, "a").await;
    let mut silent = Vec::new();
    let closed_within = async |limit| {
        let mut tcp = TcpStream::connect(&server.address).await.unwrap();
        let closed = timeout(limit, tcp.read(&mut [0])).await;
        (closed.is_ok(), tcp)
    };
    let a_while = Duration::from_millis(300);
    for _ in 0..3 {
        let (closed, tcp) = closed_within(a_while).await;
        assert!(!closed, "a connection within the limit was closed");
        silent.push(tcp);
    }
    assert!(closed_within(PATIENCE).await.0, "a connection beyond the limit stayed open");
    drop(silent);
    let start = Instant::now();
    while closed_within(a_while).await.0 {
        assert!(start.elapsed() < PATIENCE, "the permits were not released");
    }
    socket.close().await;
}

#[tokio::test]
async fn the_address_behind_a_proxy_is_the_forwarded_one() {
    let server = Server::start(&["--max-connections-per-ip", "1", "--trust-forwarded-for"]);
    let header = |ip| [("x-forwarded-for", ip)];
    let _first = Client::try_connect_with(&server, &header("192.0.2.1")).await.unwrap();
    assert_eq!(Client::try_connect_with(&server, &header("192.0.2.1")).await.err(), Some(429));
    Client::try_connect_with(&server, &header("192.0.2.2")).await.unwrap();
}

/// Whose socket it is decides the proxy that the server trusts, and no header of anyone else.
#[tokio::test]
async fn the_last_address_that_is_no_proxy_counts() {
    let limit = ["--max-connections-per-ip", "1", "--trusted-proxies"];
    let server = Server::start(&[&limit[..], &["127.0.0.0/8,10.0.0.0/8"]].concat());
    let from = async |entries| Client::try_connect_with(&server, &[("x-forwarded-for", entries)]).await;
    let _first = from("6.6.6.6, [2001:db8::1]:443, 10.1.2.3:80").await.unwrap();
    assert_eq!(from("7.7.7.7, 2001:db8::2, 10.9.9.9").await.err(), Some(429), "the same /64");
    assert_eq!(from("7.7.7.7, unknown, 2001:db8::2").await.err(), Some(429));
    let _second = from("[2001:db8::1]:443, 203.0.113.9:4711").await.unwrap();
    let _third = from("203.0.113.9, _hidden, 10.1.2.3").await.unwrap(); // counts as the proxy that hides it
    assert_eq!(from("203.0.113.9, unknown, 10.1.2.3").await.err(), Some(429));

    // From others than the proxies, nothing counts but the peer.
    let server = Server::start(&[&limit[..], &["192.0.2.0/24"]].concat());
    let _first = Client::greeted(&server, "a").await;
    let invented = [("x-forwarded-for", "203.0.113.2")];
    assert_eq!(Client::try_connect_with(&server, &invented).await.err(), Some(429));
}

#[tokio::test]
async fn a_proxy_may_use_the_standard_header() {
    let trusted = ["--trusted-proxies", "127.0.0.1", "--forwarded-header", "forwarded"];
    let server = Server::start(&[&trusted[..], &["--max-connections-per-ip", "1"]].concat());
    let from = async |header, entries| Client::try_connect_with(&server, &[(header, entries)]).await;
    let _first = from("forwarded", r#"for=6.6.6.6, For="[2001:db8::1]:443";proto=https"#).await.unwrap();
    assert_eq!(from("forwarded", r#"for="[2001:db8::2]""#).await.err(), Some(429));
    // Only the header that the proxy sets counts.
    let _second = from("x-forwarded-for", "203.0.113.1").await.unwrap();
    assert_eq!(from("x-forwarded-for", "203.0.113.2").await.err(), Some(429));
}

#[tokio::test]
async fn a_user_has_a_limit_of_sockets() {
    let server = Server::start(&["--token-secret", SECRET, "--max-connections-per-user", "2"]);
    let first = Client::greeted_with(&server, "a", Some(token("ada"))).await;
    let _second = Client::greeted_with(&server, "b", Some(token("ada"))).await;
    let _other = Client::greeted_with(&server, "c", Some(token("bob"))).await;
    let mut third = Client::connect(&server).await;
    third.send(json!({"op": "hello", "v": 1, "client_id": "d", "token": token("ada")})).await;
    let answer = third.next_op("err").await;
    assert_eq!((&answer["code"], answer["retry_after_ms"].is_u64()), (&json!("too_many_connections"), true));
    assert_eq!(third.closed().await.0, 4429);
    first.close().await;
    let start = Instant::now();
    loop {
        let mut next = Client::connect(&server).await;
        next.send(json!({"op": "hello", "v": 1, "client_id": "e", "token": token("ada")})).await;
        if next.next().await["op"] == "welcome" {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "the permit was not released");
    }
}

#[tokio::test]
async fn a_socket_has_a_rate_limit() {
    let server = Server::start(&["--max-publishes-per-second", "1"]);
    let mut client = Client::greeted(&server, "a").await;
    let start = Instant::now();
    for i in 0..30 {
        client.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": i})).await;
    }
    let (mut stored, mut refused) = (0, Vec::new());
    for _ in 0..30 {
        let answer = client.next().await;
        if answer["op"] == "puback" {
            stored += 1;
            continue;
        }
        assert_eq!((&answer["op"], &answer["code"]), (&json!("pubnack"), &json!("too_fast")), "{answer}");
        refused.push((answer["key"].clone(), answer["retry_after_ms"].as_u64().unwrap()));
    }
    // Five seconds' worth, and what the rate added meanwhile.
    let most = 6 + start.elapsed().as_secs();
    assert!((5..=most).contains(&stored), "{stored} were stored, {most} at most should be");
    let start = Instant::now();
    let (key, mut wait_ms) = refused.pop().expect("no publication was refused");
    loop {
        assert!((100..=1000).contains(&wait_ms) && start.elapsed() < PATIENCE, "{wait_ms}");
        tokio::time::sleep(Duration::from_millis(wait_ms + 20)).await;
        client.send(json!({"op": "pub", "ch": "c", "key": key, "data": 1})).await;
        let answer = client.next().await;
        if answer["op"] == "puback" {
            return;
        }
        wait_ms = answer["retry_after_ms"].as_u64().unwrap();
    }
}

/// Publishes 30 times over HTTP, all at once, and so faster than once a second however slow the disk is. Checks how
/// many were stored, and returns the refusals.
async fn publish_at_once(server: &Server, headers: &[(&str, &str)]) -> Vec<Answer> {
    let start = Instant::now();
    let publish = || ask("POST", server.url("/channels/c/messages"), headers, b"1");
    let answers = join_all((0..30).map(|_| publish())).await;
    let refused: Vec<_> = answers.into_iter().filter(|answer| answer.status != 201).collect();
    let stored = 30 - refused.len() as u64;
    // Five seconds' worth, and what the rate added meanwhile.
    let most = 6 + start.elapsed().as_secs();
    assert!((5..=most).contains(&stored), "{stored} were stored, {most} at most should be");
    refused
}

#[tokio::test]
async fn a_user_has_a_rate_limit_over_http() {
    let server = Server::start(&["--token-secret", SECRET, "--max-publishes-per-second", "1"]);
    let bearer = |user| format!("Bearer {}", token(user));
    let (ada, bob) = (bearer("ada"), bearer("bob"));
    let refused = publish_at_once(&server, &[("authorization", &ada)]).await;
    for refusal in &refused {
        assert_eq!((refusal.status, &refusal.body["code"]), (429, &json!("too_fast")));
        let wait_ms = refusal.body["retry_after_ms"].as_u64().unwrap();
        assert!((100..=1000).contains(&wait_ms), "{wait_ms}");
        assert_eq!(refusal.headers["retry-after"], "1", "whole seconds");
    }
    // Other users, and requests that are not publications, are not limited.
    let url = || server.url("/channels/c/messages");
    assert_eq!(request("POST", url(), &[("authorization", &bob)], b"1").await.0, 201);
    assert_eq!(request("GET", url(), &[("authorization", &ada)], b"").await.0, 200);
    let mut wait_ms = refused.last().expect("it was too fast").body["retry_after_ms"].as_u64().unwrap();
    let start = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(wait_ms + 20)).await;
        let answer = ask("POST", url(), &[("authorization", &ada)], b"1").await;
        if answer.status == 201 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{}", answer.body);
        wait_ms = answer.body["retry_after_ms"].as_u64().unwrap();
    }
}

#[tokio::test]
async fn an_address_has_a_rate_limit_without_tokens() {
    let server = Server::start(&["--max-publishes-per-second", "1", "--trust-forwarded-for"]);
    let refused = publish_at_once(&server, &[("x-forwarded-for", "192.0.2.1")]).await;
    assert!(!refused.is_empty() && refused.iter().all(|refusal| refusal.status == 429));
    let url = server.url("/channels/c/messages");
    assert_eq!(request("POST", url, &[("x-forwarded-for", "192.0.2.2")], b"1").await.0, 201);
}

#[tokio::test]
async fn an_endless_request_times_out() {
    let server = Server::start(&["--header-timeout-ms", "2000"]);
    for sent in ["", "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] {
        let mut tcp = TcpStream::connect(&server.address).await.unwrap();
        tcp.write_all(sent.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(12), tcp.read_to_end(&mut rest)).await; // 15 by default
        assert!(ended.is_ok(), "still open after {sent:?}");
    }
    // A WebSocket has completed its request: it stays open.
    let mut client = Client::greeted(&server, "a").await;
    tokio::time::sleep(Duration::from_millis(3000)).await;
    client.round_trip().await;
}

/// The head comes in time, but the body does not.
#[tokio::test]
async fn an_endless_body_times_out() {
    let server = Server::start(&["--request-timeout-ms", "300"]);
    let (mut reader, mut writer) = TcpStream::connect(&server.address).await.unwrap().into_split();
    let head = "POST /channels/c/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n";
    writer.write_all(head.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = vec![0; 12];
    timeout(PATIENCE, reader.read_exact(&mut answer)).await.expect("there was no answer").unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408");
    timeout(PATIENCE, dripping).await.expect("the connection is still open").unwrap();
}

/// Answers that nobody reads do not wait forever.
#[tokio::test]
async fn an_unread_answer_times_out() {
    let server = Server::start(&["--send-timeout-ms", "300"]);
    for _ in 0..16 {
        server.publish("c", json!("x".repeat(250_000))).await;
    }
    let mut tcp = TcpStream::connect(&server.address).await.unwrap();
    let get = "GET /channels/c/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    tcp.write_all(get.repeat(10).as_bytes()).await.unwrap(); // 40 MB: more than the system buffers
    eventually("the connection to be closed", || server.stderr().contains("a connection ended")).await;
}
