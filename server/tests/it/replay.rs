//! Replay comes in pages, as far as the client's credit goes, and ends with `live`.

use serde_json::json;

use crate::support::{Client, Server, offsets};

#[tokio::test]
async fn a_replay_stops_without_credit() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=25).await;
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 10, json!({"from": "start"})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["first"], &subd["head"], &subd["at"]), (&json!(1), &json!(25), &json!(0)));
    let page = client.next_op("msgs").await;
    assert_eq!(offsets(&page), (1..=10).collect::<Vec<_>>());
    assert_eq!((&page["replay"], &page["data"][4]), (&json!(true), &json!({"i": 5})));
    client.round_trip().await; // nothing more comes, and pings are answered meanwhile

    client.send(json!({"op": "more", "ch": "c", "credit": 3})).await;
    assert_eq!(offsets(&client.next_op("msgs").await), [11, 12, 13]);
    client.send(json!({"op": "more", "ch": "c", "credit": 100})).await;
    assert_eq!(offsets(&client.next_op("msgs").await), (14..=25).collect::<Vec<_>>());
    assert_eq!(client.next_op("live").await["head"], 25);

    server.publish("c", json!("live")).await;
    let live = client.next_op("msgs").await;
    assert_eq!((offsets(&live), live.get("replay")), (vec![26], None));
}

/// The client knows how much it can hold, but not how large the messages are.
#[tokio::test]
async fn a_replay_goes_ahead_of_the_credit() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=1_200).await;
    let mut client = Client::greeted(&server, "c").await;
    let ahead = |messages: u64, bytes: u64| json!({"from": "start", "ahead": messages, "ahead_bytes": bytes});

    client.sub("c", 10, ahead(300, 1_000_000)).await;
    client.next_op("subd").await;
    let mut sent = 0;
    while sent < 300 {
        sent += offsets(&client.next_op("msgs").await).len();
    }
    for credit in [289, 2] {
        client.send(json!({"op": "more", "ch": "c", "credit": credit})).await;
    }
    assert_eq!(offsets(&client.next_op("msgs").await), [301], "the credit is 10 and 289 and 2");

    client.sub("c", 10, ahead(1_000_000, 1)).await;
    client.next_op("subd").await;
    let sent = offsets(&client.next_op("msgs").await).len();
    assert!(sent > 10, "the first page: {sent}");
    client.send(json!({"op": "more", "ch": "c", "credit": sent})).await;
    assert_eq!(offsets(&client.next_op("msgs").await).len(), 10, "it needs credit after that");

    client.sub("c", 10, json!({"from": "start", "ahead": 300})).await;
    client.next_op("subd").await;
    assert_eq!(offsets(&client.next_op("msgs").await).len(), 10, "there is no limit of bytes");
    client.round_trip().await;
}

#[tokio::test]
async fn an_empty_channel_is_live_at_once() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 0, json!({"from": "start"})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["first"], &subd["head"], &subd["at"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(client.next_op("live").await["head"], 0);
    server.publish("c", json!(1)).await;
    assert_eq!(offsets(&client.next_op("msgs").await), [1]);
}

#[tokio::test]
async fn a_page_is_limited_in_messages_and_bytes() {
    let server = Server::start(&[]);
    server.publish_all("many", 1..=1200).await;
    for _ in 0..4 {
        server.publish("large", json!("x".repeat(60_000))).await;
    }
    let mut client = Client::greeted(&server, "c").await;
    for (ch, pages) in [("many", vec![500, 500, 200]), ("large", vec![1, 1, 1, 1])] {
        client.sub(ch, 1_000_000, json!({"from": "start"})).await;
        client.next_op("subd").await;
        for page in pages {
            assert_eq!(offsets(&client.next_op("msgs").await).len(), page);
        }
        client.next_op("live").await;
    }
}

#[tokio::test]
async fn a_second_sub_restarts_the_subscription() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=5).await;
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 2, json!({"from": "start"})).await;
    let epoch = client.next_op("subd").await["epoch"].clone();
    assert_eq!(offsets(&client.next_op("msgs").await), [1, 2]);
    client.sub("c", 10, json!({"position": {"epoch": epoch, "offset": 3}})).await;
    assert_eq!(client.next_op("subd").await["at"], 3);
    assert_eq!(offsets(&client.next_op("msgs").await), [4, 5]);
    client.next_op("live").await;
    server.publish("c", json!(6)).await;
    assert_eq!(offsets(&client.next_op("msgs").await), [6]);
    client.round_trip().await; // only once: the first feed has ended
}

#[tokio::test]
async fn no_message_follows_unsub() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("c", 1, json!({"from": "tail"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    client.send(json!({"op": "unsub", "ch": "c"})).await;
    client.round_trip().await;
    server.publish("c", json!(1)).await;
    client.send(json!({"op": "ping"})).await;
    client.next_op("pong").await;
}

#[tokio::test]
async fn payloads_are_delivered_unchanged() {
    let server = Server::start(&[]);
    let texts =
        [r#"null"#, r#"1.10"#, r#"12345678901234567890123"#, r#"{"b":1,"a":[ 1 ]}"#, r#""é\u00e9\ud83d""#];
    for text in texts {
        let url = server.url("/channels/c/messages");
        crate::support::request("POST", url, &[], text.as_bytes()).await;
    }
    let url = server.url("/channels/c/messages");
    let raw = tokio::task::spawn_blocking(move || {
        ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
    });
    let raw = raw.await.unwrap();
    for text in texts {
        assert!(raw.contains(&format!("\"data\":{text}}}")), "{text} is not in {raw}");
    }
}
