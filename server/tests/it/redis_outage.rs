//! Redis becomes unavailable and returns, in every way. Sockets stay open, publications are rejected with a retry hint,
//! and nothing is lost or repeated. If Redis returns with another history, clients learn of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Client, Got, Redis, Server, assert_log_refused, eventually, is_degraded, is_well, nobody, offsets,
    rejects_publications,
};

fn start(redis: &Redis) -> Server {
    Server::start(&["--log", &redis.url()])
}

/// A client that has subscribed at the tail, and is live.
async fn live(server: &Server, ch: &str) -> (Client, Value) {
    let mut client = Client::greeted(server, "reader").await;
    client.sub(ch, 1000, json!({"from": "tail"})).await;
    let subd = client.next_op("subd").await;
    client.next_op("live").await;
    (client, subd)
}

/// Publishes with a key over a socket until the server acknowledges it, and obeys the retry hints. Returns the offset,
/// and how often it was rejected.
async fn publish_until_stored(client: &mut Client, key: &str, data: Value) -> (u64, u64) {
    let mut hints = 0;
    loop {
        client.send(json!({"op": "pub", "ch": "c", "key": key, "data": data})).await;
        let answer = client.next().await;
        match answer["op"].as_str().unwrap() {
            "puback" => return (answer["offset"].as_u64().unwrap(), hints),
            "pubnack" => {
                assert_eq!(answer["code"], "log_error");
                let wait_ms = answer["retry_after_ms"].as_u64().expect("a hint");
                hints += 1;
                tokio::time::sleep(Duration::from_millis(wait_ms.min(200))).await;
            }
            _ => panic!("{answer}"),
        }
    }
}

#[tokio::test]
async fn clients_stay_connected_while_redis_is_down() {
    let mut redis = Redis::start();
    let server = start(&redis);
    is_well(&server).await;
    let (mut reader, _) = live(&server, "c").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    assert_eq!(publish_until_stored(&mut publisher, "k1", json!({"i": 1})).await, (1, 0));
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);

    redis.kill();
    publisher.send(json!({"op": "pub", "ch": "c", "key": "k2", "data": {"i": 2}})).await;
    let refusal = publisher.next_op("pubnack").await;
    assert!(refusal["retry_after_ms"].as_u64().unwrap() > 0, "{refusal}");
    is_degraded(&server).await;
    rejects_publications(&server).await;
    // A client that subscribes now has to wait, but is not disconnected.
    let mut late = Client::greeted(&server, "late").await;
    late.sub("c", 1000, json!({"from": "start"})).await;
    late.round_trip().await;
    reader.round_trip().await;

    redis.restart();
    let (offset, _) = publish_until_stored(&mut publisher, "k2", json!({"i": 2})).await;
    assert_eq!(offset, 2);
    assert_eq!(offsets(&reader.next_op("msgs").await), [2], "once, on the socket that was open all the time");
    late.next_op("subd").await;
    let mut seen = Vec::new();
    while seen.last() != Some(&2) {
        let frame = late.next().await;
        if frame["op"] == "msgs" {
            seen.extend(offsets(&frame));
        }
    }
    is_well(&server).await;
    assert!(server.metric("seamline_publications_refused_total{code=\"log_error\"}").await >= 2.0);
    let lines = server.stderr().matches("Redis is unavailable").count();
    assert_eq!(
        (lines, server.stderr().matches("Redis is available again").count()),
        (1, 1),
        "{}",
        server.stderr()
    );
    assert!(!server.stderr().contains("ERROR"), "{}", server.stderr());
}

/// Publishers never stop while Redis is killed repeatedly. Each acknowledged publication is in the log once, at its
/// acknowledged offset. A subscriber on another node keeps its socket and receives everything once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_publications_survive_a_kill_of_redis() {
    const COUNT: u64 = 60;
    let mut redis = Redis::start();
    let (a, b) = (start(&redis), start(&redis));
    let (mut reader, _) = live(&b, "c").await;
    let publish = async |who: u64| {
        let mut client = Client::greeted(&a, &format!("publisher-{who}")).await;
        let mut acknowledged = Vec::new();
        for i in 0..COUNT {
            let key = format!("{who}-{i}");
            let (offset, _) = publish_until_stored(&mut client, &key, json!(key)).await;
            acknowledged.push((offset, key));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        acknowledged
    };
    let publishing = futures::future::join_all((0..3).map(publish));
    let killing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            redis.kill();
            tokio::time::sleep(Duration::from_millis(150)).await;
            redis.restart();
        }
    };
    let reading = async {
        let mut messages = Vec::new();
        while (messages.len() as u64) < 3 * COUNT {
            let Got::Frame(frame) = reader.got().await else { panic!("the socket was not kept") };
            if frame["op"] == "msgs" {
                assert_eq!(frame["n"], messages.len() + 1, "each once, without a hole");
                messages.extend(frame["data"].as_array().unwrap().clone());
            }
        }
        messages
    };
    let (acknowledged, (), read) = tokio::join!(publishing, killing, reading);
    for (offset, key) in acknowledged.concat() {
        assert_eq!(read[offset as usize - 1], json!(key));
    }
    assert_eq!(b.read("c", 0).await["head"], 3 * COUNT);
}

#[tokio::test]
async fn nothing_is_lost_while_redis_hangs() {
    let redis = Redis::start();
    let server = start(&redis);
    let (mut reader, _) = live(&server, "c").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    publish_until_stored(&mut publisher, "k1", json!({"i": 1})).await;
    redis.pause();
    publisher.send(json!({"op": "pub", "ch": "c", "key": "k2", "data": {"i": 2}})).await;
    publisher.next_op("pubnack").await; // rejected while Redis hangs
    redis.resume();
    let (offset, _) = publish_until_stored(&mut publisher, "k2", json!({"i": 2})).await;
    assert_eq!(offset, 2, "stored once, though it was asked for again");
    publish_until_stored(&mut publisher, "k3", json!({"i": 3})).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(offsets(&reader.next_op("msgs").await));
    }
    assert_eq!(seen, [1, 2, 3]);
}

/// The socket stays open. The client learns the new epoch, and receives the new log from its start.
#[tokio::test]
async fn an_emptied_redis_starts_a_new_epoch() {
    let mut redis = Redis::start();
    let server = start(&redis);
    let (mut reader, subd) = live(&server, "c").await;
    server.publish_all("c", 1..=5).await;
    while offsets(&reader.next_op("msgs").await).last() != Some(&5) {}

    tokio::time::sleep(Duration::from_millis(5)).await; // in the same millisecond, an id could come again
    redis.command::<()>("FLUSHALL", &[]);
    server.publish("c", json!({"i": 1})).await;
    let again = reader.next_op("subd").await;
    assert_ne!(again["epoch"], subd["epoch"]);
    assert_eq!((&again["first"], &again["at"], &again["resumed"]), (&json!(1), &json!(0), &json!(false)));
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);
    assert_eq!(reader.next_op("live").await["head"], 1);
    server.publish("c", json!({"i": 2})).await;
    assert_eq!(offsets(&reader.next_op("msgs").await), [2]);

    // The same with a restart, and without a publication since.
    redis.restart_empty();
    let third = reader.next_op("subd").await;
    assert_ne!(third["epoch"], again["epoch"]);
    assert_eq!((&third["head"], &third["at"]), (&json!(0), &json!(0)));
}

/// A full Redis stores nothing, but can be read, and does not count as unavailable.
#[tokio::test]
async fn a_full_redis_rejects_publications_and_serves_reads() {
    let redis = Redis::start();
    let server = start(&redis);
    server.publish_all("c", 1..=5).await;
    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"1"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    publisher.send(json!({"op": "pub", "ch": "c", "key": "k6", "data": {"i": 6}})).await;
    assert!(publisher.next_op("pubnack").await["retry_after_ms"].as_u64().unwrap() > 0);
    is_degraded(&server).await;
    assert_eq!(server.read("c", 0).await["messages"].as_array().unwrap().len(), 5);

    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"0"]);
    assert_eq!(publish_until_stored(&mut publisher, "k6", json!({"i": 6})).await, (6, 0));
    is_well(&server).await;
    assert!(!server.stderr().contains("Redis is unavailable"), "{}", server.stderr());
}

/// All scripts are lost and all connections are closed, as in a restart.
#[tokio::test]
async fn lost_scripts_are_loaded_again() {
    let redis = Redis::start();
    let server = start(&redis);
    let (mut reader, _) = live(&server, "c").await;
    redis.command::<()>("SCRIPT", &[b"FLUSH"]);
    let mut publisher = Client::greeted(&server, "publisher").await;
    assert_eq!(publish_until_stored(&mut publisher, "k1", json!({"i": 1})).await.0, 1);
    redis.disconnect_everyone();
    assert_eq!(publish_until_stored(&mut publisher, "k2", json!({"i": 2})).await.0, 2);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(offsets(&reader.next_op("msgs").await));
    }
    assert_eq!(seen, [1, 2]);
}

#[tokio::test]
async fn an_unusable_redis_is_reported_at_startup() {
    let (_held, nobody) = nobody();
    assert_log_refused(
        &format!("redis://{nobody}"),
        &[&nobody.to_string(), "Check that Redis is running there"],
    );
    assert_log_refused("rediss://127.0.0.1", &["TLS"]);
    assert_log_refused("postgres://127.0.0.1", &["embedded", "redis://"]);

    let redis = Redis::start();
    redis.command::<()>("CONFIG", &[b"SET", b"requirepass", b"secret-word"]);
    assert_log_refused(&redis.url(), &["--log"]);
    let with_password = redis.url().replace("redis://", "redis://:secret-word@");
    drop(Server::start(&["--log", &with_password]));
    let wrong = redis.url().replace("redis://", "redis://:hush@");
    assert_log_refused(&wrong, &["WRONGPASS"]);
}

#[tokio::test]
async fn risky_redis_settings_are_warned_about() {
    let redis = Redis::start();
    assert!(!start(&redis).stderr().contains("acknowledged"));
    redis.command::<()>("CONFIG", &[b"SET", b"appendfsync", b"everysec"]);
    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory-policy", b"allkeys-lru"]);
    let server = start(&redis);
    eventually("the warnings", || server.stderr().contains("noeviction")).await;
    assert!(server.stderr().contains("acknowledged publications"), "{}", server.stderr());
}
