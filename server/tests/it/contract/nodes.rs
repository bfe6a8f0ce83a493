//! Several nodes on one Redis.

use std::collections::HashSet;

use super::backend::heard;
use super::{Backend, append, keyed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_deliver_in_one_order() {
    let backend = Backend::redis();
    let nodes = [backend.open().await, backend.open().await];
    let [a, b] = &nodes;
    let (mut live_a, mut live_b) = (a.listen("c").await, b.listen("c").await);
    let publish = async |who: usize| {
        for i in 0..100 {
            nodes[who % 2].append(append("c", who * 1000 + i)).await;
        }
    };
    let publishing = futures::future::join_all((0..4).map(publish));
    let (heard_a, heard_b, _) = tokio::join!(heard(&mut live_a, 400), heard(&mut live_b, 400), publishing);
    assert_eq!(heard_a, heard_b);
    assert!(heard_a.iter().zip(1..).all(|(message, offset)| message.offset == offset));
    assert_eq!(a.all("c", 0).await, b.all("c", 0).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_unique_across_nodes() {
    let backend = Backend::redis();
    let nodes = [backend.open().await, backend.open().await];
    let ask = async |who: usize| {
        let keys = (0..50).map(|i| format!("key-{i}"));
        let mut offsets = Vec::new();
        for key in keys {
            offsets.push(nodes[who % 2].append(keyed("c", &key, 1)).await.offset);
        }
        offsets
    };
    let answers = futures::future::join_all((0..4).map(ask)).await;
    assert!(answers.iter().all(|offsets| *offsets == answers[0]));
    assert_eq!(answers.concat().into_iter().collect::<HashSet<_>>().len(), 50);
    assert_eq!(nodes[0].ends("c").await, (1, 50));
}

/// A channel without listeners is no longer followed, and can be followed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_can_be_dropped_and_followed_again() {
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    let mut steady = a.listen("steady").await;
    for round in 1..=5 {
        let mut live = a.listen("c").await;
        let mut others = Vec::new();
        for i in 0..20 {
            others.push(a.listen(&format!("channel-{i}")).await);
        }
        assert_eq!(b.append(append("c", round)).await.offset, round);
        assert_eq!(heard(&mut live, 1).await[0].offset, round);
        drop((live, others));
        // The reader drops channels without listeners when it is their turn.
        tokio::time::sleep(std::time::Duration::from_millis(round * 150)).await;
        b.append(append("steady", round)).await;
        assert_eq!(heard(&mut steady, 1).await[0].offset, round);
    }
}

/// While messages are appended, several listeners follow a new channel at the same time. Each hears all messages beyond
/// the head that it was given, whichever of them the reader started from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_all_beyond_its_head() {
    const CHANNELS: usize = 100;
    const LISTENERS: u64 = 8;
    const MESSAGES: u64 = 20;
    let backend = Backend::redis();
    let (a, b) = (backend.open().await, backend.open().await);
    for i in 0..CHANNELS {
        let ch = format!("channel-{i}");
        let publish = async {
            for message in 0..MESSAGES {
                b.append(append(&ch, message)).await;
            }
        };
        let listen = async |listener: u64| {
            tokio::time::sleep(std::time::Duration::from_micros(listener * 200)).await;
            let (mut live, info) = a.listen_from(&ch).await;
            let mut offset = info.head;
            while offset < MESSAGES {
                let message = heard(&mut live, 1).await.remove(0);
                assert!(message.offset <= offset + 1, "a hole after {offset} of {ch}: {}", message.offset);
                offset = offset.max(message.offset);
            }
        };
        tokio::join!(publish, futures::future::join_all((0..LISTENERS).map(listen)));
    }
}
