//! A client that does not read slows nobody, costs the server a bounded amount of memory, and gets
//! everything from the log once it reads again.

use std::time::Duration;

use serde_json::json;

use crate::support::{Client, Server, eventually, offsets};

const COUNT: u64 = 6_000;
const PAYLOAD_BYTES: usize = 4_000;

#[tokio::test]
async fn a_slow_client_is_brought_back_to_the_log_and_gets_everything() {
    let server = Server::start(&["--send-timeout-ms", "300000"]); // slow, not dead
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
    // 24 MB went by; what the store keeps in memory of them is part of what we see.
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
    assert!(replayed > 0, "it was never too slow: the test shows nothing");
    assert!(server.metric("seamline_resyncs_total").await > 0.0);
    eventually("the resync in the server's log", || server.stderr().contains("back to the log")).await;

    server.publish("c", json!("after")).await;
    while position <= COUNT {
        let frame = slow.next().await;
        if frame["op"] == "msgs" {
            position = position.max(*offsets(&frame).last().unwrap());
        }
    }
}

/// A socket that takes nothing at all is given up, whatever else is alive there.
#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    let server = Server::start(&["--send-timeout-ms", "300"]);
    let mut stuck = Client::greeted(&server, "stuck").await;
    stuck.sub("c", 1_000_000, json!({"from": "tail"})).await;
    stuck.round_trip().await;
    let payload = "x".repeat(200_000);
    let mut publisher = Client::greeted(&server, "publisher").await;
    // 40 MB: more than the system keeps for us.
    for i in 0..200 {
        publisher.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": payload})).await;
    }
    eventually("it to be given up", || server.stderr().contains("disconnected")).await;
    assert_eq!(server.metric("seamline_sockets_given_up_total").await, 1.0);
}

/// It takes its time, longer for a few large frames than a socket may take nothing; but it takes something.
#[tokio::test]
async fn a_client_that_reads_slowly_is_not_given_up() {
    const FRAMES: u64 = 16;
    const BYTES: usize = 4_000_000; // the system keeps two or three of them for us
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
