//! Token keys that are fetched from a URL: rotation, outages, and answers that are no JWKS. A `seamline-server` that
//! serves a directory stands in for the provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{
    Certificate, Client, PATIENCE, Server, eventually, nobody, now_s, refused_to_start, request,
};

/// The answer where the token is accepted: nobody publishes, so there is no channel.
const ALLOWED: u16 = 404;

/// A key, by the name that tokens and the set have for it.
const KEYS: [(&str, Algorithm, &[u8]); 3] = [
    ("rsa", Algorithm::RS256, include_bytes!("keys/rsa.private.pem")),
    ("p256", Algorithm::ES256, include_bytes!("keys/p256.private.pem")),
    ("ed", Algorithm::EdDSA, include_bytes!("keys/ed25519.private.pem")),
];

fn key(kid: &str) -> (Algorithm, EncodingKey) {
    let (_, algorithm, pem) = KEYS.into_iter().find(|(name, ..)| *name == kid).unwrap();
    let read = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_ed_pem(pem),
    };
    (algorithm, read.unwrap())
}

fn set(kids: &[&str]) -> String {
    let public = |kid: &&str| {
        let (algorithm, key) = key(kid);
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        jwk["kid"] = (*kid).into();
        jwk
    };
    json!({ "keys": kids.iter().map(public).collect::<Vec<_>>() }).to_string()
}

fn token(kid: &str) -> String {
    let (algorithm, key) = key(kid);
    signed(kid, algorithm, &key)
}

fn signed(kid: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
    let header = Header { kid: Some(kid.into()), ..Header::new(algorithm) };
    encode(&header, &json!({"sub": "ada", "exp": now_s() + 3600}), key).unwrap()
}

async fn read_with(server: &Server, token: &str) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    request("GET", server.url("/channels/c/messages"), &[("authorization", &bearer)], b"").await
}

/// A provider with a set of keys that can be replaced.
struct Provider {
    server: Server,
    directory: TempDir,
}

impl Provider {
    fn start(tls: &[&str], kids: &[&str]) -> Provider {
        let directory = TempDir::new().unwrap();
        let server = Server::start(&[tls, &["--www", directory.path().to_str().unwrap()]].concat());
        let provider = Provider { server, directory };
        provider.publish(&set(kids));
        provider
    }

    fn publish(&self, text: &str) {
        let [new, file] = ["new", "jwks.json"].map(|name| self.directory.path().join(name));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn url(&self) -> String {
        self.server.url("/jwks.json")
    }
}

/// Waits until the server has the answer that it should have.
async fn becomes(server: &Server, kid: &str, expected: u16) {
    let start = std::time::Instant::now();
    loop {
        let (status, body) = read_with(server, &token(kid)).await;
        if status == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{kid}: {status} {body}\n{}", server.stderr());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_and_rotated() {
    let provider = Provider::start(&[], &["rsa"]);
    let server = Server::start(&["--token-jwks-url", &provider.url(), "--token-jwks-refresh", "100ms"]);
    assert_eq!(read_with(&server, &token("rsa")).await.0, ALLOWED);
    assert_eq!(read_with(&server, &token("ed")).await.0, 401);
    provider.publish(&set(&["rsa", "ed"]));
    becomes(&server, "ed", ALLOWED).await;
    assert_eq!(read_with(&server, &token("rsa")).await.0, ALLOWED);
    provider.publish(&set(&["ed"]));
    becomes(&server, "rsa", 401).await;
    let mut client = Client::greeted_with(&server, "c", Some(token("ed"))).await;
    client.round_trip().await;
}

/// The first token with a new key is accepted: it waits for the set.
#[tokio::test]
async fn a_new_key_is_looked_for_at_once() {
    let provider = Provider::start(&[], &["rsa"]);
    let server = Server::start(&["--token-jwks-url", &provider.url(), "--token-jwks-refresh", "1h"]);
    provider.publish(&set(&["rsa", "p256"]));
    let mut client = Client::greeted_with(&server, "c", Some(token("p256"))).await;
    client.round_trip().await;
}

#[tokio::test]
async fn a_reload_fetches_the_keys() {
    let provider = Provider::start(&[], &["rsa"]);
    let server = Server::start(&["--token-jwks-url", &provider.url()]);
    provider.publish(&set(&["p256"]));
    server.hang_up();
    eventually("the reload", || server.stderr().contains("reloaded the token key")).await;
    assert_eq!(read_with(&server, &token("p256")).await.0, ALLOWED);
    provider.publish("{}");
    server.hang_up();
    eventually("an error", || server.stderr().contains("kept the old token key")).await;
    assert_eq!(read_with(&server, &token("p256")).await.0, ALLOWED);
}

#[tokio::test]
async fn an_outage_changes_no_keys() {
    let mut provider = Provider::start(&[], &["rsa"]);
    let server = Server::start(&["--token-jwks-url", &provider.url(), "--token-jwks-refresh", "100ms"]);
    let all = set(&["rsa", "ed"]);
    for nonsense in [
        "",
        "<html>",
        r#"{"keys": []}"#,
        &all[..all.len() / 2],
        r#"{"keys": [{"kty": "oct", "k": "aHVzaA"}]}"#,
    ] {
        provider.publish(nonsense);
        becomes(&server, "ed", 503).await;
        assert_eq!(read_with(&server, &token("rsa")).await.0, ALLOWED);
        provider.publish(&set(&["rsa"]));
        becomes(&server, "ed", 401).await;
    }
    provider.server.kill();
    becomes(&server, "ed", 503).await;
    let (_, body) = read_with(&server, &token("ed")).await;
    assert_eq!((&body["code"], &body["retry_after_ms"]), (&json!("authorization_error"), &json!(1000)));
    // A page would stop for good if its token were rejected.
    let mut client = Client::connect(&server).await;
    client.send(json!({"op": "hello", "v": 1, "client_id": "c", "token": token("ed")})).await;
    assert_eq!(client.next_op("err").await["code"], "authorization_error");
    assert_eq!(client.closed().await.0, 1013);
    Client::greeted_with(&server, "c", Some(token("rsa"))).await.round_trip().await;
    let stderr = server.stderr();
    let count = |words: &str| stderr.matches(words).count();
    assert_eq!(count("cannot fetch the token keys from"), 1, "once a minute:\n{stderr}");
}

#[tokio::test]
async fn keys_are_fetched_over_https() {
    let certificate = Certificate::new();
    let provider =
        Provider::start(&["--tls-cert", &certificate.file(), "--tls-key", &certificate.key()], &["rsa"]);
    let url = provider.url().replace("http:", "https:");
    let trusted = [("SSL_CERT_FILE", &certificate.file()[..])];
    let server = Server::start_with(&["--token-jwks-url", &url], &trusted);
    assert_eq!(read_with(&server, &token("rsa")).await.0, ALLOWED);
    let (code, stderr) = refused_to_start(&["--token-jwks-url", &url]);
    assert!(code == Some(1) && stderr.contains("certificate") && stderr.contains(&url), "{stderr}");
}

/// A provider that counts its requests.
async fn counting(body: String) -> (Arc<AtomicU64>, String) {
    let count = Arc::new(AtomicU64::new(0));
    let answer = |State((count, body)): State<(Arc<AtomicU64>, String)>| async move {
        count.fetch_add(1, Ordering::SeqCst);
        body
    };
    let router = Router::new().route("/", get(answer)).with_state((count.clone(), body));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?key=hush", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (count, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_cause_few_requests() {
    let (count, url) = counting(set(&["rsa"])).await;
    let server = Server::start(&["--token-jwks-url", &url]);
    let forged = |i: usize| signed(&format!("k{i}"), Algorithm::HS256, &EncodingKey::from_secret(b"x"));
    let start = std::time::Instant::now();
    for i in 0..200 {
        assert_eq!(read_with(&server, &forged(i)).await.0, 401);
    }
    let most = 1 + start.elapsed().as_secs() / 10 + 1;
    assert!(count.load(Ordering::SeqCst) <= most, "{count:?} requests");
    assert_eq!(read_with(&server, &token("rsa")).await.0, ALLOWED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_urls_are_rejected_at_startup() {
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300_000));
    let (_, huge) = counting(huge).await;
    let (_, empty) = counting("{}".into()).await;
    let (_held, address) = nobody();
    let provider = Provider::start(&[], &["rsa"]);
    for (url, word) in [
        (huge, "at most 262144 bytes"),
        (empty, "not a JWKS"),
        (format!("http://{address}/"), "refused"),
        (provider.server.url("/none"), "404"),
    ] {
        let (code, stderr) =
            tokio::task::spawn_blocking(move || refused_to_start(&["--token-jwks-url", &url])).await.unwrap();
        assert!(
            code == Some(1) && stderr.contains(word) && stderr.contains("cannot fetch"),
            "{word}: {stderr}"
        );
        assert!(!stderr.contains("hush"), "{stderr}");
    }
    for (args, word) in [
        (&["--token-jwks-url", "http://ada:hush@h/"][..], "without user and password"),
        (&["--token-jwks-url", "http://h/", "--token-key", "k"], "--token-key and --token-jwks-url"),
    ] {
        let (_, stderr) = refused_to_start(args);
        assert!(stderr.contains(word) && !stderr.contains("hush"), "{stderr}");
    }
}
