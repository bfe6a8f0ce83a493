//! Redis over TLS (`rediss://`), whose certificate has to be trusted.

use serde_json::json;

use crate::support::{Certificate, Client, Redis, Server, assert_log_refused, eventually};

#[tokio::test]
async fn redis_works_over_tls() {
    let certificate = Certificate::new();
    let (mut redis, url) = Redis::start_tls(&certificate);
    let trusted = certificate.file();
    let start = || Server::start_with(&["--log", &url], &[("SSL_CERT_FILE", &trusted)]);
    let (a, b) = (start(), start());
    let mut client = Client::greeted(&b, "reader").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    while client.next().await["op"] != "live" {}
    assert_eq!(a.publish("c", json!({"i": 1})).await, 1);
    assert_eq!(client.next_op("msgs").await["n"], 1);
    // Ephemeral events use pub/sub, which has a separate connection.
    let mut other = Client::greeted(&a, "other").await;
    other.send(json!({"op": "cast", "ch": "c", "data": "typing"})).await;
    assert_eq!(client.next_op("cast").await["data"], "typing");
    redis.kill();
    redis.restart();
    eventually("both servers to be back", || {
        [&a, &b].iter().all(|server| server.stderr().contains("Redis is available again"))
    })
    .await;
    assert_eq!(a.publish("c", json!({"i": 2})).await, 2);
    assert_eq!(client.next_op("msgs").await["n"], 2);
}

#[tokio::test]
async fn a_redis_cluster_works_over_tls() {
    let certificate = Certificate::new();
    let (_redis, url) = Redis::start_tls_cluster(&certificate);
    let server = Server::start_with(&["--log", &url], &[("SSL_CERT_FILE", &certificate.file())]);
    let mut client = Client::greeted(&server, "reader").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    client.next_op("subd").await;
    client.next_op("live").await;
    assert_eq!(server.publish("c", json!({"i": 1})).await, 1);
    assert_eq!(client.next_op("msgs").await["n"], 1);
}

#[test]
fn an_untrusted_redis_certificate_is_refused() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    let words = ["rediss://…@127.0.0.1", "certificate", "SSL_CERT_FILE"];
    assert_log_refused(&url.replace("127.0.0.1", "ada:hush@127.0.0.1"), &words);
}

#[test]
fn rediss_refuses_a_redis_without_tls() {
    let redis = Redis::start();
    let url = redis.url().replace("redis:", "rediss:");
    assert_log_refused(&url, &["this port of Redis does not use TLS"]);
}

#[test]
fn certificate_checks_cannot_be_disabled() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    for url in [url.clone(), url.replace("rediss:", "rediss-cluster:").replace("/0", "")] {
        assert_log_refused(&format!("{url}#insecure"), &["cannot use rediss"]);
    }
}
