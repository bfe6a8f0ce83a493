//! Clients, and what they report. The native tests use this file, too.

use std::time::Duration;

use futures::stream::{Stream, StreamExt};
use seamline::{Channel, Client, ClientBuilder, Item, Message, State};

use crate::support::{name, patiently, url};

/// A builder with quick reconnects.
pub fn builder(client_id: &str) -> ClientBuilder {
    builder_at(&url(), client_id)
}

/// The same for another URL.
pub fn builder_at(url: &str, client_id: &str) -> ClientBuilder {
    let builder = Client::builder(url).backoff(Duration::from_millis(100), Duration::from_secs(20));
    if client_id.is_empty() { builder } else { builder.client_id(client_id) }
}

pub fn connect(builder: ClientBuilder) -> Client {
    builder.connect().expect("the settings are valid")
}

/// A client with its own name.
pub fn client() -> Client {
    connect(builder(&name("client")))
}

/// Waits until the client's state has this name.
pub async fn until(client: &Client, state: &str) {
    next_state(&mut client.states(), state).await;
}

/// The next state with this name.
pub async fn next_state(states: &mut (impl Stream<Item = State> + Unpin), name: &str) -> State {
    loop {
        let state = patiently(states.next()).await.expect("there are further states");
        if state.name() == name {
            return state;
        }
    }
}

/// The next message. Only `live` may come before it.
pub async fn next_message(channel: &mut Channel) -> Message {
    loop {
        match patiently(channel.next()).await.expect("there are further items") {
            Item::Message(message) => return message,
            Item::Live => {}
            other => panic!("a message was expected, not {other:?}"),
        }
    }
}

/// Waits until the channel is live; nothing may come before.
pub async fn until_live(channel: &mut Channel) {
    let item = patiently(channel.next()).await;
    assert!(matches!(item, Some(Item::Live)), "{item:?}");
}
