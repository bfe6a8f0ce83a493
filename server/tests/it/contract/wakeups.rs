//! Wake-ups, which tell a node which channels to read. Losing them delays messages, and loses none.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};

use super::backend::{Listener, Node, heard};
use super::{Backend, append};
use crate::support::{Redis, eventually};

fn redis(backend: &Backend) -> &Redis {
    match backend {
        Backend::Redis(redis) | Backend::Cluster(redis) => redis,
        Backend::Embedded(_) => unreachable!("these tests are about Redis"),
    }
}

/// Closes the pub/sub connections, and no others.
fn close_pub_sub(backend: &Backend) {
    redis(backend).command::<u64>("CLIENT", &[b"KILL", b"TYPE", b"pubsub"]);
}

/// How many nodes are subscribed to the wake-ups of this channel.
fn subscribers(backend: &Backend, ch: &str) -> u64 {
    let name = format!("seamline:{{{ch}}}:log");
    let (_, count): (String, u64) = redis(backend).command("PUBSUB", &[b"NUMSUB", name.as_bytes()]);
    count
}

async fn listen_to_many(node: &Node, count: usize) -> Vec<Listener> {
    let names: Vec<String> = (0..count).map(|i| format!("channel-{i}")).collect();
    let all: Vec<_> = stream::iter(&names).map(|ch| node.listen(ch)).buffered(64).collect().await;
    all
}

/// Bytes that Redis has received.
fn received(backend: &Backend) -> usize {
    let info: String = redis(backend).command("INFO", &[b"stats"]);
    let bytes = info.lines().find_map(|line| line.strip_prefix("total_net_input_bytes:")).unwrap();
    bytes.parse().unwrap()
}

/// The names of all channels would be half a megabyte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_makes_redis_read_one_stream() {
    const CHANNELS: usize = 10_000;
    const MESSAGES: usize = 50;
    const BYTES_MAX: usize = 20_000;
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    let mut live = listen_to_many(&a, CHANNELS).await;
    let last = format!("channel-{}", CHANNELS - 1);
    eventually("all subscriptions", || subscribers(&backend, &last) == 1).await;
    heard_after(&b, &last, &mut live[CHANNELS - 1]).await;
    let before = received(&backend);
    for i in (0..CHANNELS).step_by(CHANNELS / MESSAGES) {
        heard_after(&b, &format!("channel-{i}"), &mut live[i]).await;
    }
    let bytes = (received(&backend) - before) / MESSAGES;
    assert!(bytes < BYTES_MAX, "{bytes} bytes per message");
}

async fn heard_after(publisher: &Node, ch: &str, live: &mut Listener) {
    let appended = publisher.append(append(ch, 1)).await;
    assert_eq!(heard(live, 1).await[0].id, appended.id);
}

/// Messages are appended while the pub/sub connection is down, and while it is opened again. The last one is followed by
/// no other, whose wake-up would make the node read both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_for_wakeups_loses_nothing() {
    const ROUNDS: u64 = 8;
    const MESSAGES: u64 = 20;
    /// A sweep would take longer, mostly.
    const SOON: Duration = Duration::from_secs(5);
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    let mut live = a.listen("c").await;
    for round in 0..ROUNDS {
        eventually("the subscription", || subscribers(&backend, "c") == 1).await;
        close_pub_sub(&backend);
        for _ in 0..MESSAGES {
            b.append(append("c", round)).await;
            tokio::time::sleep(Duration::from_millis(round * 2)).await;
        }
    }
    eventually("the subscription", || subscribers(&backend, "c") == 1).await;
    close_pub_sub(&backend);
    b.append(append("c", ROUNDS)).await;
    let start = Instant::now();
    let messages = heard(&mut live, (ROUNDS * MESSAGES + 1) as usize).await;
    assert!(messages.iter().zip(1..).all(|(message, offset)| message.offset == offset));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// A message that is appended without a wake-up is found by the sweep, and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_wakeup_only_delays_a_message() {
    const LATE_MAX: Duration = Duration::from_secs(22);
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    let mut live = a.listen("c").await;
    heard_after(&b, "c", &mut live).await;
    let (epoch, id) = (a.epoch("c").await, "9999999999999-0");
    let entry = [b"seamline:{c}:log", id.as_bytes(), b"o", b"2", b"e", epoch.as_bytes(), b"d", b"2"];
    redis(&backend).command::<String>("XADD", &entry);
    redis(&backend).command::<u64>("HSET", &[b"seamline:{c}:meta", b"head", b"2", b"last", id.as_bytes()]);
    let start = Instant::now();
    assert_eq!(heard(&mut live, 1).await[0].offset, 2);
    assert!(start.elapsed() < LATE_MAX, "{:?}", start.elapsed());
    let missed = a.store.missed_wakeups().unwrap();
    eventually("the count", || missed.get() == 1).await;
    // What was announced is not counted.
    heard_after(&b, "c", &mut live).await;
    assert_eq!(missed.get(), 1);
}

/// A message that is appended before Redis has confirmed the subscription has no wake-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_right_after_follow_arrives_soon() {
    const CHANNELS: usize = 300;
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    let start = Instant::now();
    let all = stream::iter(0..CHANNELS).map(async |i| {
        let ch = format!("channel-{i}");
        let mut live = a.listen(&ch).await;
        heard_after(&b, &ch, &mut live).await;
    });
    all.buffer_unordered(20).collect::<Vec<()>>().await;
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_without_listeners_is_unsubscribed() {
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    for _ in 0..2 {
        let mut live = a.listen("c").await;
        eventually("the subscription", || subscribers(&backend, "c") == 1).await;
        heard_after(&b, "c", &mut live).await;
        drop(live);
        b.append(append("c", 1)).await;
        eventually("its end", || subscribers(&backend, "c") == 0).await;
    }
}
