//! `seamline-server log`: inspecting, exporting and importing the embedded store of a stopped server.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Client, Server, log_command};

async fn stopped() -> Server {
    let mut server = Server::start(&["--retain-messages", "8"]);
    server.publish_all("a", 1..=10).await;
    server.publish("b", json!({"text": "only one"})).await;
    let mut client = Client::greeted(&server, "reader").await;
    let epoch = server.read("a", 0).await["epoch"].clone();
    client.send(json!({"op": "ack", "ch": "a", "epoch": epoch, "offset": 6})).await;
    client.round_trip().await;
    client.close().await;
    server.terminate();
    server.ended().await;
    server
}

fn run(server: &Server, args: &[&str]) -> String {
    let (code, shown) = log_command(&server.data(), args, b"");
    assert_eq!(code, Some(0), "{args:?}: {shown}");
    shown
}

#[tokio::test]
async fn a_stopped_store_can_be_inspected() {
    let server = stopped().await;
    let list = run(&server, &["list"]);
    assert!(
        list.lines().count() == 2 && list.contains("\"a\"") && list.contains("first 3\thead 10"),
        "{list}"
    );
    let head: Value = serde_json::from_str(&run(&server, &["head", "a"])).unwrap();
    assert_eq!((&head["first"], &head["head"]), (&json!(3), &json!(10)));
    let tail = run(&server, &["tail", "a", "-n", "2"]);
    let last: Value = serde_json::from_str(tail.lines().last().unwrap()).unwrap();
    assert_eq!((tail.lines().count(), &last["offset"], &last["data"]), (2, &json!(10), &json!({"i": 10})));
    assert!(run(&server, &["verify"]).contains("no problems found: 2 channels, 9 messages"));
    let (code, shown) = log_command(&server.data(), &["head", "none"], b"");
    assert!(code == Some(1) && shown.contains("\"none\": it does not exist"), "{shown}");
}

#[tokio::test]
async fn a_missing_store_is_reported() {
    let nowhere = tempfile::TempDir::new().unwrap();
    for args in [&["verify"][..], &["export"], &["delete", "c"], &["trim", "c", "1"]] {
        let (code, shown) = log_command(nowhere.path(), args, b"");
        assert!(code == Some(1) && shown.contains("does not exist"), "{shown}");
    }
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "nothing is created");
}

/// They contain the payloads. A backup is often restored by root, with another umask than the server's.
#[tokio::test]
async fn other_users_cannot_read_the_store() {
    let server = stopped().await;
    let imported = tempfile::TempDir::new().unwrap();
    let (code, shown) = log_command(imported.path(), &["import"], run(&server, &["export"]).as_bytes());
    assert_eq!(code, Some(0), "{shown}");
    for directory in [server.data(), imported.path().to_owned()] {
        for file in ["seamline.redb", "seamline.journal", "seamline.commits"] {
            let mode = std::fs::metadata(directory.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
        }
    }
}

/// A store that another user's directory hides is not missing. Root sees every directory, so a file stands in for it.
#[tokio::test]
async fn an_inaccessible_store_is_not_missing() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for args in [&["list"][..], &["--trust-store", "export"], &["delete", "c"]] {
        let (code, shown) = log_command(&file, args, b"");
        assert!(code == Some(1) && shown.contains("the user that the files belong to"), "{shown}");
        assert!(!shown.contains("does not exist"), "{shown}");
    }
}

#[tokio::test]
async fn an_import_is_all_or_nothing() {
    let server = stopped().await;
    let export = run(&server, &["export"]);
    let epoch = serde_json::from_str::<Value>(&run(&server, &["head", "a"])).unwrap()["epoch"].clone();

    let mut other = Server::start(&[]);
    other.terminate();
    other.ended().await;
    let cut = &export[..export.len() / 2];
    for bad in [cut, "", "nonsense", export.lines().nth(1).unwrap()] {
        let (code, shown) = log_command(&other.data(), &["import"], bad.as_bytes());
        assert!(code == Some(1) && shown.contains("Nothing was imported"), "{shown}");
    }
    assert_eq!(run(&other, &["list"]), "");
    let (code, shown) = log_command(&other.data(), &["import"], export.as_bytes());
    assert!(code == Some(0) && shown.contains("imported 2 channels with 9 messages"), "{shown}");
    assert_eq!(run(&other, &["export"]), export);
    let (code, shown) = log_command(&other.data(), &["import"], export.as_bytes());
    assert!(code == Some(1) && shown.contains("already exists"), "{shown}");
    assert!(run(&other, &["verify"]).contains("no problems found"));

    other.restart();
    let page = other.read("a", 0).await;
    assert_eq!((&page["epoch"], &page["head"]), (&epoch, &json!(10)));
    // A key of the exported log is known, even if its message is gone; and a client resumes at its position.
    let mut client = Client::greeted(&other, "reader").await;
    client.send(json!({"op": "pub", "ch": "a", "key": "publish-all-1", "data": {"i": 1}})).await;
    assert_eq!(client.next_op("puback").await["offset"], 1);
    client.sub("a", 10, json!({})).await;
    assert_eq!(client.next_op("subd").await["at"], 6);
}

#[tokio::test]
async fn new_epoch_gives_imported_channels_a_new_epoch() {
    let server = stopped().await;
    let export = run(&server, &["export", "a"]);
    let mut other = Server::start(&[]);
    other.terminate();
    other.ended().await;
    let (code, shown) = log_command(&other.data(), &["import", "--new-epoch"], export.as_bytes());
    assert_eq!(code, Some(0), "{shown}");
    let epoch =
        |server| serde_json::from_str::<Value>(&run(server, &["head", "a"])).unwrap()["epoch"].clone();
    assert_ne!(epoch(&server), epoch(&other));
}

#[tokio::test]
async fn a_store_from_before_an_import_is_refused() {
    let export = run(&stopped().await, &["export"]);
    let mut other = Server::start(&[]);
    other.terminate();
    other.ended().await;
    let file = other.data().join("seamline.redb");
    let before = std::fs::read(&file).unwrap();
    let (code, shown) = log_command(&other.data(), &["import"], export.as_bytes());
    assert_eq!(code, Some(0), "{shown}");
    assert!(run(&other, &["verify"]).contains("no problems found"));
    std::fs::write(&file, before).unwrap();
    let (code, shown) = log_command(&other.data(), &["list"], b"");
    assert!(code == Some(1) && shown.contains("was written here"), "{shown}");
}
