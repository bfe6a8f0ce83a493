//! `read`: messages of the past, over the socket.

use serde_json::{Value, json};

use crate::access::token_for;
use crate::support::{Client, SECRET, Server, request, token};

/// The offsets and the payloads of a page.
fn messages(page: &Value) -> Vec<(u64, Value)> {
    let n = page["n"].as_u64().unwrap();
    let data = page["data"].as_array().unwrap();
    assert_eq!(page["ids"].as_array().unwrap().len(), data.len());
    (n..).zip(data.iter().cloned()).collect()
}

#[tokio::test]
async fn a_client_reads_backwards() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=30).await;
    let mut client = Client::greeted(&server, "c").await;
    client.send(json!({"op": "read", "ch": "c", "limit": 12, "ref": 1})).await;
    let page = client.next_op("page").await;
    assert_eq!((&page["ref"], &page["ch"]), (&json!(1), &json!("c")));
    assert_eq!((&page["first"], &page["head"]), (&json!(1), &json!(30)));
    let mut all = messages(&page);
    for reference in 2.. {
        let before = all[0].0;
        client.send(json!({"op": "read", "ch": "c", "limit": 12, "before": before, "ref": reference})).await;
        let page = client.next_op("page").await;
        assert_eq!(page["ref"], json!(reference));
        if messages(&page).is_empty() {
            break;
        }
        all.splice(0..0, messages(&page));
    }
    let expected: Vec<_> = (1..=30).map(|i| (i, json!({"i": i}))).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_page_is_as_large_as_a_frame_may_be() {
    let server = Server::start(&[]);
    let text = "x".repeat(30_000);
    for _ in 0..6 {
        server.publish("c", json!(text)).await;
    }
    server.publish_all("many", 1..=600).await;
    let mut client = Client::greeted(&server, "c").await;
    client.send(json!({"op": "read", "ch": "c", "limit": 6, "ref": 1})).await;
    let page = messages(&client.next_op("page").await);
    assert_eq!(page.last().unwrap().0, 6);
    assert!((1..=3).contains(&page.len()), "{}", page.len());
    client.send(json!({"op": "read", "ch": "many", "limit": 10_000, "ref": 2})).await;
    let page = messages(&client.next_op("page").await);
    assert_eq!((page.last().unwrap().0, page.len() <= 500), (600, true));
}

#[tokio::test]
async fn a_read_is_authorized_like_a_subscription() {
    let server = Server::start(&["--token-secret", SECRET]);
    server.publish_all_as("c", 1..=3, token("ada")).await;
    let reader = token_for(json!({"read": ["c", "new"], "write": []}));
    let mut client = Client::greeted_with(&server, "c", Some(reader)).await;
    for (ch, code) in [("secret", "forbidden"), (" ", "bad_channel"), ("new", "unknown_channel")] {
        client.send(json!({"op": "read", "ch": ch, "limit": 1, "ref": 7})).await;
        let nack = client.next_op("readnack").await;
        assert_eq!((&nack["ref"], &nack["ch"], &nack["code"]), (&json!(7), &json!(ch), &json!(code)));
        assert_eq!(nack["retry_after_ms"], Value::Null);
    }
    let bearer = format!("Bearer {}", token("ada"));
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(request("GET", server.url("/channels/new"), &headers, b"").await.0, 404, "nothing is created");
    client.send(json!({"op": "read", "ch": "c", "limit": 1, "ref": 8})).await;
    assert_eq!(messages(&client.next_op("page").await), [(3, json!({"i": 3}))]);
}

#[tokio::test]
async fn many_reads_are_all_answered() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=50).await;
    let mut client = Client::greeted(&server, "c").await;
    for reference in 1..=200 {
        client
            .send(json!({"op": "read", "ch": "c", "before": reference % 60, "limit": 3, "ref": reference}))
            .await;
    }
    let mut answered = Vec::new();
    while answered.len() < 200 {
        let page = client.next_op("page").await;
        let reference = page["ref"].as_u64().unwrap();
        let end = (reference % 60).saturating_sub(1).min(50);
        assert_eq!(messages(&page).last().map_or(0, |last| last.0), end, "{page}");
        answered.push(reference);
    }
    answered.sort_unstable();
    assert_eq!(answered, (1..=200).collect::<Vec<_>>());
    client.round_trip().await;
}

/// The frame without its `op`, and the word that the error has.
#[tokio::test]
async fn reads_with_wrong_fields_are_errors() {
    let table = [
        (r#""limit":1,"ref":1"#, "`ch`"),
        (r#""ch":7,"limit":1,"ref":1"#, "wrong type"),
        (r#""ch":"c","ref":1"#, "`limit`"),
        (r#""ch":"c","limit":null,"ref":1"#, "`limit`"),
        (r#""ch":"c","limit":-1,"ref":1"#, "wrong type"),
        (r#""ch":"c","limit":1.5,"ref":1"#, "wrong type"),
        (r#""ch":"c","limit":"5","ref":1"#, "wrong type"),
        (r#""ch":"c","limit":18446744073709551616,"ref":1"#, "wrong type"),
        (r#""ch":"c","limit":1,"before":-1,"ref":1"#, "wrong type"),
        (r#""ch":"c","limit":1,"before":"3","ref":1"#, "wrong type"),
        (r#""ch":"c","limit":1"#, "`ref`"),
        (r#""ch":"c","limit":1,"ref":-1"#, "wrong type"),
        (r#""ch":"c","limit":1,"ref":"1""#, "wrong type"),
    ];
    let server = Server::start(&[]);
    for (fields, word) in table {
        let mut client = Client::greeted(&server, "clumsy").await;
        client.send_text(format!(r#"{{"op":"read",{fields}}}"#)).await;
        let answer = client.next_op("err").await;
        assert_eq!(answer["code"], "bad_frame", "{fields}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(word), "{fields}: {answer}");
        assert_eq!(client.closed().await.0, 4400, "{fields}");
    }
}

#[tokio::test]
async fn extreme_numbers_are_answered() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=3).await;
    let mut client = Client::greeted(&server, "c").await;
    let all = [1, 2, 3].map(|i| (i, json!({"i": i})));
    for (before, limit, expected) in [
        (None, 0, &[][..]),
        (None, u64::MAX, &all[..]),
        (Some(0), u64::MAX, &[]),
        (Some(1), u64::MAX, &[]),
        (Some(u64::MAX), 2, &all[1..]),
        (Some(u64::MAX), u64::MAX, &all[..]),
    ] {
        let read = json!({"op": "read", "ch": "c", "before": before, "limit": limit, "ref": u64::MAX});
        client.send(read).await;
        let page = client.next_op("page").await;
        assert_eq!(
            (messages(&page).as_slice(), &page["ref"]),
            (expected, &json!(u64::MAX)),
            "{before:?} {limit}"
        );
        assert_eq!((&page["first"], &page["head"]), (&json!(1), &json!(3)));
    }
    let long = "x".repeat(100_000);
    client.send(json!({"op": "read", "ch": long, "limit": 1, "ref": 1})).await;
    let nack = client.next_op("readnack").await;
    assert_eq!((&nack["code"], nack["ch"].as_str().unwrap().len()), (&json!("bad_channel"), 200));
    client.round_trip().await;
}
