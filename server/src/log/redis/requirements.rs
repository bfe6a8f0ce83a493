//! Checks whether a Redis is suitable as the store, and warns about risky settings.

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tracing::warn;

use super::address::AddressError;
use super::problem::{self, in_words};
use crate::config::without_password;
use crate::error::SetupError;

/// The first version with `XTRIM … MINID` and exclusive ranges.
const VERSION_MIN: (u64, u64) = (6, 2);

pub(super) fn bad_url(url: &str, e: &AddressError) -> SetupError {
    cannot_use(url, e, e.advice())
}

pub(super) async fn cannot_connect(url: &str, e: &RedisError) -> SetupError {
    let (why, advice) = problem::explained(url, e).await;
    cannot_use(url, why, advice)
}

fn cannot_use(url: &str, problem: impl ToString, advice: &str) -> SetupError {
    let what = format!("cannot use {} as the store", without_password(url));
    SetupError::new(what, problem).advice(advice)
}

/// No node of a cluster says who owns the slots.
pub(super) async fn no_cluster(url: &str, e: &RedisError) -> SetupError {
    let is_single = e.detail().is_some_and(|detail| detail.contains("cluster support disabled"));
    match (is_single, e.code()) {
        (true, _) => {
            let advice = "Give it as redis://host:port, or give nodes of a Redis Cluster.";
            cannot_use(url, "it is a single Redis, no part of a Redis Cluster", advice)
        }
        (false, Some("NOPERM")) => {
            cannot_use(url, in_words(e), "Allow this user CLUSTER NODES (+cluster|nodes).")
        }
        _ => cannot_connect(url, e).await,
    }
}

pub(super) fn no_slots(url: &str) -> SetupError {
    let advice = "Create the cluster, with redis-cli --cluster create, or give nodes of another one.";
    cannot_use(url, "its nodes own no slots", advice)
}

/// Rejects a Redis that is too old or part of a cluster; warns about one that may lose messages.
pub(super) async fn check(url: &str, connection: &mut MultiplexedConnection) -> Result<(), SetupError> {
    let server = Server::of(connection).await;
    server.check_version(url, "its version")?;
    if server.field("redis_mode") == Some("cluster") {
        let advice = "Give nodes of the cluster: --log redis-cluster://host1:port,host2:port,host3:port.";
        return Err(cannot_use(url, "it is part of a Redis Cluster", advice));
    }
    warn_about_settings("Redis", connection).await;
    Ok(())
}

/// The same for a node of a cluster.
pub(super) async fn check_node(
    url: &str,
    address: &str,
    connection: &mut MultiplexedConnection,
) -> Result<(), SetupError> {
    Server::of(connection).await.check_version(url, &format!("the version of {address}"))?;
    let name = format!("the Redis node {address}");
    warn_about_settings(&name, connection).await;
    if setting(connection, "cluster-require-full-coverage").await.as_deref() == Some("yes") {
        warn!(
            "{name} rejects all commands while a shard is down (cluster-require-full-coverage yes): then no channel \
             works; set it to no"
        );
    }
    Ok(())
}

/// What a Redis says about itself. If INFO is not allowed, the scripts will show what is missing.
struct Server(String);

impl Server {
    async fn of(connection: &mut MultiplexedConnection) -> Self {
        let info: Result<String, _> = redis::cmd("INFO").arg("server").query_async(connection).await;
        Server(info.unwrap_or_default())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    fn check_version(&self, url: &str, what: &str) -> Result<(), SetupError> {
        let Some(version) = self.field("redis_version") else { return Ok(()) };
        match version_of(version).is_some_and(|found| found < VERSION_MIN) {
            true => Err(cannot_use(url, format!("{what} is {version}"), "Use Redis 6.2 or newer.")),
            false => Ok(()),
        }
    }
}

async fn setting(connection: &mut MultiplexedConnection, name: &str) -> Option<String> {
    let answer = redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
    let pair: Option<Vec<String>> = answer.ok(); // hosted ones forbid it
    pair?.into_iter().nth(1)
}

/// Warns about settings with which Redis may lose acknowledged publications.
async fn warn_about_settings(redis: &str, connection: &mut MultiplexedConnection) {
    match setting(connection, "appendonly").await.as_deref() {
        Some("no") => warn!(
            "{redis} has no append-only file (appendonly no): acknowledged publications are lost when it stops; set \
             appendonly yes"
        ),
        Some(_) => {
            if let Some(fsync) = setting(connection, "appendfsync").await.filter(|fsync| fsync != "always") {
                warn!(
                    "{redis} does not flush every write (appendfsync {fsync}): a crash may lose the last acknowledged \
                     publications; set appendfsync always"
                );
            }
        }
        None => {}
    }
    if let Some(policy) = setting(connection, "maxmemory-policy").await
        && policy != "noeviction"
    {
        warn!(
            "{redis} may evict keys (maxmemory-policy {policy}): channels may lose messages; set noeviction"
        );
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
