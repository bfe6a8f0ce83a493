//! Faults of a Redis Cluster: of the shard that has a channel, or of one of its slots.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use seamline_test_support::redis::cluster::{Cluster, SHARDS};
use tokio::time::sleep;

use super::pause;
use crate::cluster::{Backend, channel_name};
use crate::random::Random;

/// How long a shard may take to have another primary.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardFault {
    /// Until its replica has taken over.
    PrimaryKilled,
    /// SIGSTOP, for this many seconds.
    PrimaryPaused(u64),
    ReplicaPaused,
    /// Both nodes.
    ShardKilled,
    /// The slot of a channel goes to another shard.
    SlotMoved,
}

pub const FAULTS: [ShardFault; 8] = [
    ShardFault::PrimaryKilled,
    ShardFault::PrimaryKilled,
    ShardFault::PrimaryPaused(1),
    ShardFault::PrimaryPaused(5),
    ShardFault::ReplicaPaused,
    ShardFault::ShardKilled,
    ShardFault::SlotMoved,
    ShardFault::SlotMoved,
];

pub async fn inject(
    backend: &mut Backend,
    channels: u64,
    fault: ShardFault,
    rng: &mut Random,
) -> Result<&'static str> {
    let Backend::Shards(shards) = backend else { return Ok("none") };
    let ch = channel_name(rng.between(0, channels));
    let primary = shards.owner_of(&ch)?;
    let replica = shards.replica_of(primary)?;
    let name = match fault {
        ShardFault::PrimaryKilled => {
            shards.nodes[primary].kill().await?;
            replaced(shards, &ch, primary).await?;
            "primary killed"
        }
        ShardFault::PrimaryPaused(seconds) => {
            shards.nodes[primary].pause()?;
            sleep(Duration::from_secs(seconds)).await;
            "primary paused"
        }
        ShardFault::ReplicaPaused => {
            shards.nodes[replica].pause()?;
            pause(rng, 200, 3_000).await;
            "replica paused"
        }
        ShardFault::ShardKilled => {
            shards.nodes[replica].kill().await?;
            shards.nodes[primary].kill().await?;
            pause(rng, 200, 3_000).await;
            // The primary first: it has everything that was acknowledged.
            shards.rejoin(primary).await?;
            "shard killed"
        }
        ShardFault::SlotMoved => {
            let slot = shards.slot(&ch)?;
            let mut owners = Vec::new();
            for shard in 0..SHARDS as u64 {
                let other = shards.owner_of(&channel_name(shard))?;
                owners.extend((other != primary).then_some(other));
            }
            if let Some(to) = owners.first() {
                shards.move_slot(slot, *to)?;
            }
            "slot moved"
        }
    };
    backend.heal().await?;
    Ok(name)
}

/// Waits until another node has this channel.
async fn replaced(shards: &Cluster, ch: &str, primary: usize) -> Result<()> {
    let start = Instant::now();
    while shards.owner_of(ch).unwrap_or(primary) == primary {
        ensure!(start.elapsed() < PATIENCE, "the replica does not take over");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
