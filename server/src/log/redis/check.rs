//! Whether a Redis will do, and what is to be said about it.

use std::fmt;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError};
use tracing::warn;

use crate::config::without_password;

/// `XTRIM … MINID` and exclusive ranges.
const VERSION_MIN: (u64, u64) = (6, 2);

/// This Redis cannot be used; says what to do.
#[derive(Debug)]
pub struct OpenError {
    url: String,
    problem: String,
    advice: &'static str,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenError { url, problem, advice } = self;
        write!(f, "cannot use {url} for the log: {problem}\n{advice}")
    }
}

impl std::error::Error for OpenError {}

fn fail(url: &str, problem: String, advice: &'static str) -> OpenError {
    OpenError { url: without_password(url), problem, advice }
}

pub(super) fn bad_url(url: &str, e: &RedisError) -> OpenError {
    fail(url, e.to_string(), "Give --log such as redis://127.0.0.1:6379/0.")
}

pub(super) fn cannot_connect(url: &str, e: &RedisError) -> OpenError {
    let advice = match e.kind() {
        ErrorKind::AuthenticationFailed => {
            "Give user and password in --log: redis://user:password@host:port."
        }
        _ if url.starts_with("rediss:") => {
            "Is Redis running there, with TLS on this port and a certificate that this machine trusts? If it is of \
             a CA of your own, name a file with that CA's certificate (PEM) in the variable SSL_CERT_FILE."
        }
        _ => "Is Redis running there? Give another address with --log.",
    };
    fail(url, e.to_string(), advice)
}

/// Refuses a Redis that is too old or a cluster; warns about one that may forget.
pub(super) async fn server(url: &str, connection: &mut MultiplexedConnection) -> Result<(), OpenError> {
    let info: Result<String, _> = redis::cmd("INFO").arg("server").query_async(connection).await;
    // Where INFO is not allowed, the scripts will show what is missing.
    let info = info.unwrap_or_default();
    let field = |name| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    if let Some(version) = field("redis_version")
        && version_of(version).is_some_and(|found| found < VERSION_MIN)
    {
        return Err(fail(url, format!("it is Redis {version}"), "Redis 6.2 or newer is needed."));
    }
    if field("redis_mode") == Some("cluster") {
        let advice = "Give one Redis server (a primary, with replicas if you like), not a cluster.";
        return Err(fail(url, "it is part of a Redis Cluster".into(), advice));
    }
    warn_of_settings(connection).await;
    Ok(())
}

/// Says which settings break the promise that an acknowledged publication stays.
async fn warn_of_settings(connection: &mut MultiplexedConnection) {
    let mut setting = async |name: &str| {
        let answer = redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
        let pair: Option<Vec<String>> = answer.ok(); // hosted ones do not tell
        pair?.into_iter().nth(1)
    };
    match setting("appendonly").await.as_deref() {
        Some("no") => {
            warn!("Redis has no append-only file: when it stops, acknowledged publications are lost");
        }
        Some(_) if setting("appendfsync").await.is_some_and(|fsync| fsync != "always") => {
            warn!("Redis flushes its disk now and then: a crash may lose the last acknowledged publications");
        }
        _ => {}
    }
    if let Some(policy) = setting("maxmemory-policy").await
        && policy != "noeviction"
    {
        warn!("Redis may evict keys (maxmemory-policy {policy}): channels may lose messages; set noeviction");
    }
}

fn version_of(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_of("6.0.20").unwrap() < VERSION_MIN);
        assert!(version_of("7.0.15").unwrap() > VERSION_MIN);
        assert!(version_of("10.0.0").unwrap() > VERSION_MIN);
        assert_eq!(version_of("x"), None);
    }
}
