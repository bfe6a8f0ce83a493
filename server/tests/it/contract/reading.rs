//! Reading: pages with limits, after any offset.

use std::time::Duration;

use seamline::wire::MessageId;
use seamline_server::log::history::read_before;
use seamline_server::log::{After, PageLimit, Retention};

use super::{Backend, append, for_each_backend};

for_each_backend!(
    a_page_can_start_after_any_offset,
    pages_respect_their_limits,
    reading_past_the_head_is_empty,
    an_id_is_located_after_trimming,
    peeking_creates_no_channel,
    a_trimmed_channel_keeps_its_last_id,
    a_log_is_read_backwards,
    a_page_before_an_offset_respects_its_limits,
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
            let page = node.store.read("c", After { offset, id }, limit).await.unwrap().unwrap();
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
        let page =
            node.store.read("c", After::default(), PageLimit { messages, bytes }).await.unwrap().unwrap();
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
            let page = node.store.read("c", After { offset, id }, limit).await.unwrap().unwrap();
            assert_eq!((page.messages.len(), page.info.head), (0, 5), "after {offset}");
        }
    }
    node.epoch("new").await;
    let page = node.store.read("new", After::default(), limit).await.unwrap().unwrap();
    assert_eq!((page.info.head, page.messages), (0, Vec::new()));
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

async fn a_log_is_read_backwards(backend: Backend) {
    let node = backend.open_with(Retention { messages: 40, ..Retention::default() }).await;
    let limit = PageLimit { messages: 7, bytes: 1 << 20 };
    assert!(read_before(&*node.store, "c", None, limit).await.unwrap().is_none());
    assert_eq!(node.store.peek("c").await.unwrap(), None, "it is not created");
    node.append_all("c", 1..=50).await;
    let offsets = async |before| -> Vec<u64> {
        let page = read_before(&*node.store, "c", before, limit).await.unwrap().unwrap();
        assert_eq!((page.info.first, page.info.head), (11, 50));
        page.messages.iter().map(|message| message.offset).collect()
    };
    let mut all = offsets(None).await;
    assert_eq!(all, (44..=50).collect::<Vec<_>>());
    for before in [51, 52, u64::MAX] {
        assert_eq!(offsets(Some(before)).await, all, "before {before}");
    }
    while all[0] > 11 {
        let page = offsets(Some(all[0])).await;
        all.splice(0..0, page);
    }
    assert_eq!(all, (11..=50).collect::<Vec<_>>());
    for before in [0, 1, 5, 11] {
        assert!(offsets(Some(before)).await.is_empty(), "before {before}");
    }
    assert_eq!(offsets(Some(13)).await, [11, 12]);
}

async fn a_page_before_an_offset_respects_its_limits(backend: Backend) {
    let node = backend.open().await;
    let data = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    for size in [100, 5000, 100, 100, 100, 5000] {
        node.append(append("c", data(size))).await;
    }
    let offsets = async |before, messages, bytes| -> Vec<u64> {
        let limit = PageLimit { messages, bytes };
        let page = read_before(&*node.store, "c", before, limit).await.unwrap().unwrap();
        page.messages.iter().map(|message| message.offset).collect()
    };
    assert!(offsets(None, 0, 1000).await.is_empty());
    assert_eq!(offsets(None, 6, 1000).await, [6], "at least one, however large");
    assert_eq!(offsets(Some(6), 3, 1000).await, [3, 4, 5]);
    assert_eq!(offsets(Some(6), 2, 1000).await, [4, 5]);
    let page = offsets(Some(6), 5, 1000).await;
    assert!(page == [4, 5] || page == [3, 4, 5], "{page:?}");
    assert_eq!(offsets(None, 500, 1 << 20).await, [1, 2, 3, 4, 5, 6]);
}
