//! What errors of Redis mean, in words, and what to do about them.

use std::time::Duration;

use redis::{ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For each step of a second look at a port that does not work.
const LOOK_TIMEOUT: Duration = Duration::from_millis(500);

const CREDENTIALS: &str = "Give user and password in the URL: --log redis://user:password@host:port.";
/// What the library reports if `SELECT` fails. Redis has no code of its own for that.
const REFUSED_DATABASE: &str = "refused to switch database";
const DATABASE: &str = "Check the number of the database in the URL: Redis must have it (`databases`), and its user needs the \
                        permission to run SELECT.";
const ADDRESS: &str = "Check that Redis is running there, or give another address with --log.";
const PLAIN_OR_TLS: &str = "Check that Redis is running there, or give another address with --log. If this port expects \
                            TLS, use rediss://.";
const TLS: &str = "Check that Redis is running there, with TLS on this port and a certificate that this machine trusts. \
                   For a CA of your own, give the path of its certificate (PEM) in the variable SSL_CERT_FILE.";

const NAME: &str =
    "Check the name at the end of the URL with SENTINEL MASTERS, and whether that Redis is up.";
const NODES: &str = "Check that the nodes of the cluster are running there, and user and password. If they expect TLS, \
                     use rediss-cluster://.";
const SENTINELS: &str = "Check that the Sentinels and the primary are running there, and user and password: those of \
                         Redis stand before the hosts, those of Sentinel are the options sentinel_user and \
                         sentinel_password.";

/// Whether Redis rejects the user or the password: no retry cures that.
pub(super) fn is_rejected_login(e: &RedisError) -> bool {
    e.kind() == ErrorKind::AuthenticationFailed || matches!(e.code(), Some("NOAUTH" | "WRONGPASS"))
}

/// The error, in words.
pub(super) fn in_words(e: &RedisError) -> String {
    match (e.code(), e.kind()) {
        (Some("NOAUTH"), _) => "Redis requires a password, and got none (NOAUTH)".into(),
        (Some("WRONGPASS"), _) | (_, ErrorKind::AuthenticationFailed) => {
            "Redis rejects the user or the password (WRONGPASS)".into()
        }
        (_, ErrorKind::Server(ServerErrorKind::NoPerm)) => {
            format!("Redis does not allow this user a command (NOPERM): {}", e.detail().unwrap_or_default())
        }
        (Some(code @ ("MOVED" | "ASK" | "TRYAGAIN")), _) => {
            format!("the slot of this channel is at another shard, or on its way there ({code})")
        }
        (Some("CLUSTERDOWN"), _) => {
            format!("the cluster is down (CLUSTERDOWN): {}", e.detail().unwrap_or_default())
        }
        _ => e.to_string(),
    }
}

/// Why a Redis cannot be used, and what to do about it. If the connection broke, this opens another one to find out
/// why.
pub(super) async fn explained(url: &str, e: &RedisError) -> (String, &'static str) {
    match e.kind() {
        ErrorKind::MasterNameNotFoundBySentinel => return (in_words(e), NAME),
        _ if url.contains("+sentinel:") => return (in_words(e), SENTINELS),
        _ if is_rejected_login(e) => return (in_words(e), CREDENTIALS),
        _ if url.starts_with("redis-cluster:") => return (in_words(e), NODES),
        _ if url.starts_with("rediss-cluster:") => return (in_words(e), TLS),
        _ if e.to_string().contains(REFUSED_DATABASE) => return (in_words(e), DATABASE),
        _ => {}
    }
    let is_tls = url.starts_with("rediss:");
    let greeting = if e.is_io_error() { look(url).await } else { None };
    match greeting.as_deref() {
        Some(text) if text.starts_with("-DENIED") => {
            let why = "Redis is in protected mode (DENIED): it accepts only connections from its own machine";
            (why.into(), "Set a password (requirepass) in Redis, and give it in the URL of --log.")
        }
        Some(text) if is_tls && text.starts_with(['+', '-']) => {
            let why = "this port of Redis does not use TLS";
            (why.into(), "Give a port of Redis with TLS in --log, or use redis://.")
        }
        _ if is_tls => (in_words(e), TLS),
        _ if e.is_io_error() && !e.is_connection_refusal() => (in_words(e), PLAIN_OR_TLS),
        _ => (in_words(e), ADDRESS),
    }
}

/// What the port says at once, or to a `PING`, without TLS.
async fn look(url: &str) -> Option<String> {
    let info = url.into_connection_info().ok()?;
    let address = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), *port),
        _ => return None,
    };
    let mut stream = timeout(LOOK_TIMEOUT, TcpStream::connect(address)).await.ok()?.ok()?;
    let mut answer = [0; 64];
    let read = match timeout(LOOK_TIMEOUT, stream.read(&mut answer)).await {
        Ok(read) => read,
        Err(_) => {
            stream.write_all(b"PING\r\n").await.ok()?;
            timeout(LOOK_TIMEOUT, stream.read(&mut answer)).await.ok()?
        }
    };
    Some(String::from_utf8_lossy(&answer[..read.ok()?]).into_owned())
}
