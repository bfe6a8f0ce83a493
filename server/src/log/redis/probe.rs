//! Whether Redis does what the log needs: tried out, because neither the role of a Redis nor the rights of a user
//! have to be told to us, and both may change at any time.

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};

use super::link;
use super::scripts;

/// What a probe has shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It does all of it.
    Good,
    /// It refuses some of it. What it does not refuse goes on over this connection.
    Refused(String),
    /// Nothing goes over this connection; another one may lead to a Redis that does it.
    Broken(String),
}

/// What Redis says to a write when it is a replica.
const READ_ONLY: &str = "READONLY";

/// Tries all that the log does, on keys of the node's own.
pub(super) async fn probe(connection: &mut MultiplexedConnection, node: &str) -> Proof {
    if is_replica(connection).await {
        return Proof::Broken("it is a replica; the log needs the primary".into());
    }
    let answer: RedisResult<Vec<String>> = scripts::probe(node).query_async(connection).await;
    match answer {
        Ok(answer) => match answer.as_slice() {
            [command, why] => refused(command, why),
            _ => Proof::Good,
        },
        Err(e) => failed(&e),
    }
}

/// Also of one that takes writes, which its primary knows nothing of. Where INFO is not allowed, a write will show it.
async fn is_replica(connection: &mut MultiplexedConnection) -> bool {
    let info: RedisResult<String> = redis::cmd("INFO").arg("replication").query_async(connection).await;
    info.is_ok_and(|info| info.lines().any(|line| line == "role:slave"))
}

fn refused(command: &str, why: &str) -> Proof {
    // Before version 7, a script gets the code with a hyphen.
    let why = why.trim_start_matches('-');
    match why.starts_with(READ_ONLY) {
        true => Proof::Broken(why.to_owned()),
        false => Proof::Refused(format!("{command}: {why}")),
    }
}

/// The script itself did not run.
fn failed(e: &RedisError) -> Proof {
    match link::is_the_connections(e) {
        true => Proof::Broken(e.to_string()),
        false => Proof::Refused(e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_told_from_a_missing_right() {
        let read_only = "READONLY You can't write against a read only replica.";
        assert_eq!(refused("XADD", read_only), Proof::Broken(read_only.into()));
        assert_eq!(refused("XADD", "-READONLY x"), Proof::Broken("READONLY x".into()));
        let denied = "The user executing the script can't run this command or subcommand";
        assert_eq!(refused("XADD", denied), Proof::Refused(format!("XADD: {denied}")));
    }
}
