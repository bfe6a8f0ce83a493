//! Servers that a test has for itself: a real one that it kills, and one that does what no real one does.

use std::path::PathBuf;

use seamline_test_support::process::Process;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use futures::{SinkExt, StreamExt};

/// A `seamline-server` with a log of its own.
pub struct Server {
    process: Process,
    _directory: TempDir,
}

impl Server {
    pub async fn start(options: &[&str]) -> Server {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("data").display().to_string();
        let args = ["--demo", "--listen", "127.0.0.1:{port}", "--data", &data];
        let output = directory.path().join("server.log");
        let process = Process::start(&program(), &[&args[..], options].concat(), output).await.unwrap();
        Server { process, _directory: directory }
    }

    pub fn port(&self) -> u16 {
        self.process.port
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.port())
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts it again.
    pub async fn restart(&mut self) {
        self.process.restart().await.unwrap();
    }
}

/// The server's binary.
fn program() -> PathBuf {
    std::env::var_os("SEAMLINE_SERVER").expect("no server: run `cargo xtask test --only native`").into()
}

/// A server that accepts one connection and sends what a test sends.
pub struct Scripted(TcpListener);

impl Scripted {
    pub async fn start() -> Scripted {
        Scripted(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.0.local_addr().unwrap())
    }

    /// The next connection, after `hello` and `welcome`.
    pub async fn accept(&self) -> WebSocketStream<TcpStream> {
        let (tcp, _) = self.0.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_hdr_async(tcp, subprotocol).await.unwrap();
        let hello = socket.next().await.unwrap().unwrap();
        assert!(hello.to_text().unwrap().contains(r#""op":"hello""#), "{hello}");
        let welcome = r#"{"op":"welcome","session":"s","heartbeat_ms":25000,"max_frame_bytes":65536}"#;
        socket.send(Message::text(welcome)).await.unwrap();
        socket
    }
}

#[allow(clippy::result_large_err)] // the library's type
fn subprotocol(
    _: &Request,
    mut response: Response,
) -> Result<Response, tokio_tungstenite::tungstenite::handshake::server::ErrorResponse> {
    response.headers_mut().insert("sec-websocket-protocol", "seamline.v1".parse().unwrap());
    Ok(response)
}
