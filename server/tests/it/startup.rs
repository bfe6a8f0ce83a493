//! Startup errors state what failed, with which value, and what to do.

use std::net::TcpListener;

use seamline_test_support::system::free_port;

use crate::support::{Client, SECRET, Server, eventually, refused_to_start};

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
    drop(Server::start(&["--listen", "0.0.0.0:0", "--token-secret", SECRET]));
}

#[test]
fn a_guessable_secret_is_refused() {
    assert_refused(&["--token-secret", ""], &["empty", "openssl rand -base64 32"]);
    assert_refused(&["--token-secret", &"s".repeat(31)], &["31 bytes", "openssl rand -base64 32"]);
    drop(Server::start(&["--token-secret", &"s".repeat(32)]));
}

#[test]
fn settings_of_proxies_must_not_contradict_each_other() {
    let networks = ["--trusted-proxies", "10.0.0.0/8"];
    assert_refused(&[&networks[..], &["--trust-forwarded-for"]].concat(), &["--trusted-proxies", "Give one"]);
    assert_refused(&["--forwarded-header", "forwarded"], &["--forwarded-header", "--trusted-proxies"]);
}

#[test]
fn an_audience_needs_tokens() {
    let words = ["cannot use --token-audience", "Give --token-secret"];
    assert_refused(&["--token-audience", "live.example.com"], &words);
}

#[test]
fn the_admin_api_needs_a_port_of_its_own() {
    let port = free_port().unwrap();
    let (local, everywhere) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    for (listen, admin) in [(&local, &local), (&local, &everywhere), (&everywhere, &local)] {
        let args =
            ["--listen", listen, "--admin-listen", admin, "--admin-token", SECRET, "--token-secret", SECRET];
        assert_refused(
            &args,
            &[&format!("the admin API on {admin}"), "--listen takes this port", "another port"],
        );
    }
}

#[test]
fn a_server_without_a_secret_warns() {
    assert!(Server::start(&[]).stderr().contains("WARNING"));
    assert!(!Server::start(&["--token-secret", SECRET]).stderr().contains("WARNING"));
}

#[tokio::test]
async fn a_missing_directory_of_files_is_reported() {
    let directory = tempfile::TempDir::new().unwrap();
    let there = directory.path().to_str().unwrap();
    assert!(!Server::start(&["--www", there]).stderr().contains("--www"));
    for missing in ["/nowhere/www", file!()] {
        let server = Server::start(&["--www", missing]);
        let warning = format!("there is no directory {missing}");
        assert_eq!(server.stderr().matches(&warning).count(), 1, "{}", server.stderr());
    }
}

#[tokio::test]
async fn sighup_without_files_is_harmless() {
    let server = Server::start(&["--token-secret", SECRET]);
    server.hang_up();
    eventually("a line about it", || server.stderr().contains("nothing to reload")).await;
    Client::connect(&server).await;
}
