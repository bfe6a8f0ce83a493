//! Idempotency keys: each is kept as long as its message, and for at least `Retention::keys`.

use std::time::Duration;

use seamline_server::log::{Retention, StoreError};

use super::{Backend, Node, append, for_each_backend, keyed};
use crate::support::Redis;

const KEYS: &[u8] = b"seamline:{c}:keys";
const ORDER: &[u8] = b"seamline:{c}:keyorder";
const DAY: Duration = Duration::from_secs(24 * 3600);

for_each_backend!(
    a_young_key_outlives_its_message,
    a_key_conflict_stores_nothing,
    unusual_keys_stay_distinct
);

async fn a_young_key_outlives_its_message(backend: Backend) {
    let node = backend.open_with(Retention { messages: 2, ..Retention::default() }).await;
    for key in ["a", "b", "c", "d"] {
        assert!(!node.append(keyed("c", key, 1)).await.duplicate);
    }
    assert_eq!(node.ends("c").await, (3, 4));
    for (key, offset) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        let again = node.append(keyed("c", key, 1)).await;
        assert_eq!((again.offset, again.duplicate), (offset, true), "{key}");
    }
}

async fn a_key_conflict_stores_nothing(mut backend: Backend) {
    let node = backend.open().await;
    // In one group, and across a restart.
    let mut pending = Vec::new();
    for data in [1, 2, 1] {
        pending.push(node.store.submit(keyed("c", "k", data)).await.unwrap());
    }
    let [first, other, again] = futures::future::join_all(pending).await.try_into().unwrap();
    assert_eq!(first.unwrap().offset, 1);
    assert_eq!(other.unwrap_err(), StoreError::KeyConflict);
    assert!(again.unwrap().duplicate);
    let node = backend.reopen(node).await;
    let append = async |data: u64| node.store.submit(keyed("c", "k", data)).await.unwrap().await;
    assert_eq!(append(3).await.unwrap_err(), StoreError::KeyConflict);
    assert!(append(1).await.unwrap().duplicate);
    assert_eq!(node.ends("c").await, (1, 1));
    assert_eq!(node.append(keyed("other", "k", 2)).await.offset, 1, "a key belongs to one channel");
}

async fn unusual_keys_stay_distinct(backend: Backend) {
    let node = backend.open().await;
    let long = "k".repeat(200);
    let keys = ["1 2-3 x", "a\nb", " ", "a ", "\u{e9}", "epoch", "1", &long];
    for (key, offset) in keys.iter().zip(1..) {
        let first = node.append(keyed("c", key, 1)).await;
        assert_eq!((first.offset, first.duplicate), (offset, false), "{key:?}");
    }
    for (key, offset) in keys.iter().zip(1..) {
        let again = node.append(keyed("c", key, 1)).await;
        assert_eq!((again.offset, again.duplicate), (offset, true), "{key:?}");
    }
}

fn redis(backend: &Backend) -> &Redis {
    match backend {
        Backend::Redis(redis) | Backend::Cluster(redis) => redis,
        Backend::Embedded(_) => unreachable!("these tests are about Redis"),
    }
}

/// Makes all keys two days older than they are kept at least.
fn age(redis: &Redis) {
    let older_ms = (Retention::default().keys + 2 * DAY).as_millis() as u64;
    let order: Vec<String> = redis.command("LRANGE", &[ORDER, b"0", b"-1"]);
    for (i, entry) in order.iter().enumerate() {
        let mut parts = entry.splitn(3, ' ');
        let (offset, id, key) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (ms, seq) = id.split_once('-').unwrap();
        let place = format!("{offset} {}-{seq}", ms.parse::<u64>().unwrap() - older_ms);
        redis.command::<()>("LSET", &[ORDER, i.to_string().as_bytes(), format!("{place} {key}").as_bytes()]);
        redis.command::<i64>("HSET", &[KEYS, key.as_bytes(), place.as_bytes()]);
    }
}

fn stored(redis: &Redis) -> (i64, i64) {
    (redis.command("HLEN", &[KEYS]), redis.command("LLEN", &[ORDER]))
}

/// The clock of the embedded store is an argument, so a unit test in `log::embedded::trim` covers it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_key_lives_as_long_as_its_message() {
    let backend = Backend::redis();
    let node = backend.open().await;
    for key in ["a", "b", "c"] {
        node.append(keyed("c", key, 1)).await;
    }
    age(redis(&backend));
    node.append(append("c", 2)).await;
    let again = node.append(keyed("c", "a", 1)).await;
    assert_eq!((again.offset, again.duplicate), (1, true), "its message is there");
    node.store.close().await;
    drop(node);

    let node = backend.open_with(Retention { messages: 2, ..Retention::default() }).await;
    assert_eq!(node.ends("c").await, (3, 4));
    assert_eq!(stored(redis(&backend)), (1, 1), "what was old and is trimmed is forgotten");
    let offset = async |key: &str| node.append(keyed("c", key, 1)).await.offset;
    assert_eq!((offset("c").await, offset("a").await), (3, 5));
}

/// Deleting a message by hand drops no key of another message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_messages_do_not_affect_keys() {
    let backend = Backend::redis();
    let node = backend.open().await;
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(node.append(keyed("c", key, 1)).await.id.to_string());
    }
    age(redis(&backend));
    redis(&backend).command::<i64>("XDEL", &[b"seamline:{c}:log", ids[1].as_bytes()]);
    for (key, offset) in [("a", 1), ("b", 2), ("c", 3)] {
        let again = node.append(keyed("c", key, 1)).await;
        assert_eq!((again.offset, again.duplicate), (offset, true), "{key}");
    }
}

async fn left(retention: Option<Duration>) -> [i64; 3] {
    let backend = Backend::redis();
    let node = backend.open_with(Retention { messages: 100, age: retention, ..Retention::default() }).await;
    node.append(keyed("c", "k", 1)).await;
    [KEYS, ORDER, b"seamline:{c}:log"].map(|key| redis(&backend).command::<i64>("PTTL", &[key]))
}

/// No sweep visits a quiet channel in Redis, so its keys expire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_quiet_channel_expire_with_its_messages() {
    assert_eq!(left(None).await, [-1; 3]);
    let nearly = |left_ms: i64, age: Duration| {
        let age_ms = age.as_millis() as i64;
        assert!((age_ms - 3_600_000 / 2..=age_ms).contains(&left_ms), "{left_ms} of {age:?}");
    };
    let [keys, order, log] = left(Some(10 * DAY)).await;
    [keys, order, log].iter().for_each(|left_ms| nearly(*left_ms, 10 * DAY));
    let [keys, order, log] = left(Some(DAY / 24)).await;
    nearly(keys, 8 * DAY);
    nearly(order, 8 * DAY);
    nearly(log, DAY / 24);
}

/// Without a maximum age after a restart, messages and keys are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_retention_keeps_keys_longer() {
    let backend = Backend::redis();
    let node =
        backend.open_with(Retention { messages: 100, age: Some(2 * DAY), ..Retention::default() }).await;
    node.append(keyed("c", "a", 1)).await;
    node.store.close().await;
    drop(node);
    let node: Node = backend.open().await;
    node.append(append("c", 2)).await;
    age(redis(&backend));
    assert_eq!(redis(&backend).command::<i64>("PTTL", &[KEYS]), -1);
    assert!(node.append(keyed("c", "a", 1)).await.duplicate);
}

/// Deleting a channel also drops its keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_channel_has_no_keys() {
    let backend = Backend::redis();
    let node = backend.open().await;
    node.append(keyed("c", "a", 1)).await;
    redis(&backend).command::<i64>("DEL", &[b"seamline:{c}:log", b"seamline:{c}:meta"]);
    let again = node.append(keyed("c", "a", 1)).await;
    assert_eq!((again.offset, again.duplicate), (1, false));
}
