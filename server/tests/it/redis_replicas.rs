//! With `replicas=1`, a client learns nothing before a replica has it, because a failover may lose it: no message, no
//! position, no epoch, no acknowledgment. The replica is paused; another server, without the option, appends meanwhile.

use std::time::Duration;

use seamline_test_support::redis::{cli, sentinel};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Client, Redis, Server, eventually, is_degraded, is_well, offsets, publish_until_stored,
    rejects_publications, request, try_publish,
};

/// Longer than the server waits for replicas, more than once.
const A_WHILE: Duration = Duration::from_secs(3);

/// A primary and its replica.
struct Pair {
    primary: Redis,
    replica: Redis,
}

impl Pair {
    fn start() -> Pair {
        let (primary, replica) = (Redis::start(), Redis::start());
        replica.replicate(Some(&primary));
        Pair { primary, replica }
    }

    /// A server that waits for the replica.
    async fn server(&self) -> Server {
        let server = Server::start(&["--log", &format!("{}?replicas=1", self.primary.url())]);
        is_well(&server).await;
        server
    }

    /// A server that does not.
    fn careless(&self) -> Server {
        Server::start(&["--log", &self.primary.url()])
    }
}

/// A client that has subscribed at the start, and is live.
async fn live(server: &Server) -> (Client, Value) {
    let mut client = Client::greeted(server, "reader").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    let subd = client.next_op("subd").await;
    while client.next().await["op"] != "live" {}
    (client, subd)
}

async fn receives_nothing(client: &mut Client) {
    let got = client.got_within(A_WHILE).await;
    assert_eq!(got, None, "no replica has it");
}

#[tokio::test]
async fn publications_wait_for_replicas() {
    let Pair { primary, replica } = Pair::start();
    let server = Server::start(&["--log", &format!("{}?replicas=1", primary.url())]);
    is_well(&server).await;
    assert_eq!(server.publish("c", json!(1)).await, 1);
    replica.replicate(None);
    rejects_publications(&server).await;
    is_degraded(&server).await;
    assert!(server.stderr().contains("0 of 1 replicas"), "{}", server.stderr());
    replica.replicate(Some(&primary));
    is_well(&server).await;
    let stored = server.read("c", 0).await["head"].as_u64().unwrap();
    assert_eq!(server.publish("c", json!(2)).await, stored + 1);
}

#[tokio::test]
async fn repeated_publications_wait_for_replicas() {
    let pair = Pair::start();
    let (a, b) = (pair.server().await, pair.server().await);
    let mut first = Client::greeted(&a, "publisher").await;
    let mut second = Client::greeted(&b, "publisher").await;
    let data = json!({"i": 1});
    pair.replica.pause();
    assert_eq!(try_publish(&mut first, "c", "k", &data).await, None);
    // The primary has it under this key.
    assert_eq!(pair.primary.command::<u64>("XLEN", &[b"seamline:{c}:log"]), 1);
    assert_eq!(try_publish(&mut second, "c", "k", &data).await, None, "no replica has it");
    pair.replica.resume();
    assert_eq!(publish_until_stored(&mut second, "c", "k", &data).await, 1);
    assert_eq!(publish_until_stored(&mut first, "c", "k", &data).await, 1);
}

#[tokio::test]
async fn messages_are_delivered_once_a_replica_has_them() {
    let pair = Pair::start();
    let (server, careless) = (pair.server().await, pair.careless());
    let (mut reader, _) = live(&server).await;
    careless.publish("c", json!({"i": 1})).await;
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);
    pair.replica.pause();
    careless.publish("c", json!({"i": 2})).await;
    receives_nothing(&mut reader).await;
    is_degraded(&server).await;
    pair.replica.resume();
    assert_eq!(offsets(&reader.next_op("msgs").await), [2]);
    is_well(&server).await;
}

#[tokio::test]
async fn logs_are_read_once_a_replica_has_them() {
    let pair = Pair::start();
    let (server, careless) = (pair.server().await, pair.careless());
    pair.replica.pause();
    careless.publish("c", json!({"i": 1})).await;
    for path in ["/channels/c", "/channels/c/messages?after=0"] {
        let (status, body) = request("GET", server.url(path), &[], b"").await;
        assert_eq!((status, &body["code"]), (503, &json!("log_error")), "{path}: {body}");
    }
    let mut reader = Client::greeted(&server, "reader").await;
    reader.sub("c", 1000, json!({"from": "start"})).await;
    receives_nothing(&mut reader).await;
    pair.replica.resume();
    assert_eq!(reader.next_op("subd").await["head"], 1);
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);
}

#[tokio::test]
async fn a_new_epoch_is_announced_once_a_replica_has_it() {
    let pair = Pair::start();
    let (server, careless) = (pair.server().await, pair.careless());
    let (mut reader, subd) = live(&server).await;
    careless.publish("c", json!({"i": 1})).await;
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);
    pair.replica.pause();
    tokio::time::sleep(Duration::from_millis(5)).await; // in the same millisecond, an id could come again
    pair.primary.command::<()>("FLUSHALL", &[]);
    careless.publish("c", json!({"i": 1})).await;
    receives_nothing(&mut reader).await;
    pair.replica.resume();
    let again = reader.next_op("subd").await;
    assert_ne!(again["epoch"], subd["epoch"]);
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);
}

/// The message at offset 2 is lost in a failover, and another one takes its place. Nobody has received the first.
#[tokio::test]
async fn a_failover_replaces_no_message_that_was_delivered() {
    let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    let mut set = sentinel::Sentinels::start(1, directory.path()).await.unwrap();
    let primary = set.primary().unwrap();
    let replica = 1 - primary;
    let server = Server::start(&["--log", &format!("{}?replicas=1", set.url())]);
    let careless = Server::start(&["--log", &set.url()]);
    let (mut reader, _) = live(&server).await;
    server.publish("c", json!({"i": 1})).await;
    assert_eq!(offsets(&reader.next_op("msgs").await), [1]);

    set.redis[replica].pause().unwrap();
    // The replica must not find it in its socket later.
    cli(set.redis[primary].port, &["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    assert_eq!(careless.publish("c", json!({"i": "lost"})).await, 2);
    receives_nothing(&mut reader).await;
    drop(careless);
    set.redis[primary].kill().await.unwrap();
    set.redis[replica].resume().unwrap();
    eventually("a failover", || set.primary().unwrap_or(primary) == replica).await;
    set.rejoin(primary).await.unwrap();

    let mut publisher = Client::greeted(&server, "publisher").await;
    assert_eq!(publish_until_stored(&mut publisher, "c", "k2", &json!({"i": 2})).await, 2);
    let frame = reader.next_op("msgs").await;
    assert_eq!((offsets(&frame), &frame["data"]), (vec![2], &json!([{"i": 2}])));
}
