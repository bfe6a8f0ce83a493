//! The plain dialect, which the test server speaks as well.

use seamline::{Client, PlainOptions, StartFrom};

use crate::support::*;

/// A client of a conversation, which has a URL of its own.
fn plain(conversation: &str) -> Client {
    let url = format!("{}?conversation_id={conversation}", url());
    connect(builder_at(&url, &name("client")).plain(PlainOptions::default()))
}

#[conversation]
async fn the_first_connection_resumes_at_the_position() {
    let room = name("room");
    let publisher = client();
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(publisher.publish(&room, &number).await.unwrap().id.to_string());
    }
    let first = plain(&room);
    let mut channel = first.channel(&room, StartFrom::Stored).unwrap();
    for id in &ids[..2] {
        assert_eq!(next_message(&mut channel).await.id, *id);
    }
    let position = channel.position().unwrap();
    drop(channel);

    let second = plain(&room);
    let mut channel = second.channel(&room, StartFrom::After(position)).unwrap();
    for id in &ids[1..] {
        assert_eq!(next_message(&mut channel).await.id, *id);
    }
    assert_eq!(second.stats().connects, 1);
}
