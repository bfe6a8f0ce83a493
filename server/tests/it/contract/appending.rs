//! Appending: contiguous offsets, growing ids, one message per key, and a live stream in log order.

use std::collections::HashMap;

use super::backend::{heard, nothing_more};
use super::{Backend, append, for_each_backend, keyed};

for_each_backend!(
    offsets_are_contiguous_and_ids_grow,
    each_channel_has_its_own_offsets,
    concurrent_appends_with_one_key_store_one_message,
    payloads_are_stored_unchanged,
    any_channel_name_works,
    the_live_stream_is_in_log_order,
);

async fn offsets_are_contiguous_and_ids_grow(backend: Backend) {
    let node = backend.open().await;
    assert_eq!(node.ends("c").await, (1, 0));
    let appended = node.append_all("c", 1..=700).await;
    let offsets: Vec<u64> = appended.iter().map(|appended| appended.offset).collect();
    assert_eq!(offsets, (1..=700).collect::<Vec<_>>(), "in the order of the calls");
    assert!(appended.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(appended.iter().all(|appended| !appended.duplicate));
    let messages = node.all("c", 0).await;
    assert_eq!(messages.len(), 700);
    for (message, appended) in messages.iter().zip(&appended) {
        assert_eq!((message.offset, message.id), (appended.offset, appended.id));
        assert_eq!(&*message.data, appended.offset.to_string());
    }
    assert_eq!(node.ends("c").await, (1, 700));
}

async fn each_channel_has_its_own_offsets(backend: Backend) {
    let node = backend.open().await;
    assert_eq!(node.append(append("a", 1)).await.offset, 1);
    assert_eq!(node.append(append("b", 1)).await.offset, 1);
    assert_eq!(node.append(append("a", 2)).await.offset, 2);
    assert_ne!(node.epoch("a").await, node.epoch("b").await);
    let key = node.append(keyed("a", "k", 3)).await;
    let other = node.append(keyed("b", "k", 3)).await;
    assert!(!key.duplicate && !other.duplicate, "keys belong to a channel");
}

async fn concurrent_appends_with_one_key_store_one_message(backend: Backend) {
    let node = backend.open().await;
    let ask = async |_| {
        let mut answers = Vec::new();
        for i in 0..20 {
            answers.push((i, node.append(keyed("c", &format!("key-{i}"), i)).await));
        }
        answers
    };
    let answers = futures::future::join_all((0..8).map(ask)).await.concat();
    let mut by_key = HashMap::new();
    for (key, appended) in &answers {
        let first = *by_key.entry(key).or_insert((appended.offset, appended.id));
        assert_eq!(first, (appended.offset, appended.id), "key {key}");
    }
    let stored = answers.iter().filter(|(_, appended)| !appended.duplicate).count();
    assert_eq!((stored, node.ends("c").await), (20, (1, 20)));
}

async fn payloads_are_stored_unchanged(backend: Backend) {
    let node = backend.open().await;
    let large = format!("\"{}\"", "x".repeat(300_000));
    let payloads = ["null", "1.10", r#"{"b":1,"a":[ 1 ]}"#, r#""é\u00e9 \r\n 🙂""#, &large];
    for payload in payloads {
        node.append(append("c", payload)).await;
    }
    let messages = node.all("c", 0).await;
    assert_eq!(messages.iter().map(|message| &*message.data).collect::<Vec<_>>(), payloads);
}

async fn any_channel_name_works(backend: Backend) {
    let node = backend.open().await;
    let names = ["a b", "a:log", "{a}", "}", "{}", "a}b", "a%7Db", "é", "*", "c", "c:key:k"];
    for (i, name) in names.iter().enumerate() {
        assert_eq!(node.append(keyed(name, "k", i)).await.offset, 1, "{name}");
    }
    for (i, name) in names.iter().enumerate() {
        assert_eq!(&*node.all(name, 0).await[0].data, i.to_string(), "{name}");
    }
}

async fn the_live_stream_is_in_log_order(backend: Backend) {
    let node = backend.open().await;
    node.append(append("c", "before")).await;
    let mut live = node.listen("c").await;
    let mut other = node.listen("another").await;
    let publish = async |who: u64| {
        for i in 0..100 {
            node.append(append("c", who * 1000 + i)).await;
        }
    };
    let (heard, _) = tokio::join!(heard(&mut live, 400), futures::future::join_all((0..4).map(publish)));
    let offsets: Vec<u64> = heard.iter().map(|message| message.offset).collect();
    assert_eq!(offsets, (2..=401).collect::<Vec<_>>());
    let stored = node.all("c", 1).await;
    assert!(heard.iter().zip(&stored).all(|(live, stored)| **live == *stored));
    nothing_more(&mut live).await;
    nothing_more(&mut other).await;
}
