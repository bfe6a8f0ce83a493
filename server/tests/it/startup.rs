//! Startup errors state what failed, with which value, and what to do.

use std::net::TcpListener;

use crate::support::{Client, Server, eventually, refused_to_start};

#[track_caller]
fn assert_refused(args: &[&str], words: &[&str]) {
    let (code, stderr) = refused_to_start(args);
    assert_eq!(code, Some(1), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(&["--listen", &address], &[&address, "--listen"]);
}

#[test]
fn an_unwritable_directory_is_reported() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("below");
    let below = below.to_str().unwrap();
    assert_refused(&["--data", below], &[below, "--data"]);
}

#[tokio::test]
async fn a_store_in_use_is_reported() {
    let server = Server::start(&[]);
    Client::greeted(&server, "c").await;
    let data = server.data();
    let data = data.to_str().unwrap();
    assert_refused(&["--data", data], &[data, "Another process", "--data"]);
}

#[test]
fn a_damaged_store_is_reported() {
    let directory = tempfile::TempDir::new().unwrap();
    std::fs::write(directory.path().join("seamline.redb"), "this is no store".repeat(1000)).unwrap();
    let data = directory.path().to_str().unwrap();
    assert_refused(&["--data", data], &[data, "damaged", "--data"]);
}

#[test]
fn a_public_address_requires_a_secret() {
    assert_refused(&["--listen", "0.0.0.0:0"], &["0.0.0.0", "--token-secret"]);
    assert_refused(&["--token-secret", ""], &["empty"]);
    drop(Server::start(&["--listen", "0.0.0.0:0", "--token-secret", "secret"]));
}

#[test]
fn a_server_without_a_secret_warns() {
    assert!(Server::start(&[]).stderr().contains("WARNING"));
    assert!(!Server::start(&["--token-secret", "secret"]).stderr().contains("WARNING"));
}

#[tokio::test]
async fn sighup_without_files_is_harmless() {
    let server = Server::start(&["--token-secret", "secret"]);
    server.hang_up();
    eventually("a line about it", || server.stderr().contains("nothing to reload")).await;
    Client::connect(&server).await;
}
