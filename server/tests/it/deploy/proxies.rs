//! The configurations of proxies, run by the real proxies in front of a real server: WebSockets and HTTP pass, a
//! client cannot claim another address, and what is for the inside stays there.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use seamline_test_support::system::free_port;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use super::text;
use crate::support::{Certificate, Client, PATIENCE, Server, request};

/// A proxy with TLS, and a listener without TLS that leads to it.
struct Proxy {
    child: Child,
    directory: TempDir,
    /// Of the listener.
    address: SocketAddr,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxy {
    /// Writes the configuration and starts the program with it, on a free port.
    async fn start(name: &str, config: impl Fn(u16, &Certificate, &TempDir) -> String) -> Proxy {
        let (certificate, directory, port) =
            (Certificate::new(), TempDir::new().unwrap(), free_port().unwrap());
        let file = directory.path().join("config");
        std::fs::write(&file, config(port, &certificate, &directory)).unwrap();
        let mut command = Command::new(name);
        let file = file.to_str().unwrap();
        match name {
            "nginx" => command.args(["-c", file, "-g", "daemon off; pid nginx.pid; error_log stderr;", "-p"]),
            "haproxy" => command.args(["-db", "-f", file, "-C"]),
            _ => command.args(["run", "--adapter", "caddyfile", "--config", file]),
        };
        if name != "caddy" {
            command.arg(directory.path());
        }
        let output = std::fs::File::create(directory.path().join("output")).unwrap();
        command.env("HOME", directory.path()).stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {name}: {e}; cargo xtask test installs it"));
        let address = without_tls(port, certificate).await;
        let proxy = Proxy { child, directory, address };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(start.elapsed() < PATIENCE, "{name} does not listen:\n{}", proxy.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("output")).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A listener whose connections lead to this port, with TLS.
async fn without_tls(port: u16, certificate: Certificate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let connector = certificate.connector();
            tokio::spawn(async move {
                let far = TcpStream::connect(("127.0.0.1", port)).await?;
                let mut far = connector.connect("127.0.0.1".try_into().unwrap(), far).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    address
}

/// The text, in which each of these must be present.
fn replaced(mut text: String, pairs: &[(&str, &str)]) -> String {
    for (from, to) in pairs {
        assert!(text.contains(from), "no {from:?} in\n{text}");
        text = text.replace(from, to);
    }
    text
}

async fn passes(name: &str, server: &Server, proxy: &Proxy) {
    let address = proxy.address.to_string();
    let start = Instant::now();
    // Some check the server first.
    while request("GET", proxy.url("/channels/c"), &[], b"").await.0 == 503 {
        assert!(start.elapsed() < PATIENCE, "{name} has no server:\n{}", proxy.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut client = Client::greeted_at(&address, "c").await;
    client.sub("c", 1000, json!({"from": "start"})).await;
    while client.next().await["op"] != "live" {}
    let large = json!("x".repeat(100_000));
    let (status, answer) =
        request("POST", proxy.url("/channels/c/messages"), &[], large.to_string().as_bytes()).await;
    assert_eq!(status, 201, "{name}: {answer}\n{}", proxy.output());
    let frame = loop {
        let frame = client.next().await;
        if frame["op"] == "msgs" {
            break frame;
        }
    };
    assert_eq!(frame["data"][0], large, "{name}");
    // The server allows one socket for each address, and this is the second of this one, whatever it claims.
    let claim = [("sec-websocket-protocol", "seamline.v1"), ("x-forwarded-for", "192.0.2.1")];
    let refused = Client::open_at(&address, "", &claim).await;
    assert_eq!(refused.err().map(|(status, _)| status), Some(429), "{name}");
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(request("GET", proxy.url(path), &[], b"").await.0, 404, "{name}: {path}");
        assert_eq!(request("GET", server.url(path), &[], b"").await.0, 200, "{path}");
    }
    client.round_trip().await;
}

fn server() -> Server {
    Server::start(&["--trusted-proxies", "127.0.0.1", "--max-connections-per-ip", "1"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_passes_everything_on() {
    let server = server();
    let config = |port: u16, certificate: &Certificate, directory: &TempDir| {
        let config = replaced(
            text("proxies/nginx.conf"),
            &[
                ("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;")),
                ("server 127.0.0.1:8080;", &format!("server {};", server.address)),
                ("/etc/ssl/seamline/fullchain.pem", &certificate.file()),
                ("/etc/ssl/seamline/privkey.pem", &certificate.key()),
                ("/var/log/nginx/", &format!("{}/", directory.path().display())),
            ],
        );
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};"));
        format!("events {{}}\nhttp {{\n{}\n{config}\n}}\n", temporary.join("\n"))
    };
    let proxy = Proxy::start("nginx", config).await;
    passes("nginx", &server, &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_passes_everything_on() {
    let server = server();
    let config = |port: u16, certificate: &Certificate, directory: &TempDir| {
        let pem = directory.path().join("both.pem").display().to_string();
        let both = [certificate.file(), certificate.key()].map(|file| std::fs::read_to_string(file).unwrap());
        std::fs::write(&pem, both.concat()).unwrap();
        replaced(
            text("proxies/haproxy.cfg"),
            &[
                ("bind :443 ", &format!("bind 127.0.0.1:{port} ")),
                ("/etc/haproxy/seamline.pem", &pem),
                ("server a 127.0.0.1:8080", &format!("server a {}", server.address)),
                ("maxconn 50000", "maxconn 100"),
            ],
        )
    };
    let proxy = Proxy::start("haproxy", config).await;
    passes("haproxy", &server, &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_passes_everything_on() {
    let server = server();
    let config = |port: u16, certificate: &Certificate, _: &TempDir| {
        let site = format!("https://127.0.0.1:{port}");
        let tls = format!("{site} {{\n\ttls {} {}\n", certificate.file(), certificate.key());
        let config = replaced(
            text("proxies/Caddyfile"),
            &[
                ("{$SEAMLINE_SITE:live.example.com} {\n", &tls),
                ("{$SEAMLINE_UPSTREAM:127.0.0.1:8080}", &server.address),
            ],
        );
        format!("{{\n\tadmin off\n\tauto_https off\n}}\n{config}")
    };
    let proxy = Proxy::start("caddy", config).await;
    passes("caddy", &server, &proxy).await;
}
