//! Clients of the test server, and what the tests do to them.

use std::time::Duration;

use futures::stream::{Stream, StreamExt};
use js_sys::Function;
use seamline::{Channel, Client, ClientBuilder, Item, Message, State};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
pub use wasm_bindgen_test::wasm_bindgen_test as conversation;

/// A name that only this run uses.
pub fn name(what: &str) -> String {
    format!("{what}-{}", js_sys::Math::random())
}

fn server() -> &'static str {
    // There is none if the tests are only compiled, for lints.
    seamline_test_server::URL
        .expect("no server: run `wasm-pack test --headless --chrome` or `cargo xtask test --only browser`")
}

pub fn url() -> String {
    format!("{}/ws", server().replacen("http", "ws", 1))
}

/// A builder with quick reconnects.
pub fn builder(client_id: &str) -> ClientBuilder {
    builder_at(&url(), client_id)
}

/// The same for another URL.
pub fn builder_at(url: &str, client_id: &str) -> ClientBuilder {
    let builder = Client::builder(url).backoff(Duration::from_millis(100), Duration::from_secs(20));
    if client_id.is_empty() { builder } else { builder.client_id(client_id) }
}

/// A builder with which only a wake event reconnects.
pub fn patient(client_id: &str) -> ClientBuilder {
    builder(client_id).backoff(Duration::from_secs(1_000), Duration::from_secs(1_000))
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
        let state = states.next().await.expect("there are further states");
        if state.name() == name {
            return state;
        }
    }
}

/// The next message. Only `live` may come before it.
pub async fn next_message(channel: &mut Channel) -> Message {
    loop {
        match channel.next().await.expect("there are further items") {
            Item::Message(message) => return message,
            Item::Live => {}
            other => panic!("a message was expected, not {other:?}"),
        }
    }
}

/// Waits until the channel is live; nothing may come before.
pub async fn until_live(channel: &mut Channel) {
    let item = channel.next().await;
    assert!(matches!(item, Some(Item::Live)), "{item:?}");
}

/// Has the server cut a client's sockets, without a close.
pub async fn cut(client_id: &str) {
    // The page of the test runner may not see answers of another origin; the server answers after it
    // has done what was asked.
    const POST: &str = "return fetch(url, { method: 'POST', mode: 'no-cors' }).catch(() => {})";
    let url = format!("{}/debug/drop?client_id={client_id}", server());
    let answer = Function::new_with_args("url", POST).call1(&JsValue::NULL, &url.into());
    let answer = answer.expect("fetch is there").unchecked_into::<js_sys::Promise>();
    JsFuture::from(answer).await.expect("it never fails");
}

/// An event of the window.
pub fn dispatch(event: &str) {
    let dispatch = Function::new_with_args("name", "dispatchEvent(new Event(name))");
    dispatch.call1(&JsValue::NULL, &event.into()).expect("it is dispatched");
}

/// `pagehide` or `pageshow` of a page that enters or leaves the back/forward cache.
pub fn dispatch_persisted(event: &str) {
    const DISPATCH: &str = "dispatchEvent(new PageTransitionEvent(name, { persisted: true }))";
    let dispatch = Function::new_with_args("name", DISPATCH);
    dispatch.call1(&JsValue::NULL, &event.into()).expect("it is dispatched");
}
