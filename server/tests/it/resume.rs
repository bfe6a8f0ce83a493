//! Where a subscription starts, depending on what the client sends: the table of the protocol, over the wire. A unit
//! test in `src/ws/feed/start_point.rs` has the same table.

use serde_json::{Value, json};

use crate::support::{Client, Server, offsets};

/// The log has 11..=20 of 20.
#[tokio::test]
async fn subd_names_the_start_point() {
    let server = Server::start(&["--retain-messages", "10"]);
    server.publish_all("c", 1..=20).await;
    let epoch = server.read("c", 0).await["epoch"].clone();
    let other = json!("another-epoch");
    let position = |epoch: &Value, offset: u64| json!({"position": {"epoch": epoch, "offset": offset}});
    let table = [
        // what the client brings, at, resumed, first offset of the replay
        (position(&epoch, 15), 15, true, Some(16)),
        (position(&epoch, 20), 20, true, None),
        (position(&epoch, 10), 10, true, Some(11)),
        (position(&epoch, 9), 10, false, Some(11)),
        (position(&epoch, 0), 10, false, Some(11)),
        (position(&epoch, 21), 20, false, None),
        (position(&other, 15), 10, false, Some(11)),
        (json!({"from": "start"}), 10, false, Some(11)),
        (json!({"from": "tail"}), 20, false, None),
        (json!({}), 20, false, None),
    ];
    let mut client = Client::greeted(&server, "c").await;
    for (brings, at, resumed, replay) in table {
        client.sub("c", 100, brings.clone()).await;
        let subd = client.next_op("subd").await;
        let expected = json!({"op": "subd", "ch": "c", "epoch": epoch, "first": 11, "head": 20, "at": at, "resumed": resumed});
        assert_eq!(subd, expected, "{brings}");
        if let Some(first) = replay {
            assert_eq!(offsets(&client.next_op("msgs").await), (first..=20).collect::<Vec<_>>(), "{brings}");
        }
        assert_eq!(client.next_op("live").await["head"], 20, "{brings}");
    }
}

#[tokio::test]
async fn a_channels_epoch_survives_a_restart() {
    let mut server = Server::start(&[]);
    let mut first = Client::greeted(&server, "first").await;
    let mut epochs = Vec::new();
    for ch in ["quiet", "other"] {
        first.sub(ch, 1, json!({"from": "start"})).await; // creates the channel
        epochs.push(first.next_op("subd").await["epoch"].clone());
        first.next_op("live").await;
    }
    let [epoch, other] = &epochs[..] else { unreachable!() };
    assert_ne!(epoch, other);
    server.kill();
    server.restart();
    let mut client = Client::greeted(&server, "c").await;
    client.sub("quiet", 1, json!({"position": {"epoch": epoch, "offset": 0}})).await;
    let subd = client.next_op("subd").await;
    assert_eq!((&subd["epoch"], &subd["resumed"]), (epoch, &json!(true)));
}
