//! Publications and ephemeral events.

use std::collections::BTreeMap;

use futures::StreamExt;
use seamline::{ErrorKind, Item, StartFrom};
use serde::{Deserialize, Serialize};

use crate::support::*;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Greeting {
    text: String,
    to: Vec<Option<u32>>,
    sure: bool,
    ratio: f64,
}

#[conversation]
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

#[conversation]
async fn a_payload_of_another_shape_is_bad_data() {
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    channel.publish(&7).await.unwrap();
    let error = next_message(&mut channel).await.json::<Greeting>().unwrap_err();
    assert_eq!((error.kind, &*error.code), (ErrorKind::Payload, "bad_data"));
}

#[conversation]
async fn numbers_above_two_to_the_53_are_exact() {
    const NUMBERS: [u64; 3] = [9_007_199_254_740_993, 1 << 63, u64::MAX];
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    channel.publish(&NUMBERS).await.unwrap();
    let message = next_message(&mut channel).await;
    assert_eq!(message.json::<[u64; 3]>().unwrap(), NUMBERS);
    assert_eq!(message.raw(), "[9007199254740993,9223372036854775808,18446744073709551615]");
}

#[conversation]
async fn floats_are_exact() {
    const LONG: [f64; 8] = [0.0, -0.0, 1.0, 0.1, 5e-324, 1e21, 123_456_789_012_345_680_000.0, f64::MIN];
    const SHORT: [f32; 6] = [-0.0, 0.1, 16_777_216.0, -122_415.664, 1e-45, f32::MAX];
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    channel.publish(&(LONG, SHORT)).await.unwrap();
    let message = next_message(&mut channel).await;
    let (long, short) = message.json::<([f64; 8], [f32; 6])>().unwrap();
    assert_eq!(long.map(f64::to_bits), LONG.map(f64::to_bits));
    assert_eq!(short.map(f32::to_bits), SHORT.map(f32::to_bits));
    assert!(message.raw().starts_with("[[0.0,-0.0,1.0,0.1,5e-324,"), "{}", message.raw());
    assert!(message.raw().contains("[-0.0,0.1,16777216.0,-122415.664,"), "{}", message.raw());
}

#[conversation]
async fn numbers_may_be_the_keys_of_maps() {
    let room = name("room");
    let client = client();
    let mut channel = client.channel(&room, StartFrom::Start).unwrap();
    let scores = BTreeMap::from([(7_u64, "alice"), (u64::MAX, "bob")]);
    channel.publish(&scores).await.unwrap();
    let message = next_message(&mut channel).await;
    assert_eq!(message.raw(), r#"{"7":"alice","18446744073709551615":"bob"}"#);
    assert_eq!(message.json::<BTreeMap<u64, &str>>().unwrap(), scores);
}

#[conversation]
async fn numbers_that_json_does_not_have_are_refused() {
    let client = client();
    for number in [f64::NAN, f64::INFINITY] {
        let error = client.publish("room", &vec![Some(number)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Payload);
        assert!(error.message.contains(&format!("JSON has no {number}")), "{error}");
        assert_eq!(client.cast("room", &number).unwrap_err().kind, ErrorKind::Payload);
    }
}

#[conversation]
async fn an_idempotency_key_is_stored_once() {
    let room = name("room");
    let client = client();
    let first = client.publish_with_key(&room, "once", "key").await.unwrap();
    let second = client.publish_with_key(&room, "once", "key").await.unwrap();
    assert_eq!(first, second);
}

#[conversation]
async fn messages_published_offline_are_stored_once() {
    let room = name("room");
    let id = name("publisher");
    let client = connect(builder(&id));
    until(&client, "open").await;
    let mut states = client.states();
    cut(&id).await;
    next_state(&mut states, "waiting").await;
    let at = client.publish(&room, "later").await.unwrap();
    assert_eq!(at.offset, 1);
}

#[conversation]
async fn casts_reach_connected_clients() {
    let room = name("room");
    let (alice, bob) = (client(), client());
    let mut channel = bob.channel(&room, StartFrom::Tail).unwrap();
    until_live(&mut channel).await;
    until(&alice, "open").await;
    alice.cast(&room, "typing").unwrap();
    let item = channel.next().await;
    assert!(matches!(&item, Some(Item::Cast(cast)) if cast.json::<&str>() == Ok("typing")), "{item:?}");
}
