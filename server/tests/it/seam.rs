//! The seam: what is published while a client is (re)subscribing reaches it. The window between
//! "listens to the live stream" and "has read the log" is opened wide with a delay, and messages are
//! published into it. With the two steps in the wrong order the same test sees them lost, so it is
//! able to fail.

use std::time::Instant;

use serde_json::json;

use crate::support::{Client, Got, SEAM_DELAY_MS, Server, offsets, shown};

/// Before: 1..=5. In the window: 6..=10. After `live`: 11. Returns the offsets in order of arrival.
async fn offsets_across_the_seam(server: &Server) -> Option<Vec<u64>> {
    server.publish_all("c", 1..=5).await;
    let mut client = Client::greeted(server, "c").await;
    let since = Instant::now();
    client.sub("c", 1000, json!({"from": "start"})).await;
    if !server.publish_in_the_seam(since, "c", 6..=10).await {
        return None;
    }
    let mut seen = Vec::new();
    let mut after_live = false;
    while !seen.contains(&11) {
        let Got::Frame(frame) = client.got().await else { panic!("closed") };
        match frame["op"].as_str().unwrap() {
            "msgs" => seen.extend(offsets(&frame)),
            "live" if !after_live => {
                after_live = true;
                server.publish("c", json!({"i": 11})).await;
            }
            _ => {}
        }
    }
    Some(seen)
}

#[tokio::test]
async fn nothing_is_lost_between_replay_and_live() {
    let seen = shown(async || {
        let server = Server::start(&["--unsafe-seam-delay-ms", SEAM_DELAY_MS]);
        offsets_across_the_seam(&server).await
    })
    .await;
    // The messages in the window come twice: in the replay and live. The client drops the duplicates.
    let expected: Vec<u64> = (1..=10).chain(6..=11).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn in_the_wrong_order_messages_are_lost() {
    let args = ["--unsafe-replay-before-subscribe", "--unsafe-seam-delay-ms", SEAM_DELAY_MS];
    let (server, mut client) = shown(async || {
        let server = Server::start(&args);
        let mut client = Client::greeted(&server, "c").await;
        server.publish_all("c", 1..=5).await;
        let since = Instant::now();
        client.sub("c", 1000, json!({"from": "start"})).await;
        client.next_op("subd").await;
        assert_eq!(offsets(&client.next_op("msgs").await), [1, 2, 3, 4, 5]);
        server.publish_in_the_seam(since, "c", 6..=10).await.then_some((server, client))
    })
    .await;
    client.next_op("live").await;
    server.publish("c", json!({"i": 11})).await;
    assert_eq!(offsets(&client.next_op("msgs").await), [11], "6 to 10 were never sent");
}

/// Without any delay, under a stream of publications: clients connect and disconnect at any moment.
#[tokio::test]
async fn nothing_is_lost_whenever_a_client_subscribes() {
    const COUNT: u64 = 600;
    let server = Server::start(&[]);
    let readers: Vec<_> = (0..8).map(|reader| read_with_cuts(&server, reader, COUNT)).collect();
    let publisher = async {
        let mut client = Client::greeted(&server, "publisher").await;
        for i in 1..=COUNT {
            client.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": {"i": i}})).await;
            client.next_op("puback").await;
        }
    };
    tokio::join!(publisher, futures::future::join_all(readers));
}

/// Reads to the end, and reconnects from time to time with the last position. Asserts that offsets continue or overlap,
/// and never skip.
async fn read_with_cuts(server: &Server, reader: u64, count: u64) {
    let (mut position, mut from) = (0, json!({"from": "start"}));
    let mut frames_until_cut = 3 + reader;
    while position < count {
        let mut client = Client::greeted(server, &format!("reader-{reader}")).await;
        client.sub("c", 1000, from.clone()).await;
        let subd = client.next_op("subd").await;
        assert_eq!(subd["at"], position);
        for _ in 0..frames_until_cut {
            let frame = client.next().await;
            if frame["op"] == "msgs" {
                let run = offsets(&frame);
                assert!(run[0] <= position + 1, "a hole: {position}, then {}", run[0]);
                position = position.max(*run.last().unwrap());
            }
            if position == count {
                return;
            }
        }
        from = json!({"position": {"epoch": subd["epoch"], "offset": position}});
        frames_until_cut = 3 + (frames_until_cut * 7 + reader) % 40;
    }
}
