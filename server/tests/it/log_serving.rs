//! `seamline-server log` while a server is using the store: the server runs the commands.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Server, log_command, offsets};

/// Runs a command that should succeed.
fn run(server: &Server, args: &[&str]) -> String {
    let (code, shown) = log_command(&server.data(), args, b"");
    assert_eq!(code, Some(0), "{args:?}: {shown}");
    shown
}

/// Publishes until it is stopped.
fn publish_all_the_time(server: &Server) -> tokio::task::JoinHandle<()> {
    let address = server.address.clone();
    tokio::spawn(async move {
        let mut client = Client::greeted_at(&address, "storm").await;
        for i in 0_u64.. {
            let (ch, key) = (format!("c{}", i % 3), format!("k{i}"));
            client.send(json!({"op": "pub", "ch": ch, "key": key, "data": {"i": i}})).await;
            client.next_op("puback").await;
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_a_snapshot_of_a_running_store() {
    let server = Server::start(&[]);
    server.publish_all("c0", 1..=2000).await;
    server.publish_all("c1", 1..=500).await;
    server.publish_all("c2", 1..=1).await;
    let storm = publish_all_the_time(&server);
    while server.read("c2", 0).await["head"].as_u64() < Some(3) {}
    let exports: Vec<String> = (0..3).map(|_| run(&server, &["export"])).collect();
    assert!(run(&server, &["verify"]).contains("no problems found: 3 channels"));
    assert!(run(&server, &["list"]).contains("\"c1\""));
    let head = |text: &str| serde_json::from_str::<Value>(text).unwrap()["head"].as_u64().unwrap();
    assert!(head(&run(&server, &["head", "c0"])) > 2000);
    assert_eq!(run(&server, &["tail", "c1", "-n", "2"]).lines().count(), 2);
    storm.abort();
    assert!(exports[2].len() > exports[0].len());
    for export in exports {
        let copy = TempDir::new().unwrap();
        let directory = copy.path().join("new");
        let (code, shown) = log_command(&directory, &["import"], export.as_bytes());
        assert!(code == Some(0) && shown.contains("imported 3 channels"), "{shown}");
        let (code, shown) = log_command(&directory, &["verify"], b"");
        assert!(code == Some(0) && shown.contains("no problems found"), "{shown}");
        assert_eq!(log_command(&directory, &["export"], b"").1, export);
    }
}

/// A subscriber that is live after these messages; returns it with the epoch.
async fn live(server: &Server, count: u64) -> (Client, Value) {
    server.publish_all("c", 1..=count).await;
    let mut client = Client::greeted(server, "reader").await;
    client.sub("c", 100, json!({"from": "start"})).await;
    let epoch = client.next_op("subd").await["epoch"].clone();
    while client.next().await["op"] != "live" {}
    (client, epoch)
}

#[tokio::test]
async fn subscribers_of_a_deleted_channel_cross_to_a_new_epoch() {
    let mut server = Server::start(&[]);
    let (mut client, epoch) = live(&server, 3).await;
    server.publish("other", json!(1)).await;
    assert_eq!(run(&server, &["delete", "c"]), "deleted channel \"c\"\n");
    let subd = client.next_op("subd").await;
    assert!(subd["epoch"] != epoch && subd["resumed"] == false, "{subd}");
    assert_eq!((&subd["first"], &subd["head"], &subd["at"]), (&json!(1), &json!(0), &json!(0)), "{subd}");
    client.next_op("live").await;
    assert_eq!(server.publish("c", json!({"i": 1})).await, 1);
    assert_eq!(offsets(&client.next_op("msgs").await), [1]);
    client.close().await;

    // A client that was away learns it when it comes back.
    let mut client = Client::greeted(&server, "away").await;
    client.sub("c", 100, json!({"position": {"epoch": epoch, "offset": 2}})).await;
    let subd = client.next_op("subd").await;
    assert!(subd["resumed"] == false && subd["first"] == 1, "{subd}");

    server.kill();
    server.restart();
    assert_eq!(server.read("c", 0).await["head"], 1);
    assert_eq!(server.read("other", 0).await["head"], 1);
    run(&server, &["delete", "other"]);
    let (code, shown) = log_command(&server.data(), &["delete", "other"], b"");
    assert!(code == Some(1) && shown.contains("\"other\": it does not exist"), "{shown}");
}

#[tokio::test]
async fn a_channel_is_trimmed_while_it_is_live() {
    let server = Server::start(&[]);
    let (mut client, epoch) = live(&server, 10).await;
    assert_eq!(run(&server, &["trim", "c", "6"]), "trimmed channel \"c\": first 7, head 10\n");
    server.publish("c", json!({"i": 11})).await;
    assert_eq!(offsets(&client.next_op("msgs").await), [11], "it goes on");
    let page = server.read("c", 0).await;
    assert_eq!((&page["epoch"], &page["first"]), (&epoch, &json!(7)));
    assert_eq!(page["messages"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn commands_that_change_need_no_server() {
    let mut server = Server::start(&["--retain-messages", "1000000"]);
    server.publish_all("a", 1..=2000).await;
    server.publish_all("b", 1..=10).await;
    let socket = server.data().join("seamline.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    server.kill();
    assert!(socket.exists(), "it is left behind");
    assert_eq!(run(&server, &["trim", "b", "4"]), "trimmed channel \"b\": first 5, head 10\n");
    assert_eq!(run(&server, &["delete", "a"]), "deleted channel \"a\"\n");
    assert!(run(&server, &["verify"]).contains("no problems found: 1 channels, 6 messages"));
    server.restart();
    assert_eq!(server.read("b", 0).await["first"], 5);
    server.terminate();
    server.ended().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_store_in_use_accepts_no_import() {
    let server = Server::start(&[]);
    server.publish("c", json!(1)).await;
    let export = run(&server, &["export"]);
    let (code, shown) = log_command(&server.data(), &["import"], export.as_bytes());
    assert!(code == Some(1) && shown.contains("Another process"), "{shown}");
}
