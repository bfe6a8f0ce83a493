//! Each connection holds a file descriptor. A server that has no more of them answers health checks all the same.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Server, ask, eventually, request};

/// Connects until the server refuses. Returns the sockets.
pub(crate) async fn exhaust(server: &Server) -> Vec<Client> {
    let mut clients = Vec::new();
    loop {
        match Client::try_connect(server, Some("seamline.v1")).await {
            Ok(client) => clients.push(client),
            Err((status, text)) => {
                assert_eq!(status, 503, "{text}");
                assert!(text.contains("overloaded") && text.contains("ulimit -n"), "{text}");
                return clients;
            }
        }
        assert!(clients.len() < 64, "it has 64 file descriptors");
    }
}

#[tokio::test]
async fn health_checks_are_answered_without_descriptors() {
    let server = Server::start_with_files((64, 64), &["--hello-timeout-ms", "600000"]);
    let mut clients = exhaust(&server).await;
    assert!(clients.len() > 16, "{} sockets of 64 file descriptors", clients.len());
    for _ in 0..50 {
        let (status, body) = request("GET", server.url("/healthz"), &[], b"").await;
        assert_eq!((status, &body["status"]), (200, &json!("ok")), "{body}");
        let (status, body) = request("GET", server.url("/readyz"), &[], b"").await;
        assert_eq!((status, &body["status"]), (503, &json!("overloaded")), "{body}");
    }
    let refused = ask("GET", server.url("/channels/c"), &[], b"").await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("overloaded")));
    assert_eq!(refused.headers["retry-after"], "10");
    assert_eq!(server.metric("seamline_refused_total{reason=\"descriptors\"}").await, 2.0);
    let lines = server.stderr().lines().filter(|line| line.contains("file descriptors for more")).count();
    assert_eq!(lines, 1, "one line in a minute: {}", server.stderr());
    // Those who have a socket keep it, and the others come back when there is room.
    let mut first = clients.remove(0);
    first.send(json!({"op": "hello", "v": 1, "client_id": "c"})).await;
    first.next_op("welcome").await;
    drop((first, clients));
    eventually("file descriptors to be free", || {
        std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count() < 32
    })
    .await;
    Client::greeted(&server, "d").await;
    assert_eq!(request("GET", server.url("/readyz"), &[], b"").await.0, 200);
}

/// Connections that ask for nothing use up the reserve for a second only, and `accept` does not spin.
#[tokio::test]
async fn silent_connections_do_not_hold_the_reserve() {
    let server = Server::start_with_files((64, 64), &["--max-connections-per-ip", "0"]);
    let clients = exhaust(&server).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(&server.address).await.unwrap());
    }
    for tcp in &mut silent {
        let closed = timeout(PATIENCE, tcp.read(&mut [0])).await;
        assert!(closed.is_ok(), "a silent connection stayed open");
    }
    assert_eq!(request("GET", server.url("/healthz"), &[], b"").await.0, 200);
    let before = cpu_ticks(server.pid());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = cpu_ticks(server.pid()) - before;
    assert!(used < 30, "the server used {used} ticks of processor time in a second");
    drop(clients);
}

/// The soft limit of most systems is 1024.
#[tokio::test]
async fn the_soft_limit_is_raised() {
    let server = Server::start_with_files((64, 512), &[]);
    let mut clients = Vec::new();
    for i in 0..100 {
        clients.push(Client::greeted(&server, &format!("c{i}")).await);
    }
    assert!(server.stderr().contains("512"), "{}", server.stderr());
}

/// User and system time of a process, in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
