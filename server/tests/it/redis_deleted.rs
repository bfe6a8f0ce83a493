//! Messages are deleted from a stream in Redis (`XDEL`). The others keep their offsets. The deleted ones leave a hole
//! between two frames, or a head that is not reached, and no other message takes their offset. A whole channel that is
//! deleted starts over with a new epoch.

use std::sync::Arc;

use seamline_server::log::hub::Hub;
use seamline_server::log::{Retention, redis as redis_log};
use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Redis, Server, offsets, request};

const LOG: &[u8] = b"seamline:{c}:log";

/// A server whose channel has the messages 1 to 10, except for these.
async fn start_without(deleted: &[u64]) -> (Redis, Server) {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    server.publish_all("c", 1..=10).await;
    delete(&redis, &server, deleted).await;
    (redis, server)
}

async fn delete(redis: &Redis, server: &Server, deleted: &[u64]) {
    for offset in deleted {
        let message = &server.read("c", offset - 1).await["messages"][0];
        assert_eq!(message["offset"], *offset);
        let deleted: u64 = redis.command("XDEL", &[LOG, message["id"].as_str().unwrap().as_bytes()]);
        assert_eq!(deleted, 1);
    }
}

/// The offsets in each frame of a replay, checked against the payloads, and the head in `live`.
async fn replay(client: &mut Client, credit: u64, more: Value) -> (Vec<Vec<u64>>, u64) {
    client.sub("c", credit, more).await;
    assert_eq!(client.next().await["op"], "subd");
    let mut frames = Vec::new();
    loop {
        let frame = client.next().await;
        if frame["op"] == "live" {
            return (frames, frame["head"].as_u64().unwrap());
        }
        let run = checked(&frame);
        client.send(json!({"op": "more", "ch": "c", "credit": run.len()})).await;
        frames.push(run);
    }
}

fn checked(frame: &Value) -> Vec<u64> {
    let run = offsets(frame);
    for (offset, data) in run.iter().zip(frame["data"].as_array().unwrap()) {
        assert_eq!(data["i"], *offset, "{frame}");
    }
    run
}

#[tokio::test]
async fn a_deleted_message_is_a_hole_between_frames() {
    let (_redis, server) = start_without(&[4, 7, 8]).await;
    let mut client = Client::greeted(&server, "c").await;
    let (frames, head) = replay(&mut client, 100, json!({"from": "start"})).await;
    assert_eq!((frames, head), (vec![vec![1, 2, 3], vec![5, 6], vec![9, 10]], 10));
    client.close().await;

    let mut client = Client::greeted(&server, "d").await;
    let (frames, _) = replay(&mut client, 1, json!({"from": "start"})).await;
    assert_eq!(frames.concat(), [1, 2, 3, 5, 6, 9, 10], "also one at a time");

    // A client that asks for the hole again.
    let epoch = server.read("c", 0).await["epoch"].clone();
    for at in 0..=10 {
        let mut client = Client::greeted(&server, "e").await;
        let position = json!({"position": {"epoch": epoch, "offset": at}});
        let (frames, head) = replay(&mut client, 100, position).await;
        let expected: Vec<u64> = [1, 2, 3, 5, 6, 9, 10].into_iter().filter(|offset| *offset > at).collect();
        assert_eq!((frames.concat(), head), (expected, 10), "after {at}");
        client.close().await;
    }
}

#[tokio::test]
async fn deletions_at_either_end_move_no_offsets() {
    let (_redis, server) = start_without(&[1, 2, 9, 10]).await;
    let page = server.read("c", 0).await;
    assert_eq!((&page["first"], &page["head"]), (&json!(3), &json!(10)));
    let mut client = Client::greeted(&server, "c").await;
    let (frames, head) = replay(&mut client, 100, json!({"from": "start"})).await;
    assert_eq!((frames, head), (vec![vec![3, 4, 5, 6, 7, 8]], 10), "the head tells of the rest");
    assert_eq!(server.publish("c", json!({"i": 11})).await, 11);
    assert_eq!(checked(&client.next_op("msgs").await), [11]);
    assert_eq!(server.read("c", 8).await["messages"][0]["offset"], 11);
}

#[tokio::test]
async fn an_emptied_stream_continues_at_its_head() {
    let all: Vec<u64> = (1..=10).collect();
    let (_redis, server) = start_without(&all).await;
    let page = server.read("c", 0).await;
    assert_eq!((&page["first"], &page["head"]), (&json!(11), &json!(10)));
    assert_eq!(server.publish("c", json!({"i": 11})).await, 11);
    assert_eq!(server.read("c", 0).await["messages"][0]["offset"], 11);
}

/// The log stays the same if the message that a server has read last is deleted.
#[tokio::test]
async fn a_live_channel_continues_after_a_deletion() {
    let (redis, server) = start_without(&[]).await;
    let mut client = Client::greeted(&server, "c").await;
    replay(&mut client, 100, json!({"from": "start"})).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    server.publish("c", json!({"i": 11})).await;
    assert_eq!(checked(&client.next_op("msgs").await), [11]);
    delete(&redis, &server, &[5, 11]).await;
    redis.disconnect_everyone();
    let url = server.url("/channels/c/messages");
    let start = std::time::Instant::now();
    loop {
        let (status, answer) =
            request("POST", url.clone(), &[("idempotency-key", "twelve")], b"{\"i\":12}").await;
        if status == 503 {
            assert!(start.elapsed() < PATIENCE, "{answer}");
            continue;
        }
        assert_eq!(answer["offset"], 12, "{answer}");
        break;
    }
    assert_eq!(checked(&client.next_op("msgs").await), [12]);
    assert_eq!(server.read("c", 0).await["epoch"], epoch);
}

/// A store of another node deletes the whole channel. Its subscribers, on every node, learn it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_of_a_deleted_channel_cross_to_a_new_epoch() {
    let (redis, server) = start_without(&[]).await;
    let mut client = Client::greeted(&server, "c").await;
    replay(&mut client, 100, json!({"from": "start"})).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    let hub = Arc::new(Hub::new(0));
    let store = redis_log::open(&redis.url(), Retention::default(), hub).await.unwrap();
    assert!(store.delete("c").await.unwrap());
    let subd = client.next_op("subd").await;
    assert!(subd["epoch"] != epoch && subd["resumed"] == false, "{subd}");
    assert_eq!((&subd["first"], &subd["head"], &subd["at"]), (&json!(1), &json!(0), &json!(0)));
    client.next_op("live").await;
    assert_eq!(server.publish("c", json!({"i": 1})).await, 1);
    assert_eq!(checked(&client.next_op("msgs").await), [1]);
    client.close().await;

    // A client that was away learns it when it comes back.
    let mut client = Client::greeted(&server, "d").await;
    client.sub("c", 100, json!({"position": {"epoch": epoch, "offset": 1}})).await;
    assert_eq!(client.next_op("subd").await["resumed"], false);
}
