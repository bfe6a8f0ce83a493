//! The plain dialect: clients that ask for no subprotocol get one flat JSON object per message, numbered without a
//! hole, whatever happens between the replay and the live stream.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Got, PATIENCE, Redis, SEAM_DELAY_MS, Server, shown};

/// The number of a message.
fn number(message: &Value) -> u64 {
    message["sequence_number"].as_u64().unwrap_or_else(|| panic!("no message: {message}"))
}

/// Receives messages, which must be contiguous from this one on.
async fn numbered(client: &mut Client, from: u64, count: u64) -> Vec<Value> {
    let mut messages = Vec::new();
    for expected in from..from + count {
        messages.push(client.next().await);
        assert_eq!(number(messages.last().unwrap()), expected);
    }
    messages
}

/// Expects silence for a while. A message that should not come would also show up later; this fails sooner.
async fn nothing(client: &mut Client) {
    assert_eq!(client.got_within(Duration::from_millis(150)).await, None);
}

#[tokio::test]
async fn a_message_is_one_flat_object() {
    let server = Server::start(&[]);
    server
        .publish(
            "a/b".replace('/', "%2F").as_str(),
            json!({"type": "message.edit", "text": "hi", "id": "u-1"}),
        )
        .await;
    let mut client = Client::plain(&server, "conversation_id=a%2Fb&user_id=u1&client_id=tab").await;
    server.publish("a%2Fb", json!("no object")).await;
    let [first, second] = [client.next().await, client.next().await];
    let log = server.read("a%2Fb", 0).await;
    let id = |i: usize| log["messages"][i]["id"].clone();
    let place = |i: usize| json!({"stream_id": id(i), "conversation_id": "a/b", "sequence_number": i + 1});
    let with = |mut place: Value, fields: Value| {
        place.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        place
    };
    assert_eq!(first, with(place(0), json!({"type": "message.edit", "text": "hi", "id": "u-1"})));
    assert_eq!(second, with(place(1), json!({"type": "message.new", "data": "no object"})));
}

#[tokio::test]
async fn the_replay_begins_after_the_last_message_id() {
    let server = Server::start(&["--retain-messages", "20"]);
    server.publish_all("c", 1..=12).await;
    let mut client = Client::plain(&server, "conversation_id=c").await;
    let all = numbered(&mut client, 1, 12).await;
    let id = |number: usize| all[number - 1]["stream_id"].as_str().unwrap().to_owned();

    let mut resumed = Client::plain(&server, &format!("conversation_id=c&last_message_id={}", id(7))).await;
    numbered(&mut resumed, 8, 5).await;
    // An id that never existed: the replay has everything newer.
    let older =
        format!("{}-18446744073709551615", id(1).split('-').next().unwrap().parse::<u64>().unwrap() - 1);
    let mut never = Client::plain(&server, &format!("conversation_id=c&last_message_id={older}")).await;
    numbered(&mut never, 1, 12).await;
    let future = format!("conversation_id=c&last_message_id={}-0", u64::MAX);
    let mut from_the_future = Client::plain(&server, &future).await;
    let start = Instant::now();
    while server.metric("seamline_replay_messages_count").await < 4.0 {
        assert!(start.elapsed() < PATIENCE, "not all four have read the log");
    }
    nothing(&mut from_the_future).await;

    server.publish_all("c", 13..=30).await;
    for (client, from) in [(&mut client, 13), (&mut resumed, 13), (&mut from_the_future, 13)] {
        numbered(client, from, 18).await;
    }
    // 1 to 10 were trimmed, which the numbers show.
    let mut trimmed = Client::plain(&server, &format!("conversation_id=c&last_message_id={}", id(7))).await;
    numbered(&mut trimmed, 11, 20).await;
}

#[tokio::test]
async fn acknowledged_messages_are_not_replayed() {
    let mut server = Server::start(&[]);
    server.publish_all("c", 1..=10).await;
    let query = "conversation_id=c&client_id=tab";
    let mut client = Client::plain(&server, query).await;
    let all = numbered(&mut client, 1, 10).await;
    let ack = |number: usize| json!({"type": "ack", "msg_id": all[number - 1]["stream_id"], "conversation_id": "c"});
    for number in [4, 6, 2] {
        client.send(ack(number)).await;
    }
    client.send(json!({"type": "get_unacked"})).await;
    client.close().await;
    begins(&server, query, 7).await;

    // There is no such message: nothing changes.
    let mut client = Client::plain(&server, query).await;
    client.send(json!({"type": "ack", "msg_id": format!("{}-7", u64::MAX)})).await;
    client.close().await;
    server.terminate();
    server.ended().await;
    server.restart();
    begins(&server, query, 7).await;
    begins(&server, "conversation_id=c&client_id=another", 1).await;

    // A client without an id cannot resume.
    let mut nobody = Client::plain(&server, "conversation_id=c").await;
    nobody.send(ack(9)).await;
    nobody.close().await;
    begins(&server, "conversation_id=c", 1).await;
    // The same client also resumes in the other dialect.
    let mut client = Client::greeted(&server, "tab").await;
    client.sub("c", 100, json!({})).await;
    assert_eq!(client.next_op("subd").await["at"], 6);
}

/// Retries, because a position is stored just after its connection has closed.
async fn begins(server: &Server, query: &str, expected: u64) {
    let start = Instant::now();
    loop {
        let mut client = Client::plain(server, query).await;
        let first = number(&client.next().await);
        client.close().await;
        if first == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "the replay begins at {first}, not at {expected}");
    }
}

/// Messages published while the replay is read are delivered, because the server listens before it reads.
#[tokio::test]
async fn nothing_is_lost_between_replay_and_live() {
    let (server, mut client) = shown(async || {
        let server = Server::start(&["--unsafe-seam-delay-ms", SEAM_DELAY_MS]);
        server.publish_all("c", 1..=5).await;
        let since = Instant::now();
        let client = Client::plain(&server, "conversation_id=c").await;
        server.publish_in_the_seam(since, "c", 6..=10).await.then_some((server, client))
    })
    .await;
    // The overlap comes twice; the client drops it.
    numbered(&mut client, 1, 10).await;
    numbered(&mut client, 6, 5).await;
    server.publish("c", json!({"i": 11})).await;
    numbered(&mut client, 11, 1).await;
}

#[tokio::test]
async fn in_the_wrong_order_messages_are_lost() {
    let args = ["--unsafe-replay-before-subscribe", "--unsafe-seam-delay-ms", SEAM_DELAY_MS];
    let (server, mut client) = shown(async || {
        let server = Server::start(&args);
        server.publish_all("c", 1..=5).await;
        let since = Instant::now();
        let mut client = Client::plain(&server, "conversation_id=c").await;
        numbered(&mut client, 1, 5).await;
        server.publish_in_the_seam(since, "c", 6..=10).await.then_some((server, client))
    })
    .await;
    // Once it listens, it gets what is published.
    let start = Instant::now();
    let first = loop {
        assert!(start.elapsed() < PATIENCE, "no message came");
        server.publish("c", json!("more")).await;
        if let Some(Got::Frame(message)) = client.got_within(Duration::from_millis(200)).await {
            break number(&message);
        }
    };
    assert!(first > 10, "6 to 10 were never sent, and {first} was");
}

#[tokio::test]
async fn clients_miss_nothing_when_the_server_is_killed() {
    const COUNT: u64 = 400;
    let mut server = Server::start(&[]);
    let (mut position, mut last_id, mut rounds) = (0, String::new(), 0);
    while position < COUNT {
        let published = (rounds + 1) * 40;
        let resume = if last_id.is_empty() { String::new() } else { format!("&last_message_id={last_id}") };
        let mut client = Client::plain(&server, &format!("conversation_id=c&client_id=tab{resume}")).await;
        if published <= COUNT {
            server.publish_all("c", published - 39..=published).await;
        }
        for _ in 0..45 {
            let message = client.next().await;
            assert!(number(&message) <= position + 1, "a hole: {position}, then {message}");
            position = position.max(number(&message));
            last_id = message["stream_id"].as_str().unwrap().to_owned();
            if position == published.min(COUNT) {
                break;
            }
        }
        rounds += 1;
        server.kill();
        server.restart();
    }
    assert!(rounds >= 10);
}

/// A client that does not read is sent back to the log, and gets everything without a hole.
#[tokio::test]
async fn a_slow_client_gets_everything() {
    const COUNT: u64 = 4_000;
    let server = Server::start(&["--send-timeout-ms", "300000"]);
    let mut slow = Client::plain(&server, "conversation_id=c").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    let payload = "x".repeat(4_000);
    for batch in 0..COUNT / 200 {
        for i in 0..200 {
            let key = format!("{}", batch * 200 + i);
            publisher.send(json!({"op": "pub", "ch": "c", "key": key, "data": {"x": payload}})).await;
        }
        for _ in 0..200 {
            publisher.next_op("puback").await;
        }
    }
    let mut position = 0;
    while position < COUNT {
        let got = number(&slow.next().await);
        assert!(got <= position + 1, "a hole: {position}, then {got}");
        position = position.max(got);
    }
    assert!(
        server.stderr().contains("back to the log"),
        "the client was never too slow, so this test shows nothing"
    );
}

#[tokio::test]
async fn typing_reaches_clients_of_both_dialects() {
    let server = Server::start(&[]);
    server.publish("c", json!({"hi": 1})).await;
    let mut ada = Client::plain(&server, "conversation_id=c&client_id=ada").await;
    let mut bob = Client::plain(&server, "conversation_id=c&client_id=bob").await;
    let mut eve = Client::greeted(&server, "eve").await;
    eve.sub("c", 10, json!({"from": "start"})).await;
    for op in ["subd", "msgs", "live"] {
        eve.next_op(op).await;
    }
    // They got the message, so they listen.
    numbered(&mut ada, 1, 1).await;
    numbered(&mut bob, 1, 1).await;

    let typing = json!({"type": "typing", "conversation_id": "c", "user_id": "ada"});
    ada.send(typing.clone()).await;
    assert_eq!(bob.next().await, typing);
    assert_eq!(eve.next_op("cast").await["data"], typing);
    // What would be mistaken for a message, or is not an object, is wrapped.
    for data in [json!({"type": "typing", "id": "eve"}), json!(7)] {
        eve.send(json!({"op": "cast", "ch": "c", "data": data})).await;
        for client in [&mut ada, &mut bob] {
            assert_eq!(client.next().await, json!({"type": "cast", "data": data}));
        }
    }
    nothing(&mut ada).await; // its own events do not come back
    assert_eq!(server.read("c", 0).await["head"], 1, "events are not stored");
}

#[tokio::test]
async fn clients_wait_for_an_unavailable_log() {
    let mut redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    server.publish_all("c", 1..=3).await;
    let mut client = Client::plain(&server, "conversation_id=c&client_id=tab").await;
    let all = numbered(&mut client, 1, 3).await;
    redis.kill();
    let id = all[0]["stream_id"].as_str().unwrap();
    let mut waiting = Client::plain(&server, &format!("conversation_id=c&last_message_id={id}")).await;
    nothing(&mut waiting).await;
    redis.restart();
    numbered(&mut waiting, 2, 2).await;
    let start = Instant::now();
    while crate::support::request("POST", server.url("/channels/c/messages"), &[], b"4").await.0 != 201 {
        assert!(start.elapsed() < PATIENCE, "the log did not recover");
    }
    let mut latest = 0;
    while latest < 4 {
        latest = number(&client.next().await); // the replay may repeat messages
    }
}

/// The dialect has no frame for the end of a subscription, so the connection closes.
#[tokio::test]
async fn a_failing_log_closes_the_connection() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    redis.command::<()>("SET", &[b"seamline:{c}:meta", b"not what is kept there"]);
    let mut client = Client::plain(&server, "conversation_id=c").await;
    assert_eq!(client.got().await, Got::Closed(1013, "the log failed; try again later".into()));
}
