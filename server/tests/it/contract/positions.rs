//! Acknowledged positions: stored unless they are beyond the log, and never moved back. Each page load has its own, and
//! starts at that of an earlier page load.

use seamline::wire::{MessageId, Position, StartAt};
use seamline_server::log::{PositionKey, Resumed};

use super::{Backend, Node, append, for_each_backend};

for_each_backend!(
    positions_only_move_forward,
    positions_belong_to_user_client_and_channel,
    a_client_without_a_position_uses_its_start_point,
    a_page_load_resumes_from_its_lineage,
    a_page_load_keeps_its_start_point,
);

fn key(user: &str, client_id: &str, ch: &str) -> PositionKey {
    PositionKey { user: user.into(), client_id: client_id.into(), page_load: None, ch: ch.into() }
}

/// The keys of a page load of `tab`, in lookup order.
fn lineage(page_loads: &[&str]) -> Vec<PositionKey> {
    let of = |page_load: Option<String>| PositionKey { page_load, ..key("ada", "tab", "c") };
    page_loads.iter().map(|name| Some(name.to_string())).chain([None]).map(of).collect()
}

/// The stored position, looked up without changing it.
async fn stored(node: &Node, key: &PositionKey) -> Option<Position> {
    match node.store.resume(vec![key.clone()], StartAt::Tail).await.unwrap() {
        Resumed::Stored(position) => Some(position),
        Resumed::StartPoint(_) => None,
    }
}

async fn store(
    node: &Node,
    key: &PositionKey,
    epoch: &str,
    offset: u64,
    id: Option<MessageId>,
) -> Option<u64> {
    let position = Position { epoch: epoch.into(), offset, id };
    node.store.store_positions(vec![(key.clone(), position)]).await.unwrap();
    stored(node, key).await.map(|position| position.offset)
}

/// The offset where a client resumes, and whether it was stored.
async fn resume(node: &Node, keys: Vec<PositionKey>) -> (u64, bool) {
    match node.store.resume(keys, StartAt::Tail).await.unwrap() {
        Resumed::Stored(position) => (position.offset, true),
        Resumed::StartPoint(position) => (position.offset, false),
    }
}

async fn positions_only_move_forward(mut backend: Backend) {
    let node = backend.open().await;
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

    let node = backend.reopen(node).await;
    let expected = Position { epoch, offset: 5, id: Some(appended[4].id) };
    assert_eq!(stored(&node, &ada).await, Some(expected));
}

async fn a_client_without_a_position_uses_its_start_point(backend: Backend) {
    let node = backend.open().await;
    let new = node.store.resume(vec![key("ada", "tab", "new")], StartAt::Tail).await.unwrap();
    assert_eq!(new, Resumed::StartPoint(Position { epoch: node.epoch("new").await, offset: 0, id: None }));
    node.append_all("c", 1..=5).await;
    for (end, offset) in [(StartAt::Start, 0), (StartAt::Tail, 5), (StartAt::Start, 0)] {
        let begins = node.store.resume(vec![key("ada", "tab", "c")], end).await.unwrap();
        let position = Position { epoch: node.epoch("c").await, offset, id: None };
        assert_eq!(begins, Resumed::StartPoint(position), "a position that may be shared is not set");
    }
}

async fn a_page_load_resumes_from_its_lineage(mut backend: Backend) {
    let node = backend.open().await;
    let appended = node.append_all("c", 1..=9).await;
    let epoch = node.epoch("c").await;
    let [first, second, whole] = <[PositionKey; 3]>::try_from(lineage(&["first", "second"])).unwrap();
    for (key, offset) in [(&first, 3), (&second, 5), (&whole, 8)] {
        assert_eq!(
            store(&node, key, &epoch, offset, Some(appended[offset as usize - 1].id)).await,
            Some(offset)
        );
    }
    assert_eq!(resume(&node, lineage(&["third", "first", "second"])).await, (3, true));
    assert_eq!(resume(&node, lineage(&["fourth", "not here", "second", "first"])).await, (5, true));
    assert_eq!(resume(&node, lineage(&["alone"])).await, (8, true), "that of the whole client");
    // From then on it has its own position, which the others do not move forward.
    assert_eq!(store(&node, &first, &epoch, 9, None).await, Some(9));
    let node = backend.reopen(node).await;
    assert_eq!(resume(&node, lineage(&["third", "first"])).await, (3, true));
    let third = lineage(&["third"]).remove(0);
    let expected = Position { epoch, offset: 3, id: Some(appended[2].id) };
    assert_eq!(stored(&node, &third).await, Some(expected));
}

async fn a_page_load_keeps_its_start_point(mut backend: Backend) {
    let node = backend.open().await;
    node.append_all("c", 1..=5).await;
    assert_eq!(resume(&node, lineage(&["first"])).await, (5, false));
    node.append_all("c", 6..=9).await;
    let node = backend.reopen(node).await;
    assert_eq!(resume(&node, lineage(&["second", "first"])).await, (5, true), "it had processed no more");
    assert_eq!(resume(&node, lineage(&["another"])).await, (9, false), "the client has no position");
}

async fn positions_belong_to_user_client_and_channel(backend: Backend) {
    let node = backend.open().await;
    for ch in ["c", "d"] {
        node.append(append(ch, 1)).await;
    }
    let epoch = node.epoch("c").await;
    let owner = key("a:b", "c", "c");
    assert_eq!(store(&node, &owner, &epoch, 1, None).await, Some(1));
    for other in [key("a", "b:c", "c"), key("a:b", "d", "c"), key("x", "c", "c"), key("a:b", "c", "d")] {
        assert_eq!(stored(&node, &other).await, None, "{other:?}");
    }
}

/// The embedded store sweeps old positions; in Redis they expire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_expire_in_redis() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let backend = Backend::redis();
    let node = backend.open().await;
    node.append(append("c", 1)).await;
    let epoch = node.epoch("c").await;
    assert_eq!(store(&node, &key("ada", "tab", "c"), &epoch, 1, None).await, Some(1));
    let Backend::Redis(redis) = &backend else { unreachable!("it is") };
    let left_ms = redis.command::<i64>("PTTL", &[b"seamline:{c}:sync:3:ada:tab"]);
    // Equal if Redis answers within the same millisecond.
    assert!((29 * DAY_MS..=30 * DAY_MS).contains(&left_ms), "{left_ms} ms left");
    for forever in ["seamline:{c}:log", "seamline:{c}:meta"] {
        assert_eq!(redis.command::<i64>("PTTL", &[forever.as_bytes()]), -1, "{forever}");
    }
}
