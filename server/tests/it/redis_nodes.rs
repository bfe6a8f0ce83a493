//! Two servers on one Redis are one service: messages that are published on one reach the subscribers of the other, and
//! a client that moves between them loses nothing and receives nothing twice.

use serde_json::{Value, json};

use crate::support::{Client, Got, Redis, Server, offsets};

fn start(redis: &Redis) -> Server {
    Server::start(&["--log", &redis.url()])
}

/// A subscriber that tracks its position like the real client: it drops overlaps, and fails at a hole.
struct Reader {
    client: Client,
    epoch: Value,
    position: u64,
}

impl Reader {
    async fn subscribe(server: &Server, position: Option<(Value, u64)>, credit: u64) -> Reader {
        let mut client = Client::greeted(server, "reader").await;
        let from = match &position {
            Some((epoch, offset)) => json!({"position": {"epoch": epoch, "offset": offset}}),
            None => json!({"from": "start"}),
        };
        client.sub("c", credit, from).await;
        let subd = client.next_op("subd").await;
        if let Some((epoch, offset)) = position {
            assert_eq!(
                (&subd["epoch"], &subd["at"], &subd["resumed"]),
                (&epoch, &json!(offset), &json!(true))
            );
        }
        let (epoch, position) = (subd["epoch"].clone(), subd["at"].as_u64().unwrap());
        Reader { client, epoch, position }
    }

    /// Reads up to an offset, and checks payloads against offsets.
    async fn read_to(&mut self, head: u64) {
        while self.position < head {
            let frame = self.client.next().await;
            if frame["op"] != "msgs" {
                continue;
            }
            let run = offsets(&frame);
            assert!(run[0] <= self.position + 1, "a hole: {}, then {}", self.position, run[0]);
            for (offset, data) in run.iter().zip(frame["data"].as_array().unwrap()) {
                assert_eq!(data["i"], *offset);
            }
            self.position = self.position.max(*run.last().unwrap());
        }
        assert_eq!(self.position, head);
    }
}

#[tokio::test]
async fn messages_reach_other_nodes_once_and_in_order() {
    let redis = Redis::start();
    let (a, b) = (start(&redis), start(&redis));
    a.publish_all("c", 1..=50).await;
    let mut client = Client::greeted(&b, "reader").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    client.next_op("subd").await;
    assert_eq!(offsets(&client.next_op("msgs").await), (1..=50).collect::<Vec<_>>());
    assert_eq!(client.next_op("live").await["head"], 50);
    a.publish_all("c", 51..=500).await;
    let mut heard = Vec::new();
    while heard.len() < 450 {
        heard.extend(offsets(&client.next_op("msgs").await));
    }
    assert_eq!(heard, (51..=500).collect::<Vec<_>>(), "each once");
    assert_eq!(b.publish("c", json!(501)).await, 501);
    assert_eq!(a.read("c", 500).await["messages"][0]["data"], 501);
}

#[tokio::test]
async fn a_client_moves_to_another_node_after_a_kill() {
    let redis = Redis::start();
    let (mut a, b) = (start(&redis), start(&redis));
    a.publish_all("c", 1..=100).await;
    let mut reader = Reader::subscribe(&a, None, 60).await;
    reader.read_to(60).await; // in the middle of the replay
    a.kill();
    b.publish_all("c", 101..=200).await;
    let mut moved = Reader::subscribe(&b, Some((reader.epoch, reader.position)), 1000).await;
    moved.read_to(200).await;
    b.publish_all("c", 201..=210).await;
    moved.read_to(210).await;
}

#[tokio::test]
async fn stored_positions_are_shared_between_nodes() {
    let redis = Redis::start();
    let (a, b) = (start(&redis), start(&redis));
    a.publish_all("c", 1..=10).await;
    let mut client = Client::greeted(&a, "ada").await;
    let epoch = a.read("c", 0).await["epoch"].clone();
    client.send(json!({"op": "ack", "ch": "c", "epoch": epoch, "offset": 7})).await;
    client.round_trip().await;
    a.terminate(); // and so its sockets are closed, and their positions stored
    assert_eq!(client.closed().await.0, 1012);
    client.close().await;
    let start = std::time::Instant::now();
    loop {
        let mut client = Client::greeted(&b, "ada").await;
        client.sub("c", 100, json!({})).await;
        let subd = client.next_op("subd").await;
        if subd["at"] == 7 {
            assert_eq!(offsets(&client.next_op("msgs").await), [8, 9, 10]);
            return;
        }
        assert!(start.elapsed() < crate::support::PATIENCE, "{subd}");
        client.close().await;
    }
}

#[tokio::test]
async fn casts_reach_other_nodes_and_are_not_stored() {
    let redis = Redis::start();
    let (a, b) = (start(&redis), start(&redis));
    let mut near = Client::greeted(&a, "near").await;
    let mut far = Client::greeted(&b, "far").await;
    for client in [&mut near, &mut far] {
        client.sub("c", 10, json!({"from": "start"})).await;
        client.next_op("subd").await;
        client.next_op("live").await;
    }
    let cast = json!({"op": "cast", "ch": "c", "data": {"typing": "\u{e9}"}});
    far.send(cast.clone()).await;
    assert_eq!(near.next().await, cast);
    near.send(cast.clone()).await;
    assert_eq!(far.next().await, cast, "once, and not its own");
    near.round_trip().await;
    far.round_trip().await;
    assert_eq!(a.read("c", 0).await["head"], 0);

    // Events may be lost while connections break. Later ones arrive.
    redis.disconnect_everyone();
    let start = std::time::Instant::now();
    loop {
        assert!(start.elapsed() < crate::support::PATIENCE, "no event comes over");
        near.send(cast.clone()).await;
        if let Some(got) = far.got_within(std::time::Duration::from_millis(100)).await {
            assert_eq!(got, Got::Frame(cast));
            break;
        }
    }
}

#[tokio::test]
async fn one_reader_follows_many_channels() {
    const CHANNELS: u64 = 300;
    let redis = Redis::start();
    let (a, b) = (start(&redis), start(&redis));
    let mut client = Client::greeted(&b, "reader").await;
    for i in 0..CHANNELS {
        client.sub(&format!("c{i}"), 10, json!({"from": "tail"})).await;
    }
    let mut live = 0;
    while live < CHANNELS {
        live += u64::from(client.next().await["op"] == "live");
    }
    let mut publisher = Client::greeted(&a, "publisher").await;
    for i in 0..CHANNELS {
        publisher.send(json!({"op": "pub", "ch": format!("c{i}"), "key": "k", "data": {"i": 1}})).await;
    }
    let mut heard = std::collections::HashSet::new();
    while heard.len() < CHANNELS as usize {
        let frame = client.next_op("msgs").await;
        assert!(heard.insert(frame["ch"].as_str().unwrap().to_owned()), "twice: {frame}");
    }
}
