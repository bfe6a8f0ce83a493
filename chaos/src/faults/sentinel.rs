//! Faults of a Redis with a replica, and of the Sentinels that fail over between the two. Most begin a failover. Each ends
//! when both run again, and the replica has what the primary has.

use std::time::Duration;

use anyhow::Result;
use seamline_test_support::redis::sentinel::Sentinels;
use seamline_test_support::redis::{self, cli};
use tokio::time::sleep;

use super::pause;
use crate::cluster::Backend;
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentinelFault {
    /// Until another Redis is the primary.
    PrimaryKilled,
    /// And started again, maybe before the Sentinels notice.
    PrimaryRestarted,
    /// SIGSTOP, for this many seconds. Afterwards it behaves as if it were still the primary.
    PrimaryPaused(u64),
    /// The Sentinels replace it, but it refuses to become a replica, and goes on to serve the nodes.
    PrimaryCutOff,
    /// The primary goes on without it.
    ReplicaKilled,
    ReplicaPaused,
    /// As an operator does it.
    FailedOver,
    SentinelKilled,
    /// All connections to the primary, except for those of its replica.
    ConnectionsCut,
    /// Only the pub/sub connections.
    WakeupsCut,
}

/// Failovers are the most frequent ones.
pub const FAULTS: [SentinelFault; 12] = [
    SentinelFault::PrimaryKilled,
    SentinelFault::PrimaryKilled,
    SentinelFault::PrimaryRestarted,
    SentinelFault::PrimaryPaused(2),
    SentinelFault::PrimaryPaused(6),
    SentinelFault::PrimaryCutOff,
    SentinelFault::ReplicaKilled,
    SentinelFault::ReplicaPaused,
    SentinelFault::FailedOver,
    SentinelFault::SentinelKilled,
    SentinelFault::ConnectionsCut,
    SentinelFault::WakeupsCut,
];

/// What a Redis needs to become a replica.
const DEMOTIONS: [&str; 3] = ["REPLICAOF", "SLAVEOF", "CONFIG|REWRITE"];

pub async fn inject(backend: &mut Backend, fault: SentinelFault, rng: &mut Random) -> Result<&'static str> {
    let Backend::Sentinel(set) = backend else { return Ok("none") };
    let primary = set.primary()?;
    // There are two.
    let replica = 1 - primary;
    let name = match fault {
        SentinelFault::PrimaryKilled => {
            set.redis[primary].kill().await?;
            set.replaced(primary).await?;
            pause(rng, 0, 1_000).await;
            "primary killed"
        }
        SentinelFault::PrimaryRestarted => {
            set.redis[primary].kill().await?;
            pause(rng, 50, 1_500).await;
            "primary restarted"
        }
        SentinelFault::PrimaryPaused(seconds) => {
            set.redis[primary].pause()?;
            sleep(Duration::from_secs(seconds)).await;
            "primary paused"
        }
        SentinelFault::PrimaryCutOff => {
            cut_off(set, primary, rng).await?;
            "primary cut off"
        }
        SentinelFault::ReplicaKilled => {
            set.redis[replica].kill().await?;
            pause(rng, 200, 3_000).await;
            "replica killed"
        }
        SentinelFault::ReplicaPaused => {
            set.redis[replica].pause()?;
            pause(rng, 200, 4_000).await;
            "replica paused"
        }
        SentinelFault::FailedOver => {
            set.fail_over().await?;
            set.replaced(primary).await?;
            "failed over"
        }
        SentinelFault::SentinelKilled => {
            let index = rng.between(0, set.sentinels.len() as u64) as usize;
            set.sentinels[index].kill().await?;
            pause(rng, 200, 3_000).await;
            "Sentinel killed"
        }
        SentinelFault::ConnectionsCut => {
            cli(set.redis[primary].port, &["CLIENT", "KILL", "TYPE", "normal"])?;
            "Redis connections cut"
        }
        SentinelFault::WakeupsCut => {
            redis::close_pub_sub(set.redis[primary].port)?;
            "wake-ups cut"
        }
    };
    set.heal().await?;
    Ok(name)
}

/// For some time there are two primaries.
async fn cut_off(set: &Sentinels, primary: usize, rng: &mut Random) -> Result<()> {
    let port = set.redis[primary].port;
    let permit = |sign: &str| {
        let rules = DEMOTIONS.map(|command| format!("{sign}{command}"));
        let command: Vec<&str> =
            ["ACL", "SETUSER", "default"].into_iter().chain(rules.iter().map(String::as_str)).collect();
        cli(port, &command).map(drop)
    };
    permit("-")?;
    set.fail_over().await?;
    set.replaced(primary).await?;
    pause(rng, 0, 4_000).await;
    permit("+")
}
