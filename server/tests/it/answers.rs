//! Every answer names its question: the answer to one `sub` is never mistaken for the answer to another, and a
//! subscription that was refused or has ended leaves nothing behind.

use serde_json::{Value, json};

use crate::support::{Client, SECRET, Server, offsets, token};

async fn full(server: &Server) -> Client {
    let mut client = Client::greeted(server, "c").await;
    client.sub("a", 10, json!({"from": "tail", "ref": 1})).await;
    assert_eq!(client.next_op("subd").await["ref"], 1);
    assert_eq!(client.next_op("live").await["ref"], 1);
    client
}

#[tokio::test]
async fn a_refusal_carries_the_ref_of_its_sub() {
    let server = Server::start(&["--max-channels", "1"]);
    let mut client = full(&server).await;
    for (ch, code, reference) in [("b", "too_many_channels", 2), (" b", "bad_channel", 3)] {
        client.sub(ch, 10, json!({"ref": reference})).await;
        let refusal = client.next_op("err").await;
        let expected = (&json!(code), &json!(ch), &json!(reference));
        assert_eq!((&refusal["code"], &refusal["ch"], &refusal["ref"]), expected);
    }
    client.sub("b", 10, json!({})).await;
    let refusal = client.next_op("err").await;
    assert_eq!((&refusal["code"], refusal.get("ref")), (&json!("too_many_channels"), None));
}

/// Two `sub`s of one channel within a round trip: the first is refused, the second is not.
#[tokio::test]
async fn answers_to_two_subs_carry_their_own_refs() {
    let server = Server::start(&["--max-channels", "1"]);
    let mut client = full(&server).await;
    client.sub("b", 10, json!({"from": "tail", "ref": 2})).await;
    client.send(json!({"op": "unsub", "ch": "b"})).await;
    client.send(json!({"op": "unsub", "ch": "a"})).await;
    client.sub("b", 10, json!({"from": "tail", "ref": 3})).await;
    let refusal = client.next_op("err").await;
    assert_eq!((&refusal["code"], &refusal["ref"]), (&json!("too_many_channels"), &json!(2)));
    assert_eq!(client.next_op("subd").await["ref"], 3);
    assert_eq!(client.next_op("live").await["ref"], 3);
    server.publish("b", json!("b1")).await;
    assert_eq!(client.next_op("msgs").await["data"], json!(["b1"]));
    server.publish("a", json!("a1")).await;
    client.send(json!({"op": "ping"})).await;
    client.next_op("pong").await;
}

#[tokio::test]
async fn a_refused_sub_leaves_no_subscription() {
    let server = Server::start(&["--max-channels", "1"]);
    let mut client = full(&server).await;
    client.sub("b", 10, json!({"from": "tail", "ref": 2})).await;
    client.next_op("err").await;
    server.publish("b", json!("b1")).await;
    client.send(json!({"op": "more", "ch": "b", "credit": 5})).await;
    client.sub("a", 10, json!({"from": "tail", "ref": 3})).await; // it replaces itself, so it is within the limit
    assert_eq!(client.next_op("subd").await["ref"], 3);
    client.next_op("live").await;
    client.send(json!({"op": "unsub", "ch": "a"})).await;
    client.sub("b", 10, json!({"from": "start", "ref": 4})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["ref"], &subd["head"]), (&json!(4), &json!(1)));
    assert_eq!(client.next_op("msgs").await["data"], json!(["b1"]));
    assert_eq!(client.next_op("live").await["ref"], 4);
}

#[tokio::test]
async fn an_err_that_ends_a_subscription_carries_its_ref() {
    let server = Server::start(&["--token-secret", SECRET]);
    let mut client = Client::greeted_with(&server, "c", Some(token("ada"))).await;
    client.sub("a", 10, json!({"from": "tail", "ref": 7})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    client.send(json!({"op": "token", "token": crate::access::token_for(json!({"read": []}))})).await;
    let ended = client.next_op("err").await;
    assert_eq!((&ended["code"], &ended["ref"]), (&json!("forbidden"), &json!(7)));
    client.sub("a", 10, json!({"from": "tail", "ref": 8})).await;
    let refusal = client.next_op("err").await;
    assert_eq!((&refusal["ref"], &refusal["retry_after_ms"]), (&json!(8), &Value::Null));
}

/// A replay is being written at full speed when its subscription ends and the next one begins.
#[tokio::test]
async fn no_frame_of_an_old_subscription_follows_subd() {
    const MESSAGES: u64 = 300;
    const ROUNDS: u64 = 100;
    let server = Server::start(&[]);
    for i in 0..MESSAGES {
        server.publish("c", json!({"i": i + 1, "text": "x".repeat(1000)})).await;
    }
    let mut client = Client::greeted(&server, "c").await;
    for round in 0..ROUNDS {
        client.sub("c", 1_000_000, json!({"from": "start", "ref": 2 * round + 1})).await;
        client.send(json!({"op": "unsub", "ch": "c"})).await;
        client.sub("c", 1_000_000, json!({"from": "start", "ref": 2 * round + 2})).await;
        let last = json!(2 * round + 2);
        while client.next().await["ref"] != last {} // `subd`
        let mut next_offset = 1;
        loop {
            let frame = client.next().await;
            if frame["op"] == "live" {
                assert_eq!(frame["ref"], last);
                break;
            }
            let run = offsets(&frame);
            assert_eq!(run[0], next_offset, "a frame of the earlier subscription");
            next_offset += run.len() as u64;
        }
        assert_eq!(next_offset, MESSAGES + 1);
    }
}
