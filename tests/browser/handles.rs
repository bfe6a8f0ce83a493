//! Handles of one channel share a subscription, and each has a position of its own.

use futures::StreamExt;
use seamline::{Item, StartFrom};

use crate::support::*;

#[conversation]
async fn handles_of_a_channel_each_get_every_message() {
    let room = name("room");
    let client = client();
    let mut first = client.channel(&room, StartFrom::Start).unwrap();
    let mut second = client.channel(&room, StartFrom::Start).unwrap();
    for number in 1..=3_u64 {
        client.publish(&room, &number).await.unwrap();
    }
    for number in 1..=3 {
        assert_eq!(next_message(&mut first).await.json::<u64>().unwrap(), number);
    }
    drop(first);
    for number in 1..=3 {
        assert_eq!(next_message(&mut second).await.json::<u64>().unwrap(), number);
    }
    assert_eq!(client.stats().delivered, 3, "they share a subscription");
}

#[conversation]
async fn a_late_handle_gets_what_it_requested() {
    let room = name("room");
    let client = client();
    for number in 1..=3_u64 {
        client.publish(&room, &number).await.unwrap();
    }
    let mut tail = client.channel(&room, StartFrom::Tail).unwrap();
    until_live(&mut tail).await;
    let mut start = client.channel(&room, StartFrom::Start).unwrap();
    let mut present = client.channel(&room, StartFrom::Stored).unwrap();
    for number in 1..=3 {
        assert_eq!(next_message(&mut start).await.json::<u64>().unwrap(), number);
    }
    client.publish(&room, &4).await.unwrap();
    for channel in [&mut tail, &mut start, &mut present] {
        assert_eq!(next_message(channel).await.offset, 4);
    }
}

#[conversation]
async fn the_slowest_handle_decides_what_is_acknowledged() {
    let room = name("room");
    let publisher = client();
    for number in 1..=3_u64 {
        publisher.publish(&room, &number).await.unwrap();
    }
    let id = name("reader");
    let reader = connect(builder(&id));
    let mut quick = reader.channel(&room, StartFrom::Start).unwrap();
    let mut slow = reader.channel(&room, StartFrom::Start).unwrap();
    for _ in 1..=3 {
        next_message(&mut quick).await;
    }
    next_message(&mut slow).await;
    next_message(&mut slow).await; // the first one is processed now
    reader.close();
    drop((quick, slow, reader));

    let again = connect(builder(&id));
    let mut channel = again.channel(&room, StartFrom::Stored).unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 2);
}

#[conversation]
async fn a_handle_continues_where_the_last_one_was_dropped() {
    let room = name("room");
    let client = client();
    for number in 1..=3_u64 {
        client.publish(&room, &number).await.unwrap();
    }
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    next_message(&mut channel).await;
    next_message(&mut channel).await;
    drop(channel); // as a component that is mounted again
    let mut channel = client.channel(&room, StartFrom::Stored).unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 2);
}

#[conversation]
async fn chunks_acknowledge_only_what_is_committed() {
    let room = name("room");
    let publisher = client();
    for number in 1..=3_u64 {
        publisher.publish(&room, &number).await.unwrap();
    }
    let id = name("reader");
    let reader = connect(builder(&id));
    let channel = reader.channel(&room, StartFrom::Start).unwrap();
    let mut chunks = channel.manual_commit().ready_chunks(2);
    let mut messages = Vec::new();
    while messages.len() < 3 {
        let items = chunks.next().await.expect("there are further items");
        messages.extend(items.into_iter().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            _ => None,
        }));
    }
    assert_eq!(chunks.get_ref().position().map(|at| at.offset), Some(0), "nothing is committed");
    chunks.get_mut().commit_through(&messages[1]);
    assert_eq!(chunks.get_ref().position().map(|at| at.offset), Some(2));
    reader.close();
    drop((chunks, reader));

    let again = connect(builder(&id));
    let mut channel = again.channel(&room, StartFrom::Stored).unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 3);
}

#[conversation]
async fn committing_needs_no_further_item() {
    let room = name("room");
    let client = client();
    client.publish(&room, "only").await.unwrap();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    next_message(&mut channel).await;
    assert_eq!(channel.position().map(|at| at.offset), Some(0));
    channel.commit();
    assert_eq!(channel.position().map(|at| at.offset), Some(1));
}
