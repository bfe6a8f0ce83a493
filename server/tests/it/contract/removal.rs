//! Channels are listed, trimmed and deleted, and reading creates none.

use seamline::wire::{MessageId, Position, StartAt};
use seamline_server::log::history::read_before;
use seamline_server::log::{After, ChannelInfo, PageLimit, PositionKey, Resumed, StoreError};

use super::backend::{ends, heard};
use super::{Backend, Node, append, for_each_backend, keyed};

const LIMIT: PageLimit = PageLimit { messages: 100, bytes: 1 << 20 };

for_each_backend!(
    a_deleted_channel_is_gone,
    a_deleted_channel_ends_its_live_streams,
    a_position_in_a_deleted_log_is_kept,
    a_channel_is_trimmed_to_an_offset,
    a_large_channel_is_trimmed_and_deleted,
    channels_are_listed_page_by_page,
    reading_creates_no_channel,
);

async fn a_deleted_channel_is_gone(mut backend: Backend) {
    let node = backend.open().await;
    node.append(keyed("c", "k", 1)).await;
    node.append_all("c", 2..=5).await;
    node.append(keyed("other", "k", 1)).await;
    let epoch = node.epoch("c").await;
    assert!(node.store.delete("c").await.unwrap());
    assert!(!node.store.delete("c").await.unwrap());
    assert_eq!(listed(&node, 10).await, ["other"]);
    assert_eq!(node.store.peek("c").await.unwrap(), None);
    node.store.trim().await.unwrap();

    let node = backend.reopen(node).await;
    assert_eq!(node.store.peek("c").await.unwrap(), None);
    let again = node.append(keyed("c", "k", 6)).await;
    assert_eq!((again.offset, again.duplicate), (1, false), "its keys are gone as well");
    assert_ne!(node.epoch("c").await, epoch);
    assert_eq!((node.ends("c").await, node.ends("other").await), ((1, 1), (1, 1)));
    assert!(node.append(keyed("other", "k", 1)).await.duplicate);
}

async fn a_deleted_channel_ends_its_live_streams(backend: Backend) {
    let node = backend.open().await;
    let (mut live, mut other) = (node.listen("c").await, node.listen("other").await);
    node.append_all("c", 1..=3).await;
    heard(&mut live, 3).await;
    let epoch = node.epoch("c").await;
    assert!(node.store.delete("c").await.unwrap());
    ends(&mut live).await;
    let mut live = node.listen("c").await;
    assert_ne!(node.epoch("c").await, epoch);
    node.append(append("c", 1)).await;
    assert_eq!(heard(&mut live, 1).await[0].offset, 1);
    node.append(append("other", 1)).await;
    assert_eq!(heard(&mut other, 1).await[0].offset, 1);
}

/// Otherwise a client that comes back would miss messages without learning of it.
async fn a_position_in_a_deleted_log_is_kept(backend: Backend) {
    let node = backend.open().await;
    node.append_all("c", 1..=3).await;
    let at = Position { epoch: node.epoch("c").await, offset: 2, id: None };
    let key = PositionKey { user: "ada".into(), client_id: "tab".into(), page_load: None, ch: "c".into() };
    node.store.store_positions(vec![(key.clone(), at.clone())]).await.unwrap();
    node.store.delete("c").await.unwrap();
    // A late acknowledgement neither creates the channel nor changes anything.
    let late = Position { offset: 3, ..at.clone() };
    node.store.store_positions(vec![(key.clone(), late)]).await.unwrap();
    assert_eq!(node.store.peek("c").await.unwrap(), None);
    let resumed = node.store.resume(vec![key], StartAt::Tail).await.unwrap();
    assert_eq!(resumed, Resumed::Stored(at));
}

async fn a_channel_is_trimmed_to_an_offset(mut backend: Backend) {
    let node = backend.open().await;
    assert_eq!(node.store.trim_channel("c", 5).await.unwrap(), None);
    assert_eq!(node.store.peek("c").await.unwrap(), None, "it is not created");
    node.append(keyed("c", "k", 1)).await;
    let last = node.append_all("c", 2..=10).await.pop().unwrap();
    let epoch = node.epoch("c").await;
    let trim = async |through| node.store.trim_channel("c", through).await.unwrap();
    let extent = |first| Some(ChannelInfo { epoch: epoch.clone(), first, head: 10 });
    for (through, first) in [(0, 1), (4, 5), (2, 5), (9, 10)] {
        assert_eq!(trim(through).await, extent(first), "through {through}");
        assert_eq!(node.all("c", 0).await.len() as u64, 11 - first);
    }
    assert!(node.append(keyed("c", "k", 1)).await.duplicate, "keys outlive their messages");
    for through in [10, u64::MAX] {
        assert_eq!(trim(through).await, extent(11));
    }
    assert_eq!(node.store.peek("c").await.unwrap().unwrap().last_id, Some(last.id));

    let node = backend.reopen(node).await;
    assert_eq!((node.epoch("c").await, node.ends("c").await), (epoch, (11, 10)));
    let next = node.append(append("c", 11)).await;
    assert!(next.offset == 11 && next.id > last.id);
    assert_eq!(node.all("c", 0).await.len(), 1);
}

/// Larger than what one transaction drops.
async fn a_large_channel_is_trimmed_and_deleted(backend: Backend) {
    let node = backend.open().await;
    node.append_all("c", 1..=4000).await;
    assert_eq!(node.store.trim_channel("c", 2500).await.unwrap().unwrap().first, 2501);
    assert_eq!(node.all("c", 0).await.len(), 1500);
    assert!(node.store.delete("c").await.unwrap());
    node.append_all("c", 1..=3).await;
    node.store.trim().await.unwrap();
    assert_eq!((node.all("c", 0).await.len(), node.ends("c").await), (3, (1, 3)));
}

async fn channels_are_listed_page_by_page(backend: Backend) {
    let node = backend.open().await;
    assert!(listed(&node, 10).await.is_empty());
    let mut names: Vec<String> = (0..25).map(|i| format!("c{i:02}")).collect();
    names.extend(["}{", "%7D", "a}:meta", "ü"].map(str::to_owned));
    for name in &names {
        node.append(append(name, 1)).await;
    }
    node.store.delete("c07").await.unwrap();
    names.retain(|name| name != "c07");
    names.sort();
    for max in [1, 7, 1000] {
        assert_eq!(listed(&node, max).await, names, "{max} in a page");
    }
    if let Backend::Redis(_) | Backend::Cluster(_) = backend {
        let bad = node.store.list(Some("c01".into()), 10).await;
        assert_eq!(bad, Err(StoreError::BadCursor("c01".into())));
    }
}

/// All channels in order, each once.
async fn listed(node: &Node, max: usize) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = node.store.list(cursor, max).await.unwrap();
        all.extend(page.channels);
        cursor = page.next;
        if cursor.is_none() {
            all.sort();
            all.dedup();
            return all;
        }
    }
}

async fn reading_creates_no_channel(backend: Backend) {
    let node = backend.open().await;
    let store = &node.store;
    assert!(store.read("c", After::default(), LIMIT).await.unwrap().is_none());
    assert!(read_before(&**store, "c", None, LIMIT).await.unwrap().is_none());
    assert_eq!(store.peek("c").await.unwrap(), None);
    let key = PositionKey { user: "u".into(), client_id: "d".into(), page_load: None, ch: "c".into() };
    let at = Position { epoch: "e".into(), offset: 0, id: Some(MessageId { ms: 1, seq: 0 }) };
    store.store_positions(vec![(key, at)]).await.unwrap();
    assert!(listed(&node, 10).await.is_empty());
}
