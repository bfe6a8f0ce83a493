//! Clients on slow links: they stay connected while bytes flow, the size of frames follows the speed of the link, a
//! large frame is announced, and an answer does not wait behind a replay.

use std::time::Duration;

use seamline_test_support::link::Link;
use serde_json::{Value, json};

use crate::support::{Client, Server, eventually, offsets};

/// A client that is silent for four of these is disconnected.
const HEARTBEAT: [&str; 2] = ["--heartbeat-ms", "1500"];
const LARGE: [&str; 2] = ["--max-frame-bytes", "1000000"];
const LARGE_BYTES: usize = 700_000;
/// So a large message takes more than eight seconds.
const BYTES_PER_S: u64 = 80_000;

/// The address of a slow link to the server.
fn slow_link(server: &Server, bytes_per_s: u64) -> String {
    let address = server.address.parse().unwrap();
    Link::slow(address, bytes_per_s).unwrap().address.to_string()
}

fn start(more: &[&str]) -> Server {
    Server::start(&[&HEARTBEAT, &LARGE, more].concat())
}

#[tokio::test]
async fn a_slow_message_does_not_count_as_silence() {
    let server = start(&[]);
    server.publish("down", json!("x".repeat(LARGE_BYTES))).await;
    let link = slow_link(&server, BYTES_PER_S);
    let (mut down, mut up) = tokio::join!(Client::greeted_at(&link, "down"), Client::greeted_at(&link, "up"));
    let receive = async {
        down.sub("down", 10, json!({"from": "start"})).await;
        down.next_op("subd").await;
        let frame = down.next_op("msgs").await;
        assert_eq!(frame["data"][0].as_str().unwrap().len(), LARGE_BYTES);
    };
    let send = async {
        let data = "x".repeat(LARGE_BYTES);
        up.send(json!({"op": "pub", "ch": "up", "key": "k", "data": data})).await;
        assert_eq!(up.next_op("puback").await["offset"], 1);
    };
    tokio::join!(receive, send);
    assert!(!server.stderr().contains("disconnected"), "{}", server.stderr());
}

#[tokio::test]
async fn a_client_that_stalls_mid_frame_is_disconnected() {
    let server = start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.send_raw(&[0x81, 0xFE, 0x40, 0x00, 1, 2, 3, 4, 5, 6]).await; // a text of 16,384 bytes
    eventually("the client to be disconnected", || server.stderr().contains("disconnected")).await;
}

/// For a while, the system accepts what is written to a dead client.
#[tokio::test]
async fn writes_do_not_keep_a_dead_client_connected() {
    let server = start(&[]);
    let mut dead = Client::greeted(&server, "dead").await;
    dead.sub("c", 10, json!({"from": "tail"})).await;
    dead.next_op("subd").await;
    dead.next_op("live").await;
    let publishing = async {
        loop {
            server.publish("c", json!("x")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = publishing => unreachable!(),
        () = eventually("the client to be disconnected", || server.stderr().contains("disconnected")) => {}
    }
}

/// Fills a log with messages of one kilobyte.
async fn fill(server: &Server, count: u64) {
    let mut client = Client::greeted(server, "publisher").await;
    let data = "x".repeat(1000);
    for key in 0..count {
        client.send(json!({"op": "pub", "ch": "c", "key": key.to_string(), "data": data})).await;
    }
    for _ in 0..count {
        client.next_op("puback").await;
    }
}

async fn replay(client: &mut Client) {
    client.sub("c", 1_000_000, json!({"from": "start"})).await;
    client.next_op("subd").await;
}

#[tokio::test]
async fn frame_size_follows_link_speed() {
    const COUNT: u64 = 300;
    let server = start(&[]);
    fill(&server, COUNT).await;
    let sizes = async |mut client: Client| {
        replay(&mut client).await;
        let mut sizes = Vec::new();
        loop {
            let frame = client.next().await;
            if frame["op"] == "live" {
                return sizes;
            }
            sizes.push(offsets(&frame).len());
        }
    };
    let slow = sizes(Client::greeted_at(&slow_link(&server, 30_000), "slow").await).await;
    let late = &slow[slow.len() / 2..];
    assert!(late.iter().all(|messages| *messages <= 16), "too large for 30 KB/s: {slow:?}");
    fill(&server, 2000).await;
    let fast = sizes(Client::greeted(&server, "fast").await).await;
    assert!(fast[0] <= 16 && fast.iter().any(|messages| *messages > 80), "small ones only: {fast:?}");
}

#[tokio::test]
async fn a_pong_does_not_wait_behind_a_replay() {
    let server = start(&[]);
    fill(&server, 300).await;
    let mut client = Client::greeted_at(&slow_link(&server, 50_000), "c").await;
    replay(&mut client).await;
    let mut replayed = 0;
    while replayed < 60 {
        replayed += offsets(&client.next_op("msgs").await).len();
    }
    client.send(json!({"op": "ping"})).await;
    let mut before_pong = 0;
    loop {
        let frame = client.next().await;
        match frame["op"].as_str() {
            Some("msgs") => before_pong += offsets(&frame).len(),
            Some("pong") => break,
            _ => panic!("the replay is over, {before_pong} messages after the ping: {frame}"),
        }
    }
    assert!(before_pong <= 80, "{before_pong} kilobytes came first");
}

/// In all tests, the client checks that a frame has the announced size.
#[tokio::test]
async fn only_large_frames_are_announced() {
    let server = start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 10, json!({"from": "tail"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    for (bytes, announced) in [(1000, false), (200_000, true), (1000, false)] {
        server.publish("c", Value::String("x".repeat(bytes))).await;
        client.next_op("msgs").await;
        assert_eq!(client.announced().is_some_and(|size| size > bytes), announced, "{bytes}");
    }
}
