//! Redis returns with another history: empty, with parts missing, or with an older copy. This must never go unnoticed:
//! the live stream ends, and there is a new epoch.

use std::time::{Duration, Instant};

use super::backend::{Node, ends, heard};
use super::{Backend, append};
use crate::support::{PATIENCE, Redis};

const LOG: &[u8] = b"seamline:{c}:log";
const META: &[u8] = b"seamline:{c}:meta";

fn redis(backend: &mut Backend) -> &mut Redis {
    match backend {
        Backend::Redis(redis) | Backend::Cluster(redis) => redis,
        Backend::Embedded(_) => unreachable!("these tests are about Redis"),
    }
}

/// Waits until the log can be read again.
async fn epoch_when_back(node: &Node) -> String {
    let start = Instant::now();
    loop {
        match node.store.info("c").await {
            Ok(info) => return info.epoch,
            Err(e) => assert!(e.is_unavailable() && start.elapsed() < PATIENCE, "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_redis_keeps_its_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let mut live = node.listen("c").await;
    node.append_all("c", 1..=3).await;
    let epoch = node.epoch("c").await;
    redis(&mut backend).kill();
    redis(&mut backend).restart();
    assert_eq!(epoch_when_back(&node).await, epoch);
    node.append(append("c", 4)).await;
    let offsets: Vec<u64> = heard(&mut live, 4).await.iter().map(|message| message.offset).collect();
    assert_eq!(offsets, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_redis_has_a_new_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let mut live = node.listen("c").await;
    node.append_all("c", 1..=3).await;
    let epoch = node.epoch("c").await;
    redis(&mut backend).restart_empty();
    ends(&mut live).await;
    assert_ne!(epoch_when_back(&node).await, epoch);
    assert_eq!(node.ends("c").await, (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushing_a_running_redis_starts_a_new_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let mut live = node.listen("c").await;
    node.append_all("c", 1..=3).await;
    let epoch = node.epoch("c").await;
    tokio::time::sleep(Duration::from_millis(5)).await; // in the same millisecond, an id could come again
    redis(&mut backend).command::<()>("FLUSHALL", &[]);
    assert_eq!(node.append(append("c", 1)).await.offset, 1);
    ends(&mut live).await;
    assert_ne!(node.epoch("c").await, epoch);
    // The live stream of the new log works.
    let mut live = node.listen("c").await;
    node.append(append("c", 2)).await;
    assert_eq!(heard(&mut live, 1).await[0].offset, 2);
}

/// Restores the state of a replica that was behind when it took over.
async fn restored(redis: &Redis, after_5: [Vec<u8>; 2]) {
    for (key, copy) in [LOG, META].into_iter().zip(after_5) {
        redis.command::<()>("RESTORE", &[key, b"0", &copy, b"REPLACE"]);
    }
}

fn copy(redis: &Redis) -> [Vec<u8>; 2] {
    [LOG, META].map(|key| redis.command("DUMP", &[key]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_gets_a_new_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let mut live = node.listen("c").await;
    node.append_all("c", 1..=5).await;
    let older = copy(redis(&mut backend));
    node.append_all("c", 6..=10).await;
    heard(&mut live, 10).await;
    let epoch = node.epoch("c").await;
    restored(redis(&mut backend), older).await;
    redis(&mut backend).disconnect_everyone();
    ends(&mut live).await;
    assert_ne!(epoch_when_back(&node).await, epoch);
    assert_eq!(node.ends("c").await, (1, 5), "what it has is kept");
    assert_eq!(node.append(append("c", 6)).await.offset, 6);
}

/// A node that has seen nothing appends first, so other messages have the same offsets. Its clock is behind, so their
/// ids are not new either. Only the id of the last message that was seen is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_with_new_messages_gets_a_new_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let mut live = node.listen("c").await;
    let fifth = node.append_all("c", 1..=5).await[4].id;
    let older = copy(redis(&mut backend));
    tokio::time::sleep(Duration::from_millis(5)).await;
    node.append_all("c", 6..=10).await;
    heard(&mut live, 10).await;
    let epoch = node.epoch("c").await;
    let redis = redis(&mut backend);
    restored(redis, older).await;
    for offset in 6..=10 {
        let id = format!("{}-{}", fifth.ms, fifth.seq + offset);
        let offset = offset.to_string();
        let (id, offset, epoch) = (id.as_bytes(), offset.as_bytes(), epoch.as_bytes());
        redis.command::<String>("XADD", &[LOG, id, b"o", offset, b"e", epoch, b"d", b"0"]);
        redis.command::<()>("HSET", &[META, b"head", offset, b"last", id]);
    }
    assert_eq!(node.epoch("c").await, epoch, "nobody has looked yet");
    redis.disconnect_everyone();
    ends(&mut live).await;
    assert_ne!(epoch_when_back(&node).await, epoch);
    assert_eq!(node.ends("c").await, (1, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_metadata_starts_a_new_epoch() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    node.append_all("c", 1..=5).await;
    let (epoch, messages) = (node.epoch("c").await, node.all("c", 0).await);
    redis(&mut backend).command::<u8>("DEL", &[META]);
    assert_ne!(node.epoch("c").await, epoch);
    assert_eq!(node.all("c", 0).await, messages);
    assert_eq!(node.append(append("c", 6)).await.offset, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_stream_counts_as_trimmed() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let last = node.append_all("c", 1..=5).await.pop().unwrap();
    redis(&mut backend).command::<u8>("DEL", &[LOG]);
    assert_eq!(node.ends("c").await, (6, 5));
    let next = node.append(append("c", 6)).await;
    assert!(next.offset == 6 && next.id > last.id);

    // Also if the clock of Redis was set back: the last id is an hour in the future.
    let ahead = format!("{}-7", next.id.ms + 3_600_000);
    redis(&mut backend).command::<()>("HSET", &[META, b"last", ahead.as_bytes()]);
    redis(&mut backend).command::<u8>("DEL", &[LOG]);
    let next = node.append(append("c", 7)).await;
    assert_eq!((next.offset, next.id.to_string()), (7, ahead.replace("-7", "-8")));
}

/// A channel that cannot be read does not affect the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_channel_breaks_no_other() {
    let mut backend = Backend::redis();
    let node = backend.open().await;
    let (mut spoilt, mut sound) = (node.listen("c").await, node.listen("sound").await);
    redis(&mut backend).command::<()>("SET", &[LOG, b"not a stream"]);
    redis(&mut backend).disconnect_everyone();
    ends(&mut spoilt).await;
    let start = Instant::now();
    while node.store.submit(append("sound", 1)).await.unwrap().await.is_err() {
        assert!(start.elapsed() < PATIENCE);
    }
    heard(&mut sound, 1).await;
    assert!(node.store.info("c").await.is_err());
}
