//! The table of metrics in docs/OPERATIONS.md lists those that `/metrics` has, and no others; and they measure what
//! they are named after.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use axum::http::StatusCode;
use axum::{Router, routing};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Client, PATIENCE, Redis, SECRET, Server, now_s, request, token};

/// What a histogram has, and a counter, beside its own name.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

#[tokio::test]
async fn the_documented_metrics_are_those_there_are() {
    let found: BTreeSet<String> = scrapes().await.iter().flat_map(|text| names(text)).collect();
    assert_eq!(found, documented());
}

/// What `/metrics` has with each log, and with an authorization service.
pub async fn scrapes() -> Vec<String> {
    let (redis, cluster) = (Redis::start(), Redis::start_cluster());
    let mut texts = Vec::new();
    for log in ["embedded", &redis.url(), &cluster.cluster_url()] {
        let url = permissive_service().await;
        let server = Server::start(&["--token-secret", SECRET, "--authorize-url", &url, "--log", log]);
        server.publish_all_as("c", 1..=1, token("ada")).await;
        // A refusal of each kind, so that its metric has a series.
        let bearer = format!("Bearer {}", token("ada"));
        request("POST", server.url("/channels/c/messages"), &[("authorization", &bearer)], b"no JSON").await;
        request("GET", server.url("/channels/c/messages"), &[], b"").await;
        texts.push(scrape(&server).await);
    }
    texts
}

#[tokio::test]
async fn the_server_and_its_process_are_measured() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    for ch in ["a", "b"] {
        client.sub(ch, 10, json!({"from": "tail"})).await;
        while client.next().await["op"] != "live" {}
    }
    assert_eq!(server.metric("seamline_subscriptions").await, 2.0);
    assert_eq!(server.metric("seamline_channels").await, 2.0);
    client.send(json!({"op": "unsub", "ch": "a"})).await;
    becomes(&server, "seamline_subscriptions", 1.0).await;
    server.publish("b", json!(1)).await;
    client.next_op("msgs").await;
    client.send(json!({"op": "pub", "ch": "b", "key": "k", "data": 2})).await;
    while client.next().await["op"] != "puback" {}
    for (name, expected) in [
        ("seamline_publish_seconds_count", 2.0),
        ("seamline_store_append_seconds_count", 2.0),
        (&*format!("seamline_build_info{{version=\"{}\",log=\"embedded\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(server.metric(name).await, expected, "{name}");
    }
    let resident = server.metric("process_resident_memory_bytes").await / 1024.0;
    let expected = server.memory_kb("VmRSS") as f64;
    assert!((0.5..2.0).contains(&(resident / expected)), "{resident} KiB instead of {expected}");
    let started = server.metric("process_start_time_seconds").await;
    assert!((now_s() as f64 - started).abs() < 60.0, "{started}");
    for name in ["process_open_fds", "process_max_fds", "process_threads", "seamline_store_bytes"] {
        assert!(server.metric(name).await > 1.0, "{name}");
    }
    client.close().await;
    becomes(&server, "seamline_subscriptions", 0.0).await;
}

/// Waits until a metric has this value.
async fn becomes(server: &Server, name: &str, expected: f64) {
    let start = Instant::now();
    while server.metric(name).await != expected {
        assert!(start.elapsed() < PATIENCE, "{name} does not become {expected}");
    }
}

/// The names that the table has.
fn documented() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/OPERATIONS.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Metrics and logs\n")).unwrap();
    let table = section.split("\n### ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names = rows.flat_map(|row| row.split(", ")).map(|name| name.trim_matches('`'));
    names.map(|name| name.split('{').next().unwrap().to_owned()).collect()
}

/// The names of the metrics in a scrape.
fn names(scrape: &str) -> BTreeSet<String> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    let names = lines.map(|line| line.split(['{', ' ']).next().unwrap());
    let base = |name: &str| {
        let suffix = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix));
        name.strip_suffix(suffix.unwrap_or(&"")).unwrap().to_owned()
    };
    names.map(base).collect()
}

async fn scrape(server: &Server) -> String {
    request("GET", server.url("/metrics"), &[], b"").await.1.as_str().unwrap().to_owned()
}

/// An authorization service that allows everything.
async fn permissive_service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/may", listener.local_addr().unwrap());
    let router = Router::new().route("/may", routing::post(async || StatusCode::OK));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
