//! `/metrics` in the format that the client asks for, and in the eyes of Prometheus's own tool.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Client, Redis, Server, ask, request};

/// What a request with this `Accept` gets: the media type and the text.
async fn metrics(server: &Server, accept: &str) -> (String, String) {
    let answer = ask("GET", server.url("/metrics"), &[("accept", accept)], b"").await;
    assert_eq!(answer.status, 200);
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("vary"), "accept");
    (header("content-type"), answer.body.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn metrics_have_the_accepted_format() {
    let server = Server::start(&[]);
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let (kind, text) = metrics(&server, prometheus).await;
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    assert!(text.contains("# TYPE seamline_resyncs counter") && text.ends_with("# EOF\n"), "{text}");
    for accept in ["*/*", "text/plain"] {
        let (kind, text) = metrics(&server, accept).await;
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        assert!(text.contains("# TYPE seamline_resyncs_total counter") && !text.contains("EOF"), "{text}");
    }
}

/// `promtool` comes with Prometheus; `cargo xtask test` installs it.
#[tokio::test]
async fn promtool_accepts_the_metrics() {
    let redis = Redis::start();
    for log in ["embedded", &redis.url()] {
        let server = Server::start(&["--log", log]);
        // Metrics with labels exist once something has been counted.
        server.publish("c", json!(1)).await;
        request("POST", server.url("/channels/c/messages"), &[], b"nonsense").await;
        let mut client = Client::greeted(&server, "c").await;
        client.sub("c", 10, json!({"from": "start"})).await;
        while client.next().await["op"] != "live" {}
        let (_, text) = metrics(&server, "text/plain").await;
        assert!(text.contains("code=\"bad_json\""), "{text}");
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool is installed");
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    }
}
