//! A Redis on a free port with an empty directory, which is killed when its guard is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, Connection, FromRedisValue};
use seamline_test_support::redis::{PROGRAM, durable};
use seamline_test_support::system::{self, free_port};
use tempfile::TempDir;

use super::{Certificate, PATIENCE};

pub struct Redis {
    child: Child,
    port: u16,
    directory: TempDir,
    more: Vec<String>,
    /// How many connections were ours.
    asked: AtomicU64,
}

/// A user whose permissions a test sets.
const USER: &str = "app";
const PASSWORD: &str = "secret-word";

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Redis {
    /// A Redis that flushes every write.
    pub fn start() -> Redis {
        Redis::start_with(Vec::new)
    }

    /// A Redis that speaks TLS on another port; returns its URL as well.
    pub fn start_tls(certificate: &Certificate) -> (Redis, String) {
        let redis = Redis::start_with(|| tls_options(certificate));
        let url = format!("rediss://127.0.0.1:{}/0", redis.more[1]);
        (redis, url)
    }

    /// A Redis Cluster of one node that speaks TLS on another port; returns its URL as well.
    pub fn start_tls_cluster(certificate: &Certificate) -> (Redis, String) {
        let tls_cluster = ["--tls-cluster", "yes"].map(Into::into);
        let redis = Redis::start_with(|| {
            [tls_options(certificate), cluster_options(), tls_cluster.to_vec()].concat()
        });
        redis.own_all_slots();
        let url = format!("rediss-cluster://127.0.0.1:{}", redis.more[1]);
        (redis, url)
    }

    /// A Redis Cluster of one node, which has all slots.
    pub fn start_cluster() -> Redis {
        let redis = Redis::start_cluster_without_slots();
        redis.own_all_slots();
        redis
    }

    fn own_all_slots(&self) {
        self.command::<()>("CLUSTER", &[b"ADDSLOTSRANGE", b"0", b"16383"]);
        self.wait_for_cluster();
    }

    /// A node of a cluster that was not created yet.
    pub fn start_cluster_without_slots() -> Redis {
        Redis::start_with(cluster_options)
    }

    /// Waits until the cluster accepts commands, which takes two seconds after a start.
    pub fn wait_for_cluster(&self) {
        let start = Instant::now();
        while !self.command::<String>("CLUSTER", &[b"INFO"]).contains("cluster_state:ok") {
            assert!(start.elapsed() < PATIENCE, "{}", output(&self.directory));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The value for `--log` if it is a cluster.
    pub fn cluster_url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{}", self.port)
    }

    /// A Redis that listens on every address, and is in protected mode.
    pub fn start_protected() -> Redis {
        Redis::start_with(|| ["--bind", "0.0.0.0"].map(Into::into).to_vec())
    }

    fn start_with(options: impl Fn() -> Vec<String>) -> Redis {
        let directory = directory();
        for _ in 0..5 {
            let (port, more) = (free_port().unwrap(), options());
            if let Some(child) = spawn(&directory, port, &more) {
                return Redis { child, port, directory, more, asked: AtomicU64::new(0) };
            }
            // Someone took the port in between: another one.
        }
        panic!("redis-server does not start:\n{}", output(&directory));
    }

    /// The value for `--log`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The value for `--log`, with the user [`USER`].
    pub fn url_of_user(&self) -> String {
        format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    /// Creates the user [`USER`], or changes it: it may do everything except for these rules, such as `-xadd`.
    pub fn set_permissions(&self, rules: &[&str]) {
        let password = format!(">{PASSWORD}");
        let all = ["SETUSER", USER, "on", &password, "~*", "&*", "+@all"];
        let args: Vec<&[u8]> = all.iter().chain(rules).map(|arg| arg.as_bytes()).collect();
        self.command::<()>("ACL", &args);
    }

    /// Gives the user [`USER`] another password.
    pub fn change_password(&self) {
        self.command::<()>("ACL", &[b"SETUSER", USER.as_bytes(), b"resetpass", b">another"]);
    }

    /// Makes it a replica of another Redis, or a primary.
    pub fn replicate(&self, primary: Option<&Redis>) {
        let port = primary.map_or("ONE".to_owned(), |primary| primary.port.to_string());
        let host = if primary.is_some() { "127.0.0.1" } else { "NO" };
        self.command::<()>("REPLICAOF", &[host.as_bytes(), port.as_bytes()]);
    }

    /// How many connections it has ever accepted, except for those of [`command`](Self::command).
    pub fn connections(&self) -> u64 {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let info: String =
            redis::cmd("INFO").arg("stats").query(&mut connect(self.port, PATIENCE).unwrap()).unwrap();
        let all = info.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
        all.parse::<u64>().unwrap() - asked
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again with the same port and directory.
    pub fn restart(&mut self) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(child) = spawn(&self.directory, self.port, &self.more) {
                self.child = child;
                return;
            }
        }
        panic!("redis-server does not start again:\n{}", output(&self.directory));
    }

    /// Restarts it without its data.
    pub fn restart_empty(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.directory.path().join("appendonlydir")).unwrap();
        self.restart();
    }

    /// SIGSTOP: it is reachable, but does not answer.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        system::signal(self.child.id(), signal).unwrap();
    }

    /// Runs a command.
    pub fn command<T: FromRedisValue>(&self, name: &str, args: &[&[u8]]) -> T {
        self.asked.fetch_add(1, Ordering::SeqCst);
        redis::cmd(name).arg(args).query(&mut connect(self.port, PATIENCE).unwrap()).unwrap()
    }

    /// Closes all connections, as a failover does.
    pub fn disconnect_everyone(&self) {
        self.command::<redis::Value>("CLIENT", &[b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes"]);
    }
}

fn cluster_options() -> Vec<String> {
    let bus = free_port().unwrap().to_string();
    ["--cluster-enabled", "yes", "--cluster-port", &bus].map(Into::into).to_vec()
}

fn tls_options(certificate: &Certificate) -> Vec<String> {
    let port = free_port().unwrap().to_string();
    let (file, key) = (certificate.file(), certificate.key());
    let pairs = [
        ("--tls-port", port),
        ("--tls-cert-file", file.clone()),
        ("--tls-key-file", key),
        ("--tls-ca-cert-file", file),
        ("--tls-auth-clients", "no".into()),
    ];
    pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

/// In memory if possible: the data has to outlive the process, not the machine, and with a disk that is busy with other
/// tests, Redis would seem to be unavailable.
fn directory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Returns `None` if it ended at once.
fn spawn(directory: &TempDir, port: u16, more: &[String]) -> Option<Child> {
    let log = std::fs::File::create(directory.path().join("redis.log")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(durable(&port.to_string(), directory.path())).args(more);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut child = command.spawn().unwrap_or_else(|e| {
        panic!("these tests need redis-server, which cannot be started ({e}): run `cargo xtask setup`")
    });
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if is_ready(port, child.id()).unwrap_or(false) {
            return Some(child);
        }
        assert!(start.elapsed() < PATIENCE, "redis-server does not answer:\n{}", output(directory));
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Whether this process answers there, and not another one, and has read its data.
fn is_ready(port: u16, process_id: u32) -> redis::RedisResult<bool> {
    let mut connection = connect(port, Duration::from_secs(1))?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    let _: String = redis::cmd("PING").query(&mut connection)?; // fails while it reads its data
    let itself = format!("process_id:{process_id}");
    Ok(info.lines().any(|line| line == itself))
}

fn connect(port: u16, limit: Duration) -> redis::RedisResult<Connection> {
    Client::open(format!("redis://127.0.0.1:{port}/0"))?.get_connection_with_timeout(limit)
}

fn output(directory: &TempDir) -> String {
    std::fs::read_to_string(directory.path().join("redis.log")).unwrap_or_default()
}
