//! A slow link to Redis. If a backlog does not fit through within the reader's timeout, the reader asks for smaller
//! answers instead of repeating the same request. Commands of many clients wait for their turn, so that none takes
//! longer than a command may.

use futures::future::join_all;
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

/// So slow that the commands of all subscriptions together take several times as long as one command may.
const STORM_BYTES_PER_S: u64 = 200_000;
const SOCKETS: usize = 5;
/// As many as a server accepts.
const CHANNELS_PER_SOCKET: usize = 1000;

/// On a machine that stalls, a command may take too long whatever the server does: so there are three tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_subscriptions_delay_no_publication_for_long() {
    for _ in 0..3 {
        if every_command_is_in_time().await {
            return;
        }
    }
    panic!("a command took too long in each of three tries");
}

async fn every_command_is_in_time() -> bool {
    let redis = Redis::start();
    let link = Link::slow(redis.address(), STORM_BYTES_PER_S).unwrap().address;
    let server = Server::start(&["--log", &format!("redis://{link}/0")]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    let subscribe = async |socket: usize| {
        let mut client = Client::greeted(&server, &format!("reader-{socket}")).await;
        for i in 0..CHANNELS_PER_SOCKET {
            client.sub(&format!("channel-{socket}-{i}"), 10, json!({"from": "tail"})).await;
        }
        let mut live = 0;
        while live < CHANNELS_PER_SOCKET {
            let frame = client.next().await;
            if frame["op"] == "err" {
                return false;
            }
            live += usize::from(frame["op"] == "live");
        }
        true
    };
    let mut subscribing = std::pin::pin!(join_all((0..SOCKETS).map(subscribe)));
    let mut stored = 0;
    let subscribed = loop {
        let key = stored.to_string();
        publisher.send(json!({"op": "pub", "ch": "c", "key": key, "data": stored})).await;
        let answer = publisher.next();
        tokio::select! {
            all = &mut subscribing => break all.into_iter().all(|is_live| is_live),
            answer = answer => {
                if answer["op"] != "puback" {
                    return false;
                }
                stored += 1;
                assert_eq!(answer["offset"], stored, "{answer}");
            }
        }
    };
    subscribed && !server.stderr().contains("Redis is unavailable")
}
