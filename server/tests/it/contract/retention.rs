//! Messages are trimmed, the log knows its extent even when all are gone, and the rest survives a restart.

use std::time::{Duration, Instant};

use seamline_server::log::{After, PageLimit, Retention};

use super::{Backend, Node, append, for_each_backend, keyed};
use crate::support::PATIENCE;

/// The retention of messages whose expiry is tested.
const AGE: Duration = Duration::from_millis(300);

for_each_backend!(
    the_newest_messages_are_kept,
    an_emptied_channel_keeps_its_head,
    everything_survives_a_restart,
);

async fn the_newest_messages_are_kept(backend: Backend) {
    let node = backend.open_with(Retention { messages: 10, ..Retention::default() }).await;
    node.append_all("c", 1..=25).await;
    node.store.trim().await.unwrap();
    assert_eq!(node.ends("c").await, (16, 25));
    let messages = node.all("c", 0).await;
    let offsets: Vec<u64> = messages.iter().map(|message| message.offset).collect();
    assert_eq!(offsets, (16..=25).collect::<Vec<_>>());
    assert_eq!(node.all("c", 20).await.len(), 5);
    let from_the_middle = PageLimit { messages: 1, bytes: 100 };
    let page = node.store.read("c", After::from(17), from_the_middle).await.unwrap().unwrap();
    assert_eq!(page.messages[0].offset, 18);
}

async fn an_emptied_channel_keeps_its_head(backend: Backend) {
    let node = backend.open_with(Retention { messages: 100, age: Some(AGE), ..Retention::default() }).await;
    let before = node.append_all("c", 1..=5).await;
    let epoch = node.epoch("c").await;
    trimmed_to(&node, 6, 5).await;
    assert_eq!(node.all("c", 0).await, []);
    let start = Instant::now();
    let sixth = node.append(keyed("c", "k", 6)).await;
    assert!(sixth.offset == 6 && sixth.id > before[4].id, "{sixth:?}");
    let (ends, all) = (node.ends("c").await, node.all("c", 0).await);
    // On a slow machine the message may have expired already.
    let is_old = start.elapsed() >= AGE;
    assert!(ends == (6, 6) || ends == (7, 6) && is_old, "{ends:?}");
    assert!(all.iter().map(|message| message.id).eq([sixth.id]) || all.is_empty() && is_old, "{all:?}");
    trimmed_to(&node, 7, 6).await;
    let again = node.append(keyed("c", "k", 6)).await;
    assert_eq!((again.offset, again.duplicate), (6, true), "keys are remembered for a day at the least");
    assert_eq!((node.ends("c").await, node.epoch("c").await), ((7, 6), epoch));
}

/// Waits until the extent of the log is `first` to `head`.
async fn trimmed_to(node: &Node, first: u64, head: u64) {
    let start = Instant::now();
    loop {
        node.store.trim().await.unwrap();
        let ends = node.ends("c").await;
        if ends == (first, head) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {ends:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn everything_survives_a_restart(mut backend: Backend) {
    let node = backend.open().await;
    let quiet = node.epoch("quiet").await;
    let appended = node.append(keyed("c", "k", "1")).await;
    node.append(append("c", "2")).await;
    let (epoch, messages) = (node.epoch("c").await, node.all("c", 0).await);

    let node = backend.reopen(node).await;
    assert_eq!((node.epoch("c").await, node.all("c", 0).await), (epoch, messages));
    assert_eq!(node.epoch("quiet").await, quiet, "also where there never was a message");
    let again = node.append(keyed("c", "k", "1")).await;
    assert_eq!((again.id, again.offset, again.duplicate), (appended.id, 1, true));
    assert_eq!(node.append(append("c", "3")).await.offset, 3);
}
