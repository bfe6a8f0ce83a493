//! What a connection and a subscription take, measured on the server's process. The limits leave room for other
//! machines: half as much again as was measured, in a debug build.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::support::{Client, Server};

/// The allocator gives back at once what is freed, so that only what is kept is measured.
const GIVES_BACK: (&str, &str) = ("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0");

const SOCKETS: usize = 50;
const CHANNELS_EACH: usize = 100;

#[tokio::test]
async fn a_followed_channel_takes_little_memory() {
    let server = Server::start_with(&[], &[GIVES_BACK]);
    let clients = join_all((0..SOCKETS).map(|i| greeted(&server, i))).await;
    // The first subscriptions create the channels in the log, which is not what this test is about.
    let clients = join_all(clients.into_iter().enumerate().map(|(i, client)| subscribed(client, i))).await;
    let mut clients =
        join_all(clients.into_iter().enumerate().map(|(i, client)| unsubscribed(client, i))).await;
    let before_kb = settled_kb(&server).await;
    clients = join_all(clients.into_iter().enumerate().map(|(i, client)| subscribed(client, i))).await;
    let grown_kb = settled_kb(&server).await.saturating_sub(before_kb);
    let each = grown_kb * 1024 / (SOCKETS * CHANNELS_EACH) as u64;
    assert!(each < 1200, "each channel takes {each} bytes");
    // They are live: a message reaches its subscriber.
    server.publish("room-7-42", json!("hello")).await;
    assert_eq!(clients[7].next_op("msgs").await["data"], json!(["hello"]));
}

#[tokio::test]
async fn an_idle_connection_takes_little_memory() {
    const CONNECTIONS: usize = 500;
    let server = Server::start_with(&[], &[GIVES_BACK]);
    // The first ones reach the code and grow the tables that all share.
    let _first = join_all((0..100).map(|i| subscriber(&server, i))).await;
    let before_kb = settled_kb(&server).await;
    let clients = join_all((100..100 + CONNECTIONS).map(|i| subscriber(&server, i))).await;
    let grown_kb = settled_kb(&server).await.saturating_sub(before_kb);
    let each = grown_kb * 1024 / CONNECTIONS as u64;
    assert!(each < 4500, "each connection takes {each} bytes");
    drop(clients);
}

async fn greeted(server: &Server, i: usize) -> Client {
    Client::greeted(server, &format!("client-{i}")).await
}

async fn subscriber(server: &Server, i: usize) -> Client {
    let mut client = greeted(server, i).await;
    client.sub("c", 1000, json!({"from": "tail"})).await;
    are_live(&mut client, 1).await;
    client
}

async fn subscribed(mut client: Client, i: usize) -> Client {
    for ch in 0..CHANNELS_EACH {
        client.sub(&format!("room-{i}-{ch}"), 1000, json!({"from": "tail"})).await;
    }
    are_live(&mut client, CHANNELS_EACH).await;
    client
}

/// Waits until so many more subscriptions are live.
async fn are_live(client: &mut Client, mut count: usize) {
    while count > 0 {
        count -= usize::from(client.next().await["op"] == "live");
    }
}

async fn unsubscribed(mut client: Client, i: usize) -> Client {
    for ch in 0..CHANNELS_EACH {
        client.send(json!({"op": "unsub", "ch": format!("room-{i}-{ch}")})).await;
    }
    client.round_trip().await;
    client
}

/// The server's memory when it no longer changes.
async fn settled_kb(server: &Server) -> u64 {
    let start = Instant::now();
    let mut last_kb = 0;
    loop {
        let kb = server.memory_kb("VmRSS");
        if kb == last_kb || start.elapsed() > Duration::from_secs(20) {
            return kb;
        }
        last_kb = kb;
        tokio::time::sleep(Duration::from_millis(1000)).await;
    }
}
