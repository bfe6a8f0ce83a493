//! Checks whether Redis does what the store needs, by doing it: neither the role of a Redis nor the permissions of a
//! user have to be visible to us, and both can change at any time.

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};

use super::confirm::too_few_replicas;
use super::{SharedConnection, is_connection_error, is_redirection};
use crate::log::redis::problem::in_words;
use crate::log::redis::scripts;

/// The result of a probe.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::log::redis) enum ProbeResult {
    /// Redis does everything that the store needs.
    Ok,
    /// Redis rejects a command, or too few replicas confirm it. What it does not reject goes on over this connection.
    Rejected(String),
    /// The connection is useless. Another one may lead to a Redis that works.
    Broken(String),
}

/// The error code of a replica that is asked to write.
const READ_ONLY: &str = "READONLY";

/// How long the probe waits for replicas.
const WAIT_MS: u64 = 500;

impl SharedConnection {
    /// Runs every command of the store on keys of this node, and waits until the replicas have that.
    pub(super) async fn probe_over(&self, connection: &mut MultiplexedConnection) -> ProbeResult {
        if is_replica(connection).await {
            return ProbeResult::Broken("it is a replica, but the store needs the primary".into());
        }
        let mut result = ProbeResult::Broken("it has no slot of the cluster".into());
        for tag in self.probe_tags() {
            let answer: RedisResult<Vec<String>> =
                scripts::probe(&tag, &self.node).query_async(connection).await;
            result = match answer {
                // The next slot may be one that is not moving.
                Err(e) if is_redirection(&e) => redirected(&e),
                Err(e) => return failed(&e),
                Ok(answer) => match answer.as_slice() {
                    [command, why] => return rejected(command, why),
                    _ => return self.probe_replicas(connection).await,
                },
            };
        }
        result
    }

    /// Whether enough replicas confirm it.
    async fn probe_replicas(&self, connection: &mut MultiplexedConnection) -> ProbeResult {
        let required = self.replicas;
        if required == 0 {
            return ProbeResult::Ok;
        }
        match self.marks().and_wait(connection, required, WAIT_MS).await {
            Ok(count) if count < required => ProbeResult::Rejected(too_few_replicas(count, required)),
            Ok(_) => ProbeResult::Ok,
            Err(e) => failed(&e),
        }
    }
}

/// A node whose slots are all elsewhere has been replaced.
fn redirected(e: &RedisError) -> ProbeResult {
    match e.code() {
        Some("MOVED") => ProbeResult::Broken(in_words(e)),
        _ => ProbeResult::Rejected(in_words(e)),
    }
}

/// A writable replica counts too: its primary knows nothing of what is written to it. If INFO is not allowed, a write
/// shows a read-only replica.
async fn is_replica(connection: &mut MultiplexedConnection) -> bool {
    let info: RedisResult<String> = redis::cmd("INFO").arg("replication").query_async(connection).await;
    info.is_ok_and(|info| info.lines().any(|line| line == "role:slave"))
}

fn rejected(command: &str, why: &str) -> ProbeResult {
    // Before version 7, a script gets the code with a leading hyphen.
    let why = why.trim_start_matches('-');
    match why.starts_with(READ_ONLY) {
        true => ProbeResult::Broken(why.to_owned()),
        false => rejection(&format!("{command}: {why}")),
    }
}

fn failed(e: &RedisError) -> ProbeResult {
    match is_connection_error(e) {
        true => ProbeResult::Broken(in_words(e)),
        false => rejection(&in_words(e)),
    }
}

fn rejection(why: &str) -> ProbeResult {
    ProbeResult::Rejected(format!("Redis rejects a command that the store needs: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_differs_from_a_missing_permission() {
        let read_only = "READONLY You can't write against a read only replica.";
        assert_eq!(rejected("XADD", read_only), ProbeResult::Broken(read_only.into()));
        assert_eq!(rejected("XADD", "-READONLY x"), ProbeResult::Broken("READONLY x".into()));
        let denied = "The user executing the script can't run this command or subcommand";
        assert_eq!(rejected("XADD", denied), rejection(&format!("XADD: {denied}")));
    }
}
