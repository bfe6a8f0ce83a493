//! SIGTERM: clients learn when to reconnect, publications are finished, and the process exits with 0.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, PATIENCE, Server, eventually, request};

#[tokio::test]
async fn a_drain_is_announced_and_ends_with_1012() {
    let mut server = Server::start(&["--hello-timeout-ms", "60000"]);
    let mut client = Client::greeted(&server, "c").await;
    let mut silent = Client::connect(&server).await;
    for i in 0..50 {
        client.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": i})).await;
    }
    client.next_op("puback").await;
    server.terminate();
    let (mut acknowledged, mut drained) = (1, false);
    let close = loop {
        match client.got().await {
            crate::support::Got::Frame(frame) if frame["op"] == "drain" => {
                let wait_ms = frame["reconnect_in_ms"].as_u64().unwrap();
                assert!((100..1000).contains(&wait_ms), "{wait_ms}");
                drained = true;
            }
            crate::support::Got::Frame(frame) => {
                assert_eq!(frame["op"], "puback", "{frame}");
                acknowledged += 1;
            }
            end => break end,
        }
    };
    assert_eq!(close, crate::support::Got::Closed(1012, "the server restarts".into()));
    assert!(drained);
    assert_eq!(silent.closed().await.0, 1012, "even before hello");
    assert_eq!(server.ended().await.code(), Some(0));

    // A trusted store is checked only if it was not closed.
    server.restart_with(&["--trust-store"]);
    assert!(!server.stderr().contains("not closed properly"), "{}", server.stderr());
    let head = server.read("c", 0).await["head"].as_u64().unwrap();
    assert!(head >= acknowledged, "{acknowledged} were acknowledged, {head} are there");
}

#[tokio::test]
async fn an_unresponsive_client_delays_a_drain_by_seconds_only() {
    let mut server = Server::start(&[]);
    let _silent = Client::greeted(&server, "c").await;
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
}

/// A load balancer sees that it is not ready, and meanwhile its clients are served.
#[tokio::test]
async fn a_delayed_drain_serves_until_it_begins() {
    const DELAY: Duration = Duration::from_secs(10); // enough for some requests, also on a busy machine
    let mut server = Server::start(&["--drain-delay", &format!("{}s", DELAY.as_secs())]);
    let mut client = Client::greeted(&server, "c").await;
    assert_eq!(ready(&server).await.0, 200);
    let signaled = Instant::now();
    server.terminate();
    while ready(&server).await.0 == 200 {
        assert!(signaled.elapsed() < PATIENCE, "it stays ready");
    }
    assert_eq!(ready(&server).await, (503, "draining".into()));
    let mut late = Client::greeted(&server, "late").await;
    server.publish("c", json!(1)).await;
    client.round_trip().await;
    assert!(signaled.elapsed() < DELAY, "the machine was too slow to see it");
    for client in [&mut client, &mut late] {
        client.next_op("drain").await;
        assert_eq!(client.closed().await.0, 1012);
    }
    assert!(signaled.elapsed() >= DELAY, "{:?}", signaled.elapsed());
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_wait() {
    let mut server = Server::start(&["--drain-delay", "1h"]);
    let mut client = Client::greeted(&server, "c").await;
    server.terminate();
    eventually("the server to wait", || server.stderr().contains("not ready from now on")).await;
    server.terminate();
    client.next_op("drain").await;
    // The client does not answer the close. One more signal, and nobody waits for it.
    server.terminate();
    let since = Instant::now();
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
}

async fn ready(server: &Server) -> (u16, String) {
    let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
    (status, body["status"].as_str().unwrap_or_default().to_owned())
}

/// They must not all reconnect within one second: 2 ms for each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_reconnect_over_a_longer_time() {
    // More than 500, where the spread begins; and these tests together may have no more than 1024 files open.
    const COUNT: u64 = 540;
    let server = Server::start(&["--max-connections-per-ip", "0"]);
    let mut clients = Vec::new();
    for i in 0..COUNT {
        clients.push(Client::greeted(&server, &format!("c{i}")).await);
    }
    server.terminate();
    let mut waits_ms = Vec::new();
    for mut client in clients {
        waits_ms.push(client.next_op("drain").await["reconnect_in_ms"].as_u64().unwrap());
    }
    assert!(waits_ms.iter().all(|wait_ms| (100..2 * COUNT).contains(wait_ms)), "{waits_ms:?}");
    for tenth in 1u64..11 {
        let range = tenth * 100..(tenth + 1) * 100; // the last one is shorter
        let within = waits_ms.iter().filter(|wait_ms| range.contains(*wait_ms)).count();
        assert!((10..150).contains(&within), "{within} of {COUNT} come back within {range:?} ms");
    }
}
