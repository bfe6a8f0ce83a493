//! Invalid calls are rejected with a code.

use std::time::Duration;

use seamline::{Client, ErrorKind, StartFrom};

use crate::support::*;

#[conversation]
async fn invalid_settings_are_rejected() {
    let error = Client::builder("https://example.com/ws").connect().unwrap_err();
    assert_eq!((error.kind, &*error.code), (ErrorKind::InvalidInput, "bad_url"));
    let error = Client::builder(url()).backoff(Duration::ZERO, Duration::ZERO).connect().unwrap_err();
    assert_eq!((error.kind, &*error.code), (ErrorKind::InvalidInput, "bad_option"));
    assert!(error.message.contains("`backoff (initial)`: 0ns"), "{error}");
}

#[conversation]
async fn bad_names_are_rejected() {
    let client = client();
    for name in ["", "line\nbreak"] {
        let error = client.channel(name, StartFrom::Tail).map(|_| ()).unwrap_err();
        assert_eq!((error.kind, &*error.code), (ErrorKind::InvalidInput, "bad_channel"));
    }
}

#[conversation]
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

#[conversation]
async fn closing_fails_waiting_publications() {
    let client = client();
    let waiting = client.publish("room", "x");
    client.close();
    assert_eq!(waiting.await.unwrap_err().code, "closed");
}
