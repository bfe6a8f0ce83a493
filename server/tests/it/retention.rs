//! Old messages are trimmed, and the log knows its exact extent.

use std::time::Duration;

use serde_json::json;

use crate::support::{Client, PATIENCE, Server, request};

#[tokio::test]
async fn only_the_newest_messages_are_kept() {
    let mut server = Server::start(&["--retain-messages", "100"]);
    server.publish_all("c", 1..=250).await;
    for _ in 0..2 {
        let page = server.read("c", 0).await;
        assert_eq!((&page["first"], &page["head"]), (&json!(151), &json!(250)));
        let messages = page["messages"].as_array().unwrap();
        assert_eq!((messages.len(), &messages[0]["offset"]), (100, &json!(151)));
        server.kill();
        server.restart();
    }
    // A key outlives its message for a day.
    let url = server.url("/channels/c/messages");
    let (status, answer) = request("POST", url, &[("idempotency-key", "publish-all-1")], b"{}").await;
    assert_eq!((status, &answer["offset"]), (200, &json!(1)));
}

#[tokio::test]
async fn an_expired_channel_keeps_its_offsets() {
    let mut server = Server::start(&["--retain-age", "500ms"]);
    server.publish_all("c", 1..=10).await;
    let start = std::time::Instant::now();
    while server.read("c", 0).await["first"] != 11 {
        assert!(start.elapsed() < PATIENCE, "{}", server.read("c", 0).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.kill();
    server.restart();
    let page = server.read("c", 0).await;
    assert_eq!((&page["first"], &page["head"], &page["messages"]), (&json!(11), &json!(10), &json!([])));

    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 10, json!({"position": {"epoch": page["epoch"], "offset": 4}})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["first"], &subd["at"], &subd["resumed"]), (&json!(11), &json!(10), &json!(false)));
    assert_eq!(client.next_op("live").await["head"], 10);
    assert_eq!(server.publish("c", json!(1)).await, 11, "offsets go on");
}

/// With a smaller limit after a restart, a replay under way sees a hole instead of wrong messages.
#[tokio::test]
async fn messages_trimmed_during_a_replay_leave_a_hole() {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=50).await;
    server.kill();
    server.restart_with(&["--retain-messages", "10"]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 5, json!({"from": "start"})).await;
    assert_eq!(client.next_op("subd").await["first"], 1);
    assert_eq!(client.next_op("msgs").await["n"], 1);
    server.publish("c", json!({"i": 51})).await; // trims
    client.send(json!({"op": "more", "ch": "c", "credit": 100})).await;
    assert_eq!(client.next_op("msgs").await["n"], 42);
    assert_eq!(client.next_op("live").await["head"], 51);
}
