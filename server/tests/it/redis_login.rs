//! Redis rejects the server: a wrong password, protected mode, a port that expects TLS. The error says what is wrong, and
//! what to do, once.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::json;

use crate::support::{
    Certificate, Client, Redis, Server, assert_log_refused, eventually, publish_until_stored, request,
};

const CURE: &str = "Give user and password in the URL: --log redis://user:password@host:port.";

#[test]
fn a_rejected_login_is_reported() {
    let redis = Redis::start();
    redis.set_permissions(&[]);
    let with = |login: &str| redis.url().replace("127.0.0.1", &format!("{login}@127.0.0.1"));
    assert_log_refused(&with("app:hush"), &["rejects the user or the password (WRONGPASS)", CURE]);
    assert_log_refused(&with("ada:hush"), &["rejects the user or the password (WRONGPASS)", CURE]);
    redis.command::<()>("CONFIG", &[b"SET", b"requirepass", b"required"]);
    assert_log_refused(&redis.url(), &["requires a password, and got none (NOAUTH)", CURE]);
    assert_log_refused(&with(":hush"), &["rejects the user or the password (WRONGPASS)", CURE]);
}

#[test]
fn a_rejected_database_is_reported() {
    let redis = Redis::start();
    redis.set_permissions(&["-select"]);
    let url = redis.url_of_user();
    let of_database = |number| format!("{}/{number}", url.trim_end_matches("/0").trim_end_matches('/'));
    assert_log_refused(&of_database(1), &["to run the 'select' command", "the permission to run SELECT"]);
    redis.set_permissions(&[]);
    assert_log_refused(&of_database(99), &["out of range", "Check the number of the database"]);
}

#[test]
fn a_port_that_expects_tls_is_reported() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    assert_log_refused(&url.replace("rediss:", "redis:"), &["If this port expects TLS, use rediss://."]);
}

#[test]
fn protected_mode_is_reported() {
    let redis = Redis::start_protected();
    // The address of this machine in its network. Nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").expect("this machine is in a network");
    let address = socket.local_addr().unwrap().ip();
    let url = format!("redis://{address}:{}", redis.address().port());
    assert_log_refused(&url, &["protected mode (DENIED)", "requirepass"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_logged_once() {
    let redis = Redis::start();
    redis.set_permissions(&[]);
    let server = Server::start(&["--log", &redis.url_of_user()]);
    server.publish("c", json!(1)).await;
    redis.change_password();
    redis.disconnect_everyone();
    let rejected = "Redis is unavailable: Redis rejects the user or the password (WRONGPASS)";
    eventually("a line about the password", || server.stderr().contains(rejected)).await;
    let (_, body) = request("GET", server.url("/readyz"), &[], b"").await;
    assert_eq!(body["log"], rejected);
    // Several attempts.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stderr = server.stderr();
    let problems = stderr.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    let problems: Vec<_> =
        problems.filter(|line| line.contains("WRONGPASS") || line.contains("NOAUTH")).collect();
    assert_eq!(problems.len(), 1, "{stderr}");
    redis.set_permissions(&[]);
    let mut client = Client::greeted(&server, "c").await;
    publish_until_stored(&mut client, "c", "k", &json!(2)).await;
}
