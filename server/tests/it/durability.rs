//! An acknowledged publication survives `kill -9`. Publishers over HTTP keep publishing, each with
//! keys and retries, while the server is killed at random moments; afterwards every message that was
//! acknowledged is in the log exactly once, at the offset that was promised, and offsets have no hole.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, try_request};

const PUBLISHERS: u64 = 4;
const KILLS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_publications_survive_kill_9() {
    let mut server = Server::start(&[]);
    let base = Arc::new(Mutex::new(server.url("")));
    let done = Arc::new(AtomicBool::new(false));
    let publishers: Vec<_> =
        (0..PUBLISHERS).map(|who| tokio::spawn(publish(who, base.clone(), done.clone()))).collect();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(seamline_server::random::between(50, 400))).await;
        server.kill();
        server.restart();
        *base.lock().unwrap() = server.url("");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    done.store(true, Ordering::Relaxed);
    let mut acknowledged = HashMap::new();
    for publisher in publishers {
        acknowledged.extend(publisher.await.unwrap());
    }
    server.kill();
    server.restart();
    check(&server, acknowledged).await;
}

/// Publishes its own messages one after another, each until it is acknowledged.
async fn publish(who: u64, base: Arc<Mutex<String>>, done: Arc<AtomicBool>) -> HashMap<String, u64> {
    let mut acknowledged = HashMap::new();
    for i in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{who}-{i}");
        loop {
            let url = format!("{}/channels/c/messages", base.lock().unwrap());
            let body = json!({"name": name}).to_string();
            match try_request("POST", url, &[("idempotency-key", &name)], body.as_bytes()).await {
                Ok((200 | 201, answer)) => {
                    acknowledged.insert(name, answer["offset"].as_u64().unwrap());
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
    assert!(acknowledged.len() > 20, "only {} were acknowledged", acknowledged.len());
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
    // Publishers retry until acknowledged, so nothing else can be there.
    assert_eq!(stored.len(), acknowledged.len());
}
