//! Publications are stored once per idempotency key, in the order they were sent, and acknowledged
//! when they are safe. Ephemeral events are not stored at all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::support::{Client, Server, offsets, request};

#[tokio::test]
async fn publications_of_a_socket_keep_their_order() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    for i in 1..=300 {
        client.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": i})).await;
    }
    let mut last_id = (0, 0);
    for i in 1..=300 {
        let ack = client.next_op("puback").await;
        assert_eq!(
            (&ack["ch"], &ack["key"], &ack["offset"]),
            (&json!("c"), &json!(format!("k{i}")), &json!(i))
        );
        let (ms, seq) = ack["id"].as_str().unwrap().split_once('-').unwrap();
        let id = (ms.parse::<u64>().unwrap(), seq.parse::<u64>().unwrap());
        assert!(id > last_id, "{id:?} after {last_id:?}");
        last_id = id;
    }
    let stored = server.read("c", 0).await;
    let data: Vec<u64> =
        stored["messages"].as_array().unwrap().iter().map(|m| m["data"].as_u64().unwrap()).collect();
    assert_eq!(data, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_key_is_stored_once_even_across_a_restart() {
    let mut server = Server::start(&[]);
    let publish = json!({"op": "pub", "ch": "c", "key": "the-key", "data": "first"});
    let mut client = Client::greeted(&server, "c").await;
    // Twice at once, so that both may be in the same commit.
    client.send(publish.clone()).await;
    client.send(publish.clone()).await;
    let ack = client.next_op("puback").await;
    assert_eq!(client.next_op("puback").await, ack);

    server.kill();
    server.restart();
    let mut client = Client::greeted(&server, "c").await;
    client.send(publish).await;
    assert_eq!(client.next_op("puback").await, ack);
    let url = server.url("/channels/c/messages");
    let (status, answer) = request("POST", url, &[("idempotency-key", "the-key")], b" \"first\" ").await;
    assert_eq!((status, answer), (200, json!({"id": ack["id"], "offset": ack["offset"]})));
    let stored = server.read("c", 0).await;
    assert_eq!((&stored["head"], &stored["messages"][0]["data"]), (&json!(1), &json!("first")));

    // Another payload under the same key is rejected for good, and stores nothing.
    let url = server.url("/channels/c/messages");
    let (status, answer) = request("POST", url, &[("idempotency-key", "the-key")], b"\"other\"").await;
    assert_eq!((status, answer["code"].as_str()), (409, Some("key_conflict")));
    client.send(json!({"op": "pub", "ch": "c", "key": "the-key", "data": "other"})).await;
    client.send(json!({"op": "pub", "ch": "c", "key": "next", "data": 2})).await;
    let refused = client.next_op("pubnack").await;
    assert_eq!((&refused["key"], &refused["code"]), (&json!("the-key"), &json!("key_conflict")));
    assert!(refused["retry_after_ms"].is_null());
    assert_eq!(client.next_op("puback").await["offset"], 2, "later ones are not held");

    // Keys belong to a channel.
    client.send(json!({"op": "pub", "ch": "other", "key": "the-key", "data": 1})).await;
    assert_eq!(client.next_op("puback").await["ch"], "other");
    assert_eq!(server.read("other", 0).await["head"], 1);
}

#[tokio::test]
async fn a_client_receives_its_own_publications() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 10, json!({"from": "tail"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    client.send(json!({"op": "pub", "ch": "c", "key": "k", "data": {"a": 1}})).await;
    let mut ops: Vec<_> = [client.next().await, client.next().await].map(|frame| frame["op"].clone()).into();
    ops.sort_by_key(|op| op.to_string());
    assert_eq!(ops, ["msgs", "puback"]);
}

#[tokio::test]
async fn ephemeral_events_reach_others_and_are_not_stored() {
    let server = Server::start(&[]);
    let mut sender = Client::greeted(&server, "sender").await;
    let mut other = Client::greeted(&server, "other").await;
    for client in [&mut sender, &mut other] {
        client.sub("c", 10, json!({"from": "start"})).await;
        client.next_op("subd").await;
        client.next_op("live").await;
    }
    sender.send(json!({"op": "cast", "ch": "c", "data": {"typing": true}})).await;
    assert_eq!(other.next().await, json!({"op": "cast", "ch": "c", "data": {"typing": true}}));
    server.publish("c", json!(1)).await;
    assert_eq!(offsets(&sender.next_op("msgs").await), [1], "not echoed to the sender");
    assert_eq!(server.read("c", 0).await["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn waiting_messages_are_sent_in_one_frame() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    // Enough for everything: if the client is too slow for the live stream, the rest comes from the log.
    client.sub("c", 10_000, json!({"from": "tail"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    server.publish_all("c", 1..=2000).await;
    let (mut frames, mut last) = (0, 0);
    while last < 2000 {
        let frame = client.next().await;
        if frame["op"] == "msgs" {
            frames += 1;
            last = last.max(*offsets(&frame).last().unwrap());
        }
    }
    assert!(frames < 1000, "{frames} frames for 2000 messages");
}

#[tokio::test]
async fn rate_limited_publications_keep_their_order() {
    let server = Server::start(&["--max-publishes-per-second", "10"]);
    let mut client = Client::connect(&server).await;
    client.send(json!({"op": "hello", "v": 1, "client_id": "c", "ordered": true})).await;
    client.next_op("welcome").await;
    let mut unstored: Vec<u64> = (1..=70).collect();
    while !unstored.is_empty() {
        for i in &unstored {
            client.send(json!({"op": "pub", "ch": "c", "key": i.to_string(), "data": i})).await;
        }
        let mut refused = BTreeMap::new();
        for _ in unstored {
            let answer = client.next().await;
            if answer["op"] == "pubnack" {
                let key: u64 = answer["key"].as_str().unwrap().parse().unwrap();
                refused.insert(key, (answer["code"].clone(), answer["retry_after_ms"].as_u64().unwrap()));
            }
        }
        for (i, (_, (code, wait_ms))) in refused.iter().enumerate() {
            assert!(code == "too_fast" || i > 0 && code == "out_of_order", "{i}: {code}");
            if i == 0 {
                tokio::time::sleep(Duration::from_millis(*wait_ms)).await;
            }
        }
        unstored = refused.into_keys().collect();
    }
    let stored = server.read("c", 0).await;
    let data: Vec<u64> =
        stored["messages"].as_array().unwrap().iter().map(|m| m["data"].as_u64().unwrap()).collect();
    assert_eq!(data, (1..=70).collect::<Vec<_>>());
}
