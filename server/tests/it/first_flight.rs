//! A client sends `sub` in the same flight as `hello`, before it has the answer to it.

use serde_json::json;

use crate::support::{Client, SECRET, Server, offsets, token_with};

#[tokio::test]
async fn a_subscription_behind_hello_is_answered_after_the_welcome() {
    let server = Server::start(&[]);
    server.publish_all("c", 1..=3).await;
    let mut client = Client::connect(&server).await;
    client.send(json!({"op": "hello", "v": 1, "client_id": "c"})).await;
    client.send(json!({"op": "sub", "ch": "c", "credit": 10, "ref": 1, "from": "start"})).await;
    client.next_op("welcome").await;
    client.next_op("subd").await;
    assert_eq!(offsets(&client.next_op("msgs").await), [1, 2, 3]);
    client.next_op("live").await;
}

/// The unread subscriptions must not turn the close into a reset, which can overtake it.
#[tokio::test]
async fn a_rejected_token_reaches_a_client_that_has_sent_more() {
    let server = Server::start(&["--token-secret", SECRET]);
    let expired = token_with("eve", SECRET, -5);
    for _ in 0..20 {
        let mut client = Client::connect(&server).await;
        client.send(json!({"op": "hello", "v": 1, "client_id": "c", "token": expired})).await;
        for reference in 0..100 {
            let ch = format!("c-{reference}");
            client
                .send(json!({"op": "sub", "ch": ch, "credit": 10, "ref": reference, "from": "start"}))
                .await;
        }
        assert_eq!(client.next_op("err").await["code"], "unauthorized");
        assert_eq!(client.closed().await.0, 4401);
        client.ends_without_reset().await;
    }
}
