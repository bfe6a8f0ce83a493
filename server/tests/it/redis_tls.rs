//! Redis over TLS (`rediss://`), whose certificate has to be trusted.

use serde_json::json;

use crate::support::{Certificate, Client, Redis, Server, eventually, refused_to_start};

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

#[test]
fn an_untrusted_redis_certificate_is_refused() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    let (code, stderr) = refused_to_start(&["--log", &url.replace("127.0.0.1", "ada:hush@127.0.0.1")]);
    assert_eq!(code, Some(1), "{stderr}");
    for word in ["rediss://…@127.0.0.1", "certificate", "SSL_CERT_FILE"] {
        assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
    }
    assert!(!stderr.contains("hush"), "{stderr}");
}

#[test]
fn rediss_refuses_a_redis_without_tls() {
    let redis = Redis::start();
    let (code, stderr) = refused_to_start(&["--log", &redis.url().replace("redis:", "rediss:")]);
    assert!(code == Some(1) && stderr.contains("with TLS on this port"), "{stderr}");
}

#[test]
fn certificate_checks_cannot_be_disabled() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    let (code, stderr) = refused_to_start(&["--log", &format!("{url}#insecure")]);
    assert!(code == Some(1) && stderr.contains("cannot use rediss://"), "{stderr}");
}
