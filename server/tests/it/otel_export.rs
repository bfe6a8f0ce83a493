//! Exporting traces: collectors that are down or do not answer, the end of the server, and wrong settings.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Client, Collector, Server, eventually, nobody, offsets, without_settings};

#[tokio::test]
async fn a_missing_collector_is_logged_once() {
    let (_socket, address) = nobody();
    let url = format!("http://{address}");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let mut server = Server::start_with(&[], &variables);
    let lines = |server: &Server| server.stderr().matches("cannot export traces").count();
    for i in 1..=3 {
        assert_eq!(server.publish("c", json!(i)).await, i);
        eventually("the line", || lines(&server) > 0).await;
    }
    assert!(server.stderr().contains(&format!("cannot export traces to {url}/v1/traces")));
    server.terminate();
    assert!(server.ended().await.success());
    assert_eq!(lines(&server), 1);
}

/// It accepts connections, and that is all. More spans end than can wait.
#[tokio::test]
async fn a_silent_collector_keeps_nobody_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let mut server = Server::start_with(&["--otlp-endpoint", &url], &variables);
    let mut client = Client::greeted(&server, "reader").await;
    client.sub("c", 10_000, json!({"from": "tail"})).await;
    while client.next().await["op"] != "live" {}
    server.publish_all("c", 1..=1500).await;
    let mut next = 1;
    while next <= 1500 {
        for offset in offsets(&client.next_op("msgs").await) {
            assert_eq!(offset, next);
            next += 1;
        }
    }
    let begun = Instant::now();
    server.terminate();
    assert!(server.ended().await.success());
    // The drain waits for clients as long, and the last spans have 3 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(server.stderr().contains("the last spans were not exported"), "{}", server.stderr());
}

#[tokio::test]
async fn the_last_spans_are_exported_at_the_end() {
    let collector = Collector::start().await;
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "60000")];
    let mut server = Server::start_with(&["--otlp-endpoint", &collector.url], &variables);
    server.publish("c", json!(1)).await;
    server.terminate();
    assert!(server.ended().await.success());
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["append", "POST /channels/{ch}/messages"]);
}

/// Options, variables, the exit code, and what the error has.
type Wrong<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a [&'a str]);

#[test]
fn wrong_settings_are_errors() {
    let table: [Wrong; 5] = [
        (&["--otlp-endpoint", "collector:4318"], &[], 2, &["collector:4318", "--otlp-endpoint", "http://"]),
        (&[], &[("SEAMLINE_OTLP_ENDPOINT", "ftp://h")], 2, &["SEAMLINE_OTLP_ENDPOINT", "ftp://h", "http://"]),
        (
            &[],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hush@h")],
            1,
            &["OTEL_EXPORTER_OTLP_ENDPOINT", "http://…@h", "http://127.0.0.1:4318", "unset"],
        ),
        (
            &[],
            &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "h:4318")],
            1,
            &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "h:4318"],
        ),
        (
            &["--otlp-endpoint", "http://h"],
            &[("OTEL_TRACES_SAMPLER", "xray")],
            1,
            &["OTEL_TRACES_SAMPLER", "xray", "parentbased_traceidratio"],
        ),
    ];
    for (args, variables, code, words) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
        let command = without_settings(&mut command).args(args).arg("--print-config");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{variables:?}: {text}");
        assert!(words.iter().all(|word| text.contains(word)) && !text.contains("hush"), "{text}");
    }
}
