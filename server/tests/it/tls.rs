//! TLS on the server's own port: wss and https, a renewed certificate, an endless handshake, and unusable files.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{Certificate, PATIENCE, Server, eventually, refused_to_start};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

fn start(certificate: &Certificate, more: &[&str]) -> Server {
    Server::start(&[&["--tls-cert", &certificate.file(), "--tls-key", &certificate.key()], more].concat())
}

async fn connect(server: &Server, certificate: &Certificate) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(&server.address).await.unwrap();
    certificate.connector().connect("127.0.0.1".try_into().unwrap(), tcp).await
}

async fn greeted(server: &Server, certificate: &Certificate) -> Socket {
    let mut request = format!("wss://{}/ws", server.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "seamline.v1".parse().unwrap());
    request.headers_mut().insert("origin", format!("https://{}", server.address).parse().unwrap());
    let mut socket = client_async(request, connect(server, certificate).await.unwrap()).await.unwrap().0;
    send(&mut socket, json!({"op": "hello", "v": 1, "client_id": "c"})).await;
    assert_eq!(next(&mut socket).await["op"], "welcome");
    socket
}

async fn send(socket: &mut Socket, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("nothing came") {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn messages_pass_through_tls() {
    let certificate = Certificate::new();
    let server = start(&certificate, &[]);
    let mut socket = greeted(&server, &certificate).await;
    send(&mut socket, json!({"op": "sub", "ch": "c", "credit": 1000})).await;
    while next(&mut socket).await["op"] != "live" {}
    // Several TLS records each.
    for i in 0..20 {
        let data = json!({"i": i, "text": "x".repeat(100_000)});
        send(&mut socket, json!({"op": "pub", "ch": "c", "key": format!("k{i}"), "data": data})).await;
    }
    let (mut got, mut acknowledged) = (0, 0);
    while got < 20 || acknowledged < 20 {
        let frame = next(&mut socket).await;
        match frame["op"].as_str().unwrap() {
            "puback" => acknowledged += 1,
            "msgs" => got += frame["data"].as_array().unwrap().len(),
            "incoming" => {}
            other => panic!("{other}"),
        }
    }
    socket.close(None).await.unwrap();
    while let Some(end) = timeout(PATIENCE, socket.next()).await.expect("the socket stays open") {
        assert!(end.is_ok(), "{end:?}");
    }
}

#[tokio::test]
async fn requests_pass_through_tls() {
    let certificate = Certificate::new();
    let server = start(&certificate, &[]);
    let mut tls = connect(&server, &certificate).await.unwrap();
    tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    // To the end: a connection that ends without a TLS close is an error here.
    timeout(PATIENCE, tls.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""status":"ok""#), "{answer}");
    // A request without TLS gets no answer.
    let mut tcp = TcpStream::connect(&server.address).await.unwrap();
    tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, tcp.read_to_end(&mut rest)).await.expect("still open");
    assert!(!rest.starts_with(b"HTTP"));
}

#[tokio::test]
async fn an_endless_handshake_times_out() {
    let certificate = Certificate::new();
    let server = start(&certificate, &["--header-timeout-ms", "2000"]);
    let a_while = Duration::from_secs(12); // 15 by default
    // A record of 512 bytes is announced, but does not come.
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut tcp = TcpStream::connect(&server.address).await.unwrap();
        tcp.write_all(sent).await.unwrap();
        let ended = timeout(a_while, tcp.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "still open after {sent:?}");
    }
    // After the handshake, the request has a time limit as well.
    let mut tls = connect(&server, &certificate).await.unwrap();
    let ended = timeout(a_while, tls.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "still open after the handshake");
}

#[tokio::test]
async fn a_handshake_does_not_delay_a_drain() {
    let certificate = Certificate::new();
    let mut server = start(&certificate, &[]);
    let _silent = TcpStream::connect(&server.address).await.unwrap();
    connect(&server, &certificate).await.unwrap(); // so that the other connection has been accepted
    server.terminate();
    assert!(server.ended().await.success());
    assert!(!server.stderr().contains("did not disconnect within"), "{}", server.stderr());
}

#[tokio::test]
async fn certificates_are_reloaded_on_sighup() {
    let mut certificate = Certificate::new();
    let server = start(&certificate, &[]);
    let mut socket = greeted(&server, &certificate).await;
    certificate.renew();
    assert!(connect(&server, &certificate).await.is_err(), "not before the signal");
    server.hang_up();
    eventually("the new certificate", || server.stderr().contains("reloaded the")).await;
    connect(&server, &certificate).await.unwrap();
    // An unusable certificate changes nothing. Open connections are not affected by any of this.
    std::fs::write(certificate.file(), "nonsense").unwrap();
    server.hang_up();
    eventually("an error in the logs", || server.stderr().contains("kept the old")).await;
    connect(&server, &certificate).await.unwrap();
    send(&mut socket, json!({"op": "ping"})).await;
    assert_eq!(next(&mut socket).await["op"], "pong");
}

#[test]
fn unusable_files_are_named() {
    let (one, other) = (Certificate::new(), Certificate::new());
    let (file, key) = (one.file(), one.key());
    let no_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let public = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/rsa.public.pem");
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(broken.path(), "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n").unwrap();
    let broken = broken.path().to_str().unwrap();
    for (certificate, key, words) in [
        ("/nowhere/cert.pem", &*key, &["certificate /nowhere/cert.pem", "No such file"][..]),
        (&*file, "/nowhere/key.pem", &["key /nowhere/key.pem", "No such file"]),
        (no_pem, &*key, &[no_pem, "BEGIN CERTIFICATE"]),
        (&*file, no_pem, &[no_pem, "BEGIN PRIVATE KEY"]),
        (&*file, public, &[public, "BEGIN PRIVATE KEY"]),
        (&*file, &*file, &[&*file, "BEGIN PRIVATE KEY"]),
        (&*file, &*other.key(), &[&*file, &*other.key(), "belong together"]),
        (broken, &*key, &[broken]),
    ] {
        let (code, stderr) = refused_to_start(&["--tls-cert", certificate, "--tls-key", key]);
        assert!(code == Some(1) && !stderr.contains("hush"), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
        }
    }
    for half in [["--tls-cert", &*file], ["--tls-key", &*key]] {
        let (code, stderr) = refused_to_start(&half);
        assert!(code == Some(1) && stderr.contains("Give both"), "{stderr}");
    }
}
