//! Redis is reachable, but does not do what the store needs: it is a replica, or the user lacks a permission. The
//! server logs this once, reports it in its health, does not flood Redis with attempts, and recovers by itself, even
//! without a publication.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, PATIENCE, Redis, Server, offsets, request};

/// For how long Redis is watched, and how many connections it may get in that time: two per attempt, with pauses that
/// grow to a second, and those for ephemeral events.
const WATCHED: Duration = Duration::from_secs(3);
const CONNECTIONS_MAX: u64 = 25;

/// Waits until everything that reports the health agrees.
async fn health_is(server: &Server, well: bool) {
    let (expected, up) = if well { ((200, json!("ok")), 1.0) } else { ((503, json!("degraded")), 0.0) };
    let start = Instant::now();
    loop {
        let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
        if (status, body["status"].clone()) == expected {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{body}\n{}", server.stderr());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.metric("seamline_log_up").await, up);
}

/// Asserts that the server stays degraded, probes Redis at a low rate, and logs nothing more.
async fn stays_degraded_quietly(server: &Server, redis: &Redis) {
    let (connections, said) = (redis.connections(), server.stderr().len());
    let start = Instant::now();
    while start.elapsed() < WATCHED {
        let (status, _) = request("POST", server.url("/channels/c/messages"), &[], b"{}").await;
        assert!([201, 503].contains(&status), "{status}");
        let (ready, body) = request("GET", server.url("/readyz"), &[], b"").await;
        assert_eq!(ready, 503, "{body}\n{}", server.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let connections = redis.connections() - connections;
    assert!(connections <= CONNECTIONS_MAX, "{connections} connections");
    let lines = warnings(server, said);
    assert!(lines <= 1, "{}", server.stderr());
}

/// The number of warnings and errors after this many bytes of the logs.
fn warnings(server: &Server, after: usize) -> usize {
    let stderr = server.stderr();
    stderr[after..].lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count()
}

/// A client that has subscribed from the start, and is live.
async fn live(server: &Server) -> Client {
    let mut client = Client::greeted(server, "reader").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    client.next_op("subd").await;
    while client.next().await["op"] != "live" {}
    client
}

/// The offsets in the next frame of messages.
async fn next_offsets(client: &mut Client) -> Vec<u64> {
    loop {
        let frame = client.next().await;
        if frame["op"] == "msgs" {
            return offsets(&frame);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_a_replica_waits_for_its_promotion() {
    let (primary, replica) = (Redis::start(), Redis::start());
    replica.replicate(Some(&primary));
    let server = Server::start(&["--log", &replica.url()]);
    health_is(&server, false).await;
    assert!(server.stderr().contains("replica"), "{}", server.stderr());
    stays_degraded_quietly(&server, &replica).await;
    replica.replicate(None);
    health_is(&server, true).await;
    assert_eq!(server.publish("c", json!({"i": 1})).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demotion_and_promotion_lose_nothing() {
    let (primary, other) = (Redis::start(), Redis::start());
    let server = Server::start(&["--log", &primary.url()]);
    let mut reader = live(&server).await;
    server.publish("c", json!({"i": 1})).await;
    assert_eq!(next_offsets(&mut reader).await, [1]);
    // Nobody answers at that address, so it keeps its data.
    primary.command::<()>("REPLICAOF", &[b"127.0.0.1", b"1"]);
    health_is(&server, false).await;
    stays_degraded_quietly(&server, &primary).await;
    primary.replicate(None);
    health_is(&server, true).await;
    assert_eq!(server.publish("c", json!({"i": 2})).await, 2);
    assert_eq!(next_offsets(&mut reader).await, [2], "on the socket that was open all the time");
    assert_eq!(server.stderr().matches("Redis is unavailable").count(), 1, "{}", server.stderr());
    drop(other);
}

/// A writable replica would lose what is written to it, because its primary knows nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writable_replica_is_not_used() {
    let (primary, replica) = (Redis::start(), Redis::start());
    replica.command::<()>("CONFIG", &[b"SET", b"replica-read-only", b"no"]);
    replica.replicate(Some(&primary));
    let server = Server::start(&["--log", &replica.url()]);
    health_is(&server, false).await;
    let (status, _) = request("POST", server.url("/channels/c/messages"), &[], b"{}").await;
    assert_eq!(status, 503);
    replica.replicate(None);
    health_is(&server, true).await;
}

/// The permission is missing at startup, or is revoked later.
async fn a_missing_permission_degrades(missing: &str) {
    let redis = Redis::start();
    redis.set_permissions(&[missing]);
    let server = Server::start(&["--log", &redis.url_of_user()]);
    health_is(&server, false).await;
    stays_degraded_quietly(&server, &redis).await;
    redis.set_permissions(&[]);
    health_is(&server, true).await;
    let mut reader = live(&server).await;
    let first = server.publish("c", json!({})).await;
    while next_offsets(&mut reader).await.last() != Some(&first) {}

    redis.set_permissions(&[missing]);
    health_is(&server, false).await;
    stays_degraded_quietly(&server, &redis).await;
    redis.set_permissions(&[]);
    health_is(&server, true).await;
    let second = server.publish("c", json!({})).await;
    let mut expected = first + 1;
    while expected <= second {
        for offset in next_offsets(&mut reader).await {
            assert_eq!(offset, expected, "each once, without a hole");
            expected += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_xadd_degrades_the_server() {
    a_missing_permission_degrades("-xadd").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_xread_degrades_the_server() {
    a_missing_permission_degrades("-xread").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_scripts_degrades_the_server() {
    a_missing_permission_degrades("-evalsha").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_user_degrades_the_server() {
    a_missing_permission_degrades("-@write").await;
}

/// A permission that is missing for the keys of one channel affects only that channel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forbidden_channel_breaks_no_other() {
    let redis = Redis::start();
    redis.set_permissions(&["resetkeys", "~seamline:{c}:*", "~seamline:probe:*"]);
    let server = Server::start(&["--log", &redis.url_of_user()]);
    let mut reader = live(&server).await;
    for _ in 0..5 {
        let (status, answer) = request("POST", server.url("/channels/other/messages"), &[], b"{}").await;
        assert_eq!((status, &answer["code"]), (503, &json!("log_error")));
    }
    assert_eq!(server.publish("c", json!({"i": 1})).await, 1);
    assert_eq!(next_offsets(&mut reader).await, [1]);
    health_is(&server, true).await;
    assert_eq!(server.stderr().matches("ERROR").count(), 1, "{}", server.stderr());
}

/// Without pub/sub, ephemeral events between nodes are missing, and messages are late. Both are logged.
async fn messages_are_only_late_without(missing: &str, warnings: &[&str]) {
    let redis = Redis::start();
    redis.set_permissions(&[missing]);
    let (server, other) =
        (Server::start(&["--log", &redis.url_of_user()]), Server::start(&["--log", &redis.url_of_user()]));
    let mut reader = live(&server).await;
    reader.send(json!({"op": "cast", "ch": "c", "data": 1})).await;
    reader.send(json!({"op": "cast", "ch": "c", "data": 2})).await;
    for offset in 1..=3 {
        assert_eq!(other.publish("c", json!({"i": offset})).await, offset);
        assert_eq!(next_offsets(&mut reader).await, [offset]);
    }
    health_is(&server, true).await;
    crate::support::eventually("the warnings", || {
        warnings.iter().all(|words| server.stderr().matches(words).count() == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_pub_sub_receives_messages_late() {
    let casts = ["allow SUBSCRIBE to seamline:casts:0", "allow PUBLISH to seamline:casts:0"];
    let all = [&casts[..], &["allow SUBSCRIBE to seamline:*"]].concat();
    messages_are_only_late_without("resetchannels", &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_publish_receives_messages_late() {
    let all = ["allow PUBLISH to seamline:casts:0", "allow PUBLISH to seamline:*"];
    messages_are_only_late_without("-publish", &all).await;
}

/// The server recovers without a publication: a load balancer sends none to a server that is not ready.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_recovers_once_it_has_space() {
    let redis = Redis::start();
    let server = Server::start(&["--log", &redis.url()]);
    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"1"]);
    health_is(&server, false).await;
    redis.command::<()>("CONFIG", &[b"SET", b"maxmemory", b"0"]);
    health_is(&server, true).await;
    assert!(!server.stderr().contains("Redis is unavailable"), "{}", server.stderr());
}
