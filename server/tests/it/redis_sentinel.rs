//! A Redis that Sentinel fails over, in a real set of processes: the server follows the primary. With `replicas=1`, no
//! acknowledged publication is lost, and a subscriber receives everything once and in order, on one socket.

use seamline_test_support::redis::{cli, sentinel};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    Client, Server, assert_log_refused, eventually, is_degraded, is_well, nobody, offsets,
    publish_until_stored,
};

async fn start_set() -> (sentinel::Sentinels, TempDir) {
    let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    (sentinel::Sentinels::start(1, directory.path()).await.unwrap(), directory)
}

/// The primary is killed, and the next one is paused: both look dead to Sentinel.
#[tokio::test]
async fn a_failover_loses_and_repeats_nothing() {
    const EACH: u64 = 40;
    let (mut set, _directory) = start_set().await;
    let server = Server::start(&["--log", &format!("{}?replicas=1", set.url())]);
    let mut reader = Client::greeted(&server, "reader").await;
    reader.sub("c", 10_000, json!({"from": "start"})).await;
    reader.next_op("subd").await;
    reader.next_op("live").await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    for round in 0..3 {
        let primary = set.primary().unwrap();
        for i in 1..=EACH {
            let offset = round * EACH + i;
            publish_until_stored(&mut publisher, "c", &format!("k{offset}"), &json!({"i": offset})).await;
            match round {
                0 if i == EACH / 2 => set.redis[primary].kill().await.unwrap(),
                1 if i == EACH / 2 => set.redis[primary].pause().unwrap(),
                _ => {}
            }
            if round < 2 && i == EACH / 2 {
                // The one that is left has no replica, so nothing is acknowledged.
                is_degraded(&server).await;
                eventually("a failover", || set.primary().unwrap() != primary).await;
                set.rejoin(primary).await.unwrap();
            }
        }
        set.settled().await.unwrap();
        is_well(&server).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 3 * EACH as usize {
        let frame = reader.next().await;
        assert_ne!(frame["op"], "subd", "the log is the same: {frame}");
        if frame["op"] == "msgs" {
            seen.extend(offsets(&frame));
        }
    }
    assert_eq!(seen, (1..=3 * EACH).collect::<Vec<_>>());
    let stderr = server.stderr();
    let primary = format!("Redis is available again at 127.0.0.1:{}", set.redis[set.primary().unwrap()].port);
    assert!(stderr.contains(&primary), "no {primary:?} in:\n{stderr}");
}

/// A primary that the Sentinels have given up may still answer.
#[tokio::test]
async fn a_primary_that_was_replaced_is_left() {
    let (set, _directory) = start_set().await;
    let server = Server::start(&["--log", &set.url()]);
    let old = set.primary().unwrap();
    // It stays a primary, as if it were cut off from the others: it refuses the commands of Sentinel.
    for command in ["REPLICAOF", "SLAVEOF", "CONFIG|REWRITE"] {
        cli(set.redis[old].port, &["ACL", "SETUSER", "default", &format!("-{command}")]).unwrap();
    }
    cli(set.sentinels[0].port, &["SENTINEL", "FAILOVER", sentinel::NAME]).unwrap();
    eventually("a failover", || set.primary().unwrap() != old).await;
    let new = set.redis[set.primary().unwrap()].port;
    eventually("the new primary", || {
        server.stderr().contains(&format!("available again at 127.0.0.1:{new}"))
    })
    .await;
    assert_eq!(server.publish("c", json!(1)).await, 1);
    assert_eq!(cli(new, &["XLEN", "seamline:{c}:log"]).unwrap(), "1");
}

#[tokio::test]
async fn unusable_sentinels_are_reported_at_startup() {
    let (_held, nobody) = nobody();
    assert_log_refused(&format!("redis+sentinel://{nobody}/chat"), &["Check that the Sentinels"]);
    assert_log_refused("redis+sentinel://127.0.0.1", &["the name of the primary is missing", "/name"]);
    assert_log_refused("redis://a,b", &["several hosts", "redis+sentinel://"]);
    assert_log_refused(
        "redis+sentinel://:hush@a/n?sentinel_pasword=hush",
        &["`sentinel_pasword` is unknown"],
    );

    let (set, _directory) = start_set().await;
    let other = set.url().replace("/chat", "/shop");
    assert_log_refused(&other, &["knows no primary of this name", "SENTINEL MASTERS"]);
    for sentinel in &set.sentinels {
        cli(sentinel.port, &["ACL", "SETUSER", "default", ">hush"]).unwrap();
    }
    assert_log_refused(&set.url(), &["sentinel_password"]);
    drop(Server::start(&["--log", &format!("{}?sentinel_password=hush", set.url())]));
}
