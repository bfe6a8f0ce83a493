//! Processed positions: stored if the log can have got that far, and never moved back.

use seamline::core::position::{MessageId, Position};
use seamline_server::log::SyncKey;

use super::{Home, Node, append, for_each_home};

for_each_home!(positions_only_move_forward, positions_belong_to_user_client_and_channel);

fn key(user: &str, client_id: &str, ch: &str) -> SyncKey {
    SyncKey { user: user.into(), client_id: client_id.into(), ch: ch.into() }
}

async fn store(node: &Node, key: &SyncKey, epoch: &str, offset: u64, id: Option<MessageId>) -> Option<u64> {
    let position = Position { epoch: epoch.into(), offset, id };
    node.log.store_sync_states(vec![(key.clone(), position)]).await.unwrap();
    node.log.sync_state(key.clone()).await.unwrap().map(|position| position.offset)
}

async fn positions_only_move_forward(mut home: Home) {
    let node = home.open().await;
    let ada = key("ada", "tab", "c");
    assert_eq!(store(&node, &ada, "any", 0, None).await, None, "there is no such channel");
    let appended = node.append_all("c", 1..=5).await;
    let epoch = node.epoch("c").await;
    assert_eq!(store(&node, &ada, "another", 3, None).await, None, "another epoch");
    assert_eq!(store(&node, &ada, &epoch, 6, None).await, None, "beyond the head");
    assert_eq!(store(&node, &ada, &epoch, u64::MAX, None).await, None, "far beyond the head");
    assert_eq!(store(&node, &ada, &epoch, 3, None).await, Some(3));
    assert_eq!(store(&node, &ada, &epoch, 2, None).await, Some(3), "behind");
    assert_eq!(store(&node, &ada, "another", 5, None).await, Some(3), "another epoch");
    assert_eq!(store(&node, &ada, &epoch, 5, Some(appended[4].id)).await, Some(5));

    let node = home.reopen(node).await;
    let stored = node.log.sync_state(ada).await.unwrap();
    assert_eq!(stored, Some(Position { epoch, offset: 5, id: Some(appended[4].id) }));
}

async fn positions_belong_to_user_client_and_channel(home: Home) {
    let node = home.open().await;
    for ch in ["c", "d"] {
        node.append(append(ch, 1)).await;
    }
    let epoch = node.epoch("c").await;
    let owner = key("a:b", "c", "c");
    assert_eq!(store(&node, &owner, &epoch, 1, None).await, Some(1));
    for other in [key("a", "b:c", "c"), key("a:b", "d", "c"), key("x", "c", "c"), key("a:b", "c", "d")] {
        assert_eq!(node.log.sync_state(other.clone()).await.unwrap(), None, "{other:?}");
    }
}

/// What the embedded log sweeps, Redis lets expire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_expire_in_redis() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let home = Home::redis();
    let node = home.open().await;
    node.append(append("c", 1)).await;
    let epoch = node.epoch("c").await;
    assert_eq!(store(&node, &key("ada", "tab", "c"), &epoch, 1, None).await, Some(1));
    let Home::Redis(redis) = &home else { unreachable!("it is") };
    let left_ms = redis.command::<i64>("PTTL", &[b"seamline:{c}:sync:3:ada:tab"]);
    // Whole, where Redis is asked within the millisecond in which it was set.
    assert!((29 * DAY_MS..=30 * DAY_MS).contains(&left_ms), "{left_ms} ms left");
    for forever in ["seamline:{c}:log", "seamline:{c}:meta"] {
        assert_eq!(redis.command::<i64>("PTTL", &[forever.as_bytes()]), -1, "{forever}");
    }
}
