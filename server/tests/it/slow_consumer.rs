//! A client that does not read delays no other client, costs the server a bounded amount of memory, and gets everything
//! from the log once it reads again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, PATIENCE, Server, eventually, offsets};

/// Slow, not dead: the client may be silent for as long as the test takes on a busy machine.
const PATIENT: [&str; 4] = ["--send-timeout-ms", "300000", "--heartbeat-ms", "300000"];
const COUNT: u64 = 6_000;
const PAYLOAD_BYTES: usize = 4_000;

#[tokio::test]
async fn a_slow_client_gets_everything_from_the_log() {
    let server = Server::start(&PATIENT);
    let mut slow = Client::greeted(&server, "slow").await;
    slow.sub("c", 1_000_000, json!({"from": "tail"})).await;
    slow.next_op("subd").await;
    slow.next_op("live").await;

    let before_kb = server.memory_kb("VmRSS");
    let payload = "x".repeat(PAYLOAD_BYTES);
    let mut publisher = Client::greeted(&server, "publisher").await;
    for batch in 0..COUNT / 200 {
        for i in 0..200 {
            let key = format!("{}", batch * 200 + i);
            publisher.send(json!({"op": "pub", "ch": "c", "key": key, "data": payload})).await;
        }
        for _ in 0..200 {
            publisher.next_op("puback").await;
        }
    }
    // 24 MB were sent. The growth includes what the store keeps of them in memory.
    let grown_kb = server.memory_kb("VmRSS").saturating_sub(before_kb);
    assert!(grown_kb < 60_000, "the server grew by {grown_kb} kB");

    let (mut position, mut replayed) = (0, 0);
    while position < COUNT {
        let frame = slow.next().await;
        if frame["op"] == "msgs" {
            let run = offsets(&frame);
            assert!(run[0] <= position + 1, "a hole: {position}, then {}", run[0]);
            position = position.max(*run.last().unwrap());
            replayed += u64::from(frame["replay"] == true) * run.len() as u64;
        }
    }
    assert!(replayed > 0, "the client was never too slow, so this test shows nothing");
    assert!(server.metric("seamline_resyncs_total").await > 0.0);
    eventually("the resync in the server's logs", || server.stderr().contains("back to the log")).await;

    server.publish("c", json!("after")).await;
    while position <= COUNT {
        let frame = slow.next().await;
        if frame["op"] == "msgs" {
            position = position.max(*offsets(&frame).last().unwrap());
        }
    }
}

/// A socket that reads nothing at all is disconnected, even if its system still answers.
#[tokio::test]
async fn a_client_that_never_reads_is_disconnected() {
    let server = Server::start(&["--send-timeout-ms", "300"]);
    let mut stuck = Client::greeted(&server, "stuck").await;
    stuck.sub("c", 1_000_000, json!({"from": "tail"})).await;
    stuck.round_trip().await;
    let payload = "x".repeat(200_000);
    let mut publisher = Client::greeted(&server, "publisher").await;
    // 40 MB: more than the system buffers.
    for i in 0..200 {
        publisher.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": payload})).await;
    }
    eventually("the client to be disconnected", || server.stderr().contains("disconnected")).await;
    assert_eq!(server.metric("seamline_sockets_given_up_total").await, 1.0);
}

/// A few large frames take longer than a socket may accept nothing; but it always accepts something.
#[tokio::test]
async fn a_client_that_reads_slowly_stays_connected() {
    const FRAMES: u64 = 16;
    const BYTES: usize = 4_000_000; // the system buffers two or three of them
    let server = Server::start(&["--send-timeout-ms", "6000", "--max-frame-bytes", "5000000"]);
    for _ in 0..FRAMES {
        server.publish("c", json!("x".repeat(BYTES))).await;
    }
    let mut slow = Client::greeted(&server, "slow").await;
    slow.sub("c", FRAMES, json!({"from": "start"})).await;
    let mut last = 0;
    while last < FRAMES {
        let frame = slow.next().await;
        if frame["op"] == "msgs" {
            last = *offsets(&frame).last().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1000)).await;
    }
    assert_eq!(server.metric("seamline_sockets_given_up_total").await, 0.0);
}

const LARGE_BYTES: usize = 250_000;

/// Publishes large messages, this many in each of the channels.
async fn publish_large(publisher: &mut Client, channels: usize, round: &str, each: usize) {
    let data = "x".repeat(LARGE_BYTES);
    for i in 0..each {
        for ch in 0..channels {
            let (ch, key) = (format!("large-{ch}"), format!("{round}-{i}"));
            publisher.send(json!({"op": "pub", "ch": ch, "key": key, "data": data})).await;
        }
        for _ in 0..channels {
            publisher.next_op("puback").await;
        }
    }
}

/// Waiting messages are limited in bytes, not only in number, wherever they wait.
#[tokio::test]
async fn large_live_messages_wait_in_bounded_memory() {
    const CHANNELS: usize = 6;
    const EACH: usize = 60; // 90 MB together
    let server = Server::start(&[&PATIENT[..], &["--max-publishes-per-second", "0"]].concat());
    let mut publisher = Client::greeted(&server, "publisher").await;
    publish_large(&mut publisher, CHANNELS, "before", EACH).await; // the store keeps some of it in memory
    let mut slow = Client::greeted(&server, "slow").await;
    for ch in 0..CHANNELS {
        slow.sub(&format!("large-{ch}"), 1_000_000, json!({"from": "tail"})).await;
        slow.next_op("subd").await;
        slow.next_op("live").await;
    }
    let before_kb = server.memory_kb("VmRSS");
    publish_large(&mut publisher, CHANNELS, "after", EACH).await;
    let grown_kb = server.memory_kb("VmRSS").saturating_sub(before_kb);
    assert!(grown_kb < 45_000, "the server grew by {grown_kb} kB");
    assert!(server.metric("seamline_live_queue_bytes").await > 0.0);
    assert!(server.metric("seamline_socket_queue_bytes").await > 0.0);

    let mut positions = HashMap::new();
    while positions.len() < CHANNELS || positions.values().any(|at| *at < 2 * EACH as u64) {
        let frame = slow.next().await;
        if frame["op"] == "msgs" {
            let run = offsets(&frame);
            let at = positions.entry(frame["ch"].to_string()).or_insert(EACH as u64);
            assert!(run[0] <= *at + 1, "a hole: {at}, then {}", run[0]);
            *at = run[run.len() - 1].max(*at);
        }
    }
    assert!(server.metric("seamline_resyncs_total").await > 0.0);
    slow.close().await;
    let start = Instant::now();
    for gauge in ["seamline_live_queue_bytes", "seamline_socket_queue_bytes"] {
        while server.metric(gauge).await != 0.0 {
            assert!(start.elapsed() < PATIENCE, "{gauge} does not go back to 0");
        }
    }
}

/// A feed reads no page before it has a slot for it.
#[tokio::test]
async fn large_replays_wait_in_the_log() {
    const CHANNELS: usize = 200; // 50 MB together
    let server = Server::start(&[&PATIENT[..], &["--max-publishes-per-second", "0"]].concat());
    publish_large(&mut Client::greeted(&server, "publisher").await, CHANNELS, "before", 1).await;
    for ch in 0..CHANNELS {
        server.read(&format!("large-{ch}"), 0).await; // so that the store has in memory what it keeps there
    }
    let before_kb = server.memory_kb("VmRSS");
    let mut slow = Client::greeted(&server, "slow").await;
    for ch in 0..CHANNELS {
        slow.sub(&format!("large-{ch}"), 10, json!({"from": "start"})).await;
    }
    let waiting = async || server.metric("seamline_socket_queue_bytes").await;
    let start = Instant::now();
    while waiting().await < LARGE_BYTES as f64 {
        assert!(start.elapsed() < PATIENCE, "no replay is waiting");
    }
    // Feeds without a slot would read at about the same time.
    for _ in 0..20 {
        slow.send(json!({"op": "ping"})).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let grown_kb = server.memory_kb("VmRSS").saturating_sub(before_kb);
    assert!(grown_kb < 25_000, "the server grew by {grown_kb} kB");
    let mut got = 0;
    while got < CHANNELS {
        let frame = slow.next().await;
        got += if frame["op"] == "msgs" { offsets(&frame).len() } else { 0 };
    }
}
