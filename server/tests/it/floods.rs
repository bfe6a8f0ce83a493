//! One socket that asks for too much: 100,000 subscriptions, whether it reads the answers or not. It costs the server a
//! bounded amount of memory and time, and delays no other client.

use std::collections::HashMap;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Server};

const COUNT: u64 = 100_000;
/// The default of `--max-channels`.
const CHANNELS_MAX: u64 = 1000;
const GROWTH_KB_MAX: u64 = 60_000;
/// How long the answers may take. One may come only when the server has read the whole flood: a debug build on a busy
/// machine needs a minute for that.
const FLOOD_PATIENCE: Duration = Duration::from_secs(240);

fn sub(ch: &str) -> Message {
    Message::text(json!({"op": "sub", "ch": ch, "credit": 1, "from": "tail"}).to_string())
}

/// Counts the frames by op, or by the code of an `err`, until the `pong`.
async fn counted(
    client: Client,
    frames: impl Iterator<Item = Message> + Send + 'static,
) -> HashMap<String, u64> {
    let (mut sink, mut stream) = client.split();
    let sending = tokio::spawn(async move {
        for frame in frames {
            sink.feed(frame).await.unwrap();
        }
        sink.send(Message::text(r#"{"op":"ping"}"#)).await.unwrap();
    });
    let mut counts = HashMap::new();
    while !counts.contains_key("pong") {
        let item = timeout(FLOOD_PATIENCE, stream.next()).await.expect("nothing came");
        let item = item.expect("the socket stays open").unwrap();
        let Message::Text(text) = item else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let what = frame["code"].as_str().or(frame["op"].as_str()).unwrap().to_owned();
        *counts.entry(what).or_default() += 1;
    }
    sending.await.unwrap();
    counts
}

/// Fails unless other clients are served meanwhile.
async fn others_are_served(server: &Server) {
    for i in 0.. {
        Client::greeted(server, &format!("other-{i}")).await.round_trip().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_beyond_the_limit_are_refused() {
    let server = Server::start(&[]);
    let before_kb = server.memory_kb("VmHWM");
    let client = Client::greeted(&server, "flood").await;
    let flood = (0..COUNT).map(|i| sub(&format!("c{i}")));
    let counts = tokio::select! {
        counts = counted(client, flood) => counts,
        () = others_are_served(&server) => unreachable!(),
    };
    assert_eq!(counts["too_many_channels"], COUNT - CHANNELS_MAX);
    let grown_kb = server.memory_kb("VmHWM").saturating_sub(before_kb);
    assert!(grown_kb < GROWTH_KB_MAX, "the server grew by {grown_kb} kB");
}

/// Each replaces the one before: none is refused, and only one is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_subs_of_one_channel_leave_one_subscription() {
    let server = Server::start(&[]);
    let before_kb = server.memory_kb("VmHWM");
    let client = Client::greeted(&server, "flood").await;
    let counts = tokio::select! {
        counts = counted(client, (0..COUNT).map(|_| sub("c"))) => counts,
        () = others_are_served(&server) => unreachable!(),
    };
    assert!(counts.keys().all(|what| ["subd", "live", "pong"].contains(&what.as_str())), "{counts:?}");
    let grown_kb = server.memory_kb("VmHWM").saturating_sub(before_kb);
    assert!(grown_kb < GROWTH_KB_MAX, "the server grew by {grown_kb} kB");
}

/// The server stops reading from a socket that does not read its answers, and then disconnects it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_with_unread_answers_is_disconnected() {
    let server = Server::start(&["--send-timeout-ms", "1000"]);
    flood_unread(&server, |i| sub(&format!("c{i}"))).await;
}

/// The pages of a socket that does not read them are bounded, and the server stops reading from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unread_pages_is_disconnected() {
    let server = Server::start(&["--send-timeout-ms", "1000"]);
    for _ in 0..20 {
        server.publish("c", json!("x".repeat(100_000))).await;
    }
    let read = |i| Message::text(json!({"op": "read", "ch": "c", "limit": 10_000, "ref": i}).to_string());
    flood_unread(&server, read).await;
}

/// Sends frames without reading the answers, until the server disconnects. It must not grow, and others are served.
async fn flood_unread(server: &Server, frame: impl Fn(u64) -> Message) {
    let before_kb = server.memory_kb("VmHWM");
    let (mut sink, _unread) = Client::greeted(server, "flood").await.split();
    let flooding = async {
        for i in 0.. {
            if sink.feed(frame(i)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = flooding => {}
        () = others_are_served(server) => unreachable!(),
    }
    let grown_kb = server.memory_kb("VmHWM").saturating_sub(before_kb);
    assert!(grown_kb < GROWTH_KB_MAX, "the server grew by {grown_kb} kB");
}

/// The position of a `sub` is kept as long as its subscription, but not an epoch that no log has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oversized_epochs_are_discarded() {
    let server = Server::start(&[]);
    let before_kb = server.memory_kb("VmRSS");
    let mut client = Client::greeted(&server, "flood").await;
    let epoch = "x".repeat(200_000);
    for i in 0..500 {
        let position = json!({"epoch": epoch, "offset": 1});
        client.send(json!({"op": "sub", "ch": format!("c{i}"), "position": position, "credit": 1})).await;
        let subd = client.next_op("subd").await;
        assert_eq!(
            (&subd["resumed"], &subd["at"]),
            (&json!(false), &json!(0)),
            "the position is of another log"
        );
        client.next_op("live").await;
    }
    let grown_kb = server.memory_kb("VmRSS").saturating_sub(before_kb);
    assert!(grown_kb < 40_000, "the server grew by {grown_kb} kB");
}

/// An answer names what it refuses, but only a part of a name that is too long. The test sends the longest names that
/// fit a frame, and reads no answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_names_are_truncated_in_answers() {
    const COUNT: u64 = 1000;
    let server = Server::start(&[]);
    let long = "x".repeat(200_000);
    let before_kb = server.memory_kb("VmHWM");
    let mut client = Client::greeted(&server, "flood").await;
    let frames = [
        json!({"op": "sub", "ch": long, "credit": 1}),
        json!({"op": "cast", "ch": long, "data": 1}),
        json!({"op": "pub", "ch": "c", "key": long, "data": 1}),
        json!({"op": "pub", "ch": long, "key": "k", "data": 1}),
        json!({"op": long}),
    ];
    let ack = |i| json!({"op": "ack", "ch": format!("{long}{i}"), "epoch": "e", "offset": 1}).to_string();
    for i in 0..COUNT / 5 {
        for frame in &frames {
            client.send_text(frame.to_string()).await;
        }
        client.send_text(ack(i)).await;
    }
    let mut key_seen = false;
    for _ in 0..COUNT {
        let answer = client.next().await;
        assert!(answer.to_string().len() < 600, "{answer}");
        key_seen |= answer["key"] == "k"; // a valid key is repeated in full
    }
    client.round_trip().await;
    assert!(key_seen);
    let grown_kb = server.memory_kb("VmHWM").saturating_sub(before_kb);
    assert!(grown_kb < 20_000, "the server grew by {grown_kb} kB");
    assert!(!server.stderr().contains(&long), "long names must not be logged");
}
