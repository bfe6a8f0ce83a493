//! What operators see: `/metrics`, one line per recovery, logs as JSON; and what they never see.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{
    Client, Redis, SEAM_DELAY_MS, SECRET, Server, offsets, request, shown, token, token_with,
};

#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=10).await;
    let mut client = Client::greeted(&server, "reader").await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    client.sub("c", 100, json!({"position": {"epoch": epoch, "offset": 4}})).await;
    while client.next().await["op"] != "live" {}
    server.publish("c", json!(11)).await;
    client.next_op("msgs").await;
    for (name, expected) in [
        ("seamline_messages_appended_total", 11.0),
        ("seamline_messages_replayed_total", 6.0),
        ("seamline_messages_delivered_total", 1.0),
        ("seamline_replay_messages_sum", 6.0),
        ("seamline_recoveries_total", 1.0),
        ("seamline_recoveries_with_gap_total", 0.0),
        ("seamline_resyncs_total", 0.0),
        ("seamline_duplicates_sent_total", 0.0),
        ("seamline_sockets_given_up_total", 0.0),
        ("seamline_append_to_socket_seconds_count", 1.0),
        ("seamline_connections", 1.0),
        ("seamline_log_up", 1.0),
    ] {
        assert_eq!(server.metric(name).await, expected, "{name}");
    }
    let lines = server.stderr();
    assert_eq!(lines.lines().filter(|line| line.contains("recovered")).count(), 1, "{lines}");
}

/// Messages published between subscribing and reading are in the replay and in the live stream.
#[tokio::test]
async fn metrics_count_duplicates() {
    let (server, mut client) = shown(async || {
        let server = Server::start(&["--unsafe-seam-delay-ms", SEAM_DELAY_MS]);
        server.publish_all("c", 1..=3).await;
        let mut client = Client::greeted(&server, "reader").await;
        let since = Instant::now();
        client.sub("c", 100, json!({"from": "start"})).await;
        server.publish_in_the_seam(since, "c", 4..=5).await.then_some((server, client))
    })
    .await;
    let mut sent = Vec::new();
    while sent.len() < 7 {
        let frame = client.next().await;
        if frame["op"] == "msgs" {
            sent.extend(offsets(&frame));
        }
    }
    assert_eq!(sent, [1, 2, 3, 4, 5, 4, 5]);
    assert_eq!(server.metric("seamline_duplicates_sent_total").await, 2.0);
}

#[tokio::test]
async fn metrics_count_refused_publications_by_code() {
    let server = Server::start(&["--max-publishes-per-second", "1"]);
    let mut client = Client::greeted(&server, "c").await;
    let mut too_fast = 0.0;
    for i in 0..30 {
        client.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": i})).await;
    }
    for _ in 0..30 {
        too_fast += f64::from(client.next().await["code"] == "too_fast");
    }
    client.send(json!({"op": "pub", "ch": "", "key": "k", "data": 1})).await;
    client.next_op("pubnack").await;
    request("POST", server.url("/channels/c/messages"), &[], b"nonsense").await;
    let refused =
        async |code| server.metric(&format!("seamline_publications_refused_total{{code=\"{code}\"}}")).await;
    assert!(too_fast > 0.0);
    assert_eq!(refused("too_fast").await, too_fast);
    assert_eq!((refused("bad_channel").await, refused("bad_json").await), (1.0, 1.0));
}

#[tokio::test]
async fn logs_can_be_json() {
    let mut server = Server::start(&["--log-format", "json", "--token-secret", SECRET]);
    Client::greeted_with(&server, "c", Some(token("ada"))).await.close().await;
    server.terminate();
    server.ended().await;
    let log = server.stderr();
    assert!(log.lines().count() > 1);
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "{line}");
    }
}

/// At no log level: the servers of the tests run with RUST_LOG=trace.
#[tokio::test]
async fn tokens_and_payloads_are_never_logged() {
    let redis = Redis::start();
    for log in ["embedded", &redis.url()] {
        let server = Server::start(&["--token-secret", SECRET, "--log", log]);
        let secrets = tell_secrets(&server).await;
        if log != "embedded" {
            // An error from Redis may quote the command.
            redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"1"]);
            tell_secrets(&server).await;
        }
        let log = server.stderr();
        assert!(log.contains("DEBUG"), "{log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} in\n{log}");
        }
    }
}

/// Sends tokens and payloads in every place where they can be, including wrong ones. Returns them.
async fn tell_secrets(server: &Server) -> Vec<String> {
    let tokens = [token("ada"), token_with("ada", "another", 60), "NO-TOKEN-AT-ALL".into()];
    for token in &tokens {
        let mut client = Client::connect(server).await;
        client.send(json!({"op": "hello", "v": 1, "client_id": "c", "token": token})).await;
        if client.next().await["op"] != "welcome" {
            continue;
        }
        client.send(json!({"op": "pub", "ch": "c", "key": "k", "data": "THE-PAYLOAD"})).await;
        client.next().await; // `puback`, or not
        client.sub("c", 10, json!({"from": "start"})).await;
        while client.next().await["op"] != "live" {}
        client.send(json!({"op": "token", "token": token})).await;
        client.send(json!({"op": "cast", "ch": "c", "data": "THE-PAYLOAD"})).await;
        client.send(json!({"op": "future", "data": "THE-PAYLOAD", "token": tokens[1]})).await;
        client.next_op("err").await;
        // A value in a wrong place.
        client.send(json!({"op": "sub", "ch": "c", "credit": "THE-PAYLOAD"})).await;
        client.closed().await;
        let mut client = Client::greeted_with(server, "c", Some(token.clone())).await;
        client.send(json!({"op": "token", "token": tokens[1]})).await;
        client.closed().await;
        let mut client = Client::connect(server).await;
        client.send(json!({"op": "hello", "v": token, "client_id": "c"})).await;
        client.closed().await;
        let bearer = format!("Bearer {token}");
        let url = || server.url("/channels/c/messages");
        request("POST", url(), &[("authorization", &bearer)], br#""THE-PAYLOAD""#).await;
        request("POST", url(), &[("authorization", &bearer)], b"THE-PAYLOAD").await;
        request("GET", url(), &[("authorization", &bearer)], b"").await;
        request("GET", server.url(&format!("/ws?token={token}")), &[], b"").await;
        request("GET", url() + "?token=" + token, &[("authorization", token)], b"").await;
    }
    tokens.into_iter().chain(["THE-PAYLOAD".into(), SECRET.into()]).collect()
}
