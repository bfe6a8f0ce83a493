//! Invalid calls are rejected with a code.

use seamline::client::{Client, Options, StartFrom};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn urls_of_other_schemes_are_rejected() {
    for url in ["", "example.com", "https://example.com/ws", "ws://example.com/#part"] {
        let error = Client::connect(url, Options::default()).map(|_| ()).unwrap_err();
        assert_eq!(error.code, "bad_url", "{url:?}");
    }
}

#[wasm_bindgen_test]
async fn bad_names_and_second_subscriptions_are_rejected() {
    let client = client();
    let refusal = |name: &str| client.channel(name, StartFrom::Tail).map(|_| ()).unwrap_err().code;
    assert_eq!(refusal(""), "bad_channel");
    assert_eq!(refusal("line\nbreak"), "bad_channel");
    let room = name("room");
    let channel = client.channel(&room, StartFrom::Tail).unwrap();
    assert_eq!(refusal(&room), "already_subscribed");
    drop(channel);
    client.channel(&room, StartFrom::Tail).unwrap();
}

#[wasm_bindgen_test]
async fn invalid_publications_fail_with_their_code() {
    let client = client();
    until(&client, "open").await;
    let large = client.publish("room", &"x".repeat(10_000_000)).await.unwrap_err();
    assert_eq!(large.code, "too_large");
    let key = client.publish_with_key("room", "x", &"k".repeat(201)).await.unwrap_err();
    assert_eq!(key.code, "bad_key");
    client.close();
    let late = client.publish("room", "x").await.unwrap_err();
    assert_eq!(late.code, "closed");
    let channel = client.channel("room", StartFrom::Tail).map(|_| ()).unwrap_err();
    assert_eq!(channel.code, "closed");
}

#[wasm_bindgen_test]
async fn closing_fails_waiting_publications() {
    let client = client();
    let waiting = client.publish("room", "x");
    client.close();
    assert_eq!(waiting.await.unwrap_err().code, "closed");
}
