//! `seamline-server log --trust-store`: what can be read of a damaged store is exported, and what cannot is named.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Server, log_command, offsets};

const PAGE_BYTES: usize = 4096;

/// A stopped server whose channels `c` and `d` have the messages 1 to 300. Each payload has a name of its own.
async fn stopped() -> Server {
    let mut server = Server::start(&[]);
    for ch in ["c", "d"] {
        let mut client = Client::greeted(&server, ch).await;
        for i in 1..=300 {
            let data = format!("{ch}-{i:03}-{}", "x".repeat(100));
            client.send(json!({"op": "pub", "ch": ch, "key": format!("{ch}{i}"), "data": data})).await;
        }
        for _ in 1..=300 {
            client.next_op("puback").await;
        }
    }
    server.terminate();
    server.ended().await;
    server
}

/// Changes the file wherever it has this text, and checks that the store is refused.
fn damage(data: &Path, text: &str, change: impl Fn(&mut [u8], usize)) {
    let file = data.join("seamline.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    let found: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
    assert!(!found.is_empty(), "{text}");
    found.into_iter().for_each(|at| change(&mut bytes, at));
    std::fs::write(&file, bytes).unwrap();
    let (code, shown) = log_command(data, &["verify"], b"");
    assert!(code == Some(1) && shown.contains("The store is damaged"), "{shown}");
}

/// Runs a command on the damaged store; returns its standard output and its error.
fn salvage(data: &Path, args: &[&str]) -> (String, String) {
    let (code, shown) = log_command(data, &[&["--trust-store"], args].concat(), b"");
    assert_eq!(code, Some(1), "{shown}");
    let (out, error) = shown.split_at(shown.find("error: ").unwrap());
    (out.to_owned(), error.to_owned())
}

/// The offsets of a channel in an export.
fn exported(export: &str, ch: &str) -> Vec<u64> {
    let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_channel =
        lines.skip_while(|line| line["name"] != ch).skip(1).take_while(|line| line["line"] != "channel");
    of_channel
        .filter(|line| line.get("data").is_some())
        .map(|line| line["offset"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_damaged_payload_costs_one_message() {
    let server = stopped().await;
    damage(&server.data(), "c-050-", |bytes, at| bytes[at..at + 6].fill(0xFF)); // no UTF-8
    damage(&server.data(), "\"c-060-", |bytes, at| bytes[at] = b'#'); // no JSON
    let (found, error) = salvage(&server.data(), &["verify"]);
    assert!(found.contains("\"c\": offset 50 is lost: its bytes are damaged"), "{found}");
    assert!(found.contains("\"c\": offset 60 is lost: its payload is not JSON"), "{found}");
    assert!(error.contains("2 problems"), "{error}");

    let (export, error) = salvage(&server.data(), &["export"]);
    assert!(error.contains("the export is incomplete: 2 problems") && error.contains("offset 50"), "{error}");
    let sound: Vec<u64> = (1..=300).filter(|offset| ![50, 60].contains(offset)).collect();
    assert_eq!((exported(&export, "c"), exported(&export, "d").len()), (sound, 300));

    // A store of the rest serves it. The lost offsets are holes.
    let mut other = Server::start(&[]);
    other.terminate();
    other.ended().await;
    let (code, shown) = log_command(&other.data(), &["import"], export.as_bytes());
    assert!(code == Some(0) && shown.contains("imported 2 channels with 598 messages"), "{shown}");
    other.restart();
    let mut client = Client::greeted(&other, "c").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    client.next_op("subd").await;
    let mut received = Vec::new();
    while received.last() != Some(&300) {
        received.extend(offsets(&client.next_op("msgs").await));
    }
    assert_eq!(received, exported(&export, "c"));
}

#[tokio::test]
async fn a_damaged_page_costs_its_messages() {
    let server = stopped().await;
    damage(&server.data(), "\"d-150-", |bytes, at| {
        let page = at / PAGE_BYTES * PAGE_BYTES;
        bytes[page..page + PAGE_BYTES].fill(0);
    });
    let (found, _) = salvage(&server.data(), &["verify"]);
    let line =
        found.lines().find(|line| line.starts_with("\"d\": offset")).unwrap_or_else(|| panic!("{found}"));
    let numbers: Vec<u64> =
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let (first, last) = (numbers[0], numbers[1]);
    assert!((1..=150).contains(&first) && (150..=300).contains(&last) && last - first < 100, "{line}");
    let (export, error) = salvage(&server.data(), &["export", "d"]);
    assert!(error.contains(line), "{error}");
    let sound: Vec<u64> = (1..=300).filter(|offset| !(first..=last).contains(offset)).collect();
    assert_eq!(exported(&export, "d"), sound);
    assert_eq!(exported(&salvage(&server.data(), &["export"]).0, "c").len(), 300);
}

/// The file is as the crash left it, and the newest messages are only in the journal.
#[tokio::test]
async fn a_store_is_salvaged_after_a_crash() {
    let mut server = stopped().await;
    server.restart();
    server.publish("e", json!("late")).await;
    server.kill();
    damage(&server.data(), "\"c-060-", |bytes, at| bytes[at] = b'#');
    let before = std::fs::read(server.data().join("seamline.redb")).unwrap();
    let (export, error) = salvage(&server.data(), &["export"]);
    assert!(error.contains("\"c\": offset 60 is lost") && error.contains("newest commits"), "{error}");
    assert_eq!((exported(&export, "c").len(), exported(&export, "d").len()), (299, 300));
    assert!(std::fs::read(server.data().join("seamline.redb")).unwrap() == before, "nothing is written");
}

#[tokio::test]
async fn a_sound_store_is_salvaged_whole() {
    let server = stopped().await;
    let (code, whole) = log_command(&server.data(), &["export"], b"");
    assert_eq!(code, Some(0));
    assert_eq!(log_command(&server.data(), &["--trust-store", "export"], b""), (Some(0), whole));
    let (code, shown) = log_command(&server.data(), &["--trust-store", "verify"], b"");
    assert!(code == Some(0) && shown.contains("no problems found: 2 channels, 600 messages"), "{shown}");
}

#[tokio::test]
async fn an_import_creates_the_store() {
    let server = stopped().await;
    let (_, export) = log_command(&server.data(), &["export"], b"");
    let directory = TempDir::new().unwrap();
    for data in [directory.path().join("a/b"), directory.path().to_owned()] {
        let (code, shown) = log_command(&data, &["import"], b"nonsense");
        assert!(code == Some(1) && shown.contains("Nothing was imported"), "{shown}");
        assert!(!data.join("seamline.redb").exists());
        let (code, shown) = log_command(&data, &["import"], export.as_bytes());
        assert!(code == Some(0) && shown.contains("imported 2 channels with 600 messages"), "{shown}");
        assert_eq!(log_command(&data, &["export"], b"").1, export);
    }
}
