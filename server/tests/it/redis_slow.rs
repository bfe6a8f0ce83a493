//! A slow link to Redis. If a backlog does not fit through within the reader's timeout, the reader asks for smaller
//! answers instead of repeating the same request.

use seamline_test_support::link::Link;
use serde_json::json;

use crate::support::{Client, Redis, Server, offsets};

/// The rate of each connection to Redis.
const BYTES_PER_S: u64 = 1_000_000;
/// More than fits through in the 4 s that one answer may take.
const MESSAGES: u64 = 100;
const MESSAGE_BYTES: usize = 80_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_gets_through_a_slow_link() {
    let redis = Redis::start();
    let link = Link::slow(redis.address(), BYTES_PER_S).unwrap().address;
    let (slow, fast) =
        (Server::start(&["--log", &format!("redis://{link}/0")]), Server::start(&["--log", &redis.url()]));
    let mut reader = Client::greeted(&slow, "reader").await;
    reader.sub("c", 1000, json!({"from": "tail"})).await;
    while reader.next().await["op"] != "live" {}
    let mut publisher = Client::greeted(&fast, "publisher").await;
    let payload = "x".repeat(MESSAGE_BYTES);
    for i in 1..=MESSAGES {
        publisher.send(json!({"op": "pub", "ch": "c", "key": format!("{i}"), "data": payload})).await;
    }
    let mut next = 1;
    while next <= MESSAGES {
        let frame = reader.next().await;
        if frame["op"] == "msgs" {
            for offset in offsets(&frame) {
                assert!(offset <= next, "a hole before {offset}");
                next = next.max(offset + 1);
            }
        }
    }
}
