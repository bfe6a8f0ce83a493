//! A server with both of its ports, and requests whose answers are checked.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::Checked;
use crate::admin::TOKEN;
use crate::support::{Answer, PATIENCE, SECRET, Server, ask, token};

const ARGS: [&str; 6] = ["--token-secret", SECRET, "--admin-listen", "127.0.0.1:0", "--admin-token", TOKEN];

/// See the module.
pub(super) struct Target {
    pub(super) server: Server,
    /// The `Authorization` of a client.
    pub(super) client: String,
    admin: String,
}

impl Target {
    pub(super) fn start(more: &[&str]) -> Target {
        Target::of(Server::start(&[&ARGS, more].concat()))
    }

    /// With a soft and a hard limit of file descriptors.
    pub(super) fn start_with_files(files: (u64, u64), more: &[&str]) -> Target {
        Target::of(Server::start_with_files(files, &[&ARGS, more].concat()))
    }

    fn of(server: Server) -> Target {
        Target { server, client: format!("Bearer {}", token("ada")), admin: format!("Bearer {TOKEN}") }
    }

    fn url(&self, path: &str) -> String {
        let on_admin = path.starts_with("/admin") || ["/metrics", "/openapi.json"].contains(&path);
        if on_admin { self.server.admin_url(path) } else { self.server.url(path) }
    }

    pub(super) fn bearer(&self, path: &str) -> &str {
        if path.starts_with("/admin") { &self.admin } else { &self.client }
    }

    /// Sends a request, with a query after the operation's path.
    pub(super) async fn send(
        &self,
        checked: &mut Checked,
        operation: &str,
        ch: &str,
        query: &str,
        body: &str,
    ) -> u16 {
        let headers = [("authorization", self.bearer(path_of(operation)))];
        self.send_with(checked, operation, ch, query, body, &headers).await
    }

    pub(super) async fn send_with(
        &self,
        checked: &mut Checked,
        operation: &str,
        ch: &str,
        query: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> u16 {
        let (method, path) = operation.split_once(' ').unwrap();
        let url = self.url(&path.replace("{ch}", ch)) + query;
        let answer = ask(method, url, headers, body.as_bytes()).await;
        checked.check(operation, &answer);
        answer.status
    }

    /// Sends the head of a request whose body has this length, and nothing of the body.
    pub(super) async fn send_head(
        &self,
        checked: &mut Checked,
        operation: &str,
        ch: &str,
        length: usize,
    ) -> u16 {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path.replace("{ch}", ch);
        let bearer = self.bearer(&path);
        let url = self.url("/healthz");
        let url = if path.starts_with("/admin") { self.server.admin_url("") } else { url };
        let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {bearer}\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        let text = tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.write_all(head.as_bytes()).unwrap();
            let mut text = String::new();
            socket.read_to_string(&mut text).unwrap();
            text
        })
        .await
        .unwrap();
        let answer = parsed(&text);
        checked.check(operation, &answer);
        answer.status
    }
}

/// The path of an operation.
pub(super) fn path_of(operation: &str) -> &str {
    operation.split_once(' ').unwrap().1
}

/// An answer, from its text.
fn parsed(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let body = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
    Answer { status, headers, body }
}
