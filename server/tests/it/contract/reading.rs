//! Reading: pages with limits, after any offset.

use std::time::Duration;

use seamline::wire::MessageId;
use seamline_server::log::{After, PageLimit, Retention};

use super::{Backend, append, for_each_backend};

for_each_backend!(
    a_page_can_start_after_any_offset,
    pages_respect_their_limits,
    reading_past_the_head_is_empty,
    an_id_is_located_after_trimming,
    peeking_creates_no_channel,
    a_trimmed_channel_keeps_its_last_id,
);

/// With the id of the preceding message, without an id, and with a wrong one.
async fn a_page_can_start_after_any_offset(backend: Backend) {
    let node = backend.open().await;
    let mut ids = vec![MessageId { ms: 0, seq: 0 }];
    // Several milliseconds with many messages, and pauses in between.
    for burst in 0..12 {
        let from = burst * 20 + 1;
        ids.extend(node.append_all("c", from..=from + 19).await.iter().map(|appended| appended.id));
        tokio::time::sleep(Duration::from_millis(burst % 4)).await;
    }
    let limit = PageLimit { messages: 3, bytes: 1000 };
    for offset in 0..=240 {
        let wrong = [None, Some(ids[offset as usize]), Some(ids[(offset as usize * 7) % 240])];
        for id in wrong {
            let page = node.store.read("c", After { offset, id }, limit).await.unwrap();
            let offsets: Vec<u64> = page.messages.iter().map(|message| message.offset).collect();
            let expected: Vec<u64> = (offset + 1..=(offset + 3).min(240)).collect();
            assert_eq!(offsets, expected, "after {offset}, {id:?}");
            assert!(page.messages.iter().all(|message| message.id == ids[message.offset as usize]));
        }
    }
}

async fn pages_respect_their_limits(backend: Backend) {
    let node = backend.open().await;
    for _ in 0..40 {
        node.append(append("c", format!("\"{}\"", "x".repeat(998)))).await;
    }
    let count = async |messages, bytes| {
        let page = node.store.read("c", After::default(), PageLimit { messages, bytes }).await.unwrap();
        assert_eq!((page.info.first, page.info.head), (1, 40));
        page.messages.len()
    };
    assert_eq!(count(0, 1_000_000).await, 0);
    assert_eq!(count(1, 1_000_000).await, 1);
    assert_eq!(count(39, 1_000_000).await, 39);
    assert_eq!(count(500, 1_000_000).await, 40);
    assert_eq!(count(500, 35_000).await, 35);
    assert_eq!(count(500, 34_999).await, 34);
    assert_eq!(count(500, 10).await, 1, "at least one, however large");
}

async fn reading_past_the_head_is_empty(backend: Backend) {
    let node = backend.open().await;
    node.append_all("c", 1..=5).await;
    let limit = PageLimit { messages: 10, bytes: 1000 };
    for offset in [5, 6, 1 << 53, u64::MAX] {
        for id in [None, Some(MessageId { ms: u64::MAX, seq: u64::MAX })] {
            let page = node.store.read("c", After { offset, id }, limit).await.unwrap();
            assert_eq!((page.messages.len(), page.info.head), (0, 5), "after {offset}");
        }
    }
    assert_eq!(node.store.read("new", After::default(), limit).await.unwrap().info.head, 0);
}

async fn an_id_is_located_after_trimming(backend: Backend) {
    let node = backend.open().await;
    let ids: Vec<_> = node.append_all("c", 1..=30).await.iter().map(|appended| appended.id).collect();
    let epoch = node.epoch("c").await;
    let located = async |id: MessageId| {
        let position = node.store.locate("c", id).await.unwrap();
        assert_eq!(position.epoch, epoch);
        (position.offset, position.id)
    };
    for (id, offset) in ids.iter().zip(1..) {
        assert_eq!(located(*id).await, (offset, Some(*id)));
    }
    let newest = ids[29];
    assert_eq!(located(MessageId { seq: newest.seq + 1, ..newest }).await, (30, Some(newest)), "no such id");
    assert_eq!(located(MessageId { ms: u64::MAX, seq: u64::MAX }).await, (30, Some(newest)));
    assert_eq!(located(MessageId { ms: 0, seq: 0 }).await, (0, None));
    assert_eq!(node.store.locate("new", newest).await.unwrap().offset, 0);
    node.store.close().await;
    drop(node);

    let node = backend.open_with(Retention { messages: 10, ..Retention::default() }).await;
    node.store.trim().await.unwrap();
    for (id, offset) in ids.iter().zip(1..) {
        let expected = if offset > 20 { (offset, Some(*id)) } else { (0, None) };
        let position = node.store.locate("c", *id).await.unwrap();
        assert_eq!((position.offset, position.id), expected);
    }
}

async fn peeking_creates_no_channel(backend: Backend) {
    let node = backend.open().await;
    let peek = async || node.store.peek("c").await.unwrap();
    assert_eq!((peek().await, peek().await), (None, None));
    let epoch = node.epoch("c").await; // creates it
    let state = peek().await.unwrap();
    assert_eq!((&state.info.epoch, state.info.first, state.info.head, state.last_id), (&epoch, 1, 0, None));
    let appended = node.append(append("c", 1)).await;
    let state = peek().await.unwrap();
    assert_eq!((&state.info.epoch, state.info.first, state.info.head), (&epoch, 1, 1));
    assert_eq!(state.last_id, Some(appended.id));
}

async fn a_trimmed_channel_keeps_its_last_id(backend: Backend) {
    let retention = Retention { messages: 10, age: Some(Duration::from_millis(50)), ..Retention::default() };
    let node = backend.open_with(retention).await;
    let last = node.append_all("c", 1..=30).await[29];
    tokio::time::sleep(Duration::from_millis(60)).await;
    node.store.trim().await.unwrap();
    let state = node.store.peek("c").await.unwrap().unwrap();
    assert_eq!((state.info.first, state.info.head, state.last_id), (31, 30, Some(last.id)));
}
