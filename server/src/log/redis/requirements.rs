//! Checks whether a Redis is suitable as the store, and warns about risky settings.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError};
use tracing::warn;

use crate::config::without_password;
use crate::error::SetupError;

/// The first version with `XTRIM … MINID` and exclusive ranges.
const VERSION_MIN: (u64, u64) = (6, 2);

pub(super) fn bad_url(url: &str, e: &RedisError) -> SetupError {
    cannot_use(url, e, "Give a URL such as redis://127.0.0.1:6379/0 with --log.")
}

pub(super) fn cannot_connect(url: &str, e: &RedisError) -> SetupError {
    let advice = match e.kind() {
        ErrorKind::AuthenticationFailed => {
            "Give user and password in the URL: --log redis://user:password@host:port."
        }
        _ if url.starts_with("rediss:") => {
            "Check that Redis is running there, with TLS on this port and a certificate that this machine trusts. For a \
             CA of your own, give the path of its certificate (PEM) in the variable SSL_CERT_FILE."
        }
        _ => "Check that Redis is running there, or give another address with --log.",
    };
    cannot_use(url, e, advice)
}

fn cannot_use(url: &str, problem: impl ToString, advice: &str) -> SetupError {
    let what = format!("cannot use {} as the store", without_password(url));
    SetupError::new(what, problem).advice(advice)
}

/// Rejects a Redis that is too old or part of a cluster; warns about one that may lose messages.
pub(super) async fn check(url: &str, connection: &mut MultiplexedConnection) -> Result<(), SetupError> {
    let info: Result<String, _> = redis::cmd("INFO").arg("server").query_async(connection).await;
    // If INFO is not allowed, the scripts will show what is missing.
    let info = info.unwrap_or_default();
    let field = |name| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    if let Some(version) = field("redis_version")
        && version_of(version).is_some_and(|found| found < VERSION_MIN)
    {
        let problem = format!("its version is {version}");
        return Err(cannot_use(url, problem, "Use Redis 6.2 or newer."));
    }
    if field("redis_mode") == Some("cluster") {
        let advice = "Give a single Redis server (a primary, with replicas if you like).";
        return Err(cannot_use(url, "it is part of a Redis Cluster", advice));
    }
    warn_about_settings(connection).await;
    Ok(())
}

/// Warns about settings with which Redis may lose acknowledged publications.
async fn warn_about_settings(connection: &mut MultiplexedConnection) {
    let mut setting = async |name: &str| {
        let answer = redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
        let pair: Option<Vec<String>> = answer.ok(); // hosted ones forbid it
        pair?.into_iter().nth(1)
    };
    match setting("appendonly").await.as_deref() {
        Some("no") => warn!(
            "Redis has no append-only file (appendonly no): acknowledged publications are lost when it stops; set \
             appendonly yes"
        ),
        Some(_) => {
            if let Some(fsync) = setting("appendfsync").await.filter(|fsync| fsync != "always") {
                warn!(
                    "Redis does not flush every write (appendfsync {fsync}): a crash may lose the last acknowledged \
                     publications; set appendfsync always"
                );
            }
        }
        None => {}
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
