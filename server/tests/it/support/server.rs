//! A server process, which is killed when its guard is dropped.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use seamline_test_support::server::{listening_url, without_settings};
use seamline_test_support::system;
use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, eventually, request};

pub struct Server {
    child: Child,
    /// Such as `127.0.0.1:40123`.
    pub address: String,
    directory: TempDir,
    start: Start,
}

/// How it is started.
struct Start {
    args: Vec<String>,
    variables: Vec<(String, String)>,
    /// Its soft and its hard limit of file descriptors, such as `64:128`.
    files: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server on a free port and an empty directory.
    pub fn start(args: &[&str]) -> Server {
        Server::start_with(args, &[])
    }

    /// Like `start`, with environment variables.
    pub fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Server {
        try_start_with(args, variables).unwrap()
    }

    /// Like `start`, with a soft and a hard limit of file descriptors.
    pub fn start_with_files(files: (u64, u64), args: &[&str]) -> Server {
        let args = args.iter().map(|arg| arg.to_string()).collect();
        let files = Some(format!("{}:{}", files.0, files.1));
        try_start_as(Start { args, variables: Vec::new(), files }).unwrap()
    }

    /// Starts it again with the same directory, on another port, after `kill` or `terminate`.
    pub fn restart(&mut self) {
        let (child, address) = spawn(self.directory.path(), &self.start).unwrap();
        (self.child, self.address) = (child, address);
    }

    /// Like `restart`, with other arguments from now on.
    pub fn restart_with(&mut self, args: &[&str]) {
        self.start.args = args.iter().map(|arg| arg.to_string()).collect();
        self.restart();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value of a metric, named with its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let (status, text) = request("GET", self.url("/metrics"), &[], b"").await;
        assert_eq!(status, 200);
        let text = text.as_str().unwrap();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// A figure of its memory, such as `VmRSS` or `VmHWM` (the peak).
    pub fn memory_kb(&self, figure: &str) -> u64 {
        system::memory_kib(self.pid(), figure).unwrap()
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// SIGSTOP: it is there, and does not answer.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Limits the size of its files, which acts like a full disk. `None` removes the limit.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".into(), |bytes| bytes.to_string());
        let pid = self.pid().to_string();
        let limited = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:")]).status();
        assert!(limited.unwrap().success());
    }

    fn signal(&self, signal: &str) {
        system::signal(self.pid(), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server to end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// What it has written to standard error since its last start.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("stderr")).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A path of the admin port.
    pub fn admin_url(&self, path: &str) -> String {
        let log = self.stderr();
        let (_, rest) = log.split_once("the admin API listens on ").expect("it has an admin port");
        let url = rest.split_whitespace().next().unwrap();
        format!("{url}{path}")
    }

    /// Publishes over HTTP; returns the offset.
    pub async fn publish(&self, ch: &str, data: Value) -> u64 {
        let url = self.url(&format!("/channels/{ch}/messages"));
        let (status, answer) = request("POST", url, &[], data.to_string().as_bytes()).await;
        assert_eq!(status, 201, "{answer}");
        answer["offset"].as_u64().unwrap()
    }

    /// Publishes `{"i": from}` to `{"i": to}`, both inclusive.
    pub async fn publish_all(&self, ch: &str, range: std::ops::RangeInclusive<u64>) {
        self.publish_all_with(ch, range, None).await;
    }

    /// Like `publish_all`, with a token.
    pub async fn publish_all_as(&self, ch: &str, range: std::ops::RangeInclusive<u64>, token: String) {
        self.publish_all_with(ch, range, Some(token)).await;
    }

    async fn publish_all_with(&self, ch: &str, range: std::ops::RangeInclusive<u64>, token: Option<String>) {
        let mut client = super::Client::greeted_with(self, "publisher", token).await;
        let count = range.clone().count();
        for i in range {
            let key = format!("publish-all-{i}");
            client.send(serde_json::json!({"op": "pub", "ch": ch, "key": key, "data": {"i": i}})).await;
        }
        for _ in 0..count {
            client.next_op("puback").await;
        }
        client.close().await;
    }

    /// A page of the log over HTTP.
    pub async fn read(&self, ch: &str, after: u64) -> Value {
        let url = self.url(&format!("/channels/{ch}/messages?after={after}&limit=1000"));
        let (status, answer) = request("GET", url, &[], b"").await;
        assert_eq!(status, 200, "{answer}\n{}", self.stderr());
        answer
    }
}

fn command(directory: &Path, args: &[String], files: Option<&str>) -> Command {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_seamline-server");
    let mut command = match files {
        None => Command::new(PROGRAM),
        Some(files) => {
            let mut limited = Command::new("prlimit"); // which becomes the program
            limited.arg(format!("--nofile={files}")).arg(PROGRAM);
            limited
        }
    };
    let named = |flag: &str| args.iter().any(|arg| arg == flag);
    if !named("--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    if !named("--data") {
        command.arg("--data").arg(directory.join("data"));
    }
    without_settings(command.args(args));
    command.env("RUST_LOG", "trace"); // secrets must not be logged at any level
    command
}

/// Returns its standard error if it does not start.
fn spawn(directory: &Path, start: &Start) -> Result<(Child, String), String> {
    let stderr = File::create(directory.join("stderr")).unwrap();
    let mut command = command(directory, &start.args, start.files.as_deref());
    command.envs(start.variables.iter().cloned()).stdout(Stdio::piped()).stderr(stderr);
    let mut child = command.spawn().expect("the server was built");
    let url = listening_url(&mut child);
    let Some((_, address)) = url.as_deref().and_then(|url| url.split_once("://")) else {
        let _ = child.kill(); // if it has not ended
        let _ = child.wait();
        return Err(std::fs::read_to_string(directory.join("stderr")).unwrap());
    };
    Ok((child, address.to_owned()))
}

/// Starts a server that may refuse to start. Then it returns its standard error.
pub fn try_start(args: &[&str]) -> Result<Server, String> {
    try_start_with(args, &[])
}

fn try_start_with(args: &[&str], variables: &[(&str, &str)]) -> Result<Server, String> {
    let args = args.iter().map(|arg| arg.to_string()).collect();
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    try_start_as(Start { args, variables, files: None })
}

fn try_start_as(start: Start) -> Result<Server, String> {
    let directory = TempDir::new().unwrap();
    let (child, address) = spawn(directory.path(), &start)?;
    Ok(Server { child, address, directory, start })
}

/// Runs `seamline-server log …` on a store; returns its exit code and its output.
pub fn log_command(data: &Path, args: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
    command.arg("log").args(args).arg("--data").arg(data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let log = if output.status.success() { String::new() } else { text(&output.stderr) };
    (output.status.code(), text(&output.stdout) + &log)
}

/// Starts a server that should not start; returns its exit code and its standard error.
pub fn refused_to_start(args: &[&str]) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
    let mut command = command(directory.path(), &args, None);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "a refusal must not look like a start");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Starts a server with this log, which it refuses: the error has these words, and no password, which is `hush`.
#[track_caller]
pub fn assert_log_refused(url: &str, words: &[&str]) {
    let (code, stderr) = refused_to_start(&["--log", url]);
    assert!(code == Some(1) || code == Some(2), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
    }
    assert!(!stderr.contains("hush"), "{stderr}");
}
