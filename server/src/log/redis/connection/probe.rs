//! Checks whether Redis does what the store needs, by doing it: neither the role of a Redis nor the permissions of a
//! user have to be visible to us, and both can change at any time.

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};

use super::is_connection_error;
use crate::log::redis::scripts;

/// The result of a probe.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::log::redis) enum ProbeResult {
    /// Redis does everything that the store needs.
    Ok,
    /// Redis rejects a command. What it does not reject goes on over this connection.
    Rejected(String),
    /// The connection is useless. Another one may lead to a Redis that works.
    Broken(String),
}

/// The error code of a replica that is asked to write.
const READ_ONLY: &str = "READONLY";

/// Runs every command of the store on keys of this node.
pub(super) async fn probe(connection: &mut MultiplexedConnection, node: &str) -> ProbeResult {
    if is_replica(connection).await {
        return ProbeResult::Broken("it is a replica, but the store needs the primary".into());
    }
    let answer: RedisResult<Vec<String>> = scripts::probe(node).query_async(connection).await;
    match answer {
        Ok(answer) => match answer.as_slice() {
            [command, why] => rejected(command, why),
            _ => ProbeResult::Ok,
        },
        Err(e) => script_failed(&e),
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
        false => ProbeResult::Rejected(format!("{command}: {why}")),
    }
}

fn script_failed(e: &RedisError) -> ProbeResult {
    match is_connection_error(e) {
        true => ProbeResult::Broken(e.to_string()),
        false => ProbeResult::Rejected(e.to_string()),
    }
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
        assert_eq!(rejected("XADD", denied), ProbeResult::Rejected(format!("XADD: {denied}")));
    }
}
