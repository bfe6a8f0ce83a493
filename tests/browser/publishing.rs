//! Publications and ephemeral events.

use futures::StreamExt;
use seamline::client::{Item, StartFrom};
use serde::{Deserialize, Serialize};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Greeting {
    text: String,
    to: Vec<Option<u32>>,
    sure: bool,
    ratio: f64,
}

#[wasm_bindgen_test]
async fn rust_values_survive_the_round_trip() {
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    let greeting = Greeting {
        text: "grüß \"Gott\" \u{1f980}".to_owned(),
        to: vec![Some(1), None],
        sure: true,
        ratio: 0.1,
    };
    channel.publish(&greeting).await.unwrap();
    assert_eq!(next_message(&mut channel).await.json::<Greeting>().unwrap(), greeting);
}

#[wasm_bindgen_test]
async fn a_payload_of_another_shape_is_bad_data() {
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    channel.publish(&7).await.unwrap();
    let error = next_message(&mut channel).await.json::<Greeting>().unwrap_err();
    assert_eq!(error.code, "bad_data");
}

#[wasm_bindgen_test]
async fn an_idempotency_key_is_stored_once() {
    let room = name("room");
    let client = client();
    let first = client.publish_with_key(&room, "once", "key").await.unwrap();
    let second = client.publish_with_key(&room, "once", "key").await.unwrap();
    assert_eq!(first, second);
}

#[wasm_bindgen_test]
async fn messages_published_offline_are_stored_once() {
    let room = name("room");
    let id = name("publisher");
    let client = connect(options(&id));
    until(&client, "open").await;
    let mut states = client.states().boxed_local();
    cut(&id).await;
    next_state(&mut states, "waiting").await;
    let at = client.publish(&room, "later").await.unwrap();
    assert_eq!(at.offset, 1);
}

#[wasm_bindgen_test]
async fn casts_reach_connected_clients() {
    let room = name("room");
    let (alice, bob) = (client(), client());
    let mut channel = bob.channel(&room, StartFrom::Tail).unwrap();
    until_live(&mut channel).await;
    until(&alice, "open").await;
    alice.cast(&room, "typing").unwrap();
    let item = channel.next().await;
    assert!(
        matches!(&item, Some(Item::Cast(data)) if data.as_string().as_deref() == Some("typing")),
        "{item:?}"
    );
}
