//! The authorization service: what it is asked, how often, what its answers mean, and what happens when it gives none.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{
    Certificate, Client, Got, PATIENCE, SECRET, Server, eventually, nobody, now_s, refused_to_start, request,
    token,
};

/// Never answers.
const SILENCE: u16 = 0;

/// The service. It answers with a status, and records what it was asked.
#[derive(Clone, Default)]
struct Service {
    status: Arc<AtomicU16>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Service {
    async fn start(status: u16) -> (Service, String) {
        let service = Service::default();
        service.says(status);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/may?v=1", listener.local_addr().unwrap());
        let router = Router::new().route("/may", routing::post(answer)).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (service, url)
    }

    fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(service): State<Service>, Json(question): Json<Value>) -> StatusCode {
    service.asked.lock().unwrap().push(question);
    match service.status.load(Ordering::SeqCst) {
        SILENCE => std::future::pending().await,
        status => StatusCode::from_u16(status).unwrap(),
    }
}

/// How long a server waits for the service: long enough not to matter, unless the test is about it.
const WAITS: [&str; 2] = ["--authorize-timeout-ms", "10000"];

fn start(url: &str, more: &[&str]) -> Server {
    let waits = if more.contains(&WAITS[0]) { &[][..] } else { &WAITS };
    Server::start(&[&["--token-secret", SECRET, "--authorize-url", url], waits, more].concat())
}

async fn greeted(server: &Server) -> Client {
    Client::greeted_with(server, "c", Some(token("ada"))).await
}

async fn publish(client: &mut Client, key: &str) -> Value {
    client.send(json!({"op": "pub", "ch": "c", "key": key, "data": 1})).await;
    client.next().await
}

/// The status of a read that is allowed: there is no such channel.
const ALLOWED: u16 = 404;

async fn http(server: &Server, method: &str) -> (u16, Value) {
    let bearer = format!("Bearer {}", token("ada"));
    request(method, server.url("/channels/c/messages"), &[("authorization", &bearer)], b"1").await
}

#[tokio::test]
async fn each_user_channel_and_action_is_asked_once() {
    let (service, url) = Service::start(200).await;
    let server = start(&url, &[]);
    let mut client = greeted(&server).await;
    assert!(service.asked().is_empty());
    client.sub("c", 100, json!({})).await;
    while client.next().await["op"] != "live" {}
    assert_eq!(service.asked(), [json!({"user": "ada", "channel": "c", "action": "read"})]);
    for _ in 0..3 {
        assert_eq!(http(&server, "POST").await.0, 201);
        assert_eq!(http(&server, "GET").await.0, 200);
    }
    let write = json!({"user": "ada", "channel": "c", "action": "write"});
    assert_eq!(service.asked()[1..], [write]);
}

#[tokio::test]
async fn a_denied_request_is_forbidden() {
    let (_service, url) = Service::start(403).await;
    let server = start(&url, &[]);
    let mut client = greeted(&server).await;
    client.sub("c", 100, json!({})).await;
    let refusal = client.next_op("err").await;
    assert_eq!((&refusal["code"], &refusal["ch"]), (&json!("forbidden"), &json!("c")));
    assert_eq!(refusal["retry_after_ms"], Value::Null);
    let refusal = publish(&mut client, "k").await;
    assert_eq!((&refusal["op"], &refusal["code"]), (&json!("pubnack"), &json!("forbidden")));
    assert_eq!(refusal["retry_after_ms"], Value::Null);
    client.send(json!({"op": "cast", "ch": "c", "data": 1})).await;
    assert_eq!(client.next_op("err").await["code"], "forbidden");
    for method in ["GET", "POST"] {
        let (status, answer) = http(&server, method).await;
        assert_eq!((status, &answer["code"], &answer["ch"]), (403, &json!("forbidden"), &json!("c")));
    }
}

/// The channel does not count for the socket's limit, and is not subscribed later.
#[tokio::test]
async fn a_denied_subscription_does_not_count() {
    let (service, url) = Service::start(403).await;
    let server = start(&url, &["--max-channels", "1"]);
    let mut client = greeted(&server).await;
    client.sub("c", 100, json!({"from": "tail", "ref": 1})).await;
    assert_eq!(client.next_op("err").await["ref"], 1);
    service.says(200);
    client.sub("d", 100, json!({"from": "tail", "ref": 2})).await;
    assert_eq!(client.next_op("subd").await["ref"], 2);
    client.next_op("live").await;
    client.sub("e", 100, json!({"ref": 3})).await;
    assert_eq!(client.next_op("err").await["code"], "too_many_channels");
}

#[tokio::test]
async fn no_answer_is_a_temporary_refusal() {
    for status in [500, 302, SILENCE] {
        let (service, url) = Service::start(status).await;
        let server = start(&url, &["--authorize-timeout-ms", "200"]);
        let mut client = greeted(&server).await;
        client.sub("c", 100, json!({})).await;
        let refusal = client.next_op("err").await;
        assert_eq!((&refusal["code"], &refusal["ch"]), (&json!("authorization_error"), &json!("c")));
        assert_eq!(refusal["retry_after_ms"], 1000);
        let refusal = publish(&mut client, "k").await;
        assert_eq!((&refusal["op"], &refusal["code"]), (&json!("pubnack"), &json!("authorization_error")));
        assert_eq!(refusal["retry_after_ms"], 1000);
        // For an event, later is too late: there is no answer, and the connection stays open.
        client.send(json!({"op": "cast", "ch": "c", "data": 1})).await;
        client.send(json!({"op": "ping"})).await;
        client.next_op("pong").await;
        let (status, answer) = http(&server, "POST").await;
        assert_eq!((status, &answer["code"]), (503, &json!("authorization_error")));
        assert_eq!(answer["retry_after_ms"], 1000);
        let complaints = server.stderr().matches("no answer from the authorization service").count();
        assert_eq!(complaints, 1, "it is logged once, not for each request: {}", server.stderr());
        service.says(200);
        let start = Instant::now();
        while publish(&mut client, "k").await["op"] != "puback" {
            assert!(start.elapsed() < PATIENCE, "the service is not asked again");
        }
        eventually("the end of the outage in the logs", || server.stderr().contains("answers again")).await;
    }
}

#[tokio::test]
async fn a_refusal_closes_a_plain_connection() {
    for (status, code) in [(403, 4403), (500, 1013)] {
        let (_service, url) = Service::start(status).await;
        let server = start(&url, &[]);
        let query = format!("conversation_id=c&client_id=tab&token={}", token("ada"));
        assert_eq!(Client::plain(&server, &query).await.closed().await.0, code);
    }
}

#[tokio::test]
async fn answers_are_cached_for_the_configured_time() {
    let (service, url) = Service::start(200).await;
    let server = start(&url, &["--authorize-cache-ms", "5000"]);
    assert_eq!(http(&server, "GET").await.0, ALLOWED);
    service.says(403);
    assert_eq!(http(&server, "GET").await.0, ALLOWED);
    assert_eq!(service.asked().len(), 1);
    let mut status = ALLOWED;
    while status == ALLOWED {
        tokio::time::sleep(Duration::from_millis(10)).await;
        status = http(&server, "GET").await.0;
    }
    assert_eq!((status, service.asked().len()), (403, 2));
    let server = start(&url, &["--authorize-cache-ms", "0"]);
    for asked in 3..6 {
        assert_eq!(http(&server, "GET").await.0, 403);
        assert_eq!(service.asked().len(), asked);
    }
}

#[tokio::test]
async fn the_service_is_not_asked_without_a_grant() {
    let (service, url) = Service::start(200).await;
    let server = start(&url, &[]);
    let claims = json!({"sub": "ada", "exp": now_s() + 3600, "channels": {"read": ["other"]}});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let mut client = Client::greeted_with(&server, "c", Some(token)).await;
    client.sub("c", 100, json!({})).await;
    assert_eq!(client.next_op("err").await["code"], "forbidden");
    assert_eq!(publish(&mut client, "k").await["code"], "forbidden");
    assert!(service.asked().is_empty());
}

/// A channel that waits for its answer delays neither the others nor the socket.
#[tokio::test]
async fn many_channels_are_asked_about_at_once() {
    let (service, url) = Service::start(SILENCE).await;
    let server = start(&url, &[]);
    let mut client = greeted(&server).await;
    for ch in ["a", "b", "d"] {
        client.sub(ch, 100, json!({})).await;
    }
    eventually("three questions", || service.asked().len() == 3).await;
    client.round_trip().await;
    service.says(200);
    client.sub("e", 100, json!({})).await;
    let subd = client.next_op("subd").await;
    assert_eq!(subd["ch"], "e");
    client.close().await;
}

/// However much one user asks, the others get their answers.
#[tokio::test]
async fn one_user_does_not_delay_others() {
    let (service, url) = Service::start(SILENCE).await;
    let server = start(&url, &[]);
    let mut mallory = Client::greeted_with(&server, "m", Some(token("mallory"))).await;
    for i in 0..100 {
        mallory.sub(&format!("c{i}"), 100, json!({})).await;
    }
    mallory.round_trip().await;
    eventually("eight questions", || service.asked().len() >= 8).await;
    service.says(200);
    assert_eq!(http(&server, "GET").await.0, ALLOWED);
    let asked = service.asked();
    let [of_mallory, of_ada] =
        ["mallory", "ada"].map(|user| asked.iter().filter(|question| question["user"] == user).count());
    assert_eq!((of_mallory, of_ada), (8, 1), "eight questions of a user are asked at once");
}

#[tokio::test]
async fn the_services_name_is_looked_up() {
    let (_service, url) = Service::start(200).await;
    let server = start(&url.replace("127.0.0.1", "localhost"), &[]);
    assert_eq!(http(&server, "GET").await.0, ALLOWED);
    let server = start("http://no-such-host.invalid/may", &[]);
    assert_eq!(http(&server, "GET").await.0, 503);
}

#[tokio::test]
async fn a_public_service_without_tls_is_a_warning() {
    let warns = |url| start(url, &[]).stderr().contains("is not encrypted: anyone on the path can read");
    assert!(warns("http://no-such-host.invalid/may?key=hush"));
    assert!(!warns("https://no-such-host.invalid/may") && !warns("http://auth.internal/may"));
}

#[tokio::test]
async fn an_outage_of_the_service_allows_nothing() {
    let (_held, nobody) = nobody();
    let server = start(&format!("http://{nobody}/"), &[]);
    assert_eq!(http(&server, "GET").await.0, 503);
    let mut client = greeted(&server).await;
    client.sub("c", 100, json!({})).await;
    assert_eq!(client.next_op("err").await["code"], "authorization_error");
    assert!(!matches!(
        client.got_within(Duration::from_millis(100)).await,
        Some(Got::Closed(..) | Got::Disconnected)
    ));
}

#[tokio::test]
async fn the_service_needs_a_trusted_certificate() {
    let certificate = Certificate::new();
    // Another server stands in for the service. It answers 200, whatever the body is.
    let tls = ["--demo", "--tls-cert", &certificate.file(), "--tls-key", &certificate.key()];
    let service = Server::start(&tls);
    let url = format!("https://{}/debug/drop?client_id=none", service.address);
    let args = ["--token-secret", SECRET, "--authorize-url", &url, WAITS[0], WAITS[1]];
    let trusting = Server::start_with(&args, &[("SSL_CERT_FILE", &certificate.file())]);
    assert_eq!(http(&trusting, "GET").await.0, ALLOWED);
    let other = Server::start_with(&args, &[("SSL_CERT_FILE", &Certificate::new().file())]);
    assert_eq!(http(&other, "GET").await.0, 503);
    assert!(other.stderr().contains("certificate"), "{}", other.stderr());
}

#[test]
fn authorization_needs_tokens_and_a_url() {
    let (code, stderr) = refused_to_start(&["--authorize-url", "http://127.0.0.1:1/"]);
    assert!(code == Some(1) && stderr.contains("needs tokens"), "{stderr}");
    let (code, stderr) =
        refused_to_start(&["--authorize-url", "http://ada:hush@h/", "--token-secret", SECRET]);
    assert!(
        code == Some(2) && stderr.contains("without user and password") && !stderr.contains("hush"),
        "{stderr}"
    );
}
