//! The log in a Redis that is reached over TLS (`rediss://`), with a certificate that has to be one that is trusted.

use serde_json::json;

use crate::support::{Certificate, Client, Redis, Server, eventually, refused_to_start};

#[tokio::test]
async fn a_redis_is_reached_over_tls() {
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
    // Events that are not stored come by pub/sub, which has a connection of its own.
    let mut other = Client::greeted(&a, "other").await;
    other.send(json!({"op": "cast", "ch": "c", "data": "typing"})).await;
    assert_eq!(client.next_op("cast").await["data"], "typing");
    redis.kill();
    redis.restart();
    eventually("both servers to be back", || {
        [&a, &b].iter().all(|server| server.stderr().contains("Redis is back"))
    })
    .await;
    assert_eq!(a.publish("c", json!({"i": 2})).await, 2);
    assert_eq!(client.next_op("msgs").await["n"], 2);
}

#[test]
fn a_redis_whose_certificate_is_not_trusted_is_refused() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    let (code, stderr) = refused_to_start(&["--log", &url.replace("127.0.0.1", "ada:hush@127.0.0.1")]);
    assert_eq!(code, Some(1), "{stderr}");
    for word in ["rediss://…@127.0.0.1", "certificate", "SSL_CERT_FILE"] {
        assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
    }
    assert!(!stderr.contains("hush"), "{stderr}");
}

#[test]
fn a_redis_without_tls_is_not_taken_for_one_with_it() {
    let redis = Redis::start();
    let (code, stderr) = refused_to_start(&["--log", &redis.url().replace("redis:", "rediss:")]);
    assert!(code == Some(1) && stderr.contains("with TLS on this port"), "{stderr}");
}

#[test]
fn certificates_are_never_left_unchecked() {
    let (_redis, url) = Redis::start_tls(&Certificate::new());
    let (code, stderr) = refused_to_start(&["--log", &format!("{url}#insecure")]);
    assert!(code == Some(1) && stderr.contains("cannot use rediss://"), "{stderr}");
}
