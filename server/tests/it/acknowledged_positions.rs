//! The server stores the position that a client has acknowledged, for a client that has lost its own.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, SECRET, Server, offsets, token};

async fn ack(client: &mut Client, epoch: &Value, offset: u64) {
    client.send(json!({"op": "ack", "ch": "c", "epoch": epoch, "offset": offset})).await;
}

/// Waits until a client without a position resumes at this offset: the position of a connection is stored just after it
/// has closed.
async fn begins_at(server: &Server, client_id: &str, offset: u64) -> Value {
    let start = std::time::Instant::now();
    loop {
        let mut client = Client::greeted(server, client_id).await;
        client.sub("c", 100, json!({})).await;
        let subd = client.next_op("subd").await;
        client.close().await;
        if subd["at"] == offset {
            return subd;
        }
        assert!(start.elapsed() < PATIENCE, "expected {offset}: {subd}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_resumes_at_its_acknowledged_position() {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=20).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    let mut client = Client::greeted(&server, "ada").await;
    ack(&mut client, &epoch, 12).await;
    client.close().await;
    assert_eq!(begins_at(&server, "ada", 12).await["resumed"], true);

    // Positions beyond the log, or behind the stored one, change nothing.
    for (epoch, offset) in [(&epoch, 21), (&json!("other"), 15), (&epoch, 3)] {
        let mut client = Client::greeted(&server, "ada").await;
        ack(&mut client, epoch, offset).await;
        client.round_trip().await;
        client.close().await;
    }
    server.terminate();
    server.ended().await;
    server.restart();
    begins_at(&server, "ada", 12).await;

    let mut client = Client::greeted(&server, "ada").await;
    client.sub("c", 100, json!({})).await;
    client.next_op("subd").await;
    assert_eq!(offsets(&client.next_op("msgs").await), (13..=20).collect::<Vec<_>>());
    // Another client, and one that asks for a start point, are not affected.
    begins_at(&server, "bob", 20).await;
    client.sub("c", 100, json!({"from": "start"})).await;
    while client.next().await["op"] != "live" {}
}

/// The position is stored every 5 s, not only at the end.
#[tokio::test]
async fn positions_are_stored_while_connected() {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=5).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    let mut client = Client::greeted(&server, "ada").await;
    ack(&mut client, &epoch, 3).await;
    begins_at(&server, "ada", 3).await;
    server.kill();
    server.restart();
    begins_at(&server, "ada", 3).await;
}

#[tokio::test]
async fn a_trimmed_stored_position_is_reported_unchanged() {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=20).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    let mut client = Client::greeted(&server, "ada").await;
    ack(&mut client, &epoch, 4).await;
    client.close().await;
    begins_at(&server, "ada", 4).await;
    server.kill();
    server.restart_with(&["--retain-messages", "10"]);
    server.publish("c", json!({"i": 21})).await; // trims
    let mut client = Client::greeted(&server, "ada").await;
    client.sub("c", 100, json!({})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["at"], &subd["first"], &subd["resumed"]), (&json!(4), &json!(12), &json!(false)));
    assert_eq!(client.next_op("msgs").await["n"], 12);
}

#[tokio::test]
async fn positions_belong_to_a_user() {
    let server = Server::start(&["--token-secret", SECRET]);
    let mut ada = Client::greeted_with(&server, "tab", Some(token("ada"))).await;
    for i in 1..=3 {
        ada.send(json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": i})).await;
        ada.next_op("puback").await;
    }
    ada.sub("c", 0, json!({"from": "tail"})).await;
    let epoch = ada.next_op("subd").await["epoch"].clone();
    ack(&mut ada, &epoch, 1).await;
    ada.close().await;
    let mut eve = Client::greeted_with(&server, "tab", Some(token("eve"))).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    eve.sub("c", 0, json!({})).await;
    assert_eq!(eve.next_op("subd").await["at"], 3, "the tail");
}
