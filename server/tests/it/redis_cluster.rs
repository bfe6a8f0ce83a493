//! A Redis Cluster, in a real set of processes. A failover, a slot that moves and a shard that is lost lose and repeat
//! nothing, and hold up no channel of another shard.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seamline_server::log::hub::Hub;
use seamline_server::log::{Retention, redis as redis_log};
use seamline_test_support::redis::cli;
use seamline_test_support::redis::cluster::Cluster;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{
    Client, Redis, Server, assert_log_refused, eventually, is_degraded, is_well, nobody, offsets,
    publish_until_stored, request, try_publish,
};

async fn start_cluster() -> (Cluster, TempDir) {
    let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    (Cluster::start(directory.path()).await.unwrap(), directory)
}

/// A subscriber of several channels. It fails if a message is missing or comes twice, or if a log is another one.
struct Reader {
    client: Client,
    read_to: HashMap<String, u64>,
}

impl Reader {
    async fn of<S: AsRef<str>>(server: &Server, channels: &[S]) -> Reader {
        let mut client = Client::greeted(server, "reader").await;
        for ch in channels {
            client.sub(ch.as_ref(), 10_000, json!({"from": "start"})).await;
            client.next_op("subd").await;
            client.next_op("live").await;
        }
        Reader { client, read_to: HashMap::new() }
    }

    async fn read_to(&mut self, ch: &str, head: u64) {
        while self.read_to.get(ch).copied().unwrap_or_default() < head {
            let frame = self.client.next().await;
            assert_ne!(frame["op"], "subd", "the log is the same: {frame}");
            if frame["op"] == "msgs" {
                let read_to = self.read_to.entry(frame["ch"].as_str().unwrap().into()).or_default();
                for offset in offsets(&frame) {
                    assert_eq!(offset, *read_to + 1, "{frame}");
                    *read_to = offset;
                }
            }
        }
        assert_eq!(self.read_to[ch], head);
    }
}

async fn publish_number(client: &mut Client, ch: &str, number: u64) {
    let offset = publish_until_stored(client, ch, &format!("k{number}"), &json!({"i": number})).await;
    assert_eq!(offset, number);
}

#[tokio::test]
async fn servers_share_the_channels_of_all_shards() {
    const EACH: u64 = 20;
    let (cluster, _directory) = start_cluster().await;
    let (a, b) = (Server::start(&["--log", &cluster.url()]), Server::start(&["--log", &cluster.url()]));
    let channels = cluster.channels(2).unwrap().concat();
    let mut reader = Reader::of(&b, &channels).await;
    for ch in &channels {
        a.publish_all(ch, 1..=EACH).await;
    }
    for ch in &channels {
        reader.read_to(ch, EACH).await;
        assert_eq!(b.read(ch, 0).await["head"], EACH);
    }
    let mut other = Client::greeted(&a, "other").await;
    other.send(json!({"op": "cast", "ch": channels[5], "data": "typing"})).await;
    assert_eq!(reader.client.next_op("cast").await["data"], "typing");
    for node in 0..3 {
        let count = cli(cluster.nodes[node].port, &["DBSIZE"]).unwrap();
        assert_ne!(count, "0", "node {node} has nothing");
    }
    let mut names = channels;
    names.sort();
    assert_eq!(listed(&cluster.url()).await, names);
}

/// All channels, in the order of their names.
async fn listed(url: &str) -> Vec<String> {
    let store = redis_log::open(url, Retention::default(), Arc::new(Hub::new(0))).await.unwrap();
    let (mut channels, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(cursor, 3).await.unwrap();
        channels.extend(page.channels);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert!(store.list(Some("17".into()), 3).await.is_err());
    channels.sort();
    channels
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_holds_up_one_shard_and_loses_nothing() {
    const COUNT: u64 = 60;
    let (mut cluster, _directory) = start_cluster().await;
    let server = Server::start(&["--log", &format!("{}?replicas=1", cluster.url())]);
    let channels = cluster.channels(1).unwrap().concat();
    let (failing, other) = (channels[0].clone(), channels[1].clone());
    let mut reader = Reader::of(&server, &channels).await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    // Publishes to another shard all the time.
    let mut second = Client::greeted(&server, "second").await;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let going_on = tokio::spawn(async move {
        let mut offset = 0;
        while !stopped.load(Ordering::Relaxed) {
            let stored = try_publish(&mut second, &other, &format!("k{offset}"), &json!(1)).await;
            offset = stored.expect("the other shard accepts everything");
            sleep(Duration::from_millis(20)).await;
        }
        offset
    });
    let primary = cluster.owner_of(&failing).unwrap();
    for number in 1..=COUNT {
        if number == COUNT / 2 {
            cluster.nodes[primary].kill().await.unwrap();
            eventually("a failover", || cluster.owner_of(&failing).is_ok_and(|owner| owner != primary)).await;
            // The one that is left has no replica, so nothing is acknowledged.
            cluster.rejoin(primary).await.unwrap();
        }
        publish_number(&mut publisher, &failing, number).await;
    }
    stop.store(true, Ordering::Relaxed);
    let head = going_on.await.unwrap();
    reader.read_to(&failing, COUNT).await;
    reader.read_to(&channels[1], head).await;
    cluster.settled().await.unwrap();
    is_well(&server).await;
    let new = cluster.nodes[cluster.owner_of(&failing).unwrap()].port;
    let line = format!("the Redis shard 127.0.0.1:{new} is available again");
    assert!(server.stderr().contains(&line), "no {line:?} in:\n{}", server.stderr());
}

/// The slot moves to another shard and back, while a server publishes and another one has a subscriber.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_while_messages_are_published() {
    let (cluster, _directory) = start_cluster().await;
    let (a, b) = (Server::start(&["--log", &cluster.url()]), Server::start(&["--log", &cluster.url()]));
    let channels = cluster.channels(1).unwrap().concat();
    let ch = channels[0].clone();
    let mut reader = Reader::of(&b, &channels).await;
    let mut publisher = Client::greeted(&a, "publisher").await;
    let (source, slot) = (cluster.owner_of(&ch).unwrap(), cluster.slot(&ch).unwrap());
    publish_number(&mut publisher, &ch, 1).await;
    let moving = tokio::task::spawn_blocking(move || {
        let pause = || std::thread::sleep(Duration::from_millis(300));
        for (from, to) in [(source, 1), (1, source)] {
            pause();
            cluster.start_move(slot, from, to).unwrap();
            pause();
            // Not all keys of the channel are at one node meanwhile.
            while cluster.move_keys(slot, from, to, 1).unwrap() {
                pause();
            }
            cluster.finish_move(slot, from, to).unwrap();
            pause();
        }
        cluster
    });
    let mut head = 1;
    while !moving.is_finished() {
        head += 1;
        publish_number(&mut publisher, &ch, head).await;
    }
    let cluster = moving.await.unwrap();
    for other in &channels[1..] {
        publish_number(&mut publisher, other, 1).await;
        reader.read_to(other, 1).await;
    }
    publish_number(&mut publisher, &ch, head + 1).await;
    reader.read_to(&ch, head + 1).await;
    let log = a.read(&ch, 0).await;
    let stored: Vec<_> = log["messages"].as_array().unwrap().iter().map(|m| m["offset"].clone()).collect();
    assert_eq!(stored, (1..=head + 1).map(|offset| json!(offset)).collect::<Vec<_>>()[..stored.len()]);
    for server in [&a, &b] {
        is_well(server).await;
        let stderr = server.stderr();
        assert!(!stderr.contains("replaced") && !stderr.contains("ERROR"), "{stderr}");
    }
    drop(cluster);
}

/// A channel that does not exist yet is created where its slot has moved to, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_in_a_moving_slot_is_created_once() {
    let (cluster, _directory) = start_cluster().await;
    let server = Server::start(&["--log", &cluster.url()]);
    let ch = cluster.channels(1).unwrap()[0][0].clone();
    let (slot, from, to) = (cluster.slot(&ch).unwrap(), cluster.owner_of(&ch).unwrap(), 2);
    cluster.start_move(slot, from, to).unwrap();
    let url = server.url(&format!("/channels/{ch}/messages"));
    for _ in 0..3 {
        let (status, answer) = request("POST", url.clone(), &[], b"1").await;
        assert_eq!((status, &answer["code"]), (503, &json!("log_error")), "{answer}");
    }
    assert_eq!(
        cli(cluster.nodes[from].port, &["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]).unwrap(),
        "0"
    );
    cluster.finish_move(slot, from, to).unwrap();
    let mut publisher = Client::greeted(&server, "publisher").await;
    publish_number(&mut publisher, &ch, 1).await;
    assert_eq!(cli(cluster.nodes[to].port, &["XLEN", &format!("seamline:{{{ch}}}:log")]).unwrap(), "1");
    is_well(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_shard_degrades_only_its_channels() {
    let (mut cluster, _directory) = start_cluster().await;
    let server = Server::start(&["--log", &cluster.url()]);
    let channels = cluster.channels(1).unwrap().concat();
    let (lost, other) = (&channels[0], &channels[1]);
    let mut reader = Reader::of(&server, &channels).await;
    let mut publisher = Client::greeted(&server, "publisher").await;
    publish_number(&mut publisher, lost, 1).await;
    let primary = cluster.owner_of(lost).unwrap();
    let both = [cluster.replica_of(primary).unwrap(), primary];
    for node in both {
        cluster.nodes[node].kill().await.unwrap();
    }
    let address = format!("127.0.0.1:{}", cluster.nodes[primary].port);
    let name = format!("the Redis shard {address} is unavailable");
    let shard_up = format!("seamline_redis_shard_up{{shard=\"{address}\"}}");
    let mut number = 0;
    loop {
        number += 1;
        publish_number(&mut publisher, other, number).await;
        let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
        assert_eq!(status, 200, "{body}");
        if body["status"] == "partial" && body["log"].as_str().unwrap().contains(&name) {
            break;
        }
    }
    assert_eq!((server.metric(&shard_up).await, server.metric("seamline_log_up").await), (0.0, 1.0));
    assert!(server.stderr().contains(&name), "{}", server.stderr());
    assert_eq!(try_publish(&mut publisher, lost, "k2", &json!({"i": 2})).await, None);
    // A server can start meanwhile.
    let late = Server::start(&["--log", &cluster.url()]);
    assert_eq!(late.publish(other, json!(1)).await, number + 1);
    reader.read_to(other, number + 1).await;
    for node in both {
        cluster.rejoin(node).await.unwrap();
    }
    publish_number(&mut publisher, lost, 2).await;
    reader.read_to(lost, 2).await;
    is_well(&server).await;
    is_well(&late).await;
    assert_eq!(server.metric(&shard_up).await, 1.0);
    for node in &mut cluster.nodes {
        node.kill().await.unwrap();
    }
    is_degraded(&server).await;
}

#[test]
fn unusable_clusters_are_reported_at_startup() {
    let (single, node) = (Redis::start(), Redis::start_cluster_without_slots());
    let (_held, nobody) = nobody();
    assert_log_refused(&single.cluster_url(), &["it is a single Redis", "redis://host:port"]);
    assert_log_refused(&node.url(), &["it is part of a Redis Cluster", "redis-cluster://"]);
    assert_log_refused(&node.cluster_url(), &["own no slots", "redis-cli --cluster create"]);
    assert_log_refused(&format!("redis-cluster://{nobody}"), &["Check that the nodes of the cluster"]);
    assert_log_refused(&format!("{}/1", node.cluster_url()), &["the database `1`", "only database 0"]);
    node.command::<()>("CONFIG", &[b"SET", b"requirepass", b"required"]);
    assert_log_refused(
        &node.cluster_url().replace("127.0.0.1", ":hush@127.0.0.1"),
        &["rejects the user or the password (WRONGPASS)"],
    );
}
