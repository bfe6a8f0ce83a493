//! Clients that replay the same range share its pages. What is shared may be older than a subscription, and takes
//! nothing from it.

use futures::future::join_all;
use serde_json::json;

use crate::support::{Client, Server, offsets};

/// The offsets of a replay, up to `live`.
async fn replayed(client: &mut Client) -> Vec<u64> {
    let mut replayed = Vec::new();
    client.next_op("subd").await;
    loop {
        let frame = client.next().await;
        if frame["op"] == "live" {
            return replayed;
        }
        assert_eq!(frame["replay"], true, "{frame}");
        replayed.extend(offsets(&frame));
    }
}

#[tokio::test]
async fn a_storm_encodes_each_page_once() {
    const CLIENTS: usize = 40;
    const MESSAGES: u64 = 100; // one page
    let server = Server::start(&[]);
    server.publish_all("c", 1..=MESSAGES).await;
    let names: Vec<String> = (0..CLIENTS).map(|i| format!("client-{i}")).collect();
    let mut clients = join_all(names.iter().map(|name| Client::greeted(&server, name))).await;
    join_all(clients.iter_mut().map(|client| client.sub("c", 1000, json!({"from": "start"})))).await;
    for offsets in join_all(clients.iter_mut().map(replayed)).await {
        assert_eq!(offsets, (1..=MESSAGES).collect::<Vec<_>>());
    }
    let encoded = server.metric("seamline_replay_pages_encoded_total").await;
    let shared = server.metric("seamline_replay_pages_shared_total").await;
    assert_eq!(encoded + shared, CLIENTS as f64);
    assert!(encoded <= 4.0, "{encoded} pages were encoded"); // a page is kept for a while, and the machine may be slow
}

#[tokio::test]
async fn an_older_shared_page_does_not_end_a_replay() {
    let server = Server::start(&[]);
    for (round, head) in [10, 20, 30].into_iter().enumerate() {
        server.publish_all("c", head - 9..=head).await;
        let mut client = Client::greeted(&server, &format!("client-{round}")).await;
        client.sub("c", 1000, json!({"from": "start"})).await;
        assert_eq!(replayed(&mut client).await, (1..=head).collect::<Vec<_>>());
    }
    assert!(server.metric("seamline_replay_pages_shared_total").await > 0.0, "nothing was shared");
}

#[tokio::test]
async fn dialects_do_not_share_pages() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=3).await;
    let mut client = Client::greeted(&server, "a").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    assert_eq!(replayed(&mut client).await, [1, 2, 3]);
    let mut plain = Client::plain(&server, "conversation_id=c&client_id=b").await;
    for i in 1..=3 {
        let message = plain.next().await;
        assert_eq!((&message["sequence_number"], &message["i"]), (&json!(i), &json!(i)));
    }
}
