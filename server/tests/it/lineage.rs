//! Copies of a page share a client id, as a duplicated tab does, and each has a position of its own: no copy
//! misses messages that only another copy has processed. Each test runs with each kind of store.

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Redis, Server, offsets};

/// Servers that share a store.
struct Service {
    servers: Vec<Server>,
    redis: Option<Redis>,
}

impl Service {
    fn embedded() -> Service {
        Service { servers: vec![Server::start(&[])], redis: None }
    }

    /// Two nodes.
    fn redis() -> Service {
        let redis = Redis::start();
        let servers = (0..2).map(|_| Server::start(&["--log", &redis.url()])).collect();
        Service { servers, redis: Some(redis) }
    }

    fn first(&self) -> &Server {
        &self.servers[0]
    }

    /// Another node, if there is one.
    fn last(&self) -> &Server {
        &self.servers[self.servers.len() - 1]
    }
}

macro_rules! on_each_log {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test] async fn $test() { super::$test(super::Service::embedded()).await; })*
        }
        mod redis {
            $(#[tokio::test] async fn $test() { super::$test(super::Service::redis()).await; })*
        }
    };
}

on_each_log!(
    a_lagging_copy_continues_at_its_own_position,
    an_idle_page_load_resumes_at_its_start_point,
    a_start_point_survives_kill_9,
    a_page_load_keeps_its_position_across_connections,
    a_page_load_without_the_channel_is_skipped,
    without_a_lineage_the_furthest_position_counts,
);

/// A page of the client `tab` that has received `welcome`.
async fn page(server: &Server, lineage: &str) -> Client {
    let mut client = Client::connect(server).await;
    client.send(json!({"op": "hello", "v": 1, "client_id": "tab", "lineage": lineage})).await;
    client.next_op("welcome").await;
    client
}

/// Subscribes, and returns the offset at which the subscription starts.
async fn begins(client: &mut Client, more: Value) -> u64 {
    client.sub("c", 100, more).await;
    client.next_op("subd").await["at"].as_u64().unwrap()
}

/// Processes messages up to an offset, closes, and waits until the position of the client is stored.
async fn process_and_close(mut client: Client, server: &Server, offset: u64) {
    let epoch = server.read("c", 0).await["epoch"].clone();
    client.send(json!({"op": "ack", "ch": "c", "epoch": epoch, "offset": offset})).await;
    client.close().await;
    let start = std::time::Instant::now();
    loop {
        let mut probe = Client::greeted(server, "tab").await;
        let at = begins(&mut probe, json!({})).await;
        probe.close().await;
        if at == offset {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "stored is {at}, not {offset}");
    }
}

async fn a_lagging_copy_continues_at_its_own_position(service: Service) {
    let (one, other) = (service.first(), service.last());
    one.publish_all("c", 1..=3).await;
    let mut original = page(one, "a1").await;
    assert_eq!(begins(&mut original, json!({"from": "start"})).await, 0);
    process_and_close(original, one, 3).await;
    let mut original = page(one, "a2 a1").await;
    assert_eq!(begins(&mut original, json!({})).await, 3);

    // The tab is duplicated: the copy knows the same page loads. It is still processing 4 when it is reloaded.
    let mut copy = page(other, "b1 a2 a1").await;
    assert_eq!(begins(&mut copy, json!({})).await, 3);
    for i in 4..=8 {
        one.publish("c", json!({"i": i})).await;
    }
    process_and_close(original, one, 8).await;
    copy.close().await;
    let mut copy = page(other, "b2 b1 a2 a1").await;
    assert_eq!(begins(&mut copy, json!({})).await, 3, "only the original has processed 4 to 8");
    assert_eq!(offsets(&copy.next_op("msgs").await), [4, 5, 6, 7, 8]);
    let mut original = page(other, "a3 a2 a1").await;
    assert_eq!(begins(&mut original, json!({})).await, 8);
}

async fn an_idle_page_load_resumes_at_its_start_point(service: Service) {
    let server = service.first();
    server.publish_all("c", 1..=3).await;
    for (name, more, at) in [
        ("tail", json!({}), 3),
        ("from-tail", json!({"from": "tail"}), 3),
        ("from-start", json!({"from": "start"}), 0),
    ] {
        let mut first = page(server, name).await;
        assert_eq!(begins(&mut first, more).await, at, "{name}");
    }
    for i in 4..=8 {
        server.publish("c", json!({"i": i})).await;
    }
    for (name, at) in [("tail", 3), ("from-tail", 3), ("from-start", 0)] {
        let mut second = page(service.last(), &format!("{name}-2 {name}")).await;
        assert_eq!(begins(&mut second, json!({})).await, at, "{name}");
    }
}

async fn a_start_point_survives_kill_9(mut service: Service) {
    service.first().publish_all("c", 1..=3).await;
    let mut first = page(service.first(), "a1").await;
    assert_eq!(begins(&mut first, json!({})).await, 3);
    for server in &mut service.servers {
        server.kill();
        server.restart();
    }
    for i in 4..=8 {
        service.first().publish("c", json!({"i": i})).await;
    }
    let mut second = page(service.last(), "a2 a1").await;
    assert_eq!(begins(&mut second, json!({})).await, 3);
}

/// Also while the old socket is half-open and the server has not noticed.
async fn a_page_load_keeps_its_position_across_connections(service: Service) {
    service.first().publish_all("c", 1..=3).await;
    let mut half_open = page(service.first(), "a1").await;
    assert_eq!(begins(&mut half_open, json!({})).await, 3);
    let mut copy = page(service.first(), "b1 a1").await;
    assert_eq!(begins(&mut copy, json!({})).await, 3);
    service.first().publish("c", json!({"i": 4})).await;
    process_and_close(copy, service.first(), 4).await;
    let mut again = page(service.last(), "a1").await;
    assert_eq!(begins(&mut again, json!({})).await, 3);
}

async fn a_page_load_without_the_channel_is_skipped(service: Service) {
    let server = service.first();
    server.publish_all("c", 1..=8).await;
    let mut first = page(server, "a1").await;
    assert_eq!(begins(&mut first, json!({"from": "start"})).await, 0);
    process_and_close(first, server, 3).await;
    let copy = page(server, "b1 a1").await;
    process_and_close(copy, server, 8).await;
    let elsewhere = page(server, "a2 a1").await;
    elsewhere.close().await;
    let mut third = page(service.last(), "a3 a2 a1").await;
    assert_eq!(begins(&mut third, json!({})).await, 3);
}

/// This serves client ids that outlive their tab, and clients that send no lineage.
async fn without_a_lineage_the_furthest_position_counts(service: Service) {
    let server = service.first();
    server.publish_all("c", 1..=8).await;
    for (lineage, offset) in [("a1", 5), ("b1", 7)] {
        process_and_close(page(server, lineage).await, server, offset).await;
    }
    let mut behind = page(server, "a2 a1").await;
    assert_eq!(begins(&mut behind, json!({})).await, 5);
    let mut new = page(service.last(), "c1").await;
    assert_eq!(begins(&mut new, json!({})).await, 7);
    let mut old_client = Client::greeted(service.last(), "tab").await;
    assert_eq!(begins(&mut old_client, json!({})).await, 7);
}

#[tokio::test]
async fn clients_resume_while_redis_accepts_no_writes() {
    let service = Service::redis();
    service.first().publish_all("c", 1..=3).await;
    let mut first = page(service.first(), "a1").await;
    assert_eq!(begins(&mut first, json!({})).await, 3);
    let redis = service.redis.as_ref().unwrap();
    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"1"]);
    for more in [json!({}), json!({"from": "start"})] {
        let mut second = page(service.last(), "a2 a1").await;
        let from_start = more != json!({});
        assert_eq!(begins(&mut second, more).await, if from_start { 0 } else { 3 });
    }
}

#[tokio::test]
async fn a_malformed_lineage_is_rejected() {
    let server = Server::start(&[]);
    for lineage in [json!(""), json!("a  b"), json!("x".repeat(41)), json!(["x"; 9].join(" "))] {
        let mut client = Client::connect(&server).await;
        client.send(json!({"op": "hello", "v": 1, "client_id": "tab", "lineage": lineage})).await;
        let err = client.next_op("err").await;
        assert!(err["code"] == "bad_frame" && err["message"].as_str().unwrap().contains("lineage"), "{err}");
        assert_eq!(client.closed().await.0, 4400);
    }
}

#[tokio::test]
async fn plain_copies_keep_their_own_positions() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=3).await;
    let connect = async |lineage: &str| {
        Client::plain(&server, &format!("conversation_id=c&client_id=tab&lineage={lineage}")).await
    };
    let id = |frame: &Value| frame["stream_id"].clone();
    let mut original = connect("a1").await;
    let (_, second) = (original.next().await, original.next().await);
    let mut copy = connect("b1%20a1").await;
    assert_eq!(copy.next().await["sequence_number"], 1, "the original has not processed it");
    original.send(json!({"type": "ack", "msg_id": id(&second), "conversation_id": "c"})).await;
    original.close().await;
    let start = std::time::Instant::now();
    for tries in 0.. {
        // Each has a name of its own, because a page load keeps its start point.
        let mut next = connect(&format!("a2-{tries}%20a1")).await;
        if next.next().await["sequence_number"] == 3 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "the position of the original is not stored");
    }
    copy.close().await;
    assert_eq!(connect("b2%20b1%20a1").await.next().await["sequence_number"], 1);
}
