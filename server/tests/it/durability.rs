//! Acknowledged publications survive `kill -9`. Publishers use HTTP with keys and retries while the server is killed at
//! random moments. Afterwards, every acknowledged message is in the log exactly once, at its acknowledged offset, and
//! offsets are contiguous.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, eventually, try_request};

const PUBLISHERS: u64 = 4;
const KILLS: usize = 5;
/// How many publications are acknowledged before each kill, however slow the disk is.
const ACKNOWLEDGED_PER_LIFE: usize = 5;

/// The state that the publishers share.
struct Shared {
    /// `None` while the server is down, when another process may have its port.
    base: Mutex<Option<String>>,
    acknowledged: AtomicUsize,
    done: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_publications_survive_kill_9() {
    let mut server = Server::start(&[]);
    let shared = Arc::new(Shared {
        base: Mutex::new(Some(server.url(""))),
        acknowledged: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    });
    let publishers: Vec<_> = (0..PUBLISHERS).map(|who| tokio::spawn(publish(who, shared.clone()))).collect();
    for life in 1..=KILLS {
        eventually("some to be acknowledged", || {
            shared.acknowledged.load(Ordering::Relaxed) >= life * ACKNOWLEDGED_PER_LIFE
        })
        .await;
        tokio::time::sleep(Duration::from_millis(seamline_server::random::between(50, 400))).await;
        *shared.base.lock().unwrap() = None;
        server.kill();
        server.restart();
        *shared.base.lock().unwrap() = Some(server.url(""));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    shared.done.store(true, Ordering::Relaxed);
    let mut acknowledged = HashMap::new();
    for publisher in publishers {
        acknowledged.extend(publisher.await.unwrap());
    }
    server.kill();
    server.restart();
    check(&server, acknowledged).await;
}

/// Publishes messages one after another, each until it is acknowledged.
async fn publish(who: u64, shared: Arc<Shared>) -> HashMap<String, u64> {
    let mut acknowledged = HashMap::new();
    for i in 0.. {
        if shared.done.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{who}-{i}");
        loop {
            let base = shared.base.lock().unwrap().clone();
            let Some(base) = base else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let url = format!("{base}/channels/c/messages");
            let body = json!({"name": name}).to_string();
            match try_request("POST", url, &[("idempotency-key", &name)], body.as_bytes()).await {
                Ok((200 | 201, answer)) => {
                    acknowledged.insert(name, answer["offset"].as_u64().unwrap());
                    shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Ok((status, answer)) => panic!("{status} {answer}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await, // being killed
            }
        }
    }
    acknowledged
}

async fn check(server: &Server, acknowledged: HashMap<String, u64>) {
    assert!(
        acknowledged.len() >= KILLS * ACKNOWLEDGED_PER_LIFE,
        "only {} were acknowledged",
        acknowledged.len()
    );
    let mut stored = HashMap::new();
    let mut after = 0;
    loop {
        let page = server.read("c", after).await;
        let messages = page["messages"].as_array().unwrap();
        for message in messages {
            after += 1;
            assert_eq!(message["offset"], after, "offsets have no hole");
            let name = message["data"]["name"].as_str().unwrap().to_owned();
            assert_eq!(stored.insert(name, after), None, "stored twice: {message}");
        }
        if messages.is_empty() {
            assert_eq!(page["head"], Value::from(after));
            break;
        }
    }
    for (name, offset) in &acknowledged {
        assert_eq!(stored.get(name), Some(offset), "{name} was acknowledged");
    }
    // Publishers retry until acknowledged, so there are no other messages.
    assert_eq!(stored.len(), acknowledged.len());
}
