//! Foreign data under the store's keys in Redis: entries and keys of every kind. Foreign entries are skipped. The
//! channel goes on if possible, and the other channels always do.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Redis, Server, eventually, offsets, request};

const LOG: &[u8] = b"seamline:{c}:log";

/// A client that has subscribed to both channels at the tail, and is live.
async fn live(server: &Server) -> Client {
    let mut client = Client::greeted(server, "reader").await;
    for ch in ["c", "other"] {
        client.sub(ch, 1000, json!({"from": "tail"})).await;
    }
    let mut live = 0;
    while live < 2 {
        live += u64::from(client.next().await["op"] == "live");
    }
    client
}

/// Publishes the message that gets this offset, again if Redis does not answer in time.
async fn publish(server: &Server, ch: &str, offset: u64) {
    let (url, key) = (server.url(&format!("/channels/{ch}/messages")), format!("{ch}-{offset}"));
    let body = json!({"i": offset}).to_string();
    let start = Instant::now();
    loop {
        let headers = [("idempotency-key", key.as_str())];
        let (status, answer) = request("POST", url.clone(), &headers, body.as_bytes()).await;
        if status != 503 {
            return assert_eq!(answer["offset"], offset, "{answer}");
        }
        assert!(start.elapsed() < PATIENCE, "{answer}");
    }
}

/// A page of the channel's log, read again if Redis does not answer in time.
async fn read(server: &Server, after: u64) -> Value {
    let url = server.url(&format!("/channels/c/messages?after={after}&limit=1000"));
    let start = Instant::now();
    loop {
        let (status, answer) = request("GET", url.clone(), &[], b"").await;
        if status == 200 {
            return answer;
        }
        assert!(status == 503 && start.elapsed() < PATIENCE, "{status} {answer}");
    }
}

/// Asserts that this message of the channel is the next live one.
async fn next_is(client: &mut Client, ch: &str, offset: u64) {
    loop {
        let frame = client.next().await;
        if frame["op"] == "msgs" && frame["ch"] == ch {
            assert_eq!(offsets(&frame), [offset], "{frame}");
            return;
        }
        assert_ne!(frame["op"], "err", "{frame}");
    }
}

/// All messages of the channel that a client receives from the start.
async fn replayed(server: &Server, ch: &str) -> Vec<Value> {
    let mut client = Client::greeted(server, "replay").await;
    client.sub(ch, 1000, json!({"from": "start"})).await;
    let mut messages = Vec::new();
    loop {
        let frame = client.next().await;
        match frame["op"].as_str().unwrap() {
            "msgs" => {
                assert_eq!(frame["n"], messages.len() + 1, "{frame}");
                messages.extend(frame["data"].as_array().unwrap().clone());
            }
            "live" => {
                assert_eq!(frame["head"], messages.len(), "{frame}");
                return messages;
            }
            op => assert_eq!(op, "subd", "{frame}"),
        }
    }
}

/// Foreign entries of every kind, some of which use the channel's epoch and head.
fn shapes(epoch: &str, head: u64) -> Vec<Vec<Vec<u8>>> {
    let (epoch, head, next) = (epoch.as_bytes(), head.to_string(), (head + 1).to_string());
    let huge = vec![b'x'; 3_000_000];
    let shapes: [&[&[u8]]; 20] = [
        &[b"x", b"\xff\xfe"],
        &[b"\xff", b"1"],
        &[b"", b""],
        &[b"o", next.as_bytes()],
        &[b"o", next.as_bytes(), b"e", epoch],
        &[b"d", b"1", b"e", epoch, b"o", next.as_bytes()],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", b"1", b"more", b"1"],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", b"not JSON"],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", b"1],\"replay\":true}"],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", b"\"\xff\""],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", b""],
        &[b"o", next.as_bytes(), b"e", epoch, b"d", &huge],
        &[b"o", b"\xff", b"e", epoch, b"d", b"1"],
        &[b"o", b"-1", b"e", epoch, b"d", b"1"],
        &[b"o", b"0", b"e", epoch, b"d", b"1"],
        &[b"o", b"1.5", b"e", epoch, b"d", b"1"],
        &[b"o", b"18446744073709551615", b"e", epoch, b"d", b"1"],
        &[b"o", b"900000000", b"e", epoch, b"d", b"1"],
        &[b"o", head.as_bytes(), b"e", epoch, b"d", b"\"again\""],
        &[b"o", next.as_bytes(), b"e", b"\xff", b"d", b"1"],
    ];
    shapes.iter().map(|fields| fields.iter().map(|field| field.to_vec()).collect()).collect()
}

fn add(redis: &Redis, fields: &[Vec<u8>]) {
    let args: Vec<&[u8]> = [LOG, b"*"].into_iter().chain(fields.iter().map(|field| &**field)).collect();
    redis.command::<String>("XADD", &args);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_entries_are_skipped() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    let mut reader = live(&server).await;
    let epoch = read(&server, 0).await["epoch"].as_str().unwrap().to_owned();
    // Also before the first message.
    add(&redis, &[b"x".to_vec(), b"\xff\xfe".to_vec()]);
    publish(&server, "c", 1).await;
    next_is(&mut reader, "c", 1).await;
    let (connections, shapes) = (redis.connections(), shapes(&epoch, 1).len() as u64);
    for i in 0..shapes {
        let head = i + 1;
        for _ in 0..2 {
            add(&redis, &self::shapes(&epoch, head)[i as usize]);
        }
        publish(&server, "other", head).await;
        next_is(&mut reader, "other", head).await;
        publish(&server, "c", head + 1).await;
        next_is(&mut reader, "c", head + 1).await;
    }
    // On a busy machine a command may time out: then the server connects once more, and skips them a second time.
    let timed_out = server.stderr().contains("Redis is unavailable: timed out");
    assert!(timed_out || redis.connections() == connections, "{}", server.stderr());
    assert_eq!(read(&server, 0).await["epoch"], epoch);
    let expected: Vec<Value> = (1..=shapes + 1).map(|i| json!({"i": i})).collect();
    assert_eq!(replayed(&server, "c").await, expected);
    for after in 0..=shapes {
        let page = read(&server, after).await;
        assert_eq!((&page["first"], &page["messages"][0]["offset"]), (&json!(1), &json!(after + 1)));
    }
    let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
    assert_eq!(status, 200, "{body}");
    let debug_lines = server.stderr().matches("skipped another foreign entry").count();
    let lines = server.stderr().matches("skipped an").count();
    assert!(timed_out || lines - debug_lines == 1, "it is reported once");
    assert!(timed_out || !server.stderr().contains("Redis is unavailable"), "{}", server.stderr());
}

/// Foreign entries are the last ones in the stream when the connection breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconnect_continues_after_foreign_entries() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    let mut reader = live(&server).await;
    let epoch = server.read("c", 0).await["epoch"].as_str().unwrap().to_owned();
    server.publish("c", json!({"i": 1})).await;
    next_is(&mut reader, "c", 1).await;
    for fields in shapes(&epoch, 1) {
        add(&redis, &fields);
    }
    server.publish("other", json!({"i": 1})).await;
    next_is(&mut reader, "other", 1).await;
    redis.disconnect_everyone();
    let url = server.url("/channels/c/messages");
    let start = Instant::now();
    let body = json!({"i": 2}).to_string();
    while request("POST", url.clone(), &[("idempotency-key", "k")], body.as_bytes()).await.0 == 503 {
        assert!(start.elapsed() < PATIENCE);
    }
    next_is(&mut reader, "c", 2).await;
    assert_eq!(server.read("c", 0).await["epoch"], epoch);

    // A server that starts now finds the same.
    let second = Server::start(&["--log", &redis.url()]);
    assert_eq!(replayed(&second, "c").await, [json!({"i": 1}), json!({"i": 2})]);
}

/// Many entries of random bytes, with the channel's messages among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_entries_stop_no_client() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    let mut reader = live(&server).await;
    let connections = redis.connections();
    let mut seed = 7u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % below
    };
    let names: [&[u8]; 6] = [b"o", b"e", b"d", b"", b"\xff", b"O"];
    for head in 1..=30 {
        for _ in 0..20 {
            let fields: Vec<Vec<u8>> = (0..2 * (1 + random(4)))
                .map(|_| match random(3) {
                    0 => names[random(6) as usize].to_vec(),
                    1 => random(40).to_string().into_bytes(),
                    _ => (0..random(20)).map(|_| random(256) as u8).collect(),
                })
                .collect();
            add(&redis, &fields);
        }
        assert_eq!(server.publish("other", json!({"i": head})).await, head);
        next_is(&mut reader, "other", head).await;
        assert_eq!(server.publish("c", json!({"i": head})).await, head);
        next_is(&mut reader, "c", head).await;
    }
    assert_eq!(redis.connections(), connections, "{}", server.stderr());
    assert_eq!(replayed(&server, "c").await.len(), 30);
}

/// Each key of a channel is replaced by foreign data while the channel is followed. What fails is answered with
/// `log_error`, and works again when the key is gone. The other channel is not affected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_type_breaks_only_its_channel() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    let mut reader = live(&server).await;
    server.publish("c", json!({"i": 1})).await;
    next_is(&mut reader, "c", 1).await;
    let connections = redis.connections();
    let mut head = 0;
    for key in ["log", "meta", "keys", "keyorder"] {
        let key = format!("seamline:{{c}}:{key}");
        redis.command::<i64>("DEL", &[key.as_bytes()]);
        match key.ends_with("log") {
            true => redis.command::<()>("RPUSH", &[key.as_bytes(), b"not a stream"]),
            false => redis.command::<()>("SET", &[key.as_bytes(), b"neither hash nor list"]),
        }
        for _ in 0..3 {
            let url = server.url("/channels/c/messages");
            let (status, answer) = request("POST", url, &[("idempotency-key", &key)], b"{}").await;
            assert_eq!((status, &answer["code"]), (503, &json!("log_error")), "{key}");
            head += 1;
            assert_eq!(server.publish("other", json!({"i": head})).await, head);
            let frame = loop {
                let frame = reader.next().await;
                if frame["ch"] == "other" {
                    break frame;
                }
            };
            assert_eq!(offsets(&frame), [head], "{key}");
        }
        let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
        assert_eq!(status, 200, "{key}: {body}");
        redis.command::<i64>("DEL", &[key.as_bytes()]);
        let url = server.url("/channels/c/messages");
        let (status, answer) = request("POST", url, &[("idempotency-key", &key)], b"{}").await;
        assert_eq!(status, 201, "{key}: {answer}");
    }
    assert_eq!(redis.connections(), connections, "{}", server.stderr());
    // Each failure and its end, and the end of the live stream, are logged once.
    let lines = server.stderr().matches("ERROR").count();
    assert!((1..=10).contains(&lines), "{lines} lines:\n{}", server.stderr());
}

/// Invalid metadata is treated as missing: the messages are kept under a new epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_channel_metadata_is_rebuilt() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    let mut reader = live(&server).await;
    server.publish_all("c", 1..=3).await;
    for (i, (field, value)) in
        [("head", "x"), ("head", "-1"), ("head", "1e99"), ("last", "abc"), ("last", ""), ("epoch", "\u{e9} ")]
            .iter()
            .enumerate()
    {
        let head = i as u64 + 4;
        redis.command::<i64>("HSET", &[b"seamline:{c}:meta", field.as_bytes(), value.as_bytes()]);
        assert_eq!(server.publish("c", json!({"i": head})).await, head, "{field} {value}");
        let other = i as u64 + 1;
        assert_eq!(server.publish("other", json!({"i": other})).await, other);
        let mut seen = (false, false);
        while seen != (true, true) {
            let frame = reader.next().await;
            assert_ne!(frame["op"], "err", "{frame}");
            if frame["op"] == "msgs" {
                let last = *offsets(&frame).last().unwrap();
                seen.0 |= frame["ch"] == "c" && last == head;
                seen.1 |= frame["ch"] == "other" && last == other;
            }
        }
    }
    assert_eq!(replayed(&server, "c").await.len(), 9);
}

/// A stored position is replaced by foreign data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_stored_position_is_replaced() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    server.publish_all("c", 1..=3).await;
    let key: &[u8] = b"seamline:{c}:sync:9:anonymous:ada";
    redis.command::<i64>("HSET", &[key, b"epoch", b"\xff", b"offset", b"many", b"id", b"\xff"]);
    let mut client = Client::greeted(&server, "ada").await;
    client.sub("c", 10, json!({"from": "start"})).await;
    let subd = client.next_op("subd").await;
    assert_eq!(subd["at"], 0, "{subd}");
    let ack = json!({"op": "ack", "ch": "c", "epoch": subd["epoch"], "offset": 2});
    client.send(ack).await;
    client.close().await;
    let stored = || -> Option<String> {
        let keys: Vec<String> = redis.command("KEYS", &[b"seamline:{c}:sync:*:ada"]);
        keys.iter().find_map(|key| redis.command("HGET", &[key.as_bytes(), b"offset"]))
    };
    eventually("the position", || stored().as_deref() == Some("2")).await;
}
