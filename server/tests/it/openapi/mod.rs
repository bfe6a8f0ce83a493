//! The description of the HTTP API and the admin API, against a running server: every documented response of every
//! operation is provoked, and is as documented.

mod target;

use std::collections::BTreeSet;

use jsonschema::Validator;
use seamline_server::admin::OPENAPI;
use serde_json::{Value, json};

use self::target::{Target, path_of};
use crate::access::token_for;
use crate::descriptors::exhaust;
use crate::support::{Answer, Client, Redis, token};

/// Requests by operation: `GET /admin/channels/{ch}`.
struct Checked {
    document: Value,
    /// The operations and the statuses that were seen.
    seen: BTreeSet<(String, u16)>,
}

impl Checked {
    fn new() -> Self {
        Checked { document: serde_json::from_str(OPENAPI).unwrap(), seen: BTreeSet::new() }
    }

    /// All operations.
    fn operations(&self) -> impl Iterator<Item = (String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let operations =
            paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)));
        let named = |(path, (method, operation)): (&String, (&String, _))| {
            (format!("{} {path}", method.to_uppercase()), operation)
        };
        operations.map(named).filter(|(_, operation): &(_, &Value)| operation["responses"].is_object())
    }

    /// Operations with their documented statuses.
    fn documented(&self) -> BTreeSet<(String, u16)> {
        let statuses = |(name, operation): (String, &Value)| -> Vec<(String, u16)> {
            let statuses = operation["responses"].as_object().unwrap().keys();
            statuses.map(|status| (name.clone(), status.parse().unwrap())).collect()
        };
        self.operations().flat_map(statuses).collect()
    }

    /// The operations that need a token.
    fn with_token(&self) -> Vec<String> {
        let needs = |operation: &Value| !operation["security"].as_array().unwrap().is_empty();
        self.operations().filter(|(_, operation)| needs(operation)).map(|(name, _)| name).collect()
    }

    /// Checks an answer, whose operation is that of the path with `{ch}` for a channel.
    fn check(&mut self, operation: &str, answer: &Answer) {
        let (method, path) = operation.split_once(' ').unwrap();
        let responses = &self.document["paths"][path][method.to_lowercase()]["responses"];
        let response = &responses[answer.status.to_string()];
        assert!(response.is_object(), "{operation} has no {}: {}", answer.status, answer.body);
        let response = self.resolved(response);
        for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            assert!(answer.headers.contains_key(name), "{operation} {}: no {name}", answer.status);
        }
        if let Some(contents) = response["content"].as_object() {
            let found = answer.headers["content-type"].to_str().unwrap();
            let content = contents.iter().find(|(mime, _)| found.starts_with(mime.as_str()));
            let (_, content) = content.unwrap_or_else(|| panic!("{operation}: {found}"));
            let schema = self.schema(&content["schema"]);
            let problems: Vec<_> = schema.iter_errors(&answer.body).map(|e| e.to_string()).collect();
            assert!(problems.is_empty(), "{operation}: {problems:?} in {}", answer.body);
        }
        self.seen.insert((operation.to_owned(), answer.status));
    }

    fn resolved<'a>(&'a self, response: &'a Value) -> &'a Value {
        match response["$ref"].as_str() {
            Some(name) => self.document.pointer(name.trim_start_matches('#')).unwrap(),
            None => response,
        }
    }

    fn schema(&self, schema: &Value) -> Validator {
        let whole = json!({"allOf": [schema], "components": self.document["components"]});
        jsonschema::validator_for(&whole).unwrap()
    }
}

const READ: &str = "GET /channels/{ch}";
const MESSAGES: &str = "GET /channels/{ch}/messages";
const PUBLISH: &str = "POST /channels/{ch}/messages";
const CONNECTIONS: &str = "GET /admin/connections";
const DISCONNECT: &str = "POST /admin/connections/disconnect";
const PUBLISH_MANY: &str = "POST /admin/publish";
const CHANNELS: &str = "GET /admin/channels";
const ADMIN_READ: &str = "GET /admin/channels/{ch}";
const DELETE: &str = "DELETE /admin/channels/{ch}";
const TRIM: &str = "POST /admin/channels/{ch}/trim";
const ADMIN_MESSAGES: &str = "GET /admin/channels/{ch}/messages";

#[tokio::test]
async fn every_documented_response_is_as_documented() {
    let mut checked = Checked::new();
    successes(&mut checked).await;
    refusals(&mut checked).await;
    limits(&mut checked).await;
    outage(&mut checked).await;
    overload(&mut checked).await;
    let unseen: Vec<_> = checked.documented().difference(&checked.seen).cloned().collect();
    assert!(unseen.is_empty(), "not provoked: {unseen:?}");
}

async fn successes(checked: &mut Checked) {
    let target = Target::start(&[]);
    let mut client = Client::greeted_with(&target.server, "c", Some(token("bob"))).await;
    client.sub("c", 10, json!({"from": "start"})).await;
    while client.next().await["op"] != "live" {}
    let keyed = [("authorization", &*target.client), ("idempotency-key", "k")];
    for expected in [201, 200] {
        assert_eq!(target.send_with(checked, PUBLISH, "c", "", "1", &keyed).await, expected);
    }
    assert_eq!(target.send_with(checked, PUBLISH, "c", "", "2", &keyed).await, 409);
    let batch = json!({"messages": [
        {"ch": "c", "key": "k2", "data": {"a": null}}, {"ch": " ", "data": 1}, {"ch": "d", "data": 1}
    ]});
    for (operation, query, body) in [
        (PUBLISH_MANY, "", batch.to_string()),
        (READ, "", String::new()),
        (MESSAGES, "?last=2", String::new()),
        (ADMIN_READ, "", String::new()),
        (ADMIN_MESSAGES, "?before=2&limit=1", String::new()),
        (CONNECTIONS, "?ch=c&limit=1", String::new()),
        (CHANNELS, "?limit=1", String::new()),
        (TRIM, "", json!({"through": 1}).to_string()),
        (DISCONNECT, "", json!({"user": "bob", "then": "stop"}).to_string()),
        ("GET /healthz", "", String::new()),
        ("GET /readyz", "", String::new()),
        ("GET /metrics", "", String::new()),
        ("GET /openapi.json", "", String::new()),
    ] {
        assert_eq!(target.send(checked, operation, "c", query, &body).await, 200, "{operation}");
    }
    assert_eq!(target.send(checked, DELETE, "d", "", "").await, 204);
}

async fn refusals(checked: &mut Checked) {
    let target = Target::start(&[]);
    for operation in &checked.with_token() {
        assert_eq!(target.send_with(checked, operation, "c", "", "", &[]).await, 401, "{operation}");
        let page = [("authorization", target.bearer(path_of(operation))), ("origin", "http://evil.example")];
        assert_eq!(target.send_with(checked, operation, "c", "", "", &page).await, 403, "{operation}");
    }
    let nothing = format!("Bearer {}", token_for(json!({})));
    for operation in [READ, MESSAGES, PUBLISH] {
        let headers = [("authorization", &*nothing)];
        assert_eq!(target.send_with(checked, operation, "c", "", "1", &headers).await, 403, "{operation}");
    }
    for operation in [READ, MESSAGES, PUBLISH, ADMIN_READ, DELETE, ADMIN_MESSAGES, TRIM] {
        let body = if operation == PUBLISH { "1" } else { r#"{"through":1}"# };
        assert_eq!(target.send(checked, operation, "%0a", "", body).await, 400, "{operation}");
    }
    for (operation, query, body) in [
        (CONNECTIONS, "?limit=0", ""),
        (CHANNELS, "?cursor=x&limit=0", ""),
        (PUBLISH_MANY, "", "[]"),
        (DISCONNECT, "", r#"{"then":"stop"}"#),
    ] {
        assert_eq!(target.send(checked, operation, "", query, body).await, 400, "{operation}");
    }
    for operation in [READ, ADMIN_READ, DELETE, TRIM] {
        assert_eq!(target.send(checked, operation, "new", "", r#"{"through":1}"#).await, 404, "{operation}");
    }
    for operation in [MESSAGES, ADMIN_MESSAGES] {
        assert_eq!(target.send(checked, operation, "new", "?last=1", "").await, 404, "{operation}");
    }
}

async fn limits(checked: &mut Checked) {
    let target = Target::start(&["--max-publishes-per-second", "1"]);
    let many: Vec<Value> = (0..1001).map(|i| json!({"ch": "c", "data": i})).collect();
    for (operation, body) in [
        (PUBLISH, format!("\"{}\"", "x".repeat(262_144))),
        (PUBLISH_MANY, json!({ "messages": many }).to_string()),
        (DISCONNECT, json!({"user": "x".repeat(64 * 1024), "then": "stop"}).to_string()),
        (TRIM, " ".repeat(64 * 1024 + 1)),
    ] {
        assert_eq!(target.send(checked, operation, "c", "", &body).await, 413, "{operation}");
    }
    while target.send(checked, PUBLISH, "c", "", "1").await != 429 {}
    let impatient = Target::start(&["--request-timeout-ms", "200"]);
    for operation in [PUBLISH, PUBLISH_MANY, DISCONNECT, TRIM] {
        assert_eq!(impatient.send_head(checked, operation, "c", 10).await, 408, "{operation}");
    }
}

async fn outage(checked: &mut Checked) {
    let mut redis = Redis::start();
    let target = Target::start(&["--log", &redis.url()]);
    redis.kill();
    for operation in [READ, MESSAGES, PUBLISH, CHANNELS, ADMIN_READ, DELETE, ADMIN_MESSAGES, TRIM] {
        let body = if operation == PUBLISH { "1" } else { r#"{"through":1}"# };
        assert_eq!(target.send(checked, operation, "c", "", body).await, 503, "{operation}");
    }
    while target.send(checked, "GET /readyz", "", "", "").await != 503 {}
}

/// File descriptors are scarce.
async fn overload(checked: &mut Checked) {
    let target = Target::start_with_files((64, 64), &["--hello-timeout-ms", "600000"]);
    let _sockets = exhaust(&target.server).await;
    let still_answered = ["GET /healthz", "GET /readyz", "GET /metrics"];
    let operations: Vec<_> = checked.operations().map(|(name, _)| name).collect();
    for operation in operations.iter().filter(|operation| !still_answered.contains(&operation.as_str())) {
        assert_eq!(target.send(checked, operation, "c", "", "").await, 503, "{operation}");
    }
}

/// The routers have no list of their routes, but their sources have.
#[test]
fn every_route_is_documented() {
    let checked = Checked::new();
    let documented: BTreeSet<String> =
        checked.document["paths"].as_object().unwrap().keys().cloned().collect();
    let sources = [include_str!("../../../src/routes.rs"), include_str!("../../../src/admin/mod.rs")];
    let routes = sources.iter().flat_map(|source| source.split(".route(\"").skip(1));
    let routes: BTreeSet<String> = routes.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    // Not part of the API: a WebSocket, and a demonstration.
    let others = BTreeSet::from(["/ws".to_owned(), "/debug/drop".to_owned()]);
    assert_eq!(routes.difference(&others).cloned().collect::<BTreeSet<_>>(), documented);
}
